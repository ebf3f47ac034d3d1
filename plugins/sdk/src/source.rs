//! Sources: they make bronze objects from a seed.

pub use crate::bindings::types::Object;
use crate::{Config, Result, SourceDescription, Timestamp};

/// The stretch of time for which a source makes objects. Equal ticks with equal parameters must give equal bytes.
#[derive(Debug, Clone, Copy)]
pub struct Tick {
    /// The seed from which the source derives all randomness.
    pub seed: u64,
    /// The number of this tick, from 0.
    pub number: u64,
    /// The time at which this tick begins. Names of objects contain it as a [`stamp`](Timestamp::stamp).
    pub as_of: Timestamp,
    /// The time at which this tick ends and the next one begins.
    pub ends: Timestamp,
}

/// Makes bronze objects.
pub trait Source {
    /// Describes the source: its parameters, and globs for the names of its objects.
    fn describe() -> SourceDescription;

    /// Makes the objects of one tick.
    fn generate(config: &Config, tick: Tick) -> Result<Vec<Object>>;
}

impl Object {
    /// Returns an object with that name and content.
    pub fn new(name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self { name: name.into(), bytes: bytes.into() }
    }
}
