//! The parts that frames are cut into.

use smelt_common::Error;
use smelt_common::error::Kind;

/// The rows of a block.
pub const BLOCK_ROWS: usize = 4096;

/// The place of a column of a block in a frame's file.
pub(super) struct Chunk {
    pub(super) at: u64,
    pub(super) bytes: usize,
}

pub(super) fn failed(error: impl std::fmt::Display) -> Error {
    Error::new(Kind::Unavailable, format!("a temporary file for a table: {error}"))
}
