//! The window: the part of an object that is in memory. Batches share its bytes; what no batch holds any more is read
//! into again.

use std::io::{self, Read};

use arrow_buffer::Buffer;

/// Longest window or record: positions in a window are kept in 32 bits.
pub(super) const LONGEST: usize = 1 << 29;

/// Half of what is read first.
const FIRST: usize = 16 << 10;

/// Bytes of an object read ahead of the decoder.
pub(super) struct Source<R> {
    reader: R,
    window: Buffer,
    retired: Option<Buffer>,
    /// Where the window begins in the object.
    offset: u64,
    /// Consumed up to here in the window.
    pub(super) at: usize,
    ended: bool,
    size: usize,
}

impl<R: Read> Source<R> {
    /// Reads `size` bytes at a time.
    pub(super) fn new(reader: R, size: usize) -> Self {
        let window = Buffer::from_vec(Vec::<u8>::new());
        Self { reader, window, retired: None, offset: 0, at: 0, ended: false, size: size.clamp(16, LONGEST) }
    }

    pub(super) fn into_reader(self) -> R {
        self.reader
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.window.as_slice()
    }

    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// No bytes follow the window.
    pub(super) fn ended(&self) -> bool {
        self.ended
    }

    /// Part of the window, shared.
    pub(super) fn share(&self, start: usize, len: usize) -> Buffer {
        self.window.slice_with_length(start, len)
    }

    /// A new window: what is not consumed of this one, and more. A tail that already fills a window doubles it: the
    /// caller asks for more only while a record may still fit in `record_bytes`.
    pub(super) fn fill(&mut self) -> io::Result<()> {
        let tail = self.window.len() - self.at;
        let target = self.size.max(2 * tail + 64);
        // Not cleared: what is overwritten anyway need not be zeroed first.
        let retired = self.retired.take().and_then(|old| old.into_vec::<u8>().ok());
        let mut bytes = retired.unwrap_or_else(|| Vec::with_capacity(target));
        bytes.resize(bytes.len().clamp(tail, target), 0);
        bytes[..tail].copy_from_slice(&self.window.as_slice()[self.at..]);
        let mut end = tail;
        while end < target {
            if end == bytes.len() {
                // Step by step: most of a window is nothing to a small object, and memory that is not touched costs nothing.
                bytes.resize(target.min(2 * end.max(FIRST)), 0);
            }
            match self.reader.read(&mut bytes[end..]) {
                Ok(0) => break,
                Ok(read) => end += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.ended = end < target;
        bytes.truncate(end);
        self.offset += self.at as u64;
        self.at = 0;
        self.retired = Some(std::mem::replace(&mut self.window, Buffer::from_vec(bytes)));
        Ok(())
    }
}
