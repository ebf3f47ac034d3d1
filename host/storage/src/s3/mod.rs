//! A lake in buckets, on AWS or on a server that speaks its S3 protocol.
//!
//! The client works asynchronously on threads of its own; whoever asks waits.

mod buckets;
mod count;
mod download;
mod fault;
mod list;
mod prove;
mod put;
mod ranges;
mod reader;
#[cfg(test)]
mod tests;
mod unfinished;
mod upload;
mod wire;

use std::io::{Cursor, Read};
use std::ops::Range;

use bytes::Bytes;

use aws_sdk_s3::primitives::DateTime;
use download::Download;
use fault::Fault;
use ranges::Parts;
use reader::ReadAhead;
use upload::S3Upload;
use wire::Wire;

use super::{Durability, Meta, PROOFS, Store, Unfinished, Upload, Writes, layer};
use crate::buckets::{Connection, Object, Places};
use smelt_common::Error;
use smelt_common::error::{Kind, Result};
use smelt_common::profile;

/// An object of at most so many bytes is fetched before it is read: that takes less than to work on it meanwhile.
const SMALL: u64 = 1 << 20;

/// How often a proof is begun that the network gets in the way of.
const TRIES: u32 = 3;

/// Buckets as a [`Store`].
pub struct S3Store {
    wire: Wire,
    places: Places,
}

impl S3Store {
    /// The lake in those places. Nothing is asked of them yet.
    pub fn new(places: Places, connection: Connection) -> Result<Self> {
        Ok(Self { wire: Wire::new(connection)?, places })
    }

    /// How large the object is.
    fn size(&self, object: &Object) -> Result<u64> {
        let size = self.wire.wait(async {
            let answer = self.wire.client().head_object().bucket(&object.bucket).key(&object.name).send().await;
            match answer.map_err(Fault::from) {
                Ok(answer) => Ok(answer.content_length().unwrap_or(0).unsigned_abs()),
                Err(fault) if fault.is_missing() => Err(Fault::Missing),
                Err(fault) => Err(fault),
            }
        });
        size.map_err(|fault| self.wire.error("read", object, &fault))
    }
}

impl Store for S3Store {
    fn list_new(&self, prefix: &str, after: &str, known: &dyn Fn(&str) -> bool) -> Result<Vec<Meta>> {
        let mut span = profile::span("list", layer(prefix));
        let mut found = Vec::new();
        for listing in self.places.listings(prefix, after) {
            self.wire.wait(list::list(self.wire.client(), &listing, known, &mut found)).map_err(|fault| {
                self.wire.error("list", format_args!("s3://{}/{}", listing.bucket, listing.prefix), &fault)
            })?;
        }
        span.through(found.len(), 0);
        Ok(found)
    }

    fn open(&self, key: &str) -> Result<(Meta, Box<dyn Read + Send>)> {
        let object = self.places.object(key)?;
        let failed = |fault| self.wire.error("read", &object, &fault);
        self.wire.wait(async {
            let mut download = Download::whole(self.wire.client(), object.clone()).await.map_err(failed)?;
            let meta = Meta {
                key: key.to_owned(),
                bytes: download.bytes,
                etag: download.etag.clone(),
                modified: download.modified,
            };
            if download.bytes <= SMALL {
                let body = download.all().await.map_err(failed)?;
                return Ok((meta, Box::new(Cursor::new(body)) as Box<dyn Read + Send>));
            }
            Ok((meta, Box::new(ReadAhead::start(self.wire.runtime(), download))))
        })
    }

    fn read_ranges(&self, key: &str, ranges: &[Range<u64>]) -> Result<Vec<u8>> {
        let mut span = profile::span("read", layer(key));
        let object = self.places.object(key)?;
        let reversed = ranges.iter().any(|range| range.start > range.end);
        let read = match reversed {
            true => Ok(Parts::default()),
            false => self.wire.wait(Parts::read(self.wire.client(), &object, ranges)),
        };
        let parts = match read {
            Err(fault) if fault.is_beyond_end() => Parts::default(),
            read => read.map_err(|fault| self.wire.error("read", &object, &fault))?,
        };
        let bytes = parts.bytes.map_or_else(|| self.size(&object), Ok)?;
        let total = super::total(key, bytes, ranges)?;
        span.through(0, total);
        Ok(parts.of(ranges, total))
    }

    fn exists(&self, key: &str) -> Result<bool> {
        let object = self.places.object(key)?;
        let found = self.wire.wait(put::exists(self.wire.client(), &object));
        found.map_err(|fault| self.wire.error("look for", &object, &fault))
    }

    fn create(&self, near: &str) -> Result<Box<dyn Upload + '_>> {
        self.places.object(near)?;
        Ok(Box::new(S3Upload::new(self)))
    }

    /// Sent once only. An error of kind [`Kind::Unavailable`] leaves open whether the object was created, or will be.
    fn put_if_absent(&self, key: &str, body: &[u8], _: Durability) -> Result<bool> {
        let _span = profile::span("put", layer(key));
        let object = self.places.object(key)?;
        let sent = self.wire.wait(put::put_once(self.wire.client(), &object, Bytes::copy_from_slice(body)));
        sent.map_err(|fault| self.wire.error("write", &object, &fault))
    }

    fn delete(&self, key: &str) -> Result<()> {
        let _span = profile::span("delete", layer(key));
        let object = self.places.object(key)?;
        let request = self.wire.client().delete_object().bucket(&object.bucket).key(&object.name);
        match self.wire.wait(request.send()).map_err(Fault::from) {
            Err(fault) if fault.is_missing() => Ok(()),
            sent => sent.map(drop).map_err(|fault| self.wire.error("delete", &object, &fault)),
        }
    }

    fn unfinished(&self) -> Result<Vec<Unfinished>> {
        let mut found = Vec::new();
        for listing in self.places.listings("", "") {
            self.wire.wait(unfinished::list(self.wire.client(), &listing, &mut found)).map_err(|fault| {
                let place = format_args!("s3://{}/{}", listing.bucket, listing.prefix);
                self.wire.error("list unfinished uploads to", place, &fault)
            })?;
        }
        Ok(found)
    }

    fn abort(&self, key: &str, id: &str) -> Result<()> {
        let object = self.places.object(key)?;
        let aborted = self.wire.wait(unfinished::abort(self.wire.client(), &object, id));
        aborted.map_err(|fault| self.wire.error("end the upload of", &object, &fault))
    }

    fn begin(&self) -> Result<Writes> {
        Ok(Writes::unmarked())
    }

    fn clock(&self) -> Result<i64> {
        if self.wire.time().is_none() {
            self.check()?;
        }
        self.wire.time().ok_or_else(|| {
            Error::new(Kind::Unavailable, format!("{} does not say what time it is", self.wire.endpoint()))
        })
    }

    fn is_remote(&self) -> bool {
        true
    }

    fn check_place(&self) -> Result<()> {
        self.check()
    }

    fn prove(&self) -> Result<()> {
        for attempt in 1.. {
            // A new name each time: what was on its way to a former one proves nothing.
            let key = format!("{PROOFS}{:016x}", smelt_common::random());
            let object = self.places.object(&key)?;
            let proved = self.wire.wait(prove::prove(self.wire.client(), &object));
            let deleted = self.delete(&key);
            match proved {
                Ok(None) => return deleted,
                Ok(Some(what)) => {
                    return Err(Error::config(format!(
                        "`{}` at {} does not honour conditional writes (If-None-Match), without which commits are lost: {what}",
                        self.describe(),
                        self.wire.endpoint()
                    )));
                }
                Err(fault) if attempt == TRIES || fault.kind() != Kind::Unavailable => {
                    return Err(self.wire.error("prove conditional writes with", &object, &fault));
                }
                Err(fault) => tracing::debug!("the proof with `{object}` is begun anew: {fault}"),
            }
        }
        unreachable!("the loop ends only by returning")
    }

    fn describe(&self) -> String {
        self.places.describe()
    }

    fn locate(&self, key: &str) -> String {
        self.places.locate(key)
    }
}

/// An etag without its quotes.
fn etag(quoted: Option<&str>) -> String {
    quoted.unwrap_or_default().trim_matches('"').to_owned()
}

/// When an object was written, in microseconds since the epoch. To the second: that is all that the answer to a GET says.
fn modified(at: Option<&DateTime>) -> Result<i64, Fault> {
    let at = at.ok_or_else(|| Fault::Odd("the server does not say when it was written".to_owned()))?;
    Ok(at.secs().saturating_mul(1_000_000))
}
