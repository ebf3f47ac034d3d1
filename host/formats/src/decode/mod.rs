//! Streams an object through a bounded window and returns batches. Every record becomes a row or a malformed record,
//! whatever the bytes. Where the window ends changes neither rows, numbers nor offsets.

mod decoder;
mod parser;
mod read_ahead;
mod renamed;
#[cfg(test)]
mod tests;
mod unreadable;

pub use decoder::Decoder;
#[cfg(test)]
pub(crate) use decoder::KEPT_BYTES;
pub use renamed::Renamed;
pub use unreadable::Unreadable;
