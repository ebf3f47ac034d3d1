//! The engine: takes a manifest and a lake to the next commit. It plans what is out of date, cleans, aggregates and
//! commits, and it inspects what was made.

#![warn(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]

mod attempt;
pub mod cells;
pub mod clean;
mod history;
mod host_relation;
pub mod inspect;
pub mod integrity;
pub mod manifest;
mod outcome;
pub mod pipeline;
pub mod plan;
pub mod quarantine;
pub mod run;
pub mod silver;
pub mod sinks;
pub mod sources;
pub mod tables;

pub use attempt::ATTEMPTS;
pub use host_relation::HostRelation;
