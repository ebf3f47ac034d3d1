//! The store of a lake in buckets.

use std::io::{Cursor, Read};
use std::ops::Range;

use bytes::Bytes;

use super::download::Download;
use super::fault::Fault;
use super::ranges::Parts;
use super::reader::ReadAhead;
use super::upload::S3Upload;
use super::wire::Wire;
use super::{buckets, list, prove, put, unfinished};
use crate::buckets::{Connection, Object, Places};
use crate::errors::total_of_ranges;
use crate::layers::{PROOFS, layer_of};
use crate::store::{Durability, Meta, Store, Unfinished, Upload};
use crate::writes::Writes;
use smelt_common::Error;
use smelt_common::error::{Kind, Result};
use smelt_common::profile;

/// An object of at most this many bytes is fetched before it is read. That is faster than reading it while it arrives.
const SMALL: u64 = 1 << 20;

/// The number of attempts at a proof, since the network may fail in the middle of one.
const PROOF_ATTEMPTS: u32 = 3;

/// Buckets as a [`Store`].
pub struct S3Store {
    pub(super) wire: Wire,
    pub(super) places: Places,
}

impl S3Store {
    /// Returns the lake in these places. Sends no request yet.
    ///
    /// # Errors
    /// The threads for connections cannot be started.
    pub fn new(places: Places, connection: Connection) -> Result<Self> {
        Ok(Self { wire: Wire::new(connection)?, places })
    }

    /// Fails if a bucket is not there or cannot be listed.
    pub fn expect_buckets(&self) -> Result<()> {
        buckets::expect(&self.wire, &self.places)
    }

    /// Makes the buckets that are not there. Returns their names.
    pub fn create_buckets(&self) -> Result<Vec<String>> {
        buckets::create(&self.wire, &self.places)
    }

    /// Asks for the size of the object.
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
        let mut span = profile::span("list", layer_of(prefix));
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
        let mut span = profile::span("read", layer_of(key));
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
        let total = total_of_ranges(key, bytes, ranges)?;
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
        Ok(Box::new(S3Upload::new(&self.wire, &self.places)))
    }

    /// Sends the object once only. After an error of kind [`Kind::Unavailable`] the object may be there or not, now or
    /// later.
    fn put_if_absent(&self, key: &str, body: &[u8], _: Durability) -> Result<bool> {
        let _span = profile::span("put", layer_of(key));
        let object = self.places.object(key)?;
        let sent = self.wire.wait(put::put_once(self.wire.client(), &object, Bytes::copy_from_slice(body)));
        sent.map_err(|fault| self.wire.error("write", &object, &fault))
    }

    fn delete(&self, key: &str) -> Result<()> {
        let _span = profile::span("delete", layer_of(key));
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
            self.expect_buckets()?;
        }
        self.wire.time().ok_or_else(|| {
            Error::new(Kind::Unavailable, format!("{} does not say what time it is", self.wire.endpoint()))
        })
    }

    fn is_remote(&self) -> bool {
        true
    }

    fn check_place(&self) -> Result<()> {
        self.expect_buckets()
    }

    fn prove(&self) -> Result<()> {
        for attempt in 1.. {
            // Each attempt has a new name, since a late request to the previous name would spoil the proof.
            let key = format!("{PROOFS}{:016x}", smelt_common::random());
            let object = self.places.object(&key)?;
            let proved = self.wire.wait(prove::prove(self.wire.client(), &object));
            let deleted = self.delete(&key);
            match proved {
                Ok(None) => return deleted,
                Ok(Some(what)) => {
                    return Err(Error::config(format!(
                        "`{}` at {} does not honour conditional writes (If-None-Match), so commits could be lost: {what}",
                        self.describe(),
                        self.wire.endpoint()
                    )));
                }
                Err(fault) if attempt == PROOF_ATTEMPTS || fault.kind() != Kind::Unavailable => {
                    return Err(self.wire.error("prove conditional writes with", &object, &fault));
                }
                Err(fault) => tracing::debug!("the proof with `{object}` begins again: {fault}"),
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
