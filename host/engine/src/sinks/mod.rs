//! Brings what the lake has published to the pipeline's sinks.

mod carried;
mod open;

pub(crate) use carried::Carried;
pub use open::open;
