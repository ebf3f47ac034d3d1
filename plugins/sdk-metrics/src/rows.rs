//! The rows of the two stages.

use smelt_sdk::prelude::*;

/// A value, and how many have it. `near` is the least value that would be in the same group.
#[derive(Row)]
#[row(group(metric, near))]
pub(crate) struct Value<'a> {
    pub(crate) metric: &'a str,
    pub(crate) near: Money,
    pub(crate) value: Money,
    #[sum]
    pub(crate) rows: i64,
}

/// The rows of a metric: its name, which is there even if nothing has a value, and its values in order.
#[derive(Row)]
#[row(group(metric))]
#[rustfmt::skip]
pub enum OfMetric<'a> {
    /// The name.
    Named { #[doc = "The metric."] metric: &'a str },
    /// Values that are near each other.
    Near {
        #[doc = "The metric."] metric: &'a str, #[doc = "The value from which the first one is told."] near: Money,
        #[doc = "The values, as text."] values: &'a str, #[doc = "How many there are."] #[sum] rows: i64,
    },
}
