//! A pipeline of another domain: nothing in smelt is e-commerce by accident.

use serde_json::{Value, json};

use crate::support::audit::audit;
use crate::support::ended::{Ended, fixtures};
use crate::support::{Lake, root};

const FIRST: &str = "\
station,taken_at,revision,celsius,raining
Alps,2001-07-01T12:00:00Z,1,21.5,false
Alps,2001-07-01T12:00:00Z,2,20.25,true
Alps,2001-07-02 12:00:00,1,20.25,
Delta,2001-07-01T12:00:00+02:00,1,86F,false
Delta,2001-07-03T12:00:00Z,1,warm,false
Pole,2001-07-01T12:00:00Z,1,-60.5,false
Pole,2001-07-02T12:00:00Z,1,-60.6,false
,2001-07-01T12:00:00Z,1,1,false
Pole,yesterday,1,1,false
Pole,2001-07-04T12:00:00Z,one,1,false
";

const SECOND: &str = "\
raining,celsius,revision,taken_at,station
true,29.5,1,2001-07-01T10:00:00Z,Delta
false,50,1,2001-07-01T12:00:00Z,Alps
maybe,-0.5,1,2999-01-01T00:00:00Z,Coast
";

const SIGHTINGS: &str = r#"
{"station":"Hut","taken_at":"2001-07-01T12:00:00Z","revision":1,"celsius":-80,"raining":null}
{"station":"Hut","taken_at":"2001-07-01T12:00:00Z","revision":1,"celsius":-90,"raining":true}
{"station":"Lake","taken_at":"2001-07-01T12:00:00Z","revision":9007199254740993,"celsius":13,"raining":false}
{"station":"Lake","taken_at":"2001-07-01T12:00:00Z","revision":9007199254740992,"celsius":12,"raining":false}
{"station":"Bay","taken_at":"2001-07-01T12:00:00Z","revision":1,"celsius":5}
{"station":"Bay","taken_at":"2001-07-01T12:00:00Z","revision":1,"celsius":null}
{"station":"Bay"
"#;

fn manifest() -> String {
    let text = std::fs::read_to_string(root().join("tests/pipelines/weather/smelt.toml")).expect("it has a manifest");
    text.replace("../../../target/components/fixtures", fixtures().to_str().expect("a UTF-8 path"))
}

fn weather() -> Lake {
    Lake::with_pipeline(root().join("tests/pipelines/weather"))
}

/// A lake in which all of it was read.
fn told() -> Lake {
    let lake = weather();
    lake.bronze("readings_1.csv", FIRST);
    lake.bronze("readings_2.csv", SECOND);
    lake.bronze("sightings-a.jsonl", SIGHTINGS);
    lake.smelt(&["run"]);
    lake
}

#[test]
fn readings_become_a_table_of_the_hottest() {
    let gold = told().gold();
    assert_eq!(gold.keys().collect::<Vec<_>>(), ["hottest", "hottest_seen", "stale_stations"]);
    assert_eq!(
        gold["hottest"],
        "station,celsius,taken_at,raining\n\
         Delta,29.5,2001-07-01T10:00:00Z,true\n\
         Alps,20.25,2001-07-01T12:00:00Z,true\n"
    );
    assert_eq!(
        gold["hottest_seen"],
        "station,celsius,taken_at,raining\n\
         Lake,13,2001-07-01T12:00:00Z,false\n\
         Hut,-90,2001-07-01T12:00:00Z,true\n"
    );
    assert_eq!(
        gold["stale_stations"],
        "station,last_heard_of\n\
         Alps,2001-07-02T12:00:00Z\n\
         Delta,2001-07-03T12:00:00Z\n\
         Pole,2001-07-01T12:00:00Z\n"
    );
}

#[test]
fn every_reading_is_accounted_for() {
    let totals = audit(&told());
    assert_eq!(
        totals["readings"],
        json!({
            "read": 13, "kept": 6, "superseded": 3,
            "rejected": {"invalid_revision": 1, "invalid_taken_at": 1, "missing_station": 1, "too_cold": 1},
            "repaired": {"fahrenheit": 1, "unreadable": 1},
        })
    );
    assert_eq!(
        totals["sightings"],
        json!({"read": 7, "kept": 3, "superseded": 3, "rejected": {"malformed_line": 1}, "repaired": {}})
    );
}

#[test]
fn of_readings_with_one_station_and_instant_the_greatest_revision_stays_and_then_the_least_temperature() {
    let lake = told();
    assert_eq!(
        lake.silver("readings"),
        [
            "Alps,2001-07-01T12:00:00Z,2,20.25,true,true",
            "Alps,2001-07-02T12:00:00Z,1,20.25,,false",
            "Coast,2999-01-01T00:00:00Z,1,-0.5,,false",
            "Delta,2001-07-01T10:00:00Z,1,29.5,true,false",
            "Delta,2001-07-03T12:00:00Z,1,,false,false",
            "Pole,2001-07-01T12:00:00Z,1,-60.5,false,false",
        ]
    );
    // A whole number that no float holds; and a missing value is less than any other.
    assert_eq!(
        lake.silver("sightings"),
        [
            "Bay,2001-07-01T12:00:00Z,1,,,false",
            "Hut,2001-07-01T12:00:00Z,1,-90,true,false",
            "Lake,2001-07-01T12:00:00Z,9007199254740993,13,false,true",
        ]
    );
}

#[test]
fn the_order_of_arrival_changes_nothing() {
    let lake = weather();
    for (name, body) in [("sightings-a.jsonl", SIGHTINGS), ("readings_2.csv", SECOND), ("readings_1.csv", FIRST)] {
        lake.bronze(name, body);
        lake.smelt(&["run"]);
    }
    let told = told();
    assert_eq!(lake.gold(), told.gold());
    for dataset in ["readings", "sightings"] {
        assert_eq!(lake.silver(dataset), told.silver(dataset));
    }
    assert_eq!(audit(&lake), audit(&told));
}

#[test]
fn only_a_kpi_that_asks_for_the_time_is_told_it() {
    let history = told().json(&["history"]);
    let state = &history["state"];
    for untold in [&state["gold"]["hottest"], &state["gold"]["hottest_seen"], &state["datasets"]["readings"]] {
        assert_eq!(untold["relation"]["fingerprint"]["as_of"], Value::Null);
    }
    let as_of = state["gold"]["stale_stations"]["relation"]["fingerprint"]["as_of"].as_i64().expect("a time");
    assert_eq!(as_of % 86_400_000_000, 0, "the beginning of a day");
}

#[test]
fn other_parameters_recompute_what_they_concern() {
    let mut lake = told();
    lake.set_manifest(&manifest().replace("limit = 2", "limit = 1").replace("coldest = -60.5", "coldest = -61"));
    let plan = lake.json(&["plan"]);
    let why = |list: &str, name: &str, reason: &str| -> Option<String> {
        let all = plan[list].as_array().expect("a list").iter();
        let of_name = all.clone().find(|plan| plan["dataset"] == name || plan["kpi"] == name);
        of_name.expect("it is planned")[reason].as_str().map(str::to_owned)
    };
    let because = Some(r#"new parameters {"coldest":-60.5} → {"coldest":-61}"#.to_owned());
    assert_eq!(why("datasets", "readings", "rebuild"), because);
    assert_eq!(why("datasets", "sightings", "rebuild"), None);
    assert_eq!(why("kpis", "hottest", "reason"), Some(r#"new parameters {"limit":2} → {"limit":1}"#.to_owned()));
    assert_eq!(why("kpis", "hottest_seen", "reason"), None);
    lake.smelt(&["run"]);
    assert_eq!(audit(&lake)["readings"]["kept"], 7);
    assert_eq!(lake.gold()["hottest"].lines().count(), 2, "a header and one station");
}

/// Returns what smelt says of a manifest in which a text is replaced by another.
fn refused(from: &str, to: &str) -> String {
    let manifest = manifest();
    assert!(manifest.contains(from), "the manifest lacks `{from}`");
    let lake = Lake::with_manifest(&manifest.replacen(from, to, 1));
    let Ended { code, stdout, stderr } = lake.end(&["run"]);
    assert_eq!((code, stdout.as_str()), (Some(2), ""), "{stderr}");
    stderr
}

#[track_caller]
fn says(said: &str, words: &[&str]) {
    for word in words {
        assert!(said.contains(word), "`{word}` is not in: {said}");
    }
}

#[test]
fn a_parameter_of_the_wrong_type_is_refused_by_name() {
    says(
        &refused("coldest = -60.5", "coldest = \"freezing\""),
        &["[dataset.readings]", "`clean-readings`", "`coldest`", "\"freezing\"", "number", "it takes: coldest"],
    );
    says(&refused("limit = 2", "limit = 2.5"), &["[kpi.hottest]", "`hottest`", "`limit`", "2.5", "integer"]);
    says(&refused("limit = 2", "limit = 4.0"), &["[kpi.hottest]", "`hottest`", "`limit`", "4.0 has a point"]);
}

#[test]
fn a_parameter_out_of_range_is_refused_by_name() {
    says(&refused("limit = 2", "limit = 0"), &["[kpi.hottest]", "`limit`", "0", "minimum of 1"]);
    says(&refused("coldest = -60.5", "coldest = 1"), &["[dataset.readings]", "`coldest`", "maximum of 0"]);
}

#[test]
fn an_unknown_parameter_is_refused_with_those_there_are() {
    says(
        &refused("coldest = -60.5", "coldst = -60.5"),
        &["[dataset.readings]", "`clean-readings`", "coldst", "it takes: coldest"],
    );
    says(&refused("limit = 2", "limit = 2, top = 3"), &["[kpi.hottest]", "top", "it takes: limit"]);
}
