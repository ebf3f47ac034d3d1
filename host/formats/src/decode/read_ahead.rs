//! Reads an object ahead of its parser, and keeps a bounded part of it in memory. Batches share those bytes. Once no
//! batch holds a buffer any more, its memory is used for the next read.

use std::io::Read;

use arrow_buffer::Buffer;

use crate::input::{Failure, Input};
use crate::{ObjectCompression, TextEncoding};

/// The longest window or record, because positions in a window are kept in 32 bits.
pub(super) const LONGEST: usize = 1 << 29;

/// Half of the first read.
const FIRST: usize = 16 << 10;

/// The bytes of an object that were read ahead of the parser.
pub(super) struct ReadAhead<R: Read> {
    input: Input<R>,
    window: Buffer,
    /// The previous window, for its memory.
    retired: Option<Buffer>,
    /// The window's first byte in the text of the object.
    offset: u64,
    /// The position in the window up to which all is consumed.
    pub(super) at: usize,
    ended: bool,
    size: usize,
}

impl<R: Read> ReadAhead<R> {
    /// Returns a window that reads `size` bytes at a time.
    pub(super) fn new(input: Input<R>, size: usize) -> Self {
        let window = Buffer::from_vec(Vec::<u8>::new());
        Self { input, window, retired: None, offset: 0, at: 0, ended: false, size: size.clamp(16, LONGEST) }
    }

    pub(super) fn input(&mut self) -> &mut Input<R> {
        &mut self.input
    }

    pub(super) fn into_reader(self) -> R {
        self.input.into_reader()
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.window.as_slice()
    }

    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Returns whether the object ends with the window.
    pub(super) fn ended(&self) -> bool {
        self.ended
    }

    /// Returns a part of the window, and shares its memory.
    pub(super) fn share(&self, start: usize, len: usize) -> Buffer {
        self.window.slice_with_length(start, len)
    }

    /// Fills the window until it has `len` bytes that are not consumed, or the object ends.
    pub(super) fn have(&mut self, len: usize) -> Result<(), Failure> {
        while self.window.len() - self.at < len && !self.ended {
            self.fill()?;
        }
        Ok(())
    }

    /// Fills the first window anew with inflated bytes, if the object is compressed.
    pub(super) fn inflate(&mut self, compression: ObjectCompression) -> Result<(), Failure> {
        if self.input.inflate(compression, self.window.as_slice())? { self.begin_again() } else { Ok(()) }
    }

    /// Fills the first window anew with the text in UTF-8, if it has another encoding.
    pub(super) fn transcode(&mut self, encoding: TextEncoding) -> Result<(), Failure> {
        if self.input.transcode(encoding, self.window.as_slice()) { self.begin_again() } else { Ok(()) }
    }

    fn begin_again(&mut self) -> Result<(), Failure> {
        self.at = self.window.len();
        self.fill()?;
        self.offset = 0;
        Ok(())
    }

    /// Makes a new window of the bytes that are not consumed yet, and of more. If those bytes already fill a window,
    /// the new one is twice as large: the caller asks for more only while a record may still fit into `record_bytes`.
    pub(super) fn fill(&mut self) -> Result<(), Failure> {
        let tail = self.window.len() - self.at;
        let target = self.size.max(2 * tail + 64);
        // The old bytes stay in the buffer, because zeroing what is overwritten anyway would cost time.
        let retired = self.retired.take().and_then(|old| old.into_vec::<u8>().ok());
        let mut bytes = retired.unwrap_or_else(|| Vec::with_capacity(target));
        bytes.resize(bytes.len().clamp(tail, target), 0);
        bytes[..tail].copy_from_slice(&self.window.as_slice()[self.at..]);
        let mut end = tail;
        while end < target {
            if end == bytes.len() {
                // The buffer grows step by step: a small object needs little of it, and memory that is not touched
                // costs nothing.
                bytes.resize(target.min(2 * end.max(FIRST)), 0);
            }
            match self.input.read(&mut bytes[end..])? {
                0 => break,
                read => end += read,
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
