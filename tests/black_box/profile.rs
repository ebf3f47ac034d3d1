//! `--profile`: where the time went.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::support::Lake;

const CLEANERS: [(&str, &str); 3] =
    [("orders", "clean-orders"), ("clicks", "clean-clicks"), ("customers", "clean-customers")];
const KPIS: [&str; 5] = ["aov", "revenue-by-channel", "revenue-by-country", "sales-by-day", "top-products"];

fn generated() -> Lake {
    let lake = Lake::new();
    lake.smelt(&["generate", "--ticks", "3", "--seed", "7"]);
    lake
}

/// Returns the sum of a figure, such as `calls`, over the stages of that name for a plugin or dataset.
pub(crate) fn number(run: &Value, stage: &str, of: &str, what: &str) -> u64 {
    let stages = run["profile"]["stages"].as_array().expect("a profile has stages");
    let found = stages.iter().filter(|entry| entry["stage"] == stage && entry["of"] == of);
    found.map(|entry| entry[what].as_u64().expect("a number")).sum()
}

#[test]
fn every_call_of_every_plugin_is_counted() {
    let lake = generated();
    let run = lake.json(&["run", "--profile"]);
    for (dataset, plugin) in CLEANERS {
        let totals = run["datasets"].as_array().expect("totals").iter().find(|totals| totals["dataset"] == dataset);
        let totals = totals.expect("it was cleaned");
        // The decoder keeps what is malformed to itself.
        let malformed = totals["rejected"]["malformed_line"].as_u64().unwrap_or(0);
        let rows = totals["read"].as_u64().expect("a number") - malformed;
        assert_eq!(number(&run, "clean a batch", plugin, "calls"), 3, "one small object, one batch: {plugin}");
        assert_eq!(number(&run, "clean a batch", plugin, "rows"), rows, "{plugin}");
        assert_eq!(number(&run, "decode", dataset, "rows"), rows + malformed, "{dataset}");
    }
    for plugin in KPIS {
        assert!(number(&run, "take in a batch", plugin, "rows") > 0, "{plugin}");
        assert!(number(&run, "reduce groups", plugin, "calls") > 0, "{plugin}");
    }
    let stages = run["profile"]["stages"].as_array().expect("a profile has stages");
    let of_stages: Option<f64> = stages.iter().map(|stage| stage["cpu_seconds"].as_f64()).sum();
    let of_process = run["profile"]["cpu_seconds"].as_f64();
    assert!(of_stages > Some(0.0) && of_stages <= of_process, "{of_stages:?} of {of_process:?}");
    assert!(run["profile"]["peak_bytes"].as_u64() > Some(1 << 20));

    let again = lake.json(&["run", "--profile"]);
    assert_eq!(number(&run, "load", "clean-orders", "calls"), 1);
    assert_eq!(number(&again, "load", "clean-orders", "calls"), 0, "nothing was called");
    assert_eq!(number(&again, "clean a batch", "clean-orders", "calls"), 0, "nothing is left to do");
}

#[test]
fn the_table_names_every_plugin_that_ran() {
    let lake = generated();
    let cleaned = lake.smelt(&["clean", "--profile"]);
    let aggregated = lake.smelt(&["aggregate", "--profile"]);
    let row = |text: &str, stage: &str, plugin: &str| {
        text.lines().any(|line| line.trim_start().starts_with(stage) && line.contains(&format!(" {plugin} ")))
    };
    for (_, plugin) in CLEANERS {
        assert!(row(&cleaned, "clean a batch", plugin), "{cleaned}");
        assert!(!row(&aggregated, "clean a batch", plugin), "{aggregated}");
    }
    for plugin in KPIS {
        assert!(row(&aggregated, "reduce groups", plugin), "{aggregated}");
    }
    assert!(aggregated.contains("wall") && aggregated.contains("peak"), "{aggregated}");
}

#[test]
fn up_tells_when_it_ends() {
    let lake = generated();
    let mut command = lake.command(&["up", "--no-generate", "--profile", "--json"]);
    let mut up = command.stdout(Stdio::piped()).spawn().expect("smelt starts");
    let mut lines = BufReader::new(up.stdout.take().expect("a pipe")).lines();
    let tick: Value = serde_json::from_str(&lines.next().expect("a tick").expect("text")).expect("JSON");
    assert_eq!(tick["cleaned"], 9);
    kill_process(Pid::from_child(&up), Signal::TERM).expect("a child can be signalled");
    let last = lines.last().expect("a profile").expect("text");
    assert!(up.wait().expect("a child can be waited for").success());
    let profile: Value = serde_json::from_str(&last).expect("JSON");
    assert_eq!(number(&profile, "reduce groups", "aov", "calls"), 1);
}

#[test]
fn without_the_flag_there_is_none() {
    let lake = generated();
    assert_eq!(lake.json(&["run"])["profile"], Value::Null);
    assert!(!lake.smelt(&["run"]).contains("busy"));
}
