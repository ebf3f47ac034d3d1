//! `smelt plugin new` writes projects whose README does what it says.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::ended::Ended;
use crate::support::{Lake, root};

/// Makes a project below the lake's directory.
fn new(lake: &Lake, name: &str, kind: &str, lang: &str) -> PathBuf {
    let into = lake.beside("projects");
    let at = into.to_str().expect("a UTF-8 path");
    lake.smelt(&["plugin", "new", name, "--kind", kind, "--lang", lang, "--into", at]);
    into.join(name)
}

/// Does what the project's README says.
fn follow_readme(directory: &Path) -> Option<()> {
    let readme = std::fs::read_to_string(directory.join("README.md")).expect("it has a README");
    let commands = readme.split("```sh\n").nth(1).and_then(|rest| rest.split("```").next()).expect("it has commands");
    assert_eq!(commands.lines().count(), 2, "{commands}");
    follow(directory, commands)
}

/// Runs the commands in the project. `None`, with the reason on standard error, where there are no tools for it.
fn follow(directory: &Path, commands: &str) -> Option<()> {
    let smelt = Path::new(env!("CARGO_BIN_EXE_smelt")).parent().expect("it is in a directory");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(std::iter::once(smelt.to_owned()).chain(std::env::split_paths(&path)));
    let mut command = Command::new("sh");
    command.args(["-ec", commands]).current_dir(directory).env("PATH", path.expect("a PATH"));
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        let of_cargo = name.starts_with("CARGO") && name != "CARGO_HOME";
        if of_cargo || name.starts_with("RUST") && !name.starts_with("RUSTUP") {
            command.env_remove(name);
        }
    }
    // What the projects have in common is built once.
    command.env("CARGO_TARGET_DIR", root().join("target/templates"));
    command.env("SMELT_TOOLS", root().join("target/tools"));
    command.env("SMELT_CACHE_DIR", root().join("target/components/cache"));
    let output = command.output().expect("sh starts");
    let [stdout, stderr] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    match output.status.code() {
        Some(69) => {
            eprintln!("skipped: {}: {}", directory.display(), stderr.lines().last().unwrap_or_default());
            None
        }
        Some(0) => Some(()),
        _ => panic!("{}: {}\n{stdout}{stderr}", directory.display(), output.status),
    }
}

#[test]
fn projects_in_rust_are_built_checked_and_run_together() {
    let mut lake = Lake::new();
    let mut manifest = "[pipeline]\nname = \"events\"\nplugins = [\"plugins\"]\n".to_owned();
    std::fs::create_dir(lake.beside("plugins")).expect("a directory can be made");
    for kind in ["source", "cleaner", "kpi"] {
        let name = format!("my-rust-{kind}");
        let directory = new(&lake, &name, kind, "rust");
        // The versions that are there already.
        std::fs::copy(root().join("Cargo.lock"), directory.join("Cargo.lock")).expect("a file can be copied");
        if follow_readme(&directory).is_none() {
            return;
        }
        let component = format!("{name}.wasm");
        std::fs::copy(directory.join(&component), lake.beside("plugins").join(&component)).expect("it was built");
        let readme = std::fs::read_to_string(directory.join("README.md")).expect("it has a README");
        manifest += readme.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a section");
    }
    lake.set_manifest(&manifest);
    lake.smelt(&["generate", "--ticks", "2"]);
    lake.smelt(&["run"]);
    let table = lake.gold().remove("my_rust_kpi").expect("it was computed");
    let events = table.lines().skip(1).map(|line| line.split(',').nth(1).and_then(|cell| cell.parse::<u32>().ok()));
    assert_eq!(events.sum::<Option<u32>>(), Some(200), "{table}");
}

#[test]
fn what_cannot_be_made_is_refused() {
    let lake = Lake::new();
    let into = lake.beside("projects");
    let into = into.to_str().expect("a UTF-8 path");
    let refused = |name: &str, more: &[&str]| {
        let arguments = [&["plugin", "new", name, "--kind", "kpi", "--into", into], more].concat();
        let Ended { code, stderr, .. } = lake.end(&arguments);
        assert_eq!(code, Some(2), "{stderr}");
        stderr
    };
    for name in ["Kpi", "my_kpi", "1st", "kpi-", "../kpi", "", &"k".repeat(65)] {
        assert!(refused(name, &[]).contains("is no plugin's name: that is up to 64 lower-case letters"), "{name}");
    }
    assert!(refused("kpi", &["--sdk", "/nowhere"]).contains("--sdk: `/nowhere` is no crate"));
    assert!(!Path::new(into).join("kpi").exists(), "nothing was begun");
    std::fs::create_dir_all(Path::new(into).join("kpi")).expect("a directory can be made");
    assert!(refused("kpi", &[]).contains("is there already"));
}

#[test]
fn kpis_in_python_come_to_the_same_bytes_as_in_rust() {
    come_to_the_same_bytes("python", "py", 64);
}

#[test]
fn kpis_in_javascript_come_to_the_same_bytes_as_in_rust() {
    come_to_the_same_bytes("javascript", "js", 32);
}

#[test]
fn kpis_in_c_come_to_the_same_bytes_as_in_rust() {
    come_to_the_same_bytes("c", "c", 32);
}

/// The project of a KPI is built and checked as it is, and with a KPI that has columns of every type; then one with
/// `sales_by_day` takes the place of the pipeline's component, which is in Rust.
fn come_to_the_same_bytes(lang: &str, extension: &str, instances: u32) {
    let mut lake = Lake::new();
    let directory = new(&lake, "my-kpi", "kpi", lang);
    if follow_readme(&directory).is_none() {
        return;
    }
    let languages = root().join("tests/languages");
    let written = |name: &str| {
        let directory = new(&lake, name, "kpi", lang);
        let source = languages.join(name.replace('-', "_")).with_extension(extension);
        std::fs::copy(source, directory.join("aggregation").with_extension(extension)).expect("it can be copied");
        follow(&directory, "sh build.sh").expect("there are tools for it");
        directory
    };
    let fixtures = languages.join("every_type");
    let limits = format!("--limits '{{\"instances\": {instances}}}'");
    let check = format!("smelt plugin check every-type.wasm --fixtures {fixtures:?} {limits}");
    follow(&written("every-type"), &check).expect("there are tools for it");

    let directory = written("sales-by-day");
    lake.smelt(&["generate", "--ticks", "3"]);
    lake.smelt(&["run"]);
    let rust = lake.gold();
    let first = format!("plugins = [{directory:?}, ");
    let limits = format!("[kpi.sales_by_day]\nlimits = {{ instances = {instances} }}");
    lake.change_pipeline(&[("plugins = [", &first), ("[kpi.sales_by_day]", &limits)]);
    let component = directory.join("sales-by-day.wasm");
    let about = lake.json(&["plugin", "inspect", component.to_str().expect("a UTF-8 path")]);
    assert_eq!((&about["world"], &about["key"]), (&"kpi, contract 0.2.0".into(), &serde_json::json!(["order_date"])));
    // Some rows leave silver, so that states are subtracted too.
    assert!(lake.smelt(&["plan"]).contains("new component"));
    lake.smelt(&["run"]);
    assert_eq!(lake.gold(), rust);
    lake.smelt(&["generate", "--ticks", "2"]);
    lake.smelt(&["run"]);
    let other = lake.gold();
    let fresh = Lake::new();
    fresh.copy_bronze(&lake);
    fresh.smelt(&["run"]);
    assert_eq!(fresh.gold(), other);
    assert!(other["sales_by_day"].lines().count() > 2, "{}", other["sales_by_day"]);
}
