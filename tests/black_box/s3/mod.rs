//! The lake on an S3 server, and everything that goes wrong between the two.
//!
//! The server is in the process of the test, so that requests can be counted, failed and held at will. A run passes if what
//! the lake comes to is, to the byte, what an uninterrupted run on a directory comes to.

mod clients;
mod configuration;
mod hosts;
mod random;
mod requests;
mod steps;
mod unwell;

use serde_json::Value;

use crate::support::Lake;
use crate::support::ticks::{arrive, assert_like_uninterrupted, ticks};

/// Bronze of three ticks, of which the later ones supersede rows of the earlier ones.
fn bronze() -> Vec<Vec<(String, Vec<u8>)>> {
    ticks(3, 40)
}

/// A lake on S3 that has come through the first tick; the others have arrived.
fn lake_at_work() -> Lake {
    let (lake, ticks) = (Lake::new().on_s3(), bronze());
    arrive(&lake, &ticks[0]);
    lake.smelt(&["run"]);
    ticks[1..].iter().for_each(|objects| arrive(&lake, objects));
    lake.server().clear();
    lake
}

/// Whatever happened: two ticks later the lake must be what it would be had nothing happened, with nothing missing or
/// damaged; and but for what `gc` finds left over nothing else may be in it.
fn assert_settles(lake: &Lake) {
    lake.server().heal();
    let first = lake.end(&["run"]);
    if first.code != Some(0) {
        lake.smelt(&["run"]);
    }
    assert_whole(lake);
}

fn assert_whole(lake: &Lake) {
    for problem in problems(lake) {
        assert_eq!(problem["found"], "foreign", "{problem}");
    }
    lake.smelt(&["gc", "--grace", "0s", "--delete"]);
    assert_eq!(problems(lake), Vec::<Value>::new());
    assert_like_uninterrupted(lake);
}

/// What `verify` finds.
fn problems(lake: &Lake) -> Vec<Value> {
    let json = lake.end(&["verify", "--json"]).json();
    json["problems"].as_array().expect("a list").clone()
}

#[test]
fn a_lake_on_s3_comes_to_the_same_as_one_in_a_directory() {
    let lake = lake_at_work();
    lake.smelt(&["run"]);
    assert_whole(&lake);
    let left = lake.json(&["run"]);
    assert_eq!((&left["cleaned"], &left["sequence"]), (&0.into(), &lake.json(&["history"])["state"]["sequence"]));
}
