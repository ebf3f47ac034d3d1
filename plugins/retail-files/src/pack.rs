//! Compression. It depends on nothing but the bytes.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

/// The ways in which a file is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Packing {
    None,
    Gzip,
    Zstd,
}

impl Packing {
    /// Returns what a file's name ends in.
    pub(crate) fn extension(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Gzip => ".gz",
            Self::Zstd => ".zst",
        }
    }

    /// Packs bytes.
    pub(crate) fn pack(self, bytes: Vec<u8>) -> Vec<u8> {
        match self {
            Self::None => bytes,
            Self::Gzip => {
                // The header has neither a name nor a time.
                let mut out = GzEncoder::new(Vec::new(), Compression::default());
                let packed = out.write_all(&bytes).and_then(|()| out.finish());
                packed.expect("memory takes everything")
            }
            Self::Zstd => stored(&bytes),
        }
    }
}

/// The most bytes of a block of Zstandard.
const BLOCK: usize = 128 << 10;

/// Returns a frame of Zstandard (RFC 8878) whose blocks are stored as they are: a compressor would be larger than all else here.
fn stored(bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![0x28, 0xb5, 0x2f, 0xfd];
    // One segment, whose length has four bytes; no check sum.
    out.push(0xa0);
    out.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
    let blocks = bytes.len().div_ceil(BLOCK).max(1);
    for index in 0..blocks {
        let block = &bytes[index * BLOCK..bytes.len().min((index + 1) * BLOCK)];
        let header = (block.len() as u32) << 3 | u32::from(index + 1 == blocks);
        out.extend_from_slice(&header.to_le_bytes()[..3]);
        out.extend_from_slice(block);
    }
    out
}
