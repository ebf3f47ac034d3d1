//! What a tick asks of the server: little, whatever the bucket holds. `SMELT_OBJECTS=100000` makes it a large one.

use crate::support::Lake;
use crate::support::ticks::arrive;

/// How many requests the command makes, by verb.
fn requests(lake: &Lake, command: &[&str]) -> std::collections::BTreeMap<String, usize> {
    lake.server().clear();
    lake.smelt(command);
    let mut count = std::collections::BTreeMap::new();
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
