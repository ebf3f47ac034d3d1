//! The lake on an S3 server, and everything that goes wrong between the two.
//!
//! The server is in the process of the test, so that requests can be counted, failed and held at will. A run passes if what
//! the lake comes to is, to the byte, what an uninterrupted run on a directory comes to.

pub(crate) mod clients;
mod configuration;
mod hosts;
pub(crate) mod random;
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

/// The lake after the first tick has run and the others have arrived.
pub(crate) fn at_work(lake: Lake) -> Lake {
    let ticks = bronze();
    arrive(&lake, &ticks[0]);
    lake.smelt(&["run"]);
    ticks[1..].iter().for_each(|objects| arrive(&lake, objects));
    lake
}

/// A lake on S3 after the first tick, as [`at_work`] leaves it. Its requests are counted from now on.
fn lake_at_work() -> Lake {
    let lake = at_work(Lake::new().on_s3());
    lake.server().clear();
    lake
}

/// Asserts that the lake recovers from whatever happened. After two runs it is what it would be had nothing happened: nothing is
/// missing or damaged, and nothing else is in it but orphans, which `gc` finds.
fn assert_settles(lake: &Lake) {
    lake.server().heal();
    let first = lake.end(&["run"]);
    if first.code != Some(0) {
        lake.smelt(&["run"]);
    }
    assert_whole(lake);
}

/// Asserts that nothing is missing or damaged, and that the lake is what it would be had nothing happened.
pub(crate) fn assert_whole(lake: &Lake) {
    for problem in problems(lake) {
        assert_eq!(problem["found"], "foreign", "{problem}");
    }
    lake.smelt(&["gc", "--grace", "0s", "--delete"]);
    assert_eq!(problems(lake), Vec::<Value>::new());
    assert_like_uninterrupted(lake);
}

/// Returns what `verify` finds.
fn problems(lake: &Lake) -> Vec<Value> {
    let json = lake.end(&["verify", "--json"]).json();
    json["problems"].as_array().expect("a list").clone()
}
