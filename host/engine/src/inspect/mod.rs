//! Lineage: where things in the lake come from, and whether they can be reproduced.

pub mod diff;
mod explain;
mod layer;
mod lineage;
mod open_lineage;
mod reproduce;
mod target;

pub use explain::{Explained, Influence, explain};
pub use layer::Layer;
pub use lineage::{Account, Node, Origin, lineage};
pub use open_lineage::events;
pub use reproduce::{Compared, Reproduced, Reproduction};
