//! The ports to other systems, and an adapter for each: what carries committed tables out of a lake.
//!
//! A [`Sink`] is told what a lake has published, and brings another place there: whole or not at all, after the commit, and as
//! often as it is told. It reads the rows through [`Published`], so it knows nothing of how a lake keeps them. An adapter is a
//! folder named after its system, and its settings are its section of the manifest.

#![warn(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]

mod files;
mod section;
mod sink;

pub use files::{FilesSink, Sheet, files_of, is_record};
pub use section::{Carries, SinkKind, SinkSection};
pub use sink::{Published, Relation, Sink};
