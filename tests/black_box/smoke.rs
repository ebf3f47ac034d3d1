//! The way a newcomer goes: generate, run, look.

use crate::support::{Lake, NewLake, root};

pub fn raw_files_become_kpis_and_a_second_run_does_nothing(new: &NewLake<'_>) {
    let lake = new();
    lake.smelt(&["generate", "--ticks", "2", "--seed", "7"]);
    lake.smelt(&["run"]);
    let gold = lake.gold();
    assert_eq!(gold.len(), 5, "{:?}", gold.keys());
    let again = lake.json(&["run"]);
    assert_eq!(again["cleaned"], 0);
    assert_eq!(lake.gold(), gold);
    assert_eq!(lake.json(&["plan"])["kpis"][0]["reason"], serde_json::Value::Null);
}

#[test]
fn rows_that_no_kpi_reads_are_cleaned() {
    let components = root().join("target/components");
    let lake = Lake::with_manifest(&format!(
        "[pipeline]\nname = \"shop\"\nplugins = [{components:?}]\n\
         [dataset.customers]\nobjects = \"customers_*.csv\"\nformat = \"csv\"\nplugin = \"clean-customers\""
    ));
    lake.bronze("customers_1.csv", "customer_id,country\nC1,DE\nC2,FR\n");
    assert_eq!(lake.json(&["run"])["datasets"][0]["read"], 2);
}
