//! The ports to other systems, and an adapter for each: what brings raw files to a lake, and what carries committed tables out.
//!
//! A [`Source`] has files that a lake takes in, each once. A [`Sink`] is told what a lake has published, and brings another place
//! there: whole or not at all, after the commit, and as often as it is told. It reads the rows through [`Published`], so it knows
//! nothing of how a lake keeps them. An adapter is a folder named after its system, and its settings are its section of the
//! manifest.

#![warn(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]

mod directory;
mod files;
mod place;
mod section;
mod sink;
mod source;

pub use directory::DirectorySource;
pub use files::{FilesSink, Sheet, files_of, is_record};
pub use place::{Directory, Surroundings};
pub use section::{Carries, SinkKind, SinkSection, SourceKind};
pub use sink::{Published, Relation, Sink};
pub use source::{After, Moved, Rules, Source, There};
