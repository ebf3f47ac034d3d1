//! Arrow IPC streams, which are read without copying and written once. The metadata uses the flatbuffers code that
//! `arrow-ipc` generates. The SDK has its own reader and writer, because those of `arrow-ipc` would make a component
//! about ten times as large.

mod read;
mod write;

pub(crate) use read::{Column, read};
pub(crate) use write::{Buffers, write};

/// The bytes that precede the length of every message.
const CONTINUATION: [u8; 4] = [0xff; 4];
/// Every buffer begins at a multiple of this offset in the stream. Decimals need that, so that a reader need not copy
/// them.
const ALIGNMENT: usize = 16;
/// The time zone of every timestamp.
const UTC: &str = "UTC";
