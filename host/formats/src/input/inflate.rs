//! Inflates gzip and Zstandard: any number of members or frames, one after the other, and nothing else.

use std::io::{BufRead as _, Read};

use flate2::bufread::MultiGzDecoder;
use zstd::stream::read::Decoder as ZstdDecoder;

use super::failure::Failure;
use super::raw::Raw;
use crate::batch::rule;

/// The bytes to which any object may inflate, however small it is.
const ALWAYS: u64 = 1 << 20;

/// The most bytes to which a byte may inflate on average. Text compresses to a tenth, logs to a thirtieth; DEFLATE can
/// reach 1 032, and Zstandard far more.
const MOST: u64 = 100;

/// The largest window of Zstandard, as a power of two: 128 MiB, as much as its own command takes.
const WINDOW_LOG: u32 = 27;

/// A kind of compression.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Gzip,
    Zstd,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }
}

enum Inflater<R: Read> {
    Gzip(Box<MultiGzDecoder<Raw<R>>>),
    Zstd(ZstdDecoder<'static, Raw<R>>),
}

/// An object that is inflated while it is read.
pub(super) struct Inflate<R: Read> {
    inflater: Inflater<R>,
    kind: Kind,
    /// The object's length, if it is known.
    size: Option<u64>,
    /// The bytes inflated so far.
    inflated: u64,
}

impl<R: Read> Inflate<R> {
    /// Returns the inflated bytes of an object of `size` bytes.
    ///
    /// # Errors
    /// Zstandard has no memory for its tables, or the stream asks for too much of it.
    pub(super) fn new(kind: Kind, raw: Raw<R>, size: Option<u64>) -> Result<Self, Failure> {
        let inflater = match kind {
            Kind::Gzip => Inflater::Gzip(Box::new(MultiGzDecoder::new(raw))),
            Kind::Zstd => {
                if asks_for_too_much(raw.ahead()) {
                    return Err(damaged(format!(
                        "the zstd stream asks for a window of more than 2^{WINDOW_LOG} bytes"
                    )));
                }
                let mut decoder = ZstdDecoder::with_buffer(raw)?;
                decoder.window_log_max(WINDOW_LOG)?;
                Inflater::Zstd(decoder)
            }
        };
        Ok(Self { inflater, kind, size, inflated: 0 })
    }

    pub(super) fn into_reader(self) -> R {
        match self.inflater {
            Inflater::Gzip(decoder) => decoder.into_inner().into_reader(),
            Inflater::Zstd(decoder) => decoder.finish().into_reader(),
        }
    }

    /// Reads inflated bytes; 0 only at the end.
    ///
    /// # Errors
    /// The reader fails, or the bytes are not what a compressor writes, or they inflate to too much.
    pub(super) fn read(&mut self, into: &mut [u8]) -> Result<usize, Failure> {
        let (read, raw) = match &mut self.inflater {
            Inflater::Gzip(decoder) => (decoder.read(into), decoder.get_mut()),
            Inflater::Zstd(decoder) => (decoder.read(into), decoder.get_mut()),
        };
        let read = match (read, raw.failed.take()) {
            (_, Some(error)) => return Err(Failure::Reader(error)),
            (Ok(read), None) => read,
            (Err(error), None) => {
                // An inflater looks no further than it must, so the bytes end only if the buffer is empty.
                let cut = raw.fill_buf().is_ok_and(<[u8]>::is_empty);
                let name = self.kind.name();
                // The words of an inflater depend on how many bytes it was given at once.
                let detail = match cut && error.kind() == std::io::ErrorKind::UnexpectedEof {
                    true => format!("the {name} stream is cut off after {} bytes", raw.taken()),
                    false => format!("the {name} stream is damaged, or other bytes follow it"),
                };
                return Err(damaged(detail));
            }
        };
        self.inflated += read as u64;
        let size = self.size.unwrap_or(raw.taken());
        if self.inflated > ALWAYS && self.inflated > MOST.saturating_mul(size) {
            let detail = format!("its {size} bytes inflate to more than {MOST} times as many");
            return Err(Failure::Unreadable { rule: rule::INFLATES_TOO_MUCH, detail });
        }
        Ok(read)
    }
}

fn damaged(detail: String) -> Failure {
    Failure::Unreadable { rule: rule::DAMAGED_STREAM, detail }
}

/// Returns whether the first frame asks for a larger window than there may be. Zstandard itself looks only if the frame
/// does not fit into the memory that it is given at once, and this must not depend on that.
fn asks_for_too_much(first: &[u8]) -> bool {
    // RFC 8878, 3.1.1.1: after the magic number stand the descriptors of the frame's header and of its window.
    let [0x28, 0xb5, 0x2f, 0xfd, header, window, ..] = *first else { return false };
    let is_single_segment = header & 0x20 != 0;
    let (exponent, mantissa) = (u32::from(window >> 3), u64::from(window & 7));
    !is_single_segment && (1_u64 << (10 + exponent)) / 8 * (8 + mantissa) > 1 << WINDOW_LOG
}
