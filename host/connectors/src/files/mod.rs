//! Tables as files in formats that people open, under names that stay.

mod place;
mod record;
mod render;
mod sheet;
mod sink;
#[cfg(test)]
mod tests;
mod text;

pub use record::{files_of, is_record};
pub use sheet::Sheet;
pub use sink::FilesSink;
