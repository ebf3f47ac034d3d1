//! A lake in a directory. Objects are files, which get a temporary name first and are linked into place whole.

mod file;
mod places;
mod root;
mod store;
mod temporary;
#[cfg(test)]
mod tests;
mod upload;
mod walk;

pub use store::DirStore;
