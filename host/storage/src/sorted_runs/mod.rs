//! A persistent map of byte strings that need not fit into memory.
//!
//! The map is a list of sorted runs. Each run is an immutable object, and a later run overrides an earlier one. A
//! look-up of k keys costs a few small ranged reads a key, however many keys the map has. Writing k entries makes a run
//! of k entries. Runs are joined as they grow, so there are few of them, and an entry is rewritten a logarithmic number
//! of times. Entries are sorted by a keyed hash of their keys, so all parts of a run look alike, whatever the keys are.
//!
//! [`AdditiveRuns`] are runs of rows whose numbers add up. There a later run overrides nothing, so a change is written
//! without what it changes. Rows are sorted by a hash of their group and then by their key, so groups are read in order.
//!
//! All that is read is verified: the catalog holds the digest of each run's index, and the index those of the run's
//! blocks (`docs/formats.md`).

mod additive;
mod block;
mod map;
mod merge;
mod reader;
mod record;
mod rule;
mod run;
#[cfg(test)]
mod tests;
mod write;

pub use additive::{AdditiveReader, AdditiveRuns};
pub use map::{Pair, SortedRuns};
pub use reader::Reader;
pub use record::SortedRun;
pub use write::RunPart;
