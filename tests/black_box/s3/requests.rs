//! The requests of a tick to the server: few, whatever the bucket holds. `SMELT_OBJECTS=100000` makes it a large one, which takes
//! some minutes; fewer with `TMPDIR=/dev/shm`, since deleting so many files is slow on some disks.

use std::collections::BTreeMap;

use smelt_s3_server::{Action, Fault};

use crate::profile::number;
use crate::support::Lake;
use crate::support::ticks::arrive;

/// How many requests the command makes, by verb.
fn requests(lake: &Lake, command: &[&str]) -> BTreeMap<String, usize> {
    lake.server().clear();
    lake.smelt(command);
    let mut count = BTreeMap::new();
    for request in lake.server().requests() {
        *count.entry(request.verb).or_default() += 1;
    }
    count
}

#[test]
fn a_tick_asks_for_no_more_of_a_large_lake_than_of_a_small_one() {
    let lake = |objects: usize| {
        let lake = Lake::new().on_s3();
        for number in 0..objects {
            lake.bronze(&format!("clicks_{number:08}.txt"), "");
        }
        lake.smelt(&["run"]);
        lake
    };
    let tick = |lake: &Lake| {
        arrive(lake, &super::bronze()[0]);
        let (new, idle) = (requests(lake, &["run"]), requests(lake, &["run"]));
        println!("new objects: {new:?}; nothing to do: {idle:?}");
        let lists = new["LIST"];
        (new.into_values().sum::<usize>(), idle.into_values().sum::<usize>(), lists)
    };
    let many = super::random::number("SMELT_OBJECTS").unwrap_or(4_000);
    let (small, large) = (tick(&lake(300)), tick(&lake(many as usize)));
    assert!(large.2 <= 8, "{} listings", large.2);
    assert!(large.0 <= small.0 + 10 && large.1 <= small.1 + 4, "{small:?} and {large:?}");
    assert!(large.0 <= 150 && large.1 <= 40, "{large:?}");
}

#[test]
fn a_profile_counts_every_request_and_its_bytes() {
    let lake = super::lake_at_work();
    // What is rejected is more than is sent in one request; and a try fails.
    lake.bronze("clicks_20250301T130000.txt", "{}\n".repeat(100_000));
    lake.server().fault(Fault::new("GET", "/bronze/", Action::Refuse(503, "SlowDown")));
    lake.server().clear();
    let run = lake.json(&["run", "--profile"]);

    let mut seen = BTreeMap::<_, (u64, u64)>::new();
    let mut see = |what: &'static str, of: String, bytes| {
        let sum = seen.entry((what, of)).or_default();
        *sum = (sum.0 + 1, sum.1 + bytes);
    };
    for request in lake.server().requests() {
        see("answer", request.status.expect("all were answered").to_string(), request.sent);
        see("request", request.verb, request.received);
    }
    let of = |what, of: &str| seen.get(&(what, of.to_owned())).copied().unwrap_or_default();
    assert!(of("answer", "503").0 == 1 && of("answer", "200").1 > 0 && of("request", "POST").1 > 0, "{seen:?}");
    for ((what, of), sum) in &seen {
        let found = ["calls", "bytes"].map(|column| number(&run, what, of, column));
        assert_eq!(found, [sum.0, sum.1], "{what} {of}");
    }
}
