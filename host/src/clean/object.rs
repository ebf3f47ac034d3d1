//! One bronze object: read, decoded, and cleaned batch by batch, by as many workers as have nothing else to do. Memory does
//! not depend on its size, nor what becomes of it on the number of workers.

use std::collections::BTreeMap;
use std::io::{Read, Write as _};
use std::sync::Mutex;

use super::dataset::DatasetWork;
use super::names::What;
use super::part::{Maker, Part};
use crate::catalog::{BRONZE, Cost, Stored};
use crate::codec::{DecodedBatch, Decoder};
use crate::digest::HashingReader;
use crate::error::Result;
use crate::spool::Spool;
use crate::store::{Durability, NewObject, Put, unavailable};
use crate::wasm::Session;
use crate::workers::Relay;
use crate::{profile, silver};

/// What the cleaner made of one object; rows are not yet compared with those of other objects.
pub(super) struct CleanObject<'w> {
    /// What the store said of the object when it was opened.
    pub(super) etag: String,
    pub(super) bytes: u64,
    pub(super) sha256: String,
    /// Rows in the object.
    pub(super) read: u64,
    pub(super) rows: Rows<'w>,
    pub(super) rejected: BTreeMap<String, u64>,
    pub(super) repaired: BTreeMap<String, u64>,
    pub(super) quarantine: Option<Stored>,
    pub(super) cost: Cost,
    pub(super) warnings: Vec<String>,
}

/// The rows that the cleaner kept.
pub(super) enum Rows<'w> {
    /// Rows that others may supersede.
    Waiting(Spool<'w>),
    /// Written already: the dataset has no key.
    Written(Stored),
}

/// An object being cleaned.
pub(super) struct Object<'w> {
    work: &'w DatasetWork<'w>,
    name: &'w str,
    etag: String,
    /// That of the first worker. Others open their own when they have something to clean; but a cleaner that does not open
    /// fails an object without rows too.
    session: Mutex<Option<Session<'w>>>,
    /// What sessions that are done have used.
    cost: Mutex<Cost>,
    relay: Relay<Bronze<'w>, Sink<'w>>,
}

/// The object as it is read.
struct Bronze<'w> {
    dataset: &'w str,
    key: String,
    decoder: Decoder<HashingReader<Box<dyn Read + Send>>>,
}

/// What its batches come to.
struct Sink<'w> {
    work: &'w DatasetWork<'w>,
    /// The object's number in its dataset.
    id: u32,
    read: u64,
    kept: usize,
    rows: RowSink<'w>,
    rejected: BTreeMap<&'w str, u64>,
    repaired: BTreeMap<&'w str, u64>,
    /// Where rejected rows go, once there is one.
    quarantine: Option<NewObject<'w>>,
    quarantine_stem: String,
}

/// Where kept rows go.
enum RowSink<'w> {
    Wait(Spool<'w>),
    Write(silver::Writer<'w>),
}

impl<'w> Object<'w> {
    /// Opens the object, which has that number in its dataset.
    pub(super) fn begin(work: &'w DatasetWork<'w>, name: &'w str, id: u32) -> Result<Self> {
        let key = format!("{BRONZE}{name}");
        let (cleaning, step) = (work.cleaning, work.step);
        let (meta, file) = cleaning.store.open(&key)?;
        let reader = HashingReader::new(file);
        let decoder = Decoder::new(reader, step.format, &step.plugin.spec().input, cleaning.pipeline.decode);
        let session = Mutex::new(Some(work.session()?));
        let rows = match work.is_keyed() {
            true => RowSink::Wait(Spool::new(work.spools)),
            false => {
                let stem = work.key(What::Silver, name, false);
                RowSink::Write(silver::Writer::begin(cleaning.store, &stem, &step.plugin.spec().output)?)
            }
        };
        let sink = Sink {
            work,
            id,
            read: 0,
            kept: 0,
            rows,
            rejected: BTreeMap::new(),
            repaired: BTreeMap::new(),
            quarantine: None,
            quarantine_stem: work.key(What::Quarantine, name, false),
        };
        let relay = Relay::new(Bronze { dataset: &step.name, key, decoder }, sink);
        Ok(Self { work, name, etag: meta.etag, session, cost: Mutex::default(), relay })
    }

    /// Cleans batches until there are no more.
    pub(super) fn work(&self) {
        let session = self.session.lock().expect("no one panics while holding it").take();
        let mut maker = Maker::new(self.work, self.name, session);
        while let Some((turn, batch)) = self.relay.take(Bronze::next) {
            // Its bytes are let go of before the next one is read.
            let part = batch.and_then(|batch| maker.make(&batch));
            turn.give(part, Sink::take);
        }
        maker.usage().into_iter().for_each(|usage| self.cost.lock().expect("no one panics while adding").add(usage));
    }

    /// What became of it.
    pub(super) fn end(self) -> Result<CleanObject<'w>> {
        let Self { work, name, etag, relay, cost, .. } = self;
        let cost = cost.into_inner().expect("no one panics while adding");
        let (Bronze { key, decoder, .. }, mut sink) = relay.finish()?;
        let warnings = decoder.warnings().iter().map(ToString::to_string).collect();
        // The decoder may have given up before the end; the sha256 is that of the whole object.
        let mut reader = decoder.into_reader();
        std::io::copy(&mut reader, &mut std::io::sink()).map_err(|error| unavailable("read", &key, &error))?;
        let (bytes, sha256) = reader.finish();
        let quarantine = sink.finish_quarantine()?;
        let Sink { read, rows, rejected, repaired, .. } = sink;
        let rows = match rows {
            RowSink::Wait(spool) => Rows::Waiting(spool),
            RowSink::Write(writer) => Rows::Written(writer.finish(&work.key(What::Silver, name, false))?),
        };
        let named =
            |counts: BTreeMap<&str, u64>| counts.into_iter().map(|(rule, rows)| (rule.to_owned(), rows)).collect();
        let (rejected, repaired) = (named(rejected), named(repaired));
        Ok(CleanObject { etag, bytes, sha256, read, rows, rejected, repaired, quarantine, cost, warnings })
    }
}

impl Bronze<'_> {
    fn next(&mut self) -> Result<Option<DecodedBatch>> {
        let mut span = profile::span("decode", self.dataset);
        let batch = self.decoder.next_batch().map_err(|error| unavailable("read", &self.key, &error))?;
        if let Some(batch) = &batch {
            span.through(batch.records.len() + batch.malformed.len(), batch.raw.len());
        }
        Ok(batch)
    }
}

impl<'w> Sink<'w> {
    fn take(&mut self, part: &mut Part<'w>) -> Result<()> {
        self.read += part.read;
        part.rejected.iter().for_each(|(rule, rows)| *self.rejected.entry(rule).or_default() += rows);
        part.repaired.iter().for_each(|(rule, rows)| *self.repaired.entry(rule).or_default() += rows);
        if !part.quarantine.is_empty() {
            let object = match &mut self.quarantine {
                Some(object) => object,
                none => none.insert(NewObject::create(self.work.cleaning.store, &self.quarantine_stem)?),
            };
            object.write_all(&part.quarantine).map_err(|error| unavailable("write", "quarantine", &error))?;
        }
        let Some(kept) = part.kept.take() else { return Ok(()) };
        let first = self.kept;
        self.kept += kept.num_rows();
        match &mut self.rows {
            RowSink::Write(writer) => writer.append(&part.encoded),
            RowSink::Wait(spool) => {
                self.work.keys.append(self.id, first as u32, &kept, self.work.step.plugin.spec())?;
                spool.push(kept)
            }
        }
    }

    fn finish_quarantine(&mut self) -> Result<Option<Stored>> {
        let Some(object) = self.quarantine.take() else { return Ok(None) };
        let Put { key, sha256, bytes } =
            object.finish(&self.quarantine_stem, '.', ".jsonl", Durability::Rebuildable)?;
        Ok(Some(Stored { key, sha256, bytes, rows: self.rejected.values().sum() }))
    }
}
