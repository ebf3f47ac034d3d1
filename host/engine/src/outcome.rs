//! What a step comes to: a change to be committed, and what could not be done.

use std::collections::BTreeMap;
use std::fmt;

use smelt_catalog::Change;
use smelt_common::Error;
use smelt_common::error::{Kind, Result};
use smelt_storage::layers::BRONZE;

/// Something that a step can fail at while everything else goes on.
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

/// What a step comes to. Nothing of it is part of the lake before its change is committed.
pub struct Outcome<T = ()> {
    /// The change that is to be committed; it may be empty.
    pub change: Change,
    /// What could not be done, and why. The next run tries it again.
    pub failures: Vec<(Subject, Error)>,
    /// Things that people should look at, such as a column that an object lacks.
    pub warnings: Vec<String>,
    /// Datasets of which an object is gone or damaged, and which object. They must be rebuilt.
    pub damaged: BTreeMap<String, String>,
    /// Whether the step wrote objects that its change does not reference.
    pub orphans: bool,
    /// What this kind of step alone makes.
    pub made: T,
}

impl<T> Outcome<T> {
    /// Returns the outcome of a step that could do everything.
    pub fn new(change: Change, made: T) -> Self {
        Self { change, failures: vec![], warnings: vec![], damaged: BTreeMap::new(), orphans: false, made }
    }

    /// Returns the outcome if everything could be done.
    ///
    /// # Errors
    /// The first dataset that is damaged, since what reads it fails for that; else the first failure.
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
