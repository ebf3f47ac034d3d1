//! A pipeline that is ready to run: its plugins are loaded, and everything that can be checked without data is checked.

mod bronze;
mod check;
mod connect;
mod dataset;
mod graph;
mod lock;
mod ready;
mod section;
mod select;
mod source;
mod table;

pub(crate) use bronze::bronze_name;
pub(crate) use check::{COLUMNS, are_verdicts};
pub use check::{Findings, findings};
pub use dataset::{DatasetStep, Maker, ObjectKind};
pub use lock::{Lock, Pin};
pub use ready::Pipeline;
pub use select::Relation;
pub use source::GeneratorStep;
pub use table::{TableInput, TableStep};
