//! Finds out where a lake lies, from the command line, the manifest and the environment, and opens its store.

mod connection;
mod place;
mod section;
#[cfg(test)]
mod tests;

pub use connection::connection_of;
pub use place::Lake;
pub use section::LakeSection;
