//! smelt-common is what every crate of smelt needs and what meets no network and no store.
//!
//! It has errors and their kinds, the clock, digests, order-preserving encoding, and the hash of keys. It also has the
//! bytes of components and of stored sums, checked texts, files, worker threads, and the profile of a run.

#![warn(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]

pub mod binary;
pub mod clock;
pub mod cost;
#[cfg(any(test, feature = "testing"))]
pub mod damage;
pub mod digest;
pub mod error;
pub mod files;
pub mod glob;
pub mod globs;
pub mod key_hash;
pub mod ordered;
pub mod profile;
pub mod progress;
mod random;
pub mod revision;
pub mod stored_row;
pub mod text;
pub mod wide;
pub mod workers;

pub use error::{Error, Result};
pub use random::random;
