//! The compression of raw objects, as the manifest names it.

use serde::{Deserialize, Serialize};

/// How objects are compressed.
#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug, Default)]
#[serde(rename_all = "lowercase")]
pub enum ObjectCompression {
    /// As the first bytes of each object say: gzip, Zstandard, or none. Names of objects say nothing.
    #[default]
    Auto,
    /// Not at all.
    None,
    /// As gzip, RFC 1952: any number of members.
    Gzip,
    /// As Zstandard, RFC 8878: any number of frames.
    Zstd,
}

impl ObjectCompression {
    /// Returns its name in the manifest.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }

    /// Returns what an object that begins with these bytes is to be inflated as. Four bytes are enough.
    pub(crate) fn of(self, first: &[u8]) -> Self {
        match (self, first) {
            (Self::Auto, [0x1f, 0x8b, ..]) => Self::Gzip,
            // A frame, or a frame to be skipped, with which parallel compressors begin.
            (Self::Auto, [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..]) => Self::Zstd,
            (Self::Auto, _) => Self::None,
            (said, _) => said,
        }
    }
}
