//! Where things in the lake come from, and whether they can be made again.

pub mod diff;
mod explain;
mod found;
mod layer;
mod lineage;
mod open_lineage;
mod reproduce;

pub use explain::{Explained, Influence, explain};
pub use layer::Layer;
pub use lineage::{Account, Made, Node, lineage};
pub use open_lineage::events;
pub use reproduce::{Compared, Reproduced, Reproduction};
