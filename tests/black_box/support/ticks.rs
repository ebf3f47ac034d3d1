//! Bronze that comes tick by tick, and what a lake must have come to in the end.

use super::Lake;
use super::audit::audit;
use super::rows::Dataset;

/// A lake with bronze of the project's own source, of which every tick corrects rows of those before; by tick.
pub fn ticks(count: usize, orders: usize) -> Vec<Vec<(String, Vec<u8>)>> {
    let lake = Lake::new();
    let (ticks, orders) = (count.to_string(), format!("orders={orders}"));
    let made = ["generate", "--seed", "11", "--start", "2025-03-01T12:00:00Z", "--ticks", &ticks, "--param", &orders];
    lake.smelt(&[&made[..], &["--param", "late_duplicates=0.1", "--param", "returning_customers=0.2"]].concat());
    let mut ticks: Vec<Vec<_>> = (0..count).map(|_| Vec::new()).collect();
    for (number, object) in lake.files("bronze").into_iter().enumerate() {
        ticks[number % count].push(object);
    }
    ticks
}

pub fn arrive(lake: &Lake, objects: &[(String, Vec<u8>)]) {
    objects.iter().for_each(|(name, body)| lake.bronze(name, body));
}

/// Asserts that the lake came to what a fresh one comes to in one run over the same bronze.
pub fn assert_like_uninterrupted(lake: &Lake) {
    let fresh = Lake::new();
    fresh.copy_bronze(lake);
    fresh.smelt(&["run"]);
    assert_eq!(audit(lake), audit(&fresh));
    assert_eq!(lake.gold(), fresh.gold());
    for dataset in Dataset::ALL.map(Dataset::name) {
        assert_eq!(lake.silver(dataset), fresh.silver(dataset), "{dataset}");
    }
}
