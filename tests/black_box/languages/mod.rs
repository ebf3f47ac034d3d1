//! The projects that `smelt plugin new` writes do what their READMEs say, and come to the same bytes in every language.

mod texts;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde_json::Value;

use self::texts::texts;
use crate::contract::NEWEST;
use crate::new::{follow, follow_readme, new};
use crate::support::audit::audit;
use crate::support::ended::Ended;
use crate::support::{Lake, root};

/// The lake that a pipeline of one language's projects makes from a seed and from texts.
#[derive(Debug, PartialEq)]
struct Made {
    bronze: BTreeMap<String, Vec<u8>>,
    silver: BTreeMap<String, Vec<u8>>,
    /// Without the component's digest.
    quarantine: Vec<Value>,
    gold: BTreeMap<String, String>,
    totals: BTreeMap<String, Value>,
}

/// Builds and checks the source, the cleaner and the KPI as their READMEs say, and runs them together. `None` where there
/// are no tools for the language.
fn make(lang: &str) -> Option<(Lake, Made)> {
    let mut lake = Lake::new();
    let mut manifest = "[pipeline]\nname = \"events\"\nplugins = [\"plugins\"]\n".to_owned();
    std::fs::create_dir(lake.beside("plugins")).expect("a directory can be made");
    for kind in ["source", "cleaner", "kpi"] {
        let name = format!("my-{kind}");
        let directory = new(&lake, &name, kind, lang);
        if lang == "rust" {
            // The versions that are there already.
            std::fs::copy(root().join("Cargo.lock"), directory.join("Cargo.lock")).expect("a file can be copied");
        }
        follow_readme(&directory)?;
        let component = format!("{name}.wasm");
        std::fs::copy(directory.join(&component), lake.beside("plugins").join(&component)).expect("it was built");
        let readme = std::fs::read_to_string(directory.join("README.md")).expect("it has a README");
        let section = readme.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a section");
        manifest += section;
        if kind == "cleaner" {
            manifest += &section.replace("events", "texts").replace("csv", "jsonl");
        }
    }
    lake.set_manifest(&manifest);
    // Seeds of all bits, and a time of which every digit counts.
    for (seed, start) in [((1 << 53) - 1, "2024-02-29T23:59:59.000090Z"), (u64::MAX, "1969-12-31T23:59:59.999999Z")] {
        lake.smelt(&["generate", "--ticks", "2", "--start", start, "--seed", &seed.to_string()]);
    }
    lake.bronze("texts_1.jsonl", texts());
    lake.smelt(&["run"]);
    let rejected = lake.files("quarantine").into_values().map(|body| String::from_utf8(body).expect("it is text"));
    let rejected = rejected.collect::<String>();
    let without_component = |line| {
        let mut row: Value = serde_json::from_str(line).expect("it is JSON");
        row.as_object_mut().and_then(|row| row.remove("component")).expect("it has the component's digest");
        row
    };
    let made = Made {
        bronze: lake.files("bronze"),
        silver: lake.files("silver"),
        quarantine: rejected.lines().map(without_component).collect(),
        gold: lake.gold(),
        totals: audit(&lake),
    };
    Some((lake, made))
}

/// Returns what the projects in Rust make.
fn rust() -> Option<&'static Made> {
    static MADE: OnceLock<Option<Made>> = OnceLock::new();
    MADE.get_or_init(|| make("rust").map(|(_, made)| made)).as_ref()
}

/// The projects of a language make what those in Rust do. The lake that they made.
fn make_the_same(lang: &str) -> Option<Lake> {
    let (Some((lake, made)), Some(rust)) = (make(lang), rust()) else { return None };
    // One after the other, since what differs is shown.
    assert_eq!(made.totals, rust.totals);
    for (name, bytes) in made.bronze.iter().chain(&made.silver) {
        let other = rust.bronze.get(name).or_else(|| rust.silver.get(name)).expect("it has that name");
        let [lines, others] = [bytes, other].map(|bytes| String::from_utf8_lossy(bytes));
        for (line, other) in lines.lines().zip(others.lines()) {
            assert_eq!(line, other, "{name}");
        }
    }
    assert!(made == *rust, "{lang}: some bytes differ");
    Some(lake)
}

#[test]
fn projects_in_rust_are_built_checked_and_run_together() {
    let Some(made) = rust() else { return };
    let table = &made.gold["my_kpi"];
    let events = table.lines().skip(1).map(|line| line.split(',').nth(1).and_then(|cell| cell.parse::<u32>().ok()));
    assert_eq!(events.sum::<Option<u32>>(), Some(400), "{table}");
    let (texts, rejected) = (&made.totals["texts"], &made.totals["texts"]["rejected"]);
    for count in
        [&texts["superseded"], &texts["repaired"]["missing_kind"], &rejected["invalid_at"], &rejected["invalid_amount"]]
    {
        assert!(count.as_u64().is_some_and(|rows| rows > 0), "{texts}");
    }
}

#[test]
fn projects_in_python_make_the_same_as_in_rust() {
    make_the_same("python");
}
#[test]
fn projects_in_javascript_make_the_same_as_in_rust() {
    let Some(lake) = make_the_same("javascript") else { return };
    // What JavaScript is told of this seed is another one.
    let Ended { code, stderr, .. } = lake.end(&["generate", "--seed", "9007199254740993"]);
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stderr.contains("JavaScript is not told the seed exactly: it must be less than 2^53"), "{stderr}");
}

#[test]
fn projects_in_c_make_the_same_as_in_rust() {
    make_the_same("c");
}

/// Cells of every type, which only a plugin in C writes by hand.
#[test]
fn cells_of_every_type_and_pseudonyms_come_out_of_cleaners_in_c() {
    let lake = Lake::new();
    let directory = new(&lake, "every-cell", "cleaner", "c");
    let languages = root().join("tests/languages");
    std::fs::copy(languages.join("every_cell.c"), directory.join("cleaning.c")).expect("it can be copied");
    if follow(&directory, "sh build.sh").is_some() {
        let fixtures = languages.join("every_cell");
        follow(&directory, &format!("smelt plugin test every-cell.wasm --fixtures {fixtures:?}"))
            .expect("it was built");
    }
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

/// The project of a KPI is built and checked with a KPI that has columns of every type; then one with `sales_by_day` takes the
/// place of the pipeline's component, which is in Rust.
fn come_to_the_same_bytes(lang: &str, extension: &str, instances: u32) {
    let mut lake = Lake::new();
    let languages = root().join("tests/languages");
    let written = |name: &str| {
        let directory = new(&lake, name, "kpi", lang);
        let source = languages.join(name.replace('-', "_")).with_extension(extension);
        std::fs::copy(source, directory.join("aggregation").with_extension(extension)).expect("it can be copied");
        follow(&directory, "sh build.sh").map(|()| directory)
    };
    let fixtures = languages.join("every_type");
    let limits = format!("--limits '{{\"instances\": {instances}}}'");
    let check = format!("smelt plugin test every-type.wasm --fixtures {fixtures:?} {limits}");
    let Some(directory) = written("every-type") else { return };
    follow(&directory, &check).expect("it was built");

    let directory = written("sales-by-day").expect("there are tools for it");
    lake.smelt(&["generate", "--ticks", "3"]);
    lake.smelt(&["run"]);
    let rust = lake.gold();
    let first = format!("plugins = [{directory:?}, ");
    let limits = format!("[kpi.sales_by_day]\nlimits = {{ instances = {instances} }}");
    lake.change_pipeline(&[("plugins = [", &first), ("[kpi.sales_by_day]", &limits)]);
    let component = directory.join("sales-by-day.wasm");
    let about = lake.json(&["plugin", "inspect", component.to_str().expect("a UTF-8 path")]);
    assert_eq!(
        (&about["world"], &about["key"]),
        (&format!("kpi, contract {NEWEST}").into(), &serde_json::json!(["order_date"]))
    );
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
