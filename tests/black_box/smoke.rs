//! The way a newcomer goes: generate, run, look.

use crate::support::Lake;

#[test]
fn raw_files_become_kpis_and_a_second_run_does_nothing() {
    let lake = Lake::new();
    lake.smelt(&["generate", "--ticks", "2", "--seed", "7"]);
    lake.smelt(&["run"]);
    let gold = lake.gold();
    assert_eq!(gold.len(), 5, "{:?}", gold.keys());
    let again = lake.json(&["run"]);
    assert_eq!(again["cleaned"], 0);
    assert_eq!(lake.gold(), gold);
    assert_eq!(lake.json(&["plan"])["kpis"][0]["reason"], serde_json::Value::Null);
}
