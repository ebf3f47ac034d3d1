//! The catalog says what a lake holds as of its newest commit. A reader sees all of a commit or none of it.

#![warn(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]

mod arrivals;
mod catalog;
mod commit;
mod components;
mod content;
mod contents;
mod dataset;
mod entries;
mod entry;
mod error_text;
mod failing;
mod file;
mod fingerprint;
mod gold;
mod held;
pub mod holding;
mod keys;
mod log;
mod look;
mod names;
mod object_ref;
mod parse;
mod relation;
mod replay;
mod rollback_point;
mod shape;
mod state;
mod status;
#[cfg(test)]
mod tests;
mod totals;
mod verdict;
mod young;

pub use arrivals::{Arrivals, Claim, PutAway, Taken, Unrecognised};
pub use catalog::{Catalog, Known};
pub use commit::{Change, Commit, Parts, Promoted, RowsChange};
pub use components::{component_key, keep_component, kept_component};
pub use content::{Content, Pace};
pub use dataset::{Account, BRONZE_PREFIX, Dataset};
pub use entries::Entries;
pub use entry::Entry;
pub use error_text::ErrorText;
pub use failing::{Failing, Failure};
pub use file::read_commit;
pub use fingerprint::{Fingerprint, PLAIN};
pub use gold::Gold;
pub use held::{Audit, Held};
pub use keys::{ARRIVALS, CHANGES, COMMITS, COMPONENTS, ENTRIES, GC, HELD, INDEX, SUMS, commit_key};
pub use log::{LogEntry, RelationChange, Removed};
pub use look::{LOOKS, Look, busy, look};
pub use names::{Listed, NameSet};
pub use object_ref::ObjectRef;
pub use relation::{Files, InputVersion, Inputs, Relation};
pub use replay::entries_as_of;
pub use rollback_point::{ROLLBACK_POINTS, ROLLBACK_QUARANTINE, RollbackPoint};
pub use shape::Shape;
pub use smelt_common::revision::{file_and_revision, revision_name};
pub use state::{DatasetTotals, Promotion, State};
pub use status::{Decision, Staged, Status, Verb};
pub use totals::Totals;
pub use verdict::{Despite, Judgement, Verdict};
pub use young::{Young, look_hash, name_hash};
