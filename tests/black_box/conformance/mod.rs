//! The conformance kit: every shipped plugin keeps the contract, and one that breaks it in one way fails for that and for
//! nothing else.

pub mod golden;
mod guests;

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use serde_json::{Map, Value, json};
use smelt_conformance::{Engines, Options, Outcome, Report};
use smelt_runtime::Limits;

use crate::contract::frozen_fixture;
use crate::support::ended::fixtures;
use crate::support::root;

static ENGINES: LazyLock<Engines> =
    LazyLock::new(|| Engines::new(Some(&root().join("target/components/cache"))).expect("the engines start"));

fn tested(component: &Path, options: &Options) -> Report {
    smelt_conformance::test(&ENGINES, component, options)
        .unwrap_or_else(|error| panic!("{}: {error}", component.display()))
}

/// With a number of rounds, so that no sin is found or not for the speed of the machine.
fn with(parameters: &Value) -> Options {
    Options { parameters: parameters.as_object().expect("an object").clone(), rounds: Some(6), ..Options::default() }
}

/// Asserts that the plugin fails these tests and no others, in these words. Tests that could not run need a failed one.
#[track_caller]
fn fails(component: &Path, options: &Options, failed: &[&str], words: &[&str]) {
    let report = tested(component, options);
    assert_eq!(report.names(Outcome::Failed), failed, "{}", report.text());
    for word in words {
        assert!(report.text().contains(word), "`{word}` is not in: {}", report.text());
    }
    for test in report.tests.iter().filter(|test| test.outcome == Outcome::CouldNotRun) {
        assert!(test.detail.starts_with("needs `"), "{}: {}", test.name, test.detail);
    }
}

/// Asserts that the fixture plugin with these parameters fails this test alone, in these words.
#[track_caller]
fn sins(plugin: &str, parameters: Value, failed: &str, words: &[&str]) {
    fails(&fixtures().join(format!("{plugin}.wasm")), &with(&parameters), &[failed], words);
}

/// Asserts that a component of this text fails this test, in these words.
#[track_caller]
fn odd(text: &str, failed: &str, words: &[&str]) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let component = directory.path().join("odd.wasm");
    std::fs::write(&component, wat::parse_str(text).expect("the text is right")).expect("a component can be written");
    fails(&component, &Options::default(), &[failed], words);
}

/// Returns parameters for a shipped plugin that cannot do without any.
fn parameters_of(plugin: &str) -> Map<String, Value> {
    if plugin != "expectations" {
        return Map::new();
    }
    let config = root().join("pipelines/quality/config");
    let text = |file: &str| Value::String(std::fs::read_to_string(config.join(file)).expect("the pipeline has it"));
    let files = [
        ("schemas", text("data_schemas.json")),
        ("rules", text("business_rules.yaml")),
        ("thresholds", text("quality_thresholds.yaml")),
        ("dataset", Value::String("sales".to_owned())),
    ];
    files.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
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
        let fixtures = Some(golden).filter(|golden| golden.exists());
        let options = Options { fixtures, parameters: parameters_of(&name), ..Options::default() };
        let report = tested(&component, &options);
        assert_eq!(report.outcome(), Outcome::Passed, "{}", report.text());
        let notes = report.tests.iter().flat_map(|test| test.notes.iter().map(|note| (test.name.as_str(), note)));
        let unexpected: Vec<_> = notes.filter(|(test, note)| !cannot_be_written(&name, test, note)).collect();
        assert!(unexpected.is_empty(), "{unexpected:?} of {}", report.text());
        assert_eq!(report.plugin.as_ref().map(|plugin| plugin.name.as_str()), Some(name.as_str()));
        let cost = report.cost.expect("it was measured");
        assert!(cost.instructions_per_row > 1.0 && cost.memory_bytes > 0, "{cost:?}");
        cases += report.tests.iter().filter(|test| test.name.starts_with("fixture ")).count();
    }
    assert!(cases >= 20, "only {cases} golden cases ran");
}

/// Returns whether the note is of a value that no column holds: a client who spent 38 digits within a day is expected to
/// spend more, and an amount of 38 digits has no room for the four places of a quantile.
fn cannot_be_written(plugin: &str, test: &str, note: &str) -> bool {
    let is_told = match plugin {
        "client-kpis" => note.contains("purchase_date=9999-12-31"),
        "distributions" | "histograms" | "enrich-products" | "enrich-sales" => true,
        // A file that is corrected comes again under its name.
        "retail-files" => return note.ends_with("the second gets another name"),
        _ => false,
    };
    is_told && test == "numbers at their limits" && note.ends_with("a quotient exceeds 38 digits")
}

#[test]
fn plugins_without_a_sin_keep_the_contract() {
    for (plugin, parameters) in [
        ("sinner", json!({"always": "none"})),
        ("liar", json!({"lie": "none"})),
        ("liar", json!({"lie": "two batches"})),
        ("forgetful", json!({})),
        ("sinful-count", json!({})),
        ("sinful-count", json!({"table": "ids"})),
        ("sinful-count", json!({"table": "firsts"})),
        ("sinful-count", json!({"table": "map"})),
        ("sinful-source", json!({})),
        ("clean-readings", json!({})),
        ("hottest", json!({"limit": 3})),
        ("stale-stations", json!({})),
        ("echo", json!({})),
    ] {
        let options = Options { rounds: Some(1), ..with(&parameters) };
        let report = tested(&fixtures().join(format!("{plugin}.wasm")), &options);
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
    sins("fickle", json!({}), "stable description", &["version: \"1.0.0\"", "1.0.2", "`identify` is constant"]);
    let words =
        ["`identify` and `describe`, three times in instance 1", "`describe` gives the same for the same parameters"];
    sins("sinful-count", json!({"breaks": "description"}), "stable description", &words);
    let directory = tempfile::tempdir().expect("a temporary directory");
    let renamed = directory.path().join("other.wasm");
    std::fs::copy(fixtures().join("hottest.wasm"), &renamed).expect("a file can be copied");
    fails(&renamed, &Options::default(), &["identity"], &["found as plugin `other` calls itself `hottest`"]);
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
        ("missing value", "is not nullable, but lacks values"),
        ("garbage", "lacks its continuation marker"),
        ("more", "8 bytes follow its end"),
        ("no end", "ends without the end-of-stream marker"),
        ("bad text", "`kept`: "),
    ] {
        sins("liar", json!({"lie": lie}), "output", &[words, "exactly the declared schema"]);
    }
    sins("sinner", json!({"always": "far instant"}), "output", &["taken_at is out of range"]);
    sins("sinner", json!({"always": "no id"}), "output", &["1 row\n", "column `id` is not nullable, but lacks values"]);
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
    at("hash order", &["price="]);
    at("seventh batch", &["in batches of ", "price=0.01"]);
}

#[test]
fn a_cleaner_that_forgets_itself_late_or_for_rare_rows_only_is_found() {
    let at = |sin: &str, words: &[&str]| sins("sinner", json!({"always": sin}), "series", words);
    at(
        "remember rare ids",
        &["2 calls of one session", "rejected by `bad`", "depends on that row alone", "--rounds 1"],
    );
    at("panic at the 800th batch", &["800 calls of one session", "I am tired", "rejects every row of any batch"]);
    at("panic at 33 rows", &["1 call of one session", "33 rows", "33 is one too many"]);
    at("last row of 129", &["129 rows", "row 128 of the last call"]);
    at("secret rule for rare ids", &["1 row\n", "secret"]);
}

/// Asserts that the KPI fails this test alone if it breaks that law, in these words.
#[track_caller]
fn breaks(law: &str, failed: &str, words: &[&str]) {
    sins("sinful-count", json!({"breaks": law}), failed, words);
}

#[test]
fn a_kpi_that_breaks_a_law_late_or_for_rare_keys_only_is_found() {
    breaks("seventh update", "splits", &["- end=", "split over any number of accumulators"]);
    breaks("eighth state", "series", &["9 calls of one accumulator an input and one reducer a stage", "rows=2"]);
    breaks("last row of 17", "series", &["17 rows", "split over any number of accumulators"]);
    breaks("long keys again", "series", &["`update-batch` of rows: ", "bytes)"]);
    breaks("empty keys", "series", &["id=\"\"", "I need a key", "takes rows of its declared columns"]);
    breaks("last row of many", "series", &["rows\n", "split over any number of accumulators"]);
    breaks("many keys", "many keys", &["split over any number of accumulators"]);
    breaks(
        "thirtieth reduce",
        "groups",
        &["each alone", "it alone: not on the groups before it, nor on which groups come"],
    );
    breaks("thirteen groups", "series", &["`reduce` of stage 0: ", "nor on which groups come"]);
    breaks("long groups again", "series", &["2 calls", "`reduce` of stage 0: ", "not on the groups before it"]);
    breaks("many groups", "many keys", &["nor on which groups come"]);
}

#[test]
fn what_a_component_does_at_a_word_of_its_own_is_found_sooner_or_later() {
    // In which column a word is tried with which seed depends on all that stands in the component.
    let sought = |parameters| Options { rounds: Some(40), ..with(&parameters) };
    let found = |plugin: &str, parameters: Value| {
        let component = fixtures().join(format!("{plugin}.wasm"));
        fails(&component, &sought(parameters), &["series"], &["id=\"jackdaw\""]);
    };
    found("sinner", json!({"always": "remember a word"}));
    found("sinful-count", json!({"breaks": "a word again"}));
}

#[test]
fn a_seed_that_failed_fails_again_alone() {
    let options =
        |seed, rounds| Options { seed, rounds: Some(rounds), ..with(&json!({"always": "remember rare ids"})) };
    let component = fixtures().join("sinner.wasm");
    let told = |options: &Options| {
        let report = tested(&component, options);
        let test = report.tests.into_iter().find(|test| test.name == "series").expect("there is such a test");
        test.failures.into_iter().next().map(|failure| failure.sent)
    };
    let first = told(&options(7, 3)).expect("it fails");
    assert!(first.ends_with("`--seed 7 --rounds 1` sends this again"), "{first}");
    assert_eq!(told(&options(7, 1)), Some(first));
}

#[test]
fn a_rule_that_no_row_met_is_a_note() {
    let report = tested(&fixtures().join("sinner.wasm"), &with(&json!({"always": "fix nothing"})));
    assert_eq!(report.outcome(), Outcome::Passed, "{}", report.text());
    assert!(report.text().contains("note: no row that was sent met `fixed`"), "{}", report.text());
}

#[test]
fn a_kpi_that_breaks_a_law_fails_for_that_law() {
    let forgets = "says what the rows add that were taken in since the last call, and forgets them";
    breaks("no rows", "no rows", &["id=\"nothing\", rows=1"]);
    breaks("forgetting", "state", &["then `state` twice", forgets]);
    breaks("second state", "state", &["then `state`, and the same again", forgets]);
    breaks("distinct", "splits", &["rows: 2 rows", "- end=", "split over any number of accumulators"]);
    breaks("order", "splits", &["rows: 2 rows"]);
    breaks("removal", "removal", &["432 rows, less 216 of them", "- ", "+ "]);
    let alone = "what a group gives depends on it alone: not on the groups before it, nor on which groups come";
    breaks("groups together", "groups", &["of stage 0: all groups together, then each alone", alone]);
    breaks("groups again", "groups", &["then together again in the same reducer", alone]);
    breaks("fewer groups", "groups", &["then every second group, and then the others", alone]);
    breaks("table again", "table", &["again in the same reducer", "not on calls before it"]);
    breaks("hash order", "table", &["again in the same reducer"]);
    // Very many rows of a group are cut too.
    let cut = ["of stage 0, in one batch, then in batches of 1", "where the host cuts batches"];
    let component = fixtures().join("sinful-count.wasm");
    fails(&component, &with(&json!({"breaks": "cuts"})), &["cuts", "many keys"], &cut);
    breaks("key", "output", &["its key is empty, so its table has at most one row, not 2", "tells its rows apart"]);
}

#[test]
fn a_kpi_of_another_form_that_breaks_a_law_fails_for_that_law() {
    let at = |table: &str, law: &str, failed: &str, words: &[&str]| {
        sins("sinful-count", json!({"table": table, "breaks": law}), failed, words);
    };
    let enough = "rows that come after `enough`";
    at("firsts", "rows after enough", "cuts", &["then in batches of 1", enough]);
    at("firsts", "group after enough", "cuts", &["then in batches of 1", enough]);
    // The key is a column of the input too, so it could be that of its rows; but it is not.
    at("ids", "key", "key", &["rows 0 and 1", "tells its rows apart"]);
    at("map", "seventh update", "splits", &["- id=", "split over any number of accumulators"]);
    at("map", "forgetting", "state", &["then `state` twice"]);
}

#[test]
fn a_reducer_that_saves_something_else_than_it_remembers_is_found() {
    let saves = "equal memories have equal bytes";
    breaks(
        "saved without rows",
        "resumed",
        &["then resumed in another reducer for all further rows", "- rows=", saves],
    );
    breaks("saved with calls", "resumed", &["first it saves", "then", saves]);
    breaks("resumed as new", "resumed", &["then resumed in another reducer and saved again", "first it saves"]);
    breaks("forgets once saved", "resumed", &["in the reducer that goes on", saves]);
    for call in ["save", "resume"] {
        sins("sinful-count", json!({"panic_in": call}), "resumed", &["I cannot", saves]);
    }
    let report = tested(&fixtures().join("sinful-count.wasm"), &with(&json!({"breaks": "saved at length"})));
    assert_eq!(report.outcome(), Outcome::Passed, "{}", report.text());
    assert!(report.text().contains("it saves nothing"), "{}", report.text());
}

#[test]
fn a_kpi_that_cannot_be_opened_or_described_fails_for_that() {
    for (call, failed) in [("open", "open"), ("open a reducer", "open"), ("describe", "description")] {
        sins("sinful-count", json!({"panic_in": call}), failed, &["I cannot"]);
    }
}

/// The sinful KPI as it was when 0.2.0 was the newest version. Its accumulators do all of the work.
#[test]
fn a_kpi_of_an_earlier_contract_that_breaks_a_law_fails_for_that_law() {
    let component = frozen_fixture("sinful-count");
    let at = |law: &str, failed: &str, words: &[&str]| {
        fails(&component, &with(&json!({"breaks": law})), &[failed], words);
    };
    at("state", "state", &["then `state` twice", "asking does not change it"]);
    at("order", "splits", &["rows: 2 rows"]);
    at("fold together", "fold", &["all groups together, then each alone", "whatever rows were taken in"]);
    at("fold taken in", "fold", &["by an accumulator that took in rows"]);
    at(
        "evaluate taken in",
        "evaluate",
        &["by an accumulator that took in rows", "`evaluate` depends on the sums alone"],
    );
    at("evaluate again", "evaluate", &["again in the same accumulator"]);
    at("key", "output", &["its key is empty, so its table has at most one row, not 2", "`fold` and `evaluate` give"]);
    at("hash order", "evaluate", &["again in the same accumulator"]);
    at("removal", "removal", &["432 rows, less 216 of them", "- ", "+ "]);
    at("seventh state", "series", &["9 calls of one accumulator", "rows=2"]);
    at("thirtieth fold", "fold", &["whatever rows were taken in"]);
    at("fold many", "many keys", &["groups fold to the same sums"]);
    let report = tested(&component, &with(&json!({})));
    assert_eq!(report.outcome(), Outcome::Passed, "{}", report.text());
}

#[test]
fn a_source_whose_objects_are_not_as_declared_fails_for_that() {
    let at = |sin: &str, failed: &str, words: &[&str]| sins("sinful-source", json!({"sin": sin}), failed, words);
    at("other family", "names", &["an object `lines_0.csv`", "it has rows_*.csv"]);
    at("up", "ticks", &["an object `../rows_1.csv`"]);
    at("panic", "ticks", &["seed 42, tick 0", "I make nothing"]);
    at("tenth call", "series", &["after 9 calls in one instance", "1 objects, then 0"]);

    let report = tested(&fixtures().join("sinful-source.wasm"), &with(&json!({"sin": "twice"})));
    assert_eq!(report.outcome(), Outcome::Passed, "{}", report.text());
    assert!(
        report.text().contains("gives two objects `rows_0.csv`; the second gets another name"),
        "{}",
        report.text()
    );
    let report = tested(&fixtures().join("sinful-source.wasm"), &with(&json!({"sin": "one name"})));
    assert!(report.text().contains("both give an object `rows_all.csv`"), "{}", report.text());
}

#[test]
fn parameters_that_are_refused_leave_the_plugin_untested() {
    for parameters in [json!({"open": "fault"}), json!({"colour": "red"})] {
        let report = tested(&fixtures().join("sinner.wasm"), &with(&parameters));
        assert_eq!(report.outcome(), Outcome::CouldNotRun, "{}", report.text());
        assert!(report.text().contains("--parameters"), "{}", report.text());
    }
}
