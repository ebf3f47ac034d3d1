//! A directory, or a bucket, into which others put files.

mod source;
#[cfg(test)]
mod tests;

pub use source::DirectorySource;
