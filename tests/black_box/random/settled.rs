//! The content of a lake that has settled, and the content that it should have.

use std::collections::BTreeMap;

use serde_json::Value;
use smelt_formats::Formulas;

use crate::support::Lake;
use crate::support::audit::totals;
use crate::support::rows::Dataset;
use crate::support::tables::as_csv;

/// The content of a lake, without what depends on its history.
#[derive(Debug, PartialEq, Eq, Clone)]
pub(super) struct Settled {
    /// The table of each KPI.
    pub(super) gold: BTreeMap<String, String>,
    /// The lines of all silver objects, by dataset, sorted.
    pub(super) silver: BTreeMap<String, Vec<String>>,
    /// The account of the rows, by dataset.
    pub(super) totals: BTreeMap<String, Value>,
}

impl Settled {
    /// Reads the datasets and KPIs that the manifest has.
    pub(super) fn read(lake: &Lake, kpis: &[&str]) -> Self {
        let history = lake.json(&["history"]);
        let gold = kpis.iter().filter_map(|&kpi| {
            let key = history["state"]["gold"][kpi]["relation"]["files"]["one"]["key"].as_str()?;
            let body = lake.files("gold").remove(key.strip_prefix("gold/")?).unwrap_or_else(|| panic!("no `{key}`"));
            Some((kpi.to_owned(), as_csv(key, body, Formulas::Escape)))
        });
        let silver = Dataset::ALL.map(|dataset| (dataset.name().to_owned(), lake.silver(dataset.name())));
        Self { gold: gold.collect(), silver: silver.into(), totals: totals(&history) }
    }
}
