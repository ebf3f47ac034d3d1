//! The kit as a command, and golden cases.

use std::path::Path;
use std::process::Command;

use crate::support::ended::{Ended, fixtures};
use crate::support::root;

/// `smelt plugin test` of a component.
pub fn smelt(component: &Path, arguments: &[&str]) -> Ended {
    let mut command = Command::new(env!("CARGO_BIN_EXE_smelt"));
    command.args(["plugin", "test"]).arg(component).args(arguments);
    let output = command.env("SMELT_CACHE_DIR", root().join("target/components/cache")).output().expect("smelt starts");
    let text = |bytes| String::from_utf8(bytes).expect("smelt writes UTF-8");
    Ended { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

#[test]
fn the_command_tells_people_programs_and_ci_systems() {
    let count = fixtures().join("sinful-count.wasm");
    let Ended { code, stdout, .. } = smelt(&count, &[]);
    assert_eq!(code, Some(0), "{stdout}");
    assert!(stdout.starts_with("sinful-count 1.0.0: kpi, contract 0.3.0"), "{stdout}");

    let broken = ["--parameters", "{\"breaks\": \"order\"}"];
    let ended = smelt(&count, &[&broken[..], &["--json"]].concat());
    assert_eq!(ended.code, Some(1), "{}", ended.stdout);
    let report = ended.json();
    let test = |name: &str| report["tests"].as_array().and_then(|all| all.iter().find(|test| test["name"] == name));
    let splits = test("splits").expect("there is such a test");
    assert_eq!(splits["outcome"], "failed");
    let failure = &splits["failures"][0];
    assert!(["sent", "came_back", "contract"].iter().all(|part| failure[part].is_string()), "{failure}");
    assert_eq!(test("table").expect("there is such a test")["outcome"], "could-not-run");

    let Ended { code, stdout, .. } = smelt(&count, &[&broken[..], &["--junit"]].concat());
    assert_eq!(code, Some(1));
    assert!(stdout.contains("failures=\"1\""), "{stdout}");
    assert!(stdout.contains("name=\"splits\""), "{stdout}");
    assert_eq!(stdout.matches("<testcase ").count(), stdout.matches("</testcase>").count(), "{stdout}");
    assert_eq!(stdout.matches("<failure ").count(), 1, "{stdout}");

    let Ended { code, stdout, stderr } = smelt(Path::new("/nowhere/at-all.wasm"), &[]);
    assert_eq!((code, stdout.as_str()), (Some(2), ""));
    assert!(stderr.contains("cannot read the component `/nowhere/at-all.wasm`"), "{stderr}");
    let Ended { code, stderr, .. } = smelt(&count, &["--parameters", "{"]);
    assert_eq!(code, Some(2));
    assert!(stderr.contains("--parameters: "), "{stderr}");

    let ended = smelt(&count, &["--limits", "{\"memory_bytes\": 65536}"]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.stdout.contains("more than 65536 bytes of memory"), "{}", ended.stdout);
    let Ended { code, stderr, .. } = smelt(&count, &["--limits", "{\"memory\": 1}"]);
    assert_eq!(code, Some(2));
    assert!(stderr.contains("limits: unknown field `memory`"), "{stderr}");
}

/// A directory of golden cases, with these files.
fn golden(files: &[(&str, &str)]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a temporary directory");
    for (name, text) in files {
        let path = directory.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a case")).expect("a case can be made");
        std::fs::write(path, text).expect("a case can be written");
    }
    directory
}

fn golden_of(plugin: &str, cases: &tempfile::TempDir, more: &[&str]) -> Ended {
    let path = cases.path().to_str().expect("a UTF-8 path");
    smelt(&fixtures().join(format!("{plugin}.wasm")), &[&["--fixtures", path][..], more].concat())
}

#[test]
fn a_golden_case_is_blessed_once_and_then_kept() {
    let readings = "station,taken_at,revision,celsius\nA,2001-01-01T00:00:00Z,1,50F\n,2001-01-01T00:00:00Z,1,2\nA,x\n";
    let cases = golden(&[("cold/input.csv", readings), ("cold/parameters.json", "{\"coldest\": -10}")]);
    let Ended { code, stdout, .. } = golden_of("clean-readings", &cases, &[]);
    assert_eq!(code, Some(2), "{stdout}");
    assert!(stdout.contains("it has no `kept.csv`; --bless writes it"), "{stdout}");

    assert_eq!(golden_of("clean-readings", &cases, &["--bless"]).code, Some(0));
    let read = |name: &str| std::fs::read_to_string(cases.path().join("cold").join(name)).expect("it was written");
    assert_eq!(
        read("kept.csv"),
        "station,taken_at,revision,celsius,raining,final\nA,2001-01-01T00:00:00Z,1,10,,false\n"
    );
    assert_eq!(read("rejected.csv"), "row,rule\n1,missing_station\n2,malformed_line\n");
    assert_eq!(read("repaired.csv"), "rule,rows\nfahrenheit,1\n");
    assert_eq!(golden_of("clean-readings", &cases, &[]).code, Some(0));

    std::fs::write(cases.path().join("cold/kept.csv"), read("kept.csv").replace(",10,", ",11,")).expect("it is there");
    let Ended { code, stdout, .. } = golden_of("clean-readings", &cases, &[]);
    assert_eq!(code, Some(1), "{stdout}");
    for line in ["FAILED", "- A,2001-01-01T00:00:00Z,1,11,,false", "+ A,2001-01-01T00:00:00Z,1,10,,false"] {
        assert!(stdout.contains(line), "`{line}` is not in: {stdout}");
    }
}

#[test]
fn a_golden_case_of_a_kpi_has_a_file_for_each_input_and_perhaps_a_time() {
    let rows = "taken_at,station\n2001-01-01T00:00:00Z,A\n2001-03-01T00:00:00Z,B\n";
    let table = "station,last_heard_of\nA,2001-01-01T00:00:00Z\n";
    let mut files =
        vec![("march/readings.csv", rows), ("march/as-of", "2001-03-02T00:00:00Z\n"), ("march/table.csv", table)];
    let Ended { code, stdout, .. } = golden_of("stale-stations", &golden(&files), &[]);
    assert_eq!(code, Some(0), "{stdout}");
    files[1].1 = "2001-01-02T00:00:00Z";
    let Ended { code, stdout, .. } = golden_of("stale-stations", &golden(&files), &[]);
    assert_eq!(code, Some(1), "{stdout}");
    assert!(stdout.contains("- A,2001-01-01T00:00:00Z"), "{stdout}");
}

#[test]
fn a_golden_case_that_makes_no_sense_is_not_run() {
    for (plugin, files, words) in [
        ("hottest", &[("a/reading.csv", "")][..], "it has a file `reading.csv`; known are readings.csv, table.csv"),
        ("hottest", &[("a/table.csv", "")], "it has no input; it must have some of readings.csv"),
        ("hottest", &[("a/readings.csv", "station\n")], "`readings.csv`: line 1"),
        (
            "hottest",
            &[("a/readings.csv", ""), ("a/as-of", "2001-01-01T00:00:00Z")],
            "the plugin is never told the time",
        ),
        ("stale-stations", &[("a/readings.csv", ""), ("a/as-of", "March")], "`as-of`: "),
        ("hottest", &[("a/readings.csv", ""), ("a/parameters.json", "{\"limit\": 0}")], "parameter `limit`"),
        (
            "clean-readings",
            &[("a/input.csv", ""), ("a/input.json", "")],
            "one of input.csv, input.json and input.jsonl",
        ),
        ("clean-readings", &[("readme.md", "")], "has no directory: each is a case"),
        ("sinful-source", &[("a/seed", "many")], "`seed`: `many` is no whole number"),
        (
            "sinful-source",
            &[("a/object/rows_0.csv", "")],
            "it has a file `object/rows_0.csv`; known are seed, tick, objects/",
        ),
    ] {
        let Ended { code, stdout, .. } = golden_of(plugin, &golden(files), &[]);
        assert_eq!(code, Some(2), "{stdout}");
        assert!(stdout.contains(words), "`{words}` is not in: {stdout}");
    }
}

#[test]
fn a_golden_case_of_a_source_is_the_objects_of_a_tick() {
    let cases = golden(&[("seventh/seed", "11\n"), ("seventh/tick", "7"), ("seventh/as-of", "2001-01-01T00:00:00Z")]);
    let Ended { code, stdout, .. } = golden_of("sinful-source", &cases, &[]);
    assert_eq!(code, Some(2), "{stdout}");
    assert!(stdout.contains("it has no `objects/rows_7.csv`; --bless writes it"), "{stdout}");
    assert_eq!(golden_of("sinful-source", &cases, &["--bless"]).code, Some(0));
    let path = cases.path().join("seventh/objects/rows_7.csv");
    assert_eq!(std::fs::read_to_string(&path).expect("it was written"), "id\n11\n");
    assert_eq!(golden_of("sinful-source", &cases, &[]).code, Some(0));

    let fails = |words: &str| {
        let Ended { code, stdout, .. } = golden_of("sinful-source", &cases, &[]);
        assert_eq!(code, Some(1), "{stdout}");
        assert!(stdout.contains(words), "`{words}` is not in: {stdout}");
    };
    std::fs::write(&path, "id\n12\n").expect("it is there");
    fails("- 12");
    let other = path.with_file_name("rows_8.csv");
    std::fs::write(&other, "id\n").expect("it can be written");
    fails("objects/rows_8.csv is not among objects/rows_7.csv");
    assert_eq!(golden_of("sinful-source", &cases, &["--bless"]).code, Some(0));
    assert!(!other.exists() && golden_of("sinful-source", &cases, &[]).code == Some(0));
}
