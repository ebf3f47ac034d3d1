//! What every crate of smelt needs, without a network or a store: errors and their kinds, time, digests, order-preserving
//! encoding, the bytes of a component, worker threads, and what is measured.

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
pub mod key_hash;
pub mod ordered;
pub mod profile;
pub mod progress;
pub mod text;
pub mod workers;

pub use error::{Error, Result};

/// Random bits, for names that must not clash. Nothing that is computed depends on them.
pub fn random() -> u64 {
    getrandom::u64().expect("the system has randomness")
}
