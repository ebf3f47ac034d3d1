//! The target of a part: what the rows are that it makes.

use crate::Timestamp;
use crate::bindings::types::Field;

/// The place that a part writes to, and the time that it is told.
pub(crate) struct Target {
    /// The columns of the next stage, or of the table.
    pub(crate) fields: Vec<Field>,
    /// Set if rows with equal keys are added up.
    pub(crate) of_stage: bool,
    /// Set if the last column counts rows.
    pub(crate) counts: bool,
    pub(crate) as_of: Option<Timestamp>,
}
