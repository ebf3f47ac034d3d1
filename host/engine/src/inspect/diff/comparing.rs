//! Everything that comparing two components needs.

use crate::run::Host;
use smelt_common::cost::Cost;
use smelt_storage::lake::Lake;

use serde::Serialize;

/// Everything that comparing two components of a plugin needs.
pub struct Comparing<'c> {
    /// The lake.
    pub lake: &'c Lake,
    /// The plugin.
    pub plugin: &'c str,
    /// The host that has loaded the old component.
    pub old: &'c Host,
    /// The host that has loaded the new component.
    pub new: &'c Host,
    /// The datasets to compare; if empty, all that use the plugin.
    pub datasets: &'c [String],
    /// The most objects of a dataset whose rows are compared, spread evenly over all.
    pub sample: usize,
    /// The most examples that are kept of each kind of difference.
    pub examples: usize,
}

/// A value of each of both components.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Both<T> {
    /// The value of the old component.
    pub old: T,
    /// The value of the new component.
    pub new: T,
}

/// The resources that both used.
pub type Costs = Both<Cost>;
