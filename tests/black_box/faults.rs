//! A plugin that fails harms only its own call: it is an error with a name, everything else goes on, and nothing of what it
//! failed at is committed.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::audit::audit;
use crate::support::ended::{Ended, fixtures};
use crate::support::{Lake, NewLake};

const GOOD: &str = "id,sin\na,\nb,reject\nc,repair\n";
const READINGS: &str = "station,taken_at,revision,celsius\nA,2001-01-01T00:00:00Z,1,20\n";

/// Two cleaners that fail when told to, a dataset and KPIs that have nothing to do with them.
fn manifest() -> String {
    let fixtures = fixtures();
    format!(
        r#"
        [pipeline]
        name = "faults"
        plugins = ["{}"]

        [limits.plugin]
        memory_bytes = 33_554_432
        output_bytes = 1_048_576

        [dataset.sins]
        objects = "sins-*.csv"
        format = "csv"
        plugin = "sinner"

        [dataset.lies]
        objects = "lies-*.jsonl"
        format = "jsonl"
        plugin = "liar"

        [dataset.readings]
        objects = "readings-*.csv"
        format = "csv"
        plugin = "clean-readings"

        [kpi.count]
        plugin = "sinful-count"
        inputs = {{ rows = "sins" }}

        [kpi.hottest]
        plugin = "hottest"
        "#,
        fixtures.display()
    )
}

fn sinful(sin: &str) -> String {
    format!("id,sin\nx,\ny,{sin}\nz,\n")
}

fn lying(lie: &str) -> String {
    format!("{}\n{{}}\n{{}}\n", json!({"lie": lie}))
}

/// The names of a dataset's objects in the catalog.
fn objects(lake: &Lake, dataset: &str) -> Vec<String> {
    let objects = &lake.json(&["history", "--objects"])["objects"][dataset];
    objects.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect()
}

/// Returns the failures: what failed, and why.
fn failures(ended: &Ended) -> BTreeMap<String, String> {
    let report = ended.json();
    let failures = report["failures"].as_array().expect("failures are a list");
    let text = |value: &Value| value.as_str().expect("it is text").to_owned();
    failures.iter().map(|failure| (text(&failure["what"]), text(&failure["error"]))).collect()
}

/// Runs bronze with one object a sin among good ones: each sin must fail in its words, everything else must go on, and
/// nothing of the failed ones may be in the lake.
fn each_fails(stem: &str, extension: &str, body: impl Fn(&str) -> String, sins: &[(&str, &str)]) {
    let lake = Lake::with_manifest(&manifest());
    lake.bronze("sins-good.csv", GOOD);
    lake.bronze("lies-good.jsonl", lying(""));
    lake.bronze("readings-good.csv", READINGS);
    let object = |sin: &str| format!("{stem}-{}.{extension}", sin.replace(' ', "_"));
    sins.iter().for_each(|(sin, _)| lake.bronze(&object(sin), body(sin)));

    let ended = lake.end(&["run", "--json"]);
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    let failures = failures(&ended);
    for (sin, words) in sins {
        let error = failures.get(&format!("bronze/{}", object(sin))).unwrap_or_else(|| panic!("`{sin}` did not fail"));
        assert!(error.contains(words), "{sin}: `{words}` is not in: {error}");
        assert!(ended.stderr.contains(words), "{sin}: `{words}` is not in: {}", ended.stderr);
        assert!(!error.chars().any(char::is_control), "{sin}: {error:?}");
    }
    assert_eq!(failures.len(), sins.len(), "{failures:?}");

    let totals = audit(&lake);
    assert_eq!(objects(&lake, "sins"), ["sins-good.csv"]);
    assert_eq!(objects(&lake, "lies"), ["lies-good.jsonl"]);
    assert_eq!(
        totals["sins"],
        json!({"read": 3, "kept": 2, "superseded": 0, "rejected": {"bad": 1}, "repaired": {"fixed": 1}})
    );
    assert_eq!(totals["lies"]["kept"], 3);
    let gold = lake.gold();
    assert_eq!(gold["count"], "rows\n2\n");
    assert_eq!(gold["hottest"], "station,celsius,taken_at,raining\nA,20,2001-01-01T00:00:00Z,\n");
}

#[test]
fn a_plugin_that_panics_traps_or_returns_a_fault_fails_its_object_alone() {
    each_fails(
        "sins",
        "csv",
        sinful,
        &[
            ("panic", "plugin `sinner` failed to clean a batch: panicked at tests/plugins/sinner/src/lib.rs:"),
            ("index", "index out of bounds: the len is 1 but the index is 2"),
            ("recurse", "plugin `sinner` failed to clean a batch: wasm trap: call stack exhausted"),
            ("fault", "plugin `sinner` failed to clean a batch: I do not like this batch"),
            ("escape", "plugin `sinner` failed to clean a batch: \\u{1b}[31mred and a second line"),
            ("secret rule", "rule `secret` is not in the description's rules"),
            ("short row", "a row was given 1 cells of 4"),
            ("chatter and panic", ": the last word"),
        ],
    );
}

#[test]
fn a_panic_is_shown_with_its_message_and_its_place() {
    let lake = Lake::with_manifest(&manifest());
    lake.bronze("sins-1.csv", sinful("panic"));
    let Ended { code, stdout, stderr } = lake.end(&["run"]);
    assert_eq!(code, Some(1));
    let source = include_str!("../plugins/sinner/src/lib.rs");
    let line = 1 + source.lines().position(|line| line.contains("the row is too much for me")).expect("it panics");
    let words = format!(
        "bronze/sins-1.csv: plugin `sinner` failed to clean a batch: panicked at tests/plugins/sinner/src/lib.rs:{line}:"
    );
    assert!(stderr.contains(&words), "`{words}` is not in: {stderr}");
    assert!(stderr.contains(": the row is too much for me\n"), "{stderr}");
    assert!(stdout.contains("0 objects cleaned"), "{stdout}");
}

#[test]
fn what_breaks_the_contract_is_refused_by_name() {
    each_fails(
        "sins",
        "csv",
        sinful,
        &[
            ("drop", "plugin `sinner` broke the contract in `clean`: row 1 of 3 is neither kept nor rejected"),
            ("twice", "broke the contract in `clean`: row 2 of 3 is neither kept nor rejected, or out of order"),
            ("both", "broke the contract in `clean`: rows are kept or rejected twice"),
            ("strange", "broke the contract in `clean`: row 1 of 3 is neither kept nor rejected"),
            ("reject by repair", "broke the contract in `clean`: rule 1 is not one of its 2 rules, or does not reject"),
            ("repair too much", "broke the contract in `clean`: rule 1 does not repair, or claims 1000 of 3 kept rows"),
            ("no id", "broke the contract in `clean`: `kept`: "),
            ("far instant", "broke the contract in `clean`: `kept`: row 1 of column taken_at is out of range"),
            ("far date", "broke the contract in `clean`: `kept`: row 1 of column day is out of range"),
            ("vast price", "broke the contract in `clean`: `kept`: row 1 of column price is out of range"),
        ],
    );
}

#[test]
fn streams_that_are_not_the_declared_table_are_refused_by_name() {
    let columns = "`kept`: its columns are";
    each_fails(
        "lies",
        "jsonl",
        lying,
        &[
            (
                "other name",
                "plugin `liar` broke the contract in `clean`: `kept`: its columns are (b: utf8, id: int64?), not (a: utf8, id: int64?)",
            ),
            ("other type", "its columns are (a: utf8, id: utf8?), not (a: utf8, id: int64?)"),
            ("other nullability", "its columns are (a: utf8?, id: int64?), not (a: utf8, id: int64?)"),
            ("other order", columns),
            ("fewer columns", columns),
            ("more columns", columns),
            ("missing value", "broke the contract in `clean`: `kept`: "),
            ("garbage", "`kept`: a message lacks its continuation marker"),
            ("nothing", "`kept`: it ends without the end-of-stream marker"),
            ("half", "`kept`: a message"),
            ("no end", "`kept`: it ends without the end-of-stream marker"),
            ("more", "`kept`: 8 bytes follow its end"),
            ("bad text", "`kept`: "),
            ("bad offset", "`kept`: "),
            ("fewer rows", "`kept` has 2 rows, `kept-rows` 3"),
            ("no rule", "broke the contract in `clean`: rule 99 is not one of its 2 rules, or does not reject"),
            ("no row", "rows are kept or rejected twice, or are not among the 3 of the batch"),
            ("backwards", "row 0 of 3 is neither kept nor rejected, or out of order"),
            ("no repair", "rule 99 does not repair"),
        ],
    );
}

#[test]
fn a_plugin_may_answer_in_several_batches() {
    let lake = Lake::with_manifest(&manifest());
    lake.bronze("lies-1.jsonl", lying("two batches"));
    lake.smelt(&["run"]);
    assert_eq!(audit(&lake)["lies"]["kept"], 3);
}

#[test]
fn what_uses_too_much_is_stopped_and_says_which_limit() {
    each_fails(
        "sins",
        "csv",
        sinful,
        &[
            ("hog", "plugin `sinner` failed to clean a batch: it wanted more than 33554432 bytes of memory"),
            ("flood", "plugin `sinner` failed to clean a batch: it passed more than 1048576 bytes"),
        ],
    );
}

#[test]
fn an_endless_loop_is_stopped_at_its_limit() {
    let lake = Lake::with_manifest(&manifest().replace("output_bytes", "call_ms = 1000\noutput_bytes"));
    lake.bronze("sins-good.csv", GOOD);
    lake.bronze("sins-loop.csv", sinful("loop"));
    let ended = lake.end(&["run", "--json"]);
    assert_eq!(ended.code, Some(1));
    let expected = "plugin `sinner` failed to clean a batch: it ran longer than 1000 ms".to_owned();
    assert_eq!(failures(&ended), BTreeMap::from([("bronze/sins-loop.csv".to_owned(), expected)]));
    audit(&lake);
    assert_eq!(lake.gold()["count"], "rows\n2\n");
}

#[test]
fn a_plugin_that_will_not_stop_talking_is_cut_off() {
    let lake = Lake::with_manifest(&manifest());
    lake.bronze("sins-1.csv", sinful("chatter"));
    let Ended { code, stderr, .. } = lake.end(&["run"]);
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stderr.contains("chatter") && stderr.len() < 256 << 10, "{} bytes", stderr.len());
}

#[test]
fn what_failed_is_tried_again_until_it_succeeds() {
    let lake = Lake::with_manifest(&manifest());
    lake.bronze("sins-1.csv", GOOD);
    lake.bronze("sins-2.csv", sinful("panic"));
    assert_eq!(lake.end(&["run"]).code, Some(1));
    let before = lake.gold();

    let again = lake.end(&["run", "--json"]);
    assert_eq!((again.code, again.json()["cleaned"].as_u64()), (Some(1), Some(0)));
    assert_eq!(failures(&again).keys().collect::<Vec<_>>(), ["bronze/sins-2.csv"]);
    assert_eq!(lake.json(&["plan"])["datasets"][2]["objects"][0]["name"], "sins-2.csv");
    assert_eq!(lake.gold(), before);

    lake.bronze("sins-2.csv", sinful("repair"));
    lake.smelt(&["run"]);
    assert_eq!(audit(&lake)["sins"]["kept"], 5);
    assert_eq!(lake.gold()["count"], "rows\n5\n");
}

/// Names and attempts of what is parked.
fn parked(report: &Value) -> Vec<(String, u64)> {
    let of = |it: &Value| (it["name"].as_str().expect("a name").to_owned(), it["attempts"].as_u64().expect("a number"));
    report["parked"].as_array().expect("a list").iter().map(of).collect()
}

#[test]
fn an_object_that_keeps_failing_is_parked_until_it_or_its_plugin_changes() {
    let mut lake = Lake::with_manifest(&manifest());
    lake.bronze("sins-1.csv", GOOD);
    lake.bronze("sins-2.csv", sinful("panic"));
    for _ in 0..3 {
        assert_eq!(lake.end(&["run"]).code, Some(1));
    }
    let commits = lake.files("catalog/commits");
    let ended = lake.end(&["run", "--json"]);
    assert_eq!((ended.code, parked(&ended.json())), (Some(0), vec![("bronze/sins-2.csv".to_owned(), 3)]));
    assert!(ended.stderr.contains("bronze/sins-2.csv: parked after 3 attempts"), "{}", ended.stderr);
    let kept = "plugin `sinner` failed to clean a batch (its own words may hold data and are not kept";
    assert!(ended.stderr.contains(kept), "{}", ended.stderr);
    assert_eq!(lake.files("catalog/commits"), commits, "nothing is tried, so there is nothing to commit");
    for shown in [lake.smelt(&["plan"]), lake.smelt(&["history"])] {
        assert!(shown.contains("sins-2.csv") && shown.contains(kept), "{shown}");
    }

    // Others come and go.
    lake.bronze("sins-3.csv", GOOD);
    lake.bronze("sins-0.csv", GOOD);
    assert_eq!(lake.end(&["run"]).code, Some(0));
    assert_eq!(lake.gold()["count"], "rows\n6\n");
    // It is tried again when asked for, ...
    assert_eq!(lake.end(&["run", "--retry-parked"]).code, Some(1));
    // ... when its plugin changes, ...
    lake.set_manifest(&manifest().replace("plugin = \"sinner\"", "plugin = \"sinner\"\nparameters = { open = \"\" }"));
    assert_eq!(lake.end(&["run"]).code, Some(1));
    assert_eq!(lake.gold()["count"], "rows\n6\n");
    for _ in 0..2 {
        lake.end(&["run"]);
    }
    assert_eq!(lake.end(&["run"]).code, Some(0), "parked again");
    // ... and when it is replaced.
    lake.bronze("sins-2.csv", sinful("repair"));
    lake.smelt(&["run"]);
    assert_eq!((lake.gold()["count"].as_str(), audit(&lake)["sins"]["kept"].as_u64()), ("rows\n9\n", Some(9)));
    assert!(parked(&lake.json(&["run"])).is_empty());
}

pub fn the_newest_object_of_a_large_dataset_is_parked(new: &NewLake<'_>) {
    let mut lake = new();
    lake.set_manifest(&manifest());
    (0..300).for_each(|number| lake.bronze(&format!("sins-{number:03}.csv"), "id,sin\n"));
    lake.bronze("sins-999.csv", sinful("panic"));
    for _ in 0..3 {
        assert_eq!(lake.end(&["run"]).code, Some(1));
    }
    let commits = lake.files("catalog/commits");
    let ended = lake.end(&["run", "--json"]);
    assert_eq!((ended.code, parked(&ended.json())), (Some(0), vec![("bronze/sins-999.csv".to_owned(), 3)]));
    assert_eq!(lake.files("catalog/commits"), commits, "it is not tried any more");
}

#[test]
fn a_dataset_that_a_parked_object_keeps_from_being_made_anew_is_not_tried_for_ever() {
    let mut lake = Lake::with_manifest(&manifest());
    lake.bronze("sins-1.csv", GOOD);
    lake.smelt(&["run"]);
    let before = (lake.files("silver"), lake.gold());
    let opens = "plugin = \"sinner\"\nparameters = { open = \"panic\" }";
    lake.set_manifest(&manifest().replace("plugin = \"sinner\"", opens));
    for _ in 0..3 {
        assert_eq!(lake.end(&["run"]).code, Some(1));
    }
    let ended = lake.end(&["run", "--json"]);
    assert_eq!((ended.code, parked(&ended.json())), (Some(0), vec![("bronze/sins-1.csv".to_owned(), 3)]));
    assert_eq!((lake.files("silver"), lake.gold()), before);
    lake.set_manifest(&manifest());
    lake.smelt(&["run"]);
    assert_eq!((lake.files("silver"), lake.gold()), before);
}

#[test]
fn a_kpi_that_keeps_failing_is_parked_until_there_is_new_silver() {
    let panics = "[kpi.count]\n        parameters = { panic_in = \"reduce\" }";
    let lake = Lake::with_manifest(&manifest().replace("[kpi.count]", panics));
    lake.bronze("sins-1.csv", GOOD);
    for _ in 0..3 {
        assert_eq!(lake.end(&["run"]).code, Some(1));
    }
    let ended = lake.end(&["run", "--json"]);
    assert_eq!((ended.code, parked(&ended.json())), (Some(0), vec![("count".to_owned(), 3)]));
    assert_eq!(lake.json(&["plan"])["kpis"][0]["reason"], Value::Null);
    lake.bronze("sins-2.csv", GOOD);
    assert_eq!(lake.end(&["run"]).code, Some(1));
}

#[test]
fn a_plugin_that_never_opens_fails_all_of_its_dataset_and_nothing_else() {
    for (sin, words) in [("panic", ": I never open"), ("fault", "failed to open: `open` must not be `fault`")] {
        let opens = format!("plugin = \"sinner\"\nparameters = {{ open = \"{sin}\" }}");
        let lake = Lake::with_manifest(&manifest().replace("plugin = \"sinner\"", &opens));
        lake.bronze("sins-1.csv", GOOD);
        lake.bronze("sins-2.csv", "");
        lake.bronze("readings-1.csv", READINGS);
        let ended = lake.end(&["run", "--json"]);
        assert_eq!(ended.code, Some(1));
        let failures = failures(&ended);
        assert_eq!(failures.keys().collect::<Vec<_>>(), ["bronze/sins-1.csv", "bronze/sins-2.csv"]);
        assert!(failures.values().all(|error| error.contains(words)), "{failures:?}");
        audit(&lake);
        assert_eq!(lake.gold().into_keys().collect::<Vec<_>>(), ["hottest"]);
    }
}

#[test]
fn a_dataset_that_cannot_be_made_anew_stays_as_it_was() {
    let mut lake = Lake::with_manifest(&manifest());
    lake.bronze("sins-1.csv", GOOD);
    lake.smelt(&["run"]);
    let (silver, gold) = (lake.files("silver"), lake.gold());
    let opens = "plugin = \"sinner\"\nparameters = { open = \"panic\" }";
    lake.set_manifest(&manifest().replace("plugin = \"sinner\"", opens));
    lake.bronze("sins-2.csv", GOOD);
    assert_eq!(lake.end(&["run"]).code, Some(1));
    audit(&lake);
    assert_eq!((lake.files("silver"), lake.gold()), (silver, gold));
}

#[test]
fn a_kpi_that_panics_in_any_call_fails_alone_and_is_tried_again() {
    let calls = ["open", "open a reducer", "update", "state", "reduce"];
    let name = |call: &str| format!("panics_in_{}", call.replace(' ', "_"));
    let sinner = |call: &str| {
        let plugin = "plugin = \"sinful-count\"\ninputs = { rows = \"sins\" }";
        let name = name(call);
        format!("[kpi.{name}]\n{plugin}\nparameters = {{ panic_in = \"{call}\" }}\n")
    };
    let kpis: String = calls.map(sinner).concat();
    let lake = Lake::with_manifest(&(manifest() + &kpis));
    lake.bronze("sins-1.csv", GOOD);
    lake.bronze("sins-2.csv", GOOD);
    lake.bronze("readings-1.csv", READINGS);
    for _ in 0..2 {
        let ended = lake.end(&["run", "--json"]);
        assert_eq!(ended.code, Some(1), "{}", ended.stderr);
        let failures = failures(&ended);
        for call in calls {
            let error = &failures[&name(call)];
            for words in
                ["plugin `sinful-count` failed to", "panicked at tests/plugins/sinful-count/src/lib.rs:", "I cannot"]
            {
                assert!(error.contains(words), "{call}: `{words}` is not in: {error}");
            }
        }
        assert_eq!(failures.len(), calls.len(), "{failures:?}");
        audit(&lake);
        let gold = lake.gold();
        assert_eq!(gold.keys().collect::<Vec<_>>(), ["count", "hottest"]);
        assert_eq!(gold["count"], "rows\n4\n");
    }
}
