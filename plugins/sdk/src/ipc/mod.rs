//! Arrow IPC streams, which are read without copying and written once. The metadata uses the flatbuffers code that
//! `arrow-ipc` generates. The SDK has its own reader and writer, because those of `arrow-ipc` would make a component
//! about ten times as large.

mod framing;
mod read;
mod write;

pub(crate) use read::{Column, read};
pub(crate) use write::{Buffers, write};
