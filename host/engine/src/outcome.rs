//! The outcome of a step: a change to commit, and the failures.

use std::collections::BTreeMap;
use std::fmt;

use smelt_catalog::Change;
use smelt_common::Error;
use smelt_common::error::{Kind, Result};
use smelt_storage::layers::BRONZE;

/// The subject of a failure: a part of the work that can fail while the rest goes on.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subject {
    /// A bronze object of a dataset.
    Object {
        /// The dataset's name.
        dataset: String,
        /// The object's name, without the layer.
        name: String,
    },
    /// A whole dataset.
    Dataset(String),
    /// A KPI.
    Kpi(String),
}

impl fmt::Display for Subject {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Object { dataset: _, name } => write!(out, "{BRONZE}{name}"),
            Self::Dataset(name) | Self::Kpi(name) => out.write_str(name),
        }
    }
}

/// The outcome of a step. The lake changes only when the outcome's change is committed.
pub struct Outcome<T = ()> {
    /// The change to commit; it may be empty.
    pub change: Change,
    /// The parts of the work that failed, with their errors. The next run tries them again.
    pub failures: Vec<(Subject, Error)>,
    /// Things that people should look at, such as a column that an object lacks.
    pub warnings: Vec<String>,
    /// The datasets that must be rebuilt because an object is gone or damaged, each with the error.
    pub damaged: BTreeMap<String, String>,
    /// True if the step may have written objects that its change does not reference.
    pub orphans: bool,
    /// The results that only this kind of step returns.
    pub made: T,
}

impl<T> Outcome<T> {
    /// Returns the outcome of a step in which nothing failed.
    pub fn new(change: Change, made: T) -> Self {
        Self { change, failures: vec![], warnings: vec![], damaged: BTreeMap::new(), orphans: false, made }
    }

    /// Returns the outcome if nothing failed.
    ///
    /// # Errors
    /// [`Kind::Damaged`] for the first damaged dataset, because it is the cause of other failures; otherwise the first
    /// failure.
    pub fn complete(mut self) -> Result<Self> {
        if let Some((dataset, why)) = self.damaged.first_key_value() {
            return Err(Error::new(Kind::Damaged, format!("dataset `{dataset}`: {why}; `smelt run` rebuilds it")));
        }
        match self.failures.is_empty() {
            true => Ok(self),
            false => {
                let (subject, error) = self.failures.swap_remove(0);
                Err(error.context(subject))
            }
        }
    }
}
