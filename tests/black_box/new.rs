//! `smelt plugin new`: a project is made, and its README followed.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::contract::NEWEST;
use crate::support::ended::Ended;
use crate::support::{Lake, root};

/// Makes a project below the lake's directory.
pub(crate) fn new(lake: &Lake, name: &str, kind: &str, lang: &str) -> PathBuf {
    let into = lake.beside("projects");
    let at = into.to_str().expect("a UTF-8 path");
    lake.smelt(&["plugin", "new", name, "--kind", kind, "--lang", lang, "--into", at]);
    into.join(name)
}

/// Does what the project's README says.
pub(crate) fn follow_readme(directory: &Path) -> Option<()> {
    let readme = std::fs::read_to_string(directory.join("README.md")).expect("it has a README");
    let commands = readme.split("```sh\n").nth(1).and_then(|rest| rest.split("```").next()).expect("it has commands");
    assert_eq!(commands.lines().count(), 2, "{commands}");
    follow(directory, commands)
}

/// Runs the commands in the project. `None`, with the reason on standard error, where there are no tools for it.
pub(crate) fn follow(directory: &Path, commands: &str) -> Option<()> {
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
        assert!(refused(name, &[]).contains("is no name for a plugin: up to 64 lower-case letters"), "{name}");
    }
    assert!(refused("kpi", &["--sdk", "/nowhere"]).contains("--sdk: `/nowhere` is no crate"));
    assert!(!Path::new(into).join("kpi").exists(), "nothing was begun");
    std::fs::create_dir_all(Path::new(into).join("kpi")).expect("a directory can be made");
    assert!(refused("kpi", &[]).contains("exists already"));
}

#[test]
fn a_project_in_rust_has_the_contract_of_its_sdk_and_the_others_bring_theirs() {
    let lake = Lake::new();
    let rust = new(&lake, "counts", "kpi", "rust");
    let package = std::fs::read_to_string(rust.join("Cargo.toml")).expect("it has a package");
    let sdk = package.lines().find_map(|line| line.strip_prefix("smelt-sdk = { path = \"")?.strip_suffix("\" }"));
    let sdk = std::fs::read_to_string(Path::new(sdk.expect("it needs the SDK")).join("src/bindings.rs"));
    assert!(sdk.expect("the SDK is there").contains(&format!("path: \"../../wit/{NEWEST}\"")));
    assert!(!rust.join("wit").exists(), "another contract stands beside the SDK's");
    for (lang, path) in [("python", "wit/smelt.wit"), ("javascript", "wit/smelt.wit"), ("c", "wit/deps/smelt.wit")] {
        let project = new(&lake, &format!("counts-{lang}"), "kpi", lang);
        let wit = std::fs::read(project.join(path)).expect("it has the contract");
        assert_eq!(
            wit,
            std::fs::read(root().join("wit").join(NEWEST).join("smelt.wit")).expect("it is published"),
            "{lang}"
        );
    }
}
