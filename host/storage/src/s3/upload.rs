//! Gathers the bytes of a new object in memory, or in a temporary file if there are many, and sends them at the end.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::sync::Arc;

use bytes::Bytes;

use super::put::{self, Taken};
use super::wire::Wire;
use crate::buckets::Places;
use crate::errors::unavailable;
use crate::layers::layer_of;
use crate::store::{Durability, Upload};
use smelt_common::error::Result;
use smelt_common::profile;

/// The most bytes of an object that stay in memory. A larger object is sent in parts.
const SMALL: usize = put::PART as usize;

/// An object on its way to a bucket. Nothing is sent before the object is whole, so nothing remains if it is dropped.
pub(super) struct S3Upload<'s> {
    wire: &'s Wire,
    places: &'s Places,
    body: Body,
}

enum Body {
    Memory(Vec<u8>),
    File { file: BufWriter<File>, bytes: u64 },
}

impl<'s> S3Upload<'s> {
    pub(super) fn new(wire: &'s Wire, places: &'s Places) -> Self {
        Self { wire, places, body: Body::Memory(Vec::new()) }
    }
}

impl Write for S3Upload<'_> {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        if let Body::Memory(memory) = &mut self.body {
            if memory.len() + piece.len() <= SMALL {
                memory.extend_from_slice(piece);
                return Ok(piece.len());
            }
            let mut file = BufWriter::new(tempfile::tempfile()?);
            file.write_all(memory)?;
            self.body = Body::File { file, bytes: memory.len() as u64 };
        }
        let Body::File { file, bytes } = &mut self.body else { unreachable!("it was just made one") };
        let written = file.write(piece)?;
        *bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.body {
            Body::Memory(_) => Ok(()),
            Body::File { file, .. } => file.flush(),
        }
    }
}

impl S3Upload<'_> {
    /// Sends the object. Returns `false` if there is one with that key, and it may not be replaced.
    fn send(&mut self, key: &str, taken: Taken) -> Result<bool> {
        let _span = profile::span("put", layer_of(key));
        self.flush().map_err(|error| unavailable("write", key, &error))?;
        let Self { wire, places, .. } = *self;
        let object = places.object(key)?;
        let sent = match &mut self.body {
            // The body is copied, since it may have to be sent again under another key.
            Body::Memory(body) => wire.wait(put::put(wire.client(), &object, taken, Bytes::copy_from_slice(body))),
            Body::File { file, bytes } => {
                let file = file.get_ref().try_clone().map_err(|error| unavailable("write", key, &error))?;
                wire.wait(put::put_in_parts(wire.client(), &object, taken, Arc::new(file), *bytes))
            }
        };
        sent.map_err(|fault| wire.error("write", &object, &fault))
    }
}

impl Upload for S3Upload<'_> {
    fn finish(&mut self, key: &str, _: Durability) -> Result<bool> {
        self.send(key, Taken::Stays)
    }

    fn replace(&mut self, key: &str, _: Durability) -> Result<()> {
        self.send(key, Taken::IsReplaced).map(drop)
    }
}
