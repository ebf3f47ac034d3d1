//! Finds out where a lake lies, from the command line, the manifest and the environment, and opens its store.

mod connection;
mod place;
mod section;
#[cfg(test)]
mod tests;

pub use place::{Lake, open_bucket};
pub use section::LakeSection;
