//! Arrow IPC streams, read without copying and written once. The metadata is arrow-ipc's generated flatbuffers; the
//! reader and writer are ours because arrow-rs' own would make a component some ten times as large.

mod read;
mod write;

pub(crate) use read::{Column, read};
pub(crate) use write::{Buffers, write};

/// What precedes the length of every message.
const CONTINUATION: [u8; 4] = [0xff; 4];
/// Every buffer begins at a multiple of this in the stream: as decimals want it, so that a reader need not copy them.
const ALIGNMENT: usize = 16;
/// The zone of every timestamp.
const UTC: &str = "UTC";
