//! Memory does not grow with an object's size.

use crate::support::Lake;

/// The most memory that a run takes on one object of about so many bytes, which is cleaned as it streams.
fn peak(bytes: usize) -> u64 {
    let lake = Lake::new();
    let click =
        "{\"customer_id\":\"C1\",\"page\":\"/products/1\",\"ip\":\"10.0.0.1\",\"ts\":\"2025-01-01T00:00:00Z\"}\n";
    lake.bronze("clicks_1.txt", click.repeat(bytes / click.len()));
    let run = lake.json(&["run", "--profile"]);
    assert_eq!(run["datasets"][0]["kept"], (bytes / click.len()) as u64);
    run["profile"]["peak_bytes"].as_u64().expect("a number")
}

#[test]
fn a_large_object_takes_no_more_memory_than_a_small_one() {
    let (small, large) = (peak(8 << 20), peak(96 << 20));
    assert!(large < small + (16 << 20), "8 MiB of bronze took {} MiB, 96 took {}", small >> 20, large >> 20);
}
