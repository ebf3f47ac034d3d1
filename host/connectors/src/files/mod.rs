//! Tables as files in formats that people open, under names that stay.

mod place;
mod record;
mod render;
mod sink;
#[cfg(test)]
mod tests;

pub use record::{files_of, is_record};
pub use sink::{FilesSink, Sheet};
