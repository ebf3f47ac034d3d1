//! Reports what another component of a plugin would change.

use super::comparing::Comparing;
use super::rows::RowDiff;
use super::tables::TableDiff;
use crate::run::Host;
use smelt_catalog::{State, look};
use smelt_common::Error;
use smelt_common::error::Result;
use std::collections::BTreeSet;

use serde::Serialize;

/// The differences between two components of a plugin.
#[derive(Debug, Serialize)]
pub struct Diff {
    /// The plugin.
    pub plugin: String,
    /// The old component.
    pub old: Side,
    /// The new component.
    pub new: Side,
    /// If the plugin is a cleaner, what becomes of the rows of each dataset that uses it.
    pub datasets: Vec<RowDiff>,
    /// If the plugin is a KPI, each table that it makes.
    pub kpis: Vec<TableDiff>,
}

/// One of the two components.
#[derive(Debug, Serialize)]
pub struct Side {
    /// The version that it gives itself.
    pub version: String,
    /// Its sha256.
    pub sha256: String,
}

impl Comparing<'_> {
    /// Runs both components and compares their results.
    ///
    /// # Errors
    /// Fails if one of the components fails, or if the manifest lacks the plugin or one of the datasets to compare.
    pub fn diff(&self) -> Result<Diff> {
        look(self.old.store(), |state| self.diff_of(state))
    }

    fn diff_of(&self, state: &State) -> Result<Diff> {
        let side = |host: &Host| {
            let identity = host.pipeline().identity(self.plugin)?;
            Ok::<_, Error>(Side { version: identity.version.clone(), sha256: identity.sha256().to_owned() })
        };
        let uses = |name: &str| name == self.plugin;
        let datasets: BTreeSet<&str> = self.old.pipeline().datasets.iter().map(|step| step.name.as_str()).collect();
        if let Some(unknown) = self.datasets.iter().find(|name| !datasets.contains(name.as_str())) {
            let known = datasets.into_iter().collect::<Vec<_>>().join(", ");
            return Err(Error::config(format!("the manifest has no dataset `{unknown}`; it has {known}")));
        }
        let wanted = |name: &String| self.datasets.is_empty() || self.datasets.contains(name);
        let mut diff = Diff {
            plugin: self.plugin.to_owned(),
            old: side(self.old)?,
            new: side(self.new)?,
            datasets: vec![],
            kpis: vec![],
        };
        for step in &self.old.pipeline().datasets {
            let is_used = step.plugin.identity().is_some_and(|identity| uses(&identity.name));
            if is_used && wanted(&step.name) && state.datasets.contains_key(&step.name) {
                diff.datasets.push(self.rows(&step.name, state)?);
            }
        }
        for step in &self.old.pipeline().tables {
            if uses(&step.plugin.identity().name) {
                diff.kpis.push(self.tables(&step.name, state)?);
            }
        }
        Ok(diff)
    }
}

impl Diff {
    /// Returns whether nothing is different, apart from the resources that they use.
    pub fn is_empty(&self) -> bool {
        self.datasets.iter().all(RowDiff::is_empty) && self.kpis.iter().all(TableDiff::is_empty)
    }
}
