//! Tests whether a component keeps the contract.
//!
//! The kit loads and calls the component exactly as a run does. A failed test says what was sent, what came back and
//! what the contract says.

#![warn(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]

mod bench;
mod cleaner;
mod component;
mod cost;
mod description;
mod engines;
mod golden;
mod kpi;
mod literals;
mod options;
mod report;
mod rounds;
mod rows;
mod samples;
mod shrink;
mod source;
mod text;
mod unicode;

pub use component::test;
pub use engines::Engines;
pub use options::Options;
pub use report::{About, Cost, Failure, Outcome, Report, Test};
