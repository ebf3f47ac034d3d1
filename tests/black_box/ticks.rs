//! A tick costs what is new, whatever the lake holds already: what plugins are called for, what is read, what is listed.

use serde_json::Value;

use crate::support::Lake;

/// A lake that has run on so many ticks of five rows a dataset.
fn lake_of(ticks: usize) -> Lake {
    let lake = Lake::new();
    add(&lake, ticks, "2025-01-01T00:00:00Z");
    lake.smelt(&["run"]);
    lake
}

fn add(lake: &Lake, ticks: usize, start: &str) {
    let rows = ["--param", "orders=5", "--param", "clicks=5", "--param", "customers=5"];
    // Rows of a new tick correct none of an earlier one: such rows are new work.
    let alone = ["--param", "late_duplicates=0", "--param", "returning_customers=0"];
    let ticks = ticks.to_string();
    let made = ["generate", "--seed", "3", "--start", start, "--interval", "1h", "--ticks", &ticks];
    lake.smelt(&[&made[..], &rows, &alone].concat());
}

/// How often something was done, and with how many bytes or rows.
fn done(run: &Value, stages: &[&str], what: &str) -> u64 {
    let all = run["profile"]["stages"].as_array().expect("a profile has stages").iter();
    let found = all.filter(|entry| stages.contains(&entry["stage"].as_str().expect("a stage has a name")));
    found.map(|entry| entry[what].as_u64().expect("a number")).sum()
}

const CALLS: [&str; 5] = ["clean a batch", "take in a batch", "give its state", "reduce groups", "generate"];

#[test]
fn a_tick_costs_the_same_on_a_large_lake_as_on_a_small_one() {
    let [small, large] = [20, 300].map(|ticks| {
        let lake = lake_of(ticks);
        let idle = lake.json(&["run", "--profile"]);
        assert_eq!(done(&idle, &CALLS, "calls"), 0, "nothing is new, so nothing is computed");
        add(&lake, 1, "2026-01-01T00:00:00Z");
        let tick = lake.json(&["run", "--profile"]);
        assert_eq!(tick["cleaned"], 3);
        (idle, tick)
    });
    let bytes = |run: &Value| done(run, &["read", "read and hash"], "bytes");

    assert_eq!(done(&large.0, &["list"], "rows"), 0, "no object is looked at again");
    assert!(bytes(&large.0) < 32 << 10, "{} bytes are read to learn that nothing is new", bytes(&large.0));

    // What of the catalog lies in how many objects depends on when they were last joined.
    assert_eq!(done(&large.1, &["list"], "rows"), 3, "only new objects are looked at");
    let calls = [&small.1, &large.1].map(|run| done(run, &CALLS, "calls"));
    assert_eq!(calls[0], calls[1], "plugins are called for what is new");
    let rows = done(&large.1, &["take in a batch"], "rows");
    assert!(rows <= 6 * 5, "{rows} rows of silver were taken in");
    let reads = done(&large.1, &["read"], "calls");
    assert!(reads <= 100, "{reads} reads");
    // Runs of the catalog that are shorter than 256 KiB are read whole.
    assert!(bytes(&large.1) < 768 << 10, "{} bytes are read", bytes(&large.1));
}

#[test]
fn an_object_with_an_earlier_name_is_found_however_late_it_comes() {
    let lake = lake_of(300);
    lake.bronze(
        "orders_20240101T000000.json",
        r#"[{"order_id": "early", "order_ts": "2024-01-01T00:00:00Z", "total_amount": 1}]"#,
    );
    let run = lake.json(&["run"]);
    assert_eq!(run["cleaned"], 1);
    assert!(lake.gold()["sales_by_day"].contains("2024-01-01,1.00"));
}

#[test]
fn a_replaced_object_of_a_large_lake_is_found_when_all_of_it_is_compared() {
    let lake = lake_of(300);
    let name = lake.files("bronze").into_keys().find(|name| name.starts_with("orders")).expect("there are orders");
    lake.bronze(&name, r#"[{"order_id": "other", "order_ts": "2024-01-01T00:00:00Z", "total_amount": 1}]"#);
    let why = &lake.json(&["plan", "--reconcile"])["datasets"][2]["rebuild"];
    assert_eq!(*why, format!("bronze object `{name}` was replaced after it was read"));
    lake.smelt(&["run", "--reconcile"]);
    assert!(lake.gold()["sales_by_day"].contains("2024-01-01,1.00"));
}
