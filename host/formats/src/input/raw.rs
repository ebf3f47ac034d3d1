//! The bytes of an object as the store has them, with some of them read ahead.

use std::io::{self, BufRead, Read};

/// The bytes that are read at a time.
const BUFFER: usize = 64 << 10;

/// An object's bytes, with those that were read ahead. It counts them, and keeps the errors of the reader, since
/// inflaters mix those with errors of their own.
pub(super) struct Raw<R> {
    reader: R,
    buffer: Vec<u8>,
    at: usize,
    /// The bytes that the reader has given so far.
    taken: u64,
    pub(super) failed: Option<io::Error>,
}

impl<R: Read> Raw<R> {
    /// Returns the bytes `ahead`, which were read already, and then those of the reader.
    pub(super) fn new(ahead: &[u8], reader: R) -> Self {
        Self { taken: ahead.len() as u64, buffer: ahead.to_vec(), at: 0, reader, failed: None }
    }

    /// Returns the bytes that were read ahead and are not consumed.
    pub(super) fn ahead(&self) -> &[u8] {
        &self.buffer[self.at..]
    }

    pub(super) fn taken(&self) -> u64 {
        self.taken
    }

    pub(super) fn into_reader(self) -> R {
        self.reader
    }
}

impl<R: Read> BufRead for Raw<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.at == self.buffer.len() && self.failed.is_none() {
            self.buffer.resize(BUFFER, 0);
            match self.reader.read(&mut self.buffer) {
                Ok(read) => {
                    self.buffer.truncate(read);
                    self.taken += read as u64;
                    self.at = 0;
                    break;
                }
                Err(error) => {
                    self.buffer.clear();
                    self.at = 0;
                    if error.kind() != io::ErrorKind::Interrupted {
                        self.failed = Some(error);
                    }
                }
            }
        }
        match self.failed {
            Some(_) => Err(io::ErrorKind::Other.into()),
            None => Ok(&self.buffer[self.at..]),
        }
    }

    fn consume(&mut self, amount: usize) {
        self.at += amount;
    }
}

impl<R: Read> Read for Raw<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut bytes = self.fill_buf()?;
        let read = bytes.read(into)?;
        self.consume(read);
        Ok(read)
    }
}
