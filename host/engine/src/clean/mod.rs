//! The cleaning step: turns bronze objects into silver.

mod batch;
mod cleaning;
mod context;
mod gate;
pub mod keys;
mod names;
mod object;
mod pass;
mod settle;
pub mod spool;
mod stream;
mod write;

pub use cleaning::Cleaning;
pub(crate) use names::RowKind;
