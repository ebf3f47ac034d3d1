//! Numbers of a state that is made by hand: each differs from all others, so that none can stand in another's place.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use smelt_catalog::{
    Account, Content, Dataset, Failing, Failure, Fingerprint, Gold, Held, Judgement, ObjectRef, Pace, Relation, State,
    Totals, Verdict,
};
use smelt_common::cost::Cost;

use super::{Answers, LakeNumbers, text};

fn dataset(totals: Totals, pace: Pace) -> Dataset {
    let bronze = Account { totals, pace, ..Account::default() };
    Dataset { bronze, ..Dataset::new(Fingerprint::some()) }
}

fn gold(rows: u64, commit: u64, cost: Cost, micros: u64) -> Gold {
    Gold {
        relation: Relation::of_file(Fingerprint::some(), ObjectRef { rows, ..ObjectRef::default() }),
        file: None,
        inputs: BTreeMap::new(),
        stages: vec![],
        saved: vec![],
        parts: vec![],
        commit,
        cost,
        micros,
    }
}

fn failing(items: &[(&str, u32)]) -> Failing {
    let failure = |attempts| Failure { version: String::new(), attempts, why: "a row of somebody".to_owned() };
    let items = items.iter().map(|(name, attempts)| ((*name).to_owned(), failure(*attempts))).collect();
    Failing { fingerprint: Fingerprint::some(), items }
}

fn state() -> State {
    let rules = |rules: &[(&str, u64)]| rules.iter().map(|(rule, rows)| ((*rule).to_owned(), *rows)).collect();
    let orders = Totals {
        objects: 3,
        read: 100,
        kept: 80,
        superseded: 9,
        held: 0,
        rejected: rules(&[("no_id", 7), ("bad_day", 4)]),
        repaired: rules(&[("trimmed", 5)]),
    };
    let published = gold(41, 6, Cost::default(), 1_000_000);
    let failed = |expectation: &str| Verdict::Failed {
        expectation: expectation.to_owned(),
        row: vec![("client".to_owned(), "a name of somebody".to_owned())],
    };
    let more = Verdict::More { rows: 150, content: Content::default() };
    let failed = vec![failed("whole"), failed("known"), more];
    let missing = vec![Verdict::Missing { why: "it failed".to_owned() }];
    let judgement = |failed| Judgement { failed, ..Judgement::default() };
    State {
        sequence: 12,
        datasets: [
            ("orders".to_owned(), dataset(orders, Pace { bytes: 12_345, micros: 2_500_000 })),
            ("clients".to_owned(), dataset(Totals::default(), Pace::default())),
        ]
        .into(),
        gold: [
            (
                "sales".to_owned(),
                gold(43, 11, Cost { micros: 70_000, memory_bytes: 65_536, fuel: 9_007_199_254_740_993 }, 500_000),
            ),
            ("quality".to_owned(), gold(2, 12, Cost::default(), 0)),
            ("trust".to_owned(), gold(1, 10, Cost::default(), 0)),
        ]
        .into(),
        held: Some(Held {
            since: 11,
            published: [("sales".to_owned(), Some(published)), ("quality".to_owned(), None)].into(),
        }),
        checks: [
            ("quality".to_owned(), judgement(failed)),
            ("silent".to_owned(), judgement(missing)),
            ("trust".to_owned(), judgement(vec![])),
        ]
        .into(),
        failing: [
            ("orders".to_owned(), failing(&[("a.csv", 2), ("b.csv", 3)])),
            ("new".to_owned(), failing(&[("c.csv", 1)])),
        ]
        .into(),
        failing_kpis: [("sales".to_owned(), failing(&[("sales", 8)]))].into(),
        ..State::default()
    }
}

/// Commits are a minute apart. The tenth is gone.
fn time_of(commit: u64) -> Option<String> {
    (commit != 10).then(|| format!("2026-01-02T03:{commit:02}:04.5Z"))
}

fn lake(state: State, is_ready: bool) -> String {
    let numbers = move |out: &mut super::families::Families<'_>| {
        LakeNumbers { state: &state, is_ready, time_of: &time_of }.write(out)
    };
    text(numbers).expect("text")
}

/// Returns the samples of a family, without its name and without what describes it.
fn samples<'t>(text: &'t str, family: &str) -> Vec<&'t str> {
    let sample = |line: &'t str| line.strip_prefix(family).filter(|rest| rest.starts_with(['{', ' ']));
    text.lines().filter_map(sample).collect()
}

#[test]
fn every_row_of_a_dataset_is_counted_under_its_outcome_and_rule() {
    let text = lake(state(), true);
    assert_eq!(
        samples(&text, "smelt_dataset_rows"),
        [
            r#"{dataset="clients",outcome="kept"} 0"#,
            r#"{dataset="clients",outcome="rejected"} 0"#,
            r#"{dataset="clients",outcome="superseded"} 0"#,
            r#"{dataset="orders",outcome="kept"} 80"#,
            r#"{dataset="orders",outcome="rejected"} 11"#,
            r#"{dataset="orders",outcome="superseded"} 9"#,
        ]
    );
    assert_eq!(
        samples(&text, "smelt_rule_rows"),
        [
            r#"{dataset="orders",rule="bad_day",action="reject"} 4"#,
            r#"{dataset="orders",rule="no_id",action="reject"} 7"#,
            r#"{dataset="orders",rule="trimmed",action="repair"} 5"#,
        ]
    );
    assert_eq!(samples(&text, "smelt_dataset_objects"), [r#"{dataset="clients"} 0"#, r#"{dataset="orders"} 3"#]);
    assert_eq!(samples(&text, "smelt_bytes_read_total"), [r#"{dataset="clients"} 0"#, r#"{dataset="orders"} 12345"#]);
}

#[test]
fn a_held_table_counts_as_readers_see_it_and_its_plugin_as_it_ran_last() {
    let text = lake(state(), true);
    assert_eq!(
        samples(&text, "smelt_table_rows"),
        [r#"{table="quality"} 2"#, r#"{table="sales"} 41"#, r#"{table="trust"} 1"#]
    );
    assert_eq!(
        samples(&text, "smelt_table_commit_timestamp_seconds"),
        [r#"{table="quality"} 1767323524.5"#, r#"{table="sales"} 1767323164.5"#],
        "a commit that is gone has no time"
    );
    assert_eq!(samples(&text, "smelt_tables_held"), [" 1"], "the table of a check is not held");
    assert_eq!(
        samples(&text, "smelt_table_plugin_seconds"),
        [r#"{table="quality"} 0.0"#, r#"{table="sales"} 0.07"#, r#"{table="trust"} 0.0"#]
    );
    assert_eq!(samples(&text, "smelt_table_plugin_instructions")[1], r#"{table="sales"} 9007199254740993"#);
    assert_eq!(samples(&text, "smelt_table_plugin_memory_bytes")[1], r#"{table="sales"} 65536"#);
    assert_eq!(
        samples(&text, "smelt_plugin_seconds_total"),
        [
            r#"{section="clients"} 0.0"#,
            r#"{section="orders"} 2.5"#,
            r#"{section="quality"} 0.0"#,
            r#"{section="sales"} 0.5"#,
            r#"{section="trust"} 0.0"#,
        ]
    );
}

#[test]
fn failures_and_checks_are_told_and_what_they_say_is_not() {
    let text = lake(state(), false);
    assert_eq!(
        samples(&text, "smelt_failed_attempts"),
        [
            r#"{section="clients"} 0"#,
            r#"{section="new"} 1"#,
            r#"{section="orders"} 3"#,
            r#"{section="quality"} 0"#,
            r#"{section="sales"} 8"#,
            r#"{section="trust"} 0"#,
        ]
    );
    assert_eq!(
        samples(&text, "smelt_objects_failing"),
        [r#"{dataset="clients"} 0"#, r#"{dataset="new"} 1"#, r#"{dataset="orders"} 2"#]
    );
    assert_eq!(
        samples(&text, "smelt_check_passed"),
        [r#"{check="quality"} 0"#, r#"{check="silent"} 0"#, r#"{check="trust"} 1"#]
    );
    assert_eq!(
        samples(&text, "smelt_check_failed_expectations"),
        [r#"{check="quality"} 152"#, r#"{check="silent"} 0"#, r#"{check="trust"} 0"#]
    );
    assert_eq!(samples(&text, "smelt_server_ready"), [" 0"]);
    assert!(!text.contains("somebody") && !text.contains(".csv"), "errors, rows and names of objects stay in the lake");
}

#[test]
fn a_commit_has_a_number_and_a_time_and_an_empty_lake_has_no_time() {
    let text = lake(state(), true);
    assert_eq!(samples(&text, "smelt_commit_number"), [" 12"]);
    assert_eq!(samples(&text, "smelt_commit_timestamp_seconds"), [" 1767323524.5"]);
    let empty = lake(State::default(), true);
    assert_eq!(samples(&empty, "smelt_commit_number"), [" 0"]);
    assert_eq!(samples(&empty, "smelt_commit_timestamp_seconds"), [""; 0]);
    assert_eq!(samples(&empty, "smelt_tables_held"), [" 0"]);
    assert_eq!(samples(&empty, "smelt_server_ready"), [" 1"]);
}

#[test]
fn a_name_cannot_leave_its_label() {
    let name = "a\"} 1\nevil{b=\"\\";
    let state =
        State { datasets: [(name.to_owned(), dataset(Totals::default(), Pace::default()))].into(), ..State::default() };
    let text = lake(state, true);
    assert_eq!(samples(&text, "smelt_dataset_objects"), [r#"{dataset="a\"} 1\nevil{b=\"\\"} 0"#]);
    assert!(text.lines().all(|line| line.starts_with("smelt_") || line.starts_with("# ")), "{text}");
}

#[test]
fn every_family_is_described_and_scrapes_have_one_order() {
    let text = lake(state(), true);
    assert_eq!(text, lake(state(), true));
    let mut names = Vec::new();
    for lines in text.lines().collect::<Vec<_>>().windows(2) {
        if let Some(help) = lines[0].strip_prefix("# HELP ") {
            let (name, words) = help.split_once(' ').expect("a help");
            assert!(words.len() > 10, "{help}");
            assert!(lines[1].starts_with(&format!("# TYPE {name} ")), "{}", lines[1]);
            names.push(name);
        }
    }
    let sample = |line: &str| names.iter().any(|name| !samples(line, name).is_empty());
    assert!(text.lines().all(|line| line.starts_with('#') || sample(line)));
}

#[test]
fn answers_are_counted_by_route_and_code() {
    let answers = Arc::new(Answers::default());
    answers.count(Some("/tables/{name}"), StatusCode::OK, Duration::from_millis(20));
    answers.count(Some("/tables/{name}"), StatusCode::NOT_FOUND, Duration::from_secs(60));
    answers.count(Some("/"), StatusCode::OK, Duration::from_micros(1));
    answers.count(None, StatusCode::NOT_FOUND, Duration::ZERO);
    let text = text(move |out| answers.write(out)).expect("text");
    assert_eq!(samples(&text, "smelt_http_responses_total"), [r#"{code="200"} 2"#, r#"{code="404"} 2"#]);
    assert_eq!(
        samples(&text, "smelt_http_request_duration_seconds_count"),
        [r#"{route="/"} 1"#, r#"{route="/tables/{name}"} 2"#, r#"{route="other"} 1"#]
    );
    let buckets = samples(&text, "smelt_http_request_duration_seconds_bucket");
    let of = |le: &str| buckets.iter().find(|line| line.contains("/tables/") && line.contains(le)).copied();
    let count = |le| of(le).and_then(|line| line.rsplit(' ').next()).and_then(|count| count.parse::<u64>().ok());
    assert_eq!((count("\"0.01\""), count("\"0.025\""), count("\"10\"")), (Some(0), Some(1), Some(1)), "{buckets:?}");
    assert_eq!(count("\"+Inf\""), Some(2));
}

#[test]
fn a_scrape_takes_less_than_five_milliseconds() {
    let rules: BTreeMap<_, _> = (0..20).map(|rule| (format!("rule_{rule}"), 7)).collect();
    let totals = Totals { rejected: rules.clone(), repaired: rules, ..Totals::default() };
    let state = State {
        sequence: 10_000,
        datasets: (0..20).map(|at| (format!("dataset_{at}"), dataset(totals.clone(), Pace::default()))).collect(),
        gold: (0..100).map(|at| (format!("table_{at}"), gold(at, 9_900 + at, Cost::default(), at))).collect(),
        ..State::default()
    };
    let state = Arc::new(state);
    let scrape = || {
        let (state, begun) = (Arc::clone(&state), Instant::now());
        let numbers = move |out: &mut super::families::Families<'_>| {
            let time_of = |commit| time_of(commit % 10);
            LakeNumbers { state: &state, is_ready: true, time_of: &time_of }.write(out)
        };
        assert!(text(numbers).expect("text").len() > 10_000);
        begun.elapsed()
    };
    // Others use the machine, too, so the fastest of some counts.
    let fastest = (0..50).map(|_| scrape()).min().expect("some");
    assert!(fastest < Duration::from_millis(5), "{fastest:?}");
}
