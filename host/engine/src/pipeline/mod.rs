//! A pipeline that is ready to run: its plugins are loaded, and everything that can be checked without data is checked.

mod connect;
mod dataset;
mod graph;
mod lock;
mod ready;
mod section;
mod select;
mod source;
mod table;

pub use dataset::DatasetStep;
pub use lock::{Lock, Pin};
pub use ready::Pipeline;
pub use select::Relation;
pub use source::GeneratorStep;
pub use table::{TableInput, TableStep};
