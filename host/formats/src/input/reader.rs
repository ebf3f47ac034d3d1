//! Reads the text of an object through the layers that it needs. An object that needs none is read as it is.

use std::io::{self, Read, Sink, Write as _};

use super::failure::Failure;
use super::inflate::{Inflate, Kind};
use super::raw::Raw;
use super::transcode::Transcode;
use crate::{ObjectCompression, TextEncoding};
use smelt_common::digest::HashingWriter;

/// The bytes of an object, on their way to be text.
pub(crate) struct Input<R: Read> {
    bytes: Bytes<R>,
    /// `None` if the text is UTF-8.
    transcode: Option<Transcode>,
    /// The object's length, if it is known.
    size: Option<u64>,
    /// Takes what the object inflates to, if that is to be hashed.
    content: Option<HashingWriter<Sink>>,
}

enum Bytes<R: Read> {
    Plain(R),
    Inflated(Box<Inflate<R>>),
    /// Stands there while one is made of the other.
    Changing,
}

impl<R: Read> Input<R> {
    /// Returns the bytes as they are. `size` is the object's length, if it is known.
    pub(crate) fn new(reader: R, size: Option<u64>) -> Self {
        Self { bytes: Bytes::Plain(reader), transcode: None, size, content: None }
    }

    /// Makes what the object inflates to be counted and hashed.
    pub(crate) fn hash_content(&mut self) {
        self.content = Some(HashingWriter::new(io::sink()));
    }

    /// Reads to the end, and returns the number and the sha256 of all bytes that it inflates to. `None` if they are not
    /// hashed, it is not compressed, or it cannot be inflated.
    pub(crate) fn content(&mut self) -> Option<(u64, String)> {
        let mut room = vec![0; 64 << 10];
        while self.content.is_some() && self.read(&mut room).ok()? > 0 {}
        let content = self.content.as_ref().filter(|_| matches!(self.bytes, Bytes::Inflated(_)))?;
        Some((content.bytes(), content.sha256()))
    }

    /// Makes the object be inflated. `ahead` is all that was read of it so far. Returns false if that is not compressed
    /// so that it would have to be.
    ///
    /// # Errors
    /// The inflater has no memory.
    pub(crate) fn inflate(&mut self, compression: ObjectCompression, ahead: &[u8]) -> Result<bool, Failure> {
        let kind = match compression.of(ahead) {
            ObjectCompression::Gzip => Kind::Gzip,
            ObjectCompression::Zstd => Kind::Zstd,
            ObjectCompression::None | ObjectCompression::Auto => return Ok(false),
        };
        let Bytes::Plain(reader) = std::mem::replace(&mut self.bytes, Bytes::Changing) else { return Ok(false) };
        let inflate = Inflate::new(kind, Raw::new(ahead, reader), self.size)?;
        self.bytes = Bytes::Inflated(Box::new(inflate));
        Ok(true)
    }

    /// Makes the text be read as of that encoding. `ahead` is all that was read of it so far. Returns false if nothing
    /// changes.
    pub(crate) fn transcode(&mut self, encoding: TextEncoding, ahead: &[u8]) -> bool {
        self.transcode = Transcode::new(encoding, ahead);
        self.transcode.is_some()
    }

    /// Reads bytes of text; 0 only at the end.
    ///
    /// # Errors
    /// The reader fails, or the object cannot be inflated.
    pub(crate) fn read(&mut self, into: &mut [u8]) -> Result<usize, Failure> {
        let Self { bytes, transcode: Some(transcode), content, .. } = self else {
            let read = self.bytes.read(into)?;
            self.bytes.note(&mut self.content, &into[..read]);
            return Ok(read);
        };
        loop {
            match transcode.take(into) {
                0 if !into.is_empty() => {
                    let room = transcode.room();
                    let read = bytes.read(room)?;
                    bytes.note(content, &room[..read]);
                    match read {
                        0 => return Ok(0),
                        read => transcode.run(read),
                    }
                }
                taken => return Ok(taken),
            }
        }
    }

    /// Returns the reader. The rest of the object is still to be read.
    pub(crate) fn into_reader(self) -> R {
        match self.bytes {
            Bytes::Plain(reader) => reader,
            Bytes::Inflated(inflate) => inflate.into_reader(),
            Bytes::Changing => unreachable!("only while `inflate` runs"),
        }
    }
}

impl<R: Read> Bytes<R> {
    /// Takes note of bytes that were read, if they are what the object inflates to.
    #[inline]
    fn note(&self, content: &mut Option<HashingWriter<Sink>>, bytes: &[u8]) {
        if let (Some(content), Self::Inflated(_)) = (content, self) {
            // A sink takes everything.
            let _ = content.write_all(bytes);
        }
    }

    #[inline]
    fn read(&mut self, into: &mut [u8]) -> Result<usize, Failure> {
        match self {
            Self::Plain(reader) => loop {
                match reader.read(into) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    read => return Ok(read?),
                }
            },
            Self::Inflated(inflate) => inflate.read(into),
            Self::Changing => unreachable!("only while `inflate` runs"),
        }
    }
}
