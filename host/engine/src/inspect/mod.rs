//! Lineage: where things in the lake come from, and whether they can be reproduced.

pub mod diff;
mod layer;
mod lineage;
mod open_lineage;
mod quality;
mod reproduce;
mod row_lineage;
mod target;

pub use layer::Layer;
pub use lineage::{Account, Node, Origin, lineage};
pub use open_lineage::events;
pub use quality::JudgedObject;
pub use reproduce::{Compared, Reproduced, Reproduction};
pub use row_lineage::{Influence, RowLineage, row_lineage};
