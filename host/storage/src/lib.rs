//! Stores the immutable objects of a lake under keys, in a directory or in buckets, and persistent maps on top of them.
//!
//! Everything above uses the trait [`Store`]. [`lake`] finds and opens the store of a lake, and [`sorted_runs`] keeps
//! maps that are too large for memory.

#![warn(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]

mod buckets;
mod content;
#[cfg(any(test, feature = "testing"))]
pub mod counting;
#[doc(hidden)]
pub mod delegate;
mod dir;
mod errors;
pub mod lake;
pub mod layers;
#[cfg(any(test, feature = "testing"))]
pub mod meddling;
mod new;
mod overlay;
mod read;
#[cfg(feature = "s3")]
mod s3;
mod scratch;
pub mod sorted_runs;
mod sorter;
mod store;
#[cfg(test)]
mod suite;
mod writes;

pub use buckets::{BucketUrl, Connection, Credentials, Places};
pub use dir::DirStore;
pub use errors::unavailable;
pub use layers::{PROOFS, WRITERS};
pub use new::{NewObject, Put, copy_new, put_new, put_unless_other};
pub use overlay::Overlay;
pub use read::{read, read_verified};
#[cfg(feature = "s3")]
pub use s3::S3Store;
pub use sorter::Sorter;
pub use store::{Durability, Meta, Store, Unfinished, Upload};
pub use writes::Writes;
