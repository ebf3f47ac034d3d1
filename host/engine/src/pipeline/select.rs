//! The relations of a pipeline as a graph, and parts of it that are selected.

use std::collections::BTreeSet;

use serde::Serialize;

use super::graph;
use super::ready::Pipeline;
use crate::host_relation::HostRelation;
use smelt_common::Error;
use smelt_common::error::Result;

/// A dataset or table, and what it is made from.
#[derive(Debug, Serialize)]
pub struct Relation<'p> {
    /// `dataset`, `table`, `kpi` or `check`.
    pub kind: &'p str,
    /// The name in the manifest.
    pub name: &'p str,
    /// The plugin that makes it.
    pub plugin: &'p str,
    /// The names of the relations that it reads; of a dataset the pattern of its bronze objects.
    pub reads: Vec<String>,
}

impl Pipeline {
    /// Returns the datasets, then the tables in the order in which they are made.
    pub fn relations(&self) -> Vec<Relation<'_>> {
        let datasets = self.datasets.iter().map(|step| Relation {
            kind: "dataset",
            name: &step.name,
            plugin: step.plugin.identity().map_or("smelt", |identity| &identity.name),
            reads: vec![step.pattern.to_string()],
        });
        let tables = self.tables.iter().map(|step| Relation {
            kind: step.section.split('.').next().unwrap_or_default(),
            name: &step.name,
            plugin: &step.plugin.identity().name,
            reads: step.reads().into_iter().map(ToOwned::to_owned).collect(),
        });
        datasets.chain(tables).collect()
    }

    /// Returns the datasets and tables that the text names, as in dbt: names separated by commas, `+a` for a and all that
    /// it is made from, `a+` for a and all that is made of it.
    ///
    /// # Errors
    /// A name is that of no dataset and no table.
    pub fn select(&self, text: &str) -> Result<BTreeSet<String>> {
        let mut reads: graph::Reads<'_> =
            self.tables.iter().map(|step| (step.name.as_str(), step.reads().into_iter().collect())).collect();
        let datasets: Vec<&str> = self.datasets.iter().map(|step| step.name.as_str()).collect();
        reads.extend(HostRelation::all().map(|relation| (relation.name(), datasets.clone())));
        reads.insert(HostRelation::Checks.name(), self.checks().map(|step| step.name.as_str()).collect());
        let mut selected = BTreeSet::new();
        for item in text.split(',').map(str::trim) {
            let (before, rest) = item.strip_prefix('+').map_or((false, item), |rest| (true, rest));
            let (after, name) = rest.strip_suffix('+').map_or((false, rest), |rest| (true, rest));
            if self.dataset(name).is_none() && self.table(name).is_none() {
                let datasets = self.datasets.iter().map(|step| step.name.as_str());
                let known = datasets.chain(self.tables.iter().map(|step| step.name.as_str())).collect::<Vec<_>>();
                return Err(Error::config(format!(
                    "`{item}` selects nothing: there is no dataset or table `{name}`; there are {}",
                    known.join(", ")
                )));
            }
            selected.insert(name.to_owned());
            if before {
                selected.extend(graph::made_from(name, &reads));
            }
            if after {
                selected.extend(graph::made_of(name, &reads));
            }
        }
        Ok(selected)
    }
}
