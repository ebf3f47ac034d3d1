//! What comparing two components works on.

use crate::run::Host;
use smelt_common::cost::Cost;
use smelt_storage::lake::Lake;

use serde::Serialize;

/// What comparing needs.
pub struct Comparing<'c> {
    /// The lake.
    pub lake: &'c Lake,
    /// The plugin.
    pub plugin: &'c str,
    /// A host that has loaded the one component of the plugin.
    pub old: &'c Host,
    /// And one that has loaded the other.
    pub new: &'c Host,
    /// Only these datasets, if there are any.
    pub datasets: &'c [String],
    /// The most objects of a dataset whose rows are compared, spread evenly over all.
    pub sample: usize,
    /// How many examples are kept of each kind of difference.
    pub examples: usize,
}

/// The same of both components.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Both<T> {
    /// Of the one.
    pub old: T,
    /// Of the other.
    pub new: T,
}

/// What both used.
pub type Costs = Both<Cost>;
