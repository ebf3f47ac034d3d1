//! A clock that was wrong and is right again.

use std::fs;
use std::time::SystemTime;

use smelt_common::clock::parse_stamp;
use smelt_storage::DirStore;

use crate::support::Lake;
use crate::support::embedded::host_of;
use crate::support::ended::fixtures;

/// More objects than are compared with bronze at every tick.
const MANY: usize = 257;
const YEARS_AHEAD: &str = "20990101T120000";

fn lake() -> Lake {
    let mut lake = Lake::new();
    lake.set_manifest(&format!(
        "[pipeline]\nname = \"clock\"\nplugins = [{:?}]\n\
         [dataset.readings]\nobjects = \"readings-*.csv\"\nformat = \"csv\"\nplugin = \"clean-readings\"\n\
         [kpi.hottest]\nplugin = \"hottest\"\n",
        fixtures()
    ));
    (0..MANY).for_each(|number| reading(&lake, number, 1));
    lake
}

fn reading(lake: &Lake, number: usize, celsius: i32) {
    let row = format!("station,taken_at,revision,celsius\nS{number},2001-01-01T00:00:00Z,1,{celsius}\n");
    lake.bronze(&format!("readings-{number}.csv"), row);
}

/// Runs the pipeline as the command does, at another time.
fn run_at(lake: &Lake, time: &str) {
    let now = parse_stamp(time).expect("it is a stamp");
    let host = host_of(&lake.beside("smelt.toml"), Box::new(DirStore::new(lake.path())), now);
    host.run().and_then(|report| report.complete()).expect("it runs");
}

#[test]
fn a_clock_that_was_ahead_holds_up_nothing() {
    let lake = lake();
    run_at(&lake, YEARS_AHEAD);
    assert!(lake.files("gold").into_keys().any(|name| name.contains(YEARS_AHEAD)));
    // Replaced, which only a full comparison finds.
    reading(&lake, 7, 99);
    let run = lake.json(&["run"]);
    assert_eq!(run["cleaned"], MANY, "a comparison is due");
    assert!(lake.gold()["hottest"].contains("99"), "the newest table has the greatest stamp");
    let compared = || lake.json(&["history"])["state"]["reconciled"].clone();
    let last = compared();
    lake.smelt(&["run"]);
    assert_eq!(compared(), last, "the next is due in an hour");
}

#[test]
fn a_sign_of_life_from_a_clock_that_was_ahead_is_none() {
    let lake = Lake::new();
    let file = lake.beside("heartbeat");
    let health = || lake.try_smelt(&["health", "--heartbeat", file.to_str().expect("UTF-8"), "--within", "5m"]);
    let beat = fs::File::create(&file).expect("a file");
    assert!(health().status.success());
    let modified = beat.metadata().and_then(|beat| beat.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
    beat.set_modified(modified + std::time::Duration::from_secs(7200)).expect("its time can be set");
    let sick = health();
    let said = String::from_utf8_lossy(&sick.stderr);
    assert!(said.contains("ahead of this clock, more than 5m"), "{said}");
    assert_eq!(sick.status.code(), Some(1));
}
