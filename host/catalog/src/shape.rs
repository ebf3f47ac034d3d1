//! The columns of a relation.

use serde::{Deserialize, Serialize};

/// The columns of a relation, its key, and the order of its rows: all that a reader needs who has no plugin at hand.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shape {
    /// The name of each column and its type, such as `decimal128(18,2)`. A `?` at the end says that values may be missing.
    pub columns: Vec<(String, String)>,
    /// The columns of the key, the first one first. Empty if no column tells rows apart.
    pub key: Vec<usize>,
    /// Set if the rows have an order of their own, which their file has. Otherwise they are in the order of the key.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub own_order: bool,
}
