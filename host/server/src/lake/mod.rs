//! What a lake has committed, as pages see it: one commit at a time, and its tables at hand.

mod facts;
mod history;
mod objects;
mod rows;
mod snapshot;
mod tables;
mod watch;

pub use facts::{Facts, RelationKind};
pub use history::{ChangeSummary, Difference, changes_of, difference};
pub use objects::{BronzeObject, objects_of};
pub use snapshot::{RunSummary, Snapshot};
pub use tables::Tables;
pub(crate) use tables::unknown;
pub use watch::{Lake, Seen};
