//! Reads, decodes and cleans one bronze object, batch by batch. Every worker with nothing else to do takes part.
//! The memory used does not depend on the object's size, and the result does not depend on the number of workers.

use std::collections::BTreeMap;
use std::io::{Read, Write as _};
use std::sync::Mutex;

use super::batch::{BatchCleaner, CleanedBatch};
use super::context::DatasetWork;
use super::names::RowKind;
use crate::clean::spool::Spool;
use crate::pipeline::ObjectKind;
use crate::{plan, silver};
use smelt_catalog::{ObjectRef, Staged};
use smelt_common::cost::Cost;
use smelt_common::digest::HashingReader;
use smelt_common::error::{Kind, Result};
use smelt_common::workers::Relay;
use smelt_common::{Error, profile};
use smelt_formats::{DecodedBatch, Decoder};
use smelt_runtime::Session;
use smelt_storage::layers::BRONZE;
use smelt_storage::{Durability, Meta, NewObject, Put, Store, unavailable};

/// A cleaned bronze object. Its rows are not yet compared with those of other objects.
pub(super) struct CleanObject<'w> {
    /// The object's etag after all of it was read.
    pub(super) etag: String,
    /// The time of the last write to the object, by the store's clock, in microseconds since the epoch.
    pub(super) modified: i64,
    pub(super) bytes: u64,
    pub(super) sha256: String,
    /// The number of rows in the object, malformed ones included.
    pub(super) read: u64,
    /// The rows that the cleaner kept.
    pub(super) rows: Rows<'w>,
    /// The number of rejected rows, by rule.
    pub(super) rejected: BTreeMap<String, u64>,
    /// The number of repaired rows, by rule.
    pub(super) repaired: BTreeMap<String, u64>,
    /// The rejected rows, if there are any and the pipeline keeps them.
    pub(super) quarantine: Option<ObjectRef>,
    pub(super) cost: Cost,
    pub(super) warnings: Vec<String>,
    /// True if the object turned out to be unreadable after the keys of some of its rows were noted. These count no more.
    pub(super) is_void: bool,
    /// The facts by which checks judge the object, if its records are taken as they are.
    pub(super) staged: Option<Staged>,
}

/// The rows that the cleaner kept.
pub(super) enum Rows<'w> {
    /// Rows that other rows with the same key may supersede.
    Waiting(Spool<'w>),
    /// The silver object. It is written already, because the dataset has no key.
    Written(ObjectRef),
}

/// A bronze object that is being cleaned.
pub(super) struct Object<'w> {
    work: &'w DatasetWork<'w>,
    name: &'w str,
    /// The store's description of the object when it was opened.
    opened: Meta,
    /// The session of the first worker. Other workers open their own when they get a batch. This one is opened in any
    /// case, so that a cleaner that cannot be opened fails an object without rows too.
    session: Mutex<Option<Session<'w>>>,
    /// The cost of the sessions that have ended.
    cost: Mutex<Cost>,
    relay: Relay<Bronze<'w>, Sink<'w>>,
}

/// The reading side of an object: its bytes as decoded batches.
struct Bronze<'w> {
    dataset: &'w str,
    key: String,
    decoder: Decoder<HashingReader<Box<dyn Read + Send>>>,
}

/// The writing side of an object: it takes the cleaned batches in their order and adds them up.
struct Sink<'w> {
    work: &'w DatasetWork<'w>,
    /// The object's name.
    name: &'w str,
    /// The object's number in its dataset.
    id: u32,
    read: u64,
    /// The number of kept rows so far.
    kept: usize,
    rows: RowSink<'w>,
    rejected: BTreeMap<&'w str, u64>,
    repaired: BTreeMap<&'w str, u64>,
    /// The object for rejected rows; `None` until a row is rejected.
    quarantine: Option<NewObject<'w>>,
    quarantine_stem: String,
    is_void: bool,
    /// The number of malformed records, if these are rows too.
    malformed: u64,
}

/// The destination of kept rows.
enum RowSink<'w> {
    Wait(Spool<'w>),
    Write(silver::Writer<'w>),
    /// They stay in bronze.
    Leave,
}

impl<'w> Object<'w> {
    /// Opens the object `name`, which has the number `id` in its dataset.
    ///
    /// # Errors
    /// The object or the cleaner cannot be opened; [`Kind::Unsettled`] if the object was removed since it was listed.
    pub(super) fn begin(work: &'w DatasetWork<'w>, name: &'w str, id: u32) -> Result<Self> {
        let key = format!("{BRONZE}{name}");
        let (cleaning, step) = (work.cleaning, work.step);
        let (opened, file) = cleaning.store.open(&key).map_err(|error| match error.kind() {
            // The listing had the object: its writer has removed or renamed it since.
            Kind::Damaged if !cleaning.store.is_remote() => plan::unsettled(&key),
            _ => error,
        })?;
        let reader = HashingReader::new(file);
        let decoder = step.decoder(name, opened.bytes, reader, cleaning.pipeline.decode);
        let (decoder, session) = match step.is_of_bronze() {
            true => (decoder.hashing_content(), None),
            false => (decoder, Some(work.session()?)),
        };
        let session = Mutex::new(session);
        let rows = RowSink::begin(work, name)?;
        let sink = Sink {
            work,
            name,
            id,
            read: 0,
            kept: 0,
            rows,
            rejected: BTreeMap::new(),
            repaired: BTreeMap::new(),
            quarantine: None,
            quarantine_stem: work.key(RowKind::Quarantine, name, false),
            is_void: false,
            malformed: 0,
        };
        let relay = Relay::new(Bronze { dataset: &step.name, key, decoder }, sink);
        Ok(Self { work, name, opened, session, cost: Mutex::default(), relay })
    }

    /// Cleans batches of the object until none is left. Several workers may call this at once.
    pub(super) fn work(&self) {
        let session = self.session.lock().expect("no one panics while holding it").take();
        let mut cleaner = BatchCleaner::new(self.work, self.name, session);
        while let Some((turn, batch)) = self.relay.take(Bronze::next) {
            // The closure owns the batch, so its memory is free before the next batch is read.
            let cleaned = batch.and_then(|batch| cleaner.clean(&batch));
            turn.give(cleaned, Sink::take);
        }
        cleaner.cost().into_iter().for_each(|cost| self.cost.lock().expect("no one panics while adding").merge(cost));
    }

    /// Ends the work and returns the cleaned object.
    ///
    /// # Errors
    /// The first error of a batch; [`Kind::Unsettled`] if the object changed while it was read.
    pub(super) fn end(self) -> Result<CleanObject<'w>> {
        let Self { work, name, opened, relay, cost, .. } = self;
        let store = work.cleaning.store;
        let cost = cost.into_inner().expect("no one panics while adding");
        let (Bronze { key, mut decoder, .. }, mut sink) = match relay.finish() {
            // If the writer was still at work, the cleaner is not to blame for half a record.
            Err(error) => return Err(not_if_it_changed(store, name, &opened, error)),
            Ok(finished) => finished,
        };
        let mut warnings: Vec<String> = Vec::new();
        if work.step.judged_by.is_empty() {
            // Otherwise they were told when its records were taken.
            warnings.extend(decoder.warnings().iter().map(ToString::to_string));
        }
        warnings.extend(sink.all_rejected());
        let staged = work.step.is_of_bronze().then(|| staged(work.step.kind(name), &mut decoder, sink.malformed));
        if staged.as_ref().is_some_and(|staged| staged.unreadable.is_some()) {
            sink.read = 0;
        }
        // The decoder may have stopped before the end, but the sha256 is that of the whole object.
        let mut reader = decoder.into_reader();
        std::io::copy(&mut reader, &mut std::io::sink()).map_err(|error| unavailable("read", &key, &error))?;
        let (bytes, sha256) = reader.finish();
        // This check comes before any object that is derived from these bytes gets its name.
        let Meta { etag, modified, .. } = settle(store, &key, opened, bytes, &sha256)?;
        let quarantine = sink.finish_quarantine()?;
        let Sink { read, rows, rejected, repaired, is_void, .. } = sink;
        let rows = match rows {
            RowSink::Wait(spool) => Rows::Waiting(spool),
            RowSink::Write(writer) => Rows::Written(writer.finish(&work.key(RowKind::Silver, name, false))?),
            RowSink::Leave => Rows::Written(ObjectRef { rows: read, ..ObjectRef::default() }),
        };
        let owned =
            |counts: BTreeMap<&str, u64>| counts.into_iter().map(|(rule, rows)| (rule.to_owned(), rows)).collect();
        let (rejected, repaired) = (owned(rejected), owned(repaired));
        Ok(CleanObject {
            etag,
            modified,
            bytes,
            sha256,
            read,
            rows,
            rejected,
            repaired,
            quarantine,
            cost,
            warnings,
            is_void,
            staged,
        })
    }
}

/// Returns the facts by which checks judge an object that was decoded to its end.
fn staged<R: Read>(kind: &ObjectKind, decoder: &mut Decoder<R>, malformed: u64) -> Staged {
    let unreadable = decoder.unreadable().map(|unreadable| unreadable.rule.to_owned());
    let is_readable = unreadable.is_none();
    let content = decoder.content().map(|(bytes, sha256)| (sha256, bytes));
    let header = decoder.header().filter(|_| is_readable).map(|names| kind.ours(names));
    let malformed = if is_readable { malformed } else { 0 };
    Staged { unreadable, content, header, malformed, decision: None, former: None }
}

/// Returns the store's description of the object, after `bytes` bytes with this sha256 were read from it.
///
/// # Errors
/// [`Kind::Unsettled`] if the object now has other bytes than those that were read.
fn settle(store: &dyn Store, key: &str, opened: Meta, bytes: u64, sha256: &str) -> Result<Meta> {
    if store.is_remote() {
        return Ok(opened);
    }
    match store.look(key)? {
        Some(now) if now.etag == opened.etag && bytes == now.bytes => Ok(now),
        // The object got another mode or a second name, or was overwritten: only a second read tells whether its bytes
        // changed.
        Some(now) if now.bytes == bytes => match plan::hash(store, key)? {
            (now, found) if found == sha256 => Ok(now),
            _ => Err(plan::unsettled(key)),
        },
        _ => Err(plan::unsettled(key)),
    }
}

/// Returns the error, or [`Kind::Unsettled`] if the object changed while it was read and so may have caused the error.
fn not_if_it_changed(store: &dyn Store, name: &str, opened: &Meta, error: Error) -> Error {
    let key = format!("{BRONZE}{name}");
    match store.is_remote() || matches!(store.look(&key), Ok(Some(now)) if now.etag == opened.etag) {
        true => error,
        false => plan::unsettled(&key),
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

impl<'w> RowSink<'w> {
    /// Returns the destination of the rows of an object, which has none yet.
    fn begin(work: &'w DatasetWork<'w>, name: &str) -> Result<Self> {
        if work.step.is_of_bronze() {
            return Ok(Self::Leave);
        }
        if work.is_keyed() {
            return Ok(Self::Wait(Spool::new(work.spools)));
        }
        let (store, step, stem) = (work.cleaning.store, work.step, work.key(RowKind::Silver, name, false));
        Ok(Self::Write(silver::Writer::begin(store, &stem, step.output, &step.plugin.spec().output)?))
    }
}

impl<'w> Sink<'w> {
    /// Takes the next batch of the object.
    fn take(&mut self, batch: &mut CleanedBatch<'w>) -> Result<()> {
        if batch.unreadable {
            self.void()?;
        }
        self.read += batch.read;
        self.malformed += batch.malformed;
        batch.rejected.iter().for_each(|(rule, rows)| *self.rejected.entry(rule).or_default() += rows);
        batch.repaired.iter().for_each(|(rule, rows)| *self.repaired.entry(rule).or_default() += rows);
        if !batch.quarantine.is_empty() {
            let object = match &mut self.quarantine {
                Some(object) => object,
                none => none.insert(NewObject::create(self.work.cleaning.store, &self.quarantine_stem)?),
            };
            object.write_all(&batch.quarantine).map_err(|error| unavailable("write", "quarantine", &error))?;
        }
        let Some(kept) = batch.kept.take() else { return Ok(()) };
        let first = self.kept;
        self.kept += kept.num_rows();
        match &mut self.rows {
            RowSink::Write(writer) => writer.append(&batch.encoded),
            RowSink::Leave => Ok(()),
            RowSink::Wait(spool) => {
                self.work.keys.append(self.id, first as u32, &kept, self.work.step.plugin.spec())?;
                spool.push(kept)
            }
        }
    }

    /// Forgets all that came so far, because the object has turned out to be unreadable.
    fn void(&mut self) -> Result<()> {
        let rows = RowSink::begin(self.work, self.name)?;
        if let RowSink::Wait(spool) = std::mem::replace(&mut self.rows, rows) {
            // Only rows that are taken back leave the memory that all spools share.
            spool.into_batches().try_for_each(|batch| batch.map(drop))?;
        }
        (self.read, self.kept, self.is_void) = (0, 0, true);
        self.rejected.clear();
        self.repaired.clear();
        self.quarantine = None;
        Ok(())
    }

    /// Returns a warning if one rule of the cleaner rejected all rows, of which there are several. A wrong setting, such as a
    /// column under another name, often shows in nothing else.
    fn all_rejected(&self) -> Option<String> {
        let (rule, rows) = self.rejected.iter().next().filter(|_| self.rejected.len() == 1)?;
        let is_of_cleaner = !smelt_formats::rule::ALL.contains(rule);
        (is_of_cleaner && self.read > 1 && *rows == self.read)
            .then(|| format!("all of its {rows} rows were rejected as `{rule}`"))
    }

    fn finish_quarantine(&mut self) -> Result<Option<ObjectRef>> {
        let Some(object) = self.quarantine.take() else { return Ok(None) };
        let Put { key, sha256, bytes } =
            object.finish(&self.quarantine_stem, '.', ".jsonl", Durability::Rebuildable)?;
        Ok(Some(ObjectRef { key, sha256, bytes, rows: self.rejected.values().sum() }))
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File, Permissions};
    use std::os::unix::fs::{FileExt as _, PermissionsExt as _};
    use std::path::Path;

    use super::*;
    use smelt_common::digest;
    use smelt_storage::DirStore;

    /// Reads an object, changes it, and returns the result of [`settle`].
    fn settled(change: impl FnOnce(&Path)) -> Result<Meta> {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("x");
        fs::write(&path, "one").expect("a write");
        let long_ago = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000);
        File::options().write(true).open(&path).and_then(|file| file.set_modified(long_ago)).expect("it is ours");
        let store = DirStore::new(directory.path());
        let (opened, mut reader) = store.open("x").expect("opens");
        let mut read = Vec::new();
        reader.read_to_end(&mut read).expect("a read");
        change(&path);
        settle(&store, "x", opened, read.len() as u64, &digest::hex(&read))
    }

    #[test]
    fn nothing_of_an_object_that_changed_while_it_was_read_is_taken() {
        let in_place = |path: &Path, body: &[u8]| {
            let file = File::options().write(true).open(path).expect("opens");
            let time = file.metadata().and_then(|metadata| metadata.modified()).expect("a time");
            file.set_len(body.len() as u64).expect("it is ours");
            file.write_all_at(body, 0).expect("a write");
            file.set_modified(time).expect("it is ours");
        };
        let by_rename = |path: &Path| {
            fs::write(path.with_extension("new"), "two").expect("a write");
            fs::rename(path.with_extension("new"), path).expect("a rename");
        };
        type Change<'c> = (&'c str, &'c dyn Fn(&Path));
        let changes: [Change<'_>; 6] = [
            ("as long, time set back", &|path| in_place(path, b"two")),
            ("longer", &|path| in_place(path, b"one more")),
            ("cut off", &|path| in_place(path, b"on")),
            ("replaced", &by_rename),
            ("gone", &|path| fs::remove_file(path).expect("it is there")),
            ("a directory", &|path| fs::remove_file(path).and_then(|()| fs::create_dir(path)).expect("it is there")),
        ];
        for (what, change) in changes {
            assert_eq!(settled(change).expect_err(what).kind(), Kind::Unsettled, "{what}");
        }
    }

    #[test]
    fn an_object_whose_bytes_stayed_is_taken_as_it_is_now() {
        let touched: [&dyn Fn(&Path); 3] =
            [&|_| {}, &|path| fs::set_permissions(path, Permissions::from_mode(0o444)).expect("it is ours"), &|path| {
                fs::hard_link(path, path.with_extension("second")).expect("a link")
            }];
        touched.into_iter().for_each(|touch| assert_eq!(settled(touch).expect("it is the same").bytes, 3));
    }
}
