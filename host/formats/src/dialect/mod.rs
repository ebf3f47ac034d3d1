//! The dialect of raw objects: everything that a manifest says about how they are written.

mod compression;
mod csv;
#[expect(clippy::module_inception, reason = "the file has the type of the folder's name")]
mod dialect;
mod encoding;
mod pattern;
mod pointer;

pub use compression::ObjectCompression;
pub use csv::{Comment, Delimiter, Quote};
pub use dialect::Dialect;
pub use encoding::TextEncoding;
pub use pattern::LinePattern;
pub use pointer::Pointer;
