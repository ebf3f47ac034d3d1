//! Lakes of pipelines whose tables read tables.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::Value;

use crate::support::ended::fixtures;
use crate::support::{Lake, root};

pub(super) const DAY: &str = "2025-11-18";

/// Six levels, with every kind of table: without a stage, grouped, whole, of two stages, with two inputs, told the day, and of
/// relations of the host. Purchases are numbered by client, summed up, ranked, and those that do not rank are left.
pub(super) const DEEP: &str = r#"
[table.fact_sales]
plugin = "fact-sales"
[table.client_kpis]
plugin = "client-kpis"
inputs = { sales = "fact_sales", clients = "clients" }
[kpi.gold_summary]
plugin = "gold-summary"
inputs = { sales = "fact_sales", clients = "client_kpis" }
[kpi.months]
plugin = "sales-by-period"
inputs = { sales = "fact_sales" }
parameters = { grain = "month" }
[table.spent]
plugin = "relay"
inputs = { rows = "fact_sales" }
parameters = { form = "running" }
[table.ranked]
plugin = "relay"
inputs = { rows = "spent" }
parameters = { form = "numbered" }
[kpi.greatest]
plugin = "relay"
inputs = { rows = "spent" }
parameters = { form = "top" }
[table.others]
plugin = "relay"
inputs = { rows = "ranked", others = "greatest" }
parameters = { form = "without" }
[table.dated]
plugin = "relay"
inputs = { rows = "others" }
parameters = { form = "dated" }
[kpi.last]
plugin = "relay"
inputs = { rows = "dated" }
parameters = { adds = 7 }
[table.report]
plugin = "quality-report"
inputs = { objects = "smelt.objects", rules = "smelt.rules" }
[table.constant]
plugin = "relay"
parameters = { form = "constant" }
"#;

/// Purchases and the greatest of them, then what is made of the greatest.
pub(super) const GREATEST: &str = r#"
[table.all]
plugin = "relay"
inputs = { rows = "purchases" }
[table.greatest]
plugin = "relay"
inputs = { rows = "all" }
parameters = { form = "top" }
[table.of_greatest]
plugin = "relay"
inputs = { rows = "greatest" }
parameters = { form = "running" }
"#;

pub(super) fn manifest(tables: &str) -> String {
    let (components, fixtures) = (root().join("target/components"), fixtures());
    format!(
        "[pipeline]\nname = \"graph\"\nplugins = [{components:?}, {fixtures:?}]\n\
         [dataset.clients]\nobjects = \"clients_*.csv\"\nformat = \"csv\"\nplugin = \"clean-clients\"\n\
         [dataset.purchases]\nobjects = \"purchases_*.csv\"\nformat = \"csv\"\nplugin = \"clean-purchases\"\n{tables}"
    )
}

pub(super) fn lake(tables: &str) -> Lake {
    Lake::with_manifest(&manifest(tables))
}

/// A lake to which these purchases came, given as id, client and amount, and which has run.
pub(super) fn lake_of(tables: &str, purchases: &[(&str, &str, &str)]) -> Lake {
    let lake = lake(tables);
    buy(&lake, 0, purchases);
    run(&lake);
    lake
}

pub(super) fn buy(lake: &Lake, number: usize, purchases: &[(&str, &str, &str)]) {
    let mut body = "purchase_id,client_id,purchase_date,product,quantity,unit_price,amount\n".to_owned();
    for (purchase, client, amount) in purchases {
        writeln!(body, "{purchase},{client},2025-11-01,pen,1,{amount},{amount}").expect("text");
    }
    lake.bronze(&format!("purchases_{number:03}.csv"), body);
}

pub(super) fn run(lake: &Lake) -> String {
    lake.smelt(&["run", "--as-of", DAY])
}

/// The tables that the newest commit holds, as the catalog describes them.
pub(super) fn held(lake: &Lake) -> BTreeMap<String, Value> {
    let history = lake.json(&["history"]);
    let held = history["state"]["gold"].as_object().expect("tables by name").iter();
    held.map(|(name, table)| (name.clone(), table.clone())).collect()
}

/// Returns the number of the commit that made each table.
pub(super) fn made(lake: &Lake) -> BTreeMap<String, u64> {
    held(lake).into_iter().map(|(name, table)| (name, table["commit"].as_u64().expect("a number"))).collect()
}

/// The tables that were made since.
pub(super) fn made_since(lake: &Lake, before: &BTreeMap<String, u64>) -> BTreeSet<String> {
    made(lake).into_iter().filter(|(name, commit)| before.get(name) != Some(commit)).map(|(name, _)| name).collect()
}

pub(super) fn names<const N: usize>(names: [&str; N]) -> BTreeSet<String> {
    names.map(str::to_owned).into()
}

/// The rows of every table.
pub(super) fn rows(lake: &Lake) -> BTreeMap<String, String> {
    held(lake).into_keys().map(|name| (name.clone(), lake.smelt(&["show", &name]))).collect()
}

/// Asserts that every table has the rows, and every KPI the file, that a fresh lake over the same bronze comes to.
#[track_caller]
pub(super) fn assert_like_fresh(lake: &Lake, tables: &str) {
    let fresh = self::lake(tables);
    fresh.copy_bronze(lake);
    run(&fresh);
    assert_eq!(rows(lake), rows(&fresh));
    assert_eq!(lake.gold(), fresh.gold());
}
