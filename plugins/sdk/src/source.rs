//! Sources: bronze objects made from a seed.

pub use crate::bindings::types::Object;
use crate::{Config, Result, SourceDescription, Timestamp};

/// One moment of a source's life; equal ticks with equal parameters give equal bytes.
#[derive(Debug, Clone, Copy)]
pub struct Tick {
    /// What all randomness is derived from.
    pub seed: u64,
    /// Which tick this is, from 0.
    pub number: u64,
    /// When it is; object names are stamped with it.
    pub as_of: Timestamp,
}

/// Makes bronze objects.
pub trait Source {
    /// What this source is.
    fn describe() -> SourceDescription;

    /// The objects of one tick.
    fn generate(config: &Config, tick: Tick) -> Result<Vec<Object>>;
}

impl Object {
    /// An object of that name.
    pub fn new(name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self { name: name.into(), bytes: bytes.into() }
    }
}
