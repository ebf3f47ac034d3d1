//! What a lake has committed, as pages see it: one commit at a time, and its tables at hand.

mod facts;
mod objects;
mod rows;
mod snapshot;
mod tables;
mod watch;

pub use facts::{Facts, RelationKind};
pub use objects::{BronzeObject, objects_of};
pub use snapshot::{RunSummary, Snapshot};
pub use tables::Tables;
pub use watch::{Lake, Seen};
