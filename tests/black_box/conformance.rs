//! The conformance kit: every shipped plugin keeps the contract, and one that breaks it in one way fails for that and for
//! nothing else.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use serde_json::{Value, json};
use smelt::check::{Engines, Options, Outcome, Report, check};
use smelt::wasm::Limits;

use crate::support::ended::{Ended, fixtures};
use crate::support::root;

static ENGINES: LazyLock<Engines> =
    LazyLock::new(|| Engines::new(Some(&root().join("target/components/cache"))).expect("the engines start"));

fn checked(component: &Path, options: &Options) -> Report {
    check(&ENGINES, component, options).unwrap_or_else(|error| panic!("{}: {error}", component.display()))
}

fn with(parameters: &Value) -> Options {
    Options { parameters: parameters.as_object().expect("an object").clone(), ..Options::default() }
}

/// The plugin fails this check, or none, in these words, and what could not run is not its fault.
#[track_caller]
fn fails(component: &Path, options: &Options, failed: &[&str], words: &[&str]) {
    let report = checked(component, options);
    assert_eq!(report.names(Outcome::Failed), failed, "{}", report.text());
    for word in words {
        assert!(report.text().contains(word), "`{word}` is not in: {}", report.text());
    }
    for check in report.checks.iter().filter(|check| check.outcome == Outcome::CouldNotRun) {
        assert!(check.detail.starts_with("needs `"), "{}: {}", check.name, check.detail);
    }
}

/// The fixture plugin with that parameter fails this check alone, in these words.
#[track_caller]
fn sins(plugin: &str, parameters: Value, failed: &str, words: &[&str]) {
    fails(&fixtures().join(format!("{plugin}.wasm")), &with(&parameters), &[failed], words);
}

/// A component of this text fails this check, in these words.
#[track_caller]
fn odd(text: &str, failed: &str, words: &[&str]) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let component = directory.path().join("odd.wasm");
    std::fs::write(&component, wat::parse_str(text).expect("the text is right")).expect("a component can be written");
    fails(&component, &Options::default(), &[failed], words);
}

fn components(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).expect("`cargo xtask plugins` has made components");
    let paths = entries.map(|entry| entry.expect("a directory can be read").path());
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "wasm")).collect()
}

#[test]
fn every_shipped_plugin_keeps_the_contract_and_its_golden_cases() {
    let shipped = components(&root().join("target/components"));
    assert!(shipped.len() >= 9, "{shipped:?}");
    let mut cases = 0;
    for component in shipped {
        let name = component.file_stem().expect("it has a name").to_string_lossy().into_owned();
        let golden = root().join("plugins").join(&name).join("fixtures");
        let options = Options { fixtures: Some(golden).filter(|golden| golden.exists()), ..Options::default() };
        let report = checked(&component, &options);
        assert_eq!(report.outcome(), Outcome::Passed, "{}", report.text());
        assert!(report.checks.iter().all(|check| check.notes.is_empty()), "{}", report.text());
        assert_eq!(report.plugin.as_ref().map(|plugin| plugin.name.as_str()), Some(name.as_str()));
        let cost = report.cost.expect("it was measured");
        assert!(cost.instructions_per_row > 1.0 && cost.memory_bytes > 0, "{cost:?}");
        cases += report.checks.iter().filter(|check| check.name.starts_with("fixture ")).count();
    }
    assert!(cases >= 7, "only {cases} golden cases ran");
}

#[test]
fn plugins_without_a_sin_keep_the_contract() {
    for (plugin, parameters) in [
        ("sinner", json!({"always": "none"})),
        ("liar", json!({"lie": "none"})),
        ("liar", json!({"lie": "two batches"})),
        ("sinful-count", json!({})),
        ("sinful-source", json!({})),
        ("clean-readings", json!({})),
        ("hottest", json!({"limit": 3})),
        ("stale-stations", json!({})),
        ("echo", json!({})),
    ] {
        let report = checked(&fixtures().join(format!("{plugin}.wasm")), &with(&parameters));
        assert_eq!(report.outcome(), Outcome::Passed, "{}", report.text());
    }
}

#[test]
fn a_component_that_is_no_plugin_is_told_what_one_is() {
    odd("(component)", "world", &["nothing", "exactly one of smelt:plugin/generation@0.1.0"]);
    let cleaning = "(instance $i) (export \"smelt:plugin/cleaning@0.1.0\" (instance $i))";
    odd(
        &format!("(component (import \"wasi:clocks/wall-clock@0.2.0\" (instance)) {cleaning})"),
        "imports",
        &["wasi:clocks/wall-clock@0.2.0", "a cleaner may import only"],
    );
    odd(&format!("(component {cleaning})"), "description", &["does not fit contract 0.1.0"]);
    let both = cleaning.replace("cleaning", "aggregation").replace("$i", "$j");
    odd(&format!("(component {cleaning} {both})"), "world", &["cleaning@0.1.0, smelt:plugin/aggregation"]);
}

#[test]
fn a_description_is_constant_and_has_the_file_s_name() {
    sins("fickle", json!({}), "stable description", &["1.0.0", "1.0.1", "`describe` is constant"]);
    let directory = tempfile::tempdir().expect("a temporary directory");
    let renamed = directory.path().join("other.wasm");
    std::fs::copy(fixtures().join("hottest.wasm"), &renamed).expect("a file can be copied");
    fails(&renamed, &Options::default(), &["description"], &["found as plugin `other` calls itself `hottest`"]);
}

#[test]
fn a_cleaner_that_cannot_take_a_batch_fails_at_that_batch() {
    let at = |sin: &str, failed: &str, words: &[&str]| sins("sinner", json!({"always": sin}), failed, words);
    at("panic at no rows", "empty batch", &["0 rows", "I need a row"]);
    at("panic at all missing", "all missing", &["1 row\n", "id=missing, sin=missing", "I need a cell"]);
    at("panic at huge texts", "huge texts", &["(1048576 bytes)", "that is too long"]);
    at("panic at unicode", "unicode", &["1 row\n", "that is Greek to me"]);
    at("panic at numbers", "numbers at their limits", &["1 row\n", "\"9223372036854775808\"", "that is too great"]);
    sins("sinner", json!({"open": "panic"}), "open", &["I never open"]);

    let limits = Limits { call_ms: 1000, ..Limits::default() };
    let options = Options { limits, ..with(&json!({"always": "tire"})) };
    fails(&fixtures().join("sinner.wasm"), &options, &["many rows"], &["it ran longer than 1000 ms"]);
}

#[test]
fn a_cleaner_whose_output_is_not_as_declared_fails_for_that() {
    for (lie, words) in [
        ("other type", "its columns are (a: utf8, id: utf8?), not (a: utf8, id: int64?)"),
        ("other nullability", "its columns are (a: utf8?, id: int64?)"),
        ("missing value", "lacks values, which it must not"),
        ("garbage", "lacks its continuation marker"),
        ("more", "8 bytes follow its end"),
        ("no end", "ends without the end-of-stream marker"),
        ("bad text", "`kept`: "),
    ] {
        sins("liar", json!({"lie": lie}), "output", &[words, "exactly the declared schema"]);
    }
    sins("sinner", json!({"always": "far instant"}), "output", &["taken_at is out of range"]);
    sins("sinner", json!({"always": "no id"}), "output", &["1 row\n", "column `id` lacks values"]);
}

#[test]
fn a_cleaner_that_does_not_account_for_its_rows_fails_for_that() {
    for (lie, words) in [
        ("fewer rows", "`kept` has 0 rows, `kept-rows` 1"),
        ("no row", "rows are kept or rejected twice, or are not among the 1 of the batch"),
        ("no rule", "rule 99 is not one of its 2 rules"),
        ("backwards", "row 0 of 2 is neither kept nor rejected, or out of order"),
        ("no repair", "rule 99 does not repair"),
    ] {
        sins("liar", json!({"lie": lie}), "account", &[words]);
    }
}

#[test]
fn a_cleaner_whose_rows_depend_on_others_fails_for_that() {
    let at = |sin: &str, words: &[&str]| sins("sinner", json!({"always": sin}), "cuts", words);
    at("remember rows", &["row 0 of 2 rows", "price=0.01", "price=0.02", "depends on that row alone"]);
    at("remember batches", &["row 1 of 2 rows", "in batches of 1"]);
    at("fix by batch", &["repairs by rule"]);
}

#[test]
fn a_rule_that_no_row_met_is_a_note() {
    let report = checked(&fixtures().join("sinner.wasm"), &with(&json!({"always": "fix nothing"})));
    assert_eq!(report.outcome(), Outcome::Passed, "{}", report.text());
    assert!(report.text().contains("note: no row that was sent met `fixed`"), "{}", report.text());
}

#[test]
fn a_kpi_that_breaks_a_law_fails_for_that_law() {
    let at = |law: &str, failed: &str, words: &[&str]| sins("sinful-count", json!({"breaks": law}), failed, words);
    at("state", "state", &["then `state` twice"]);
    at("no rows", "no rows", &["id=\"nothing\", rows=1"]);
    at("distinct", "splits", &["rows: 2 rows", "- id=\"k", "split over any number of accumulators"]);
    at("order", "splits", &["rows: 2 rows"]);
    at("fold together", "fold", &["all groups together, then each alone"]);
    at("fold taken in", "fold", &["by an accumulator that took in rows"]);
    at("evaluate taken in", "evaluate", &["by an accumulator that took in rows"]);
    at("evaluate again", "evaluate", &["again in the same accumulator"]);
    at("key", "output", &["its key is empty, so its table has at most one row, not 2", "tells its rows apart"]);
    sins("sinful-count", json!({"panic_in": "open"}), "open", &["I cannot"]);
}

#[test]
fn a_source_whose_objects_are_not_as_declared_fails_for_that() {
    let at = |sin: &str, failed: &str, words: &[&str]| sins("sinful-source", json!({"sin": sin}), failed, words);
    at("other family", "names", &["an object `lines_0.csv`", "it has rows_*.csv"]);
    at("up", "ticks", &["an object `../rows_1.csv`"]);
    at("panic", "ticks", &["seed 42, tick 0", "I make nothing"]);
}

#[test]
fn parameters_that_are_refused_leave_the_plugin_unchecked() {
    for parameters in [json!({"open": "fault"}), json!({"colour": "red"})] {
        let report = checked(&fixtures().join("sinner.wasm"), &with(&parameters));
        assert_eq!(report.outcome(), Outcome::CouldNotRun, "{}", report.text());
        assert!(report.text().contains("--parameters"), "{}", report.text());
    }
}

/// `smelt plugin check` of a component.
pub fn smelt(component: &Path, arguments: &[&str]) -> Ended {
    let mut command = Command::new(env!("CARGO_BIN_EXE_smelt"));
    command.args(["plugin", "check"]).arg(component).args(arguments);
    let output = command.env("SMELT_CACHE_DIR", root().join("target/components/cache")).output().expect("smelt starts");
    let text = |bytes| String::from_utf8(bytes).expect("smelt writes UTF-8");
    Ended { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

#[test]
fn the_command_tells_people_programs_and_ci_systems() {
    let count = fixtures().join("sinful-count.wasm");
    let Ended { code, stdout, .. } = smelt(&count, &[]);
    assert_eq!(code, Some(0), "{stdout}");
    assert!(stdout.starts_with("sinful-count 1.0.0: kpi, contract 0.2.0"), "{stdout}");

    let broken = ["--parameters", "{\"breaks\": \"order\"}"];
    let ended = smelt(&count, &[&broken[..], &["--json"]].concat());
    assert_eq!(ended.code, Some(1), "{}", ended.stdout);
    let report = ended.json();
    let check = |name: &str| report["checks"].as_array().and_then(|all| all.iter().find(|check| check["name"] == name));
    let splits = check("splits").expect("there is such a check");
    assert_eq!(splits["outcome"], "failed");
    let failure = &splits["failures"][0];
    assert!(["sent", "came_back", "contract"].iter().all(|part| failure[part].is_string()), "{failure}");
    assert_eq!(check("evaluate").expect("there is such a check")["outcome"], "could-not-run");

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
    ] {
        let Ended { code, stdout, .. } = golden_of(plugin, &golden(files), &[]);
        assert_eq!(code, Some(2), "{stdout}");
        assert!(stdout.contains(words), "`{words}` is not in: {stdout}");
    }
}
