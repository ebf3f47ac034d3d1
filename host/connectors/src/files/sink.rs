//! The sink of kind `files`.

use std::collections::{BTreeMap, BTreeSet};

use smelt_common::error::{Kind, Result};
use smelt_common::{Error, digest, workers};
use smelt_formats::{Compression, TableFormat};
use smelt_storage::{Durability, NewObject, Store};

use super::place::Place;
use super::record::{self, Record, Written};
use super::render::{check_sheets, render};
use super::sheet::Sheet;
use super::text;
use crate::place::Surroundings;
use crate::section::SinkSection;
use crate::sink::{Published, Relation, Sink};

/// Writes relations as files under names that stay. Only files whose content changes are replaced.
///
/// Of each file a reader sees all or nothing. All new files are written before the first one is put into place, so an error of a
/// plugin, a format or a full disk changes none; a process that is killed while it puts them there leaves some new and some
/// former ones, and the next call goes on. The record beside them, `_smelt/<sink>.json`, is written last.
pub struct FilesSink {
    name: String,
    place: Place,
    compression: Compression,
    /// The files, by key, with what each has.
    files: BTreeMap<String, Vec<Sheet>>,
}

impl FilesSink {
    /// Opens the sink of that name for these relations. Nothing is read or written yet.
    ///
    /// # Errors
    /// The section is wrong; the message says what would have been right.
    pub fn open(name: &str, section: &SinkSection, sheets: Vec<Sheet>, around: Surroundings<'_>) -> Result<Self> {
        let place = Place::find(&section.to, around)?;
        let built = place.format.map_or(Ok(()), |format| format.check_built());
        built.map_err(|error| Error::config(format!("to = \"{}\": {error}", section.to)))?;
        let mut files: BTreeMap<String, Vec<Sheet>> = BTreeMap::new();
        for sheet in sheets {
            if place.format != Some(TableFormat::Xlsx) && sheet.sheet != sheet.relation {
                return Err(Error::config(format!(
                    "sheet = \"{}\": `{}` has no sheets; a workbook, `.xlsx`, has",
                    sheet.sheet, section.to
                )));
            }
            files.entry(place.key(&sheet.relation)).or_default().push(sheet);
        }
        for sheets in files.values() {
            match place.format {
                Some(TableFormat::Xlsx) => check_sheets(sheets)?,
                _ if sheets.len() > 1 => {
                    return Err(Error::config(format!(
                        "to = \"{}\" is one file, and `from` has {} relations; expected `{{table}}` in the name, or a workbook, `.xlsx`",
                        section.to,
                        sheets.len()
                    )));
                }
                _ => {}
            }
        }
        Ok(Self { name: name.to_owned(), place, compression: section.compression, files })
    }

    /// Returns where each file lies, for people and to tell two sinks apart.
    pub fn places(&self) -> impl Iterator<Item = String> {
        self.files.keys().map(|key| self.place.store.locate(key))
    }

    fn record_key(&self) -> String {
        record::key(&self.place.directory, &self.name)
    }

    fn store(&self) -> &dyn Store {
        &*self.place.store
    }

    /// Returns the keys of the files that are there as the record says: with that size and, if `thorough`, that content.
    fn intact(&self, record: &Record, thorough: bool) -> Result<BTreeSet<String>> {
        let store = self.store();
        let look = |(key, written): (&String, &Written)| {
            if thorough {
                return Ok(store.holds(key, written.bytes, &written.sha256)?.then(|| key.clone()));
            }
            // The directory may have any number of other files, so it is not listed. In a bucket, a listing does not begin to send
            // the object.
            let found = match store.is_remote() {
                true => store.list(key, "")?.into_iter().find(|meta| meta.key == *key),
                false => store.look(key)?,
            };
            Ok(found.filter(|meta| meta.bytes == written.bytes).map(|_| key.clone()))
        };
        let looked = workers::map_waiting(record.files.iter().collect(), look);
        looked.into_iter().filter_map(Result::transpose).collect()
    }

    /// Writes the file, which does not have its key yet.
    fn write(
        &self,
        published: &dyn Published,
        key: &str,
        sheets: &[(&Sheet, Relation)],
        version: String,
    ) -> Result<(NewObject<'_>, Written)> {
        let mut object = NewObject::create(self.store(), key)?;
        let format = self.place.format.ok_or_else(|| Error::internal("text files have no format of tables"))?;
        render(published, sheets, format, self.compression, &mut object)
            .map_err(|error| error.context(format!("`{}`", self.store().locate(key))))?;
        let relations = sheets.iter().map(|(sheet, _)| sheet.relation.clone()).collect();
        let rows = sheets.iter().map(|(_, relation)| relation.rows).sum();
        let written = Written { relations, rows, bytes: object.bytes(), sha256: object.sha256(), version };
        Ok((object, written))
    }

    /// Brings text files up to date, whose lines are the rows of a relation. The relation is read twice if any of them changes:
    /// there may be very many files, so none is kept until all are known.
    fn publish_text(&self, published: &dyn Published, thorough: bool, before: Option<&Record>) -> Result<Vec<String>> {
        let former = before.cloned().unwrap_or_default();
        let Some(sheets) = self.files.values().next() else { return Ok(vec![]) };
        let Some(found) = found(published, sheets)? else { return Ok(vec![]) };
        let version = self.version(&found);
        let intact = self.intact(&former, thorough)?;
        let is_current = former.files.values().all(|it| it.version == version) && !former.files.is_empty();
        let files = match is_current && intact.len() == former.files.len() {
            true => former.files.clone(),
            false => text::files(published, &self.place, &found, &version)?,
        };
        let is_there = |key: &String, new: &Written| {
            former.files.get(key).is_some_and(|it| it.sha256 == new.sha256) && intact.contains(key)
        };
        let new: BTreeSet<&String> = files.iter().filter(|(key, new)| !is_there(key, new)).map(|it| it.0).collect();
        let now = Record { commit: published.commit(), files: files.clone() };
        self.settle(before, &now, || match new.is_empty() {
            true => Ok(vec![]),
            false => text::write(published, &self.place, &found, &new),
        })
    }

    /// Puts files into place that are ready, unless another process has written some meanwhile; then takes away those that are
    /// no longer wanted, and writes the record last.
    fn settle(
        &self,
        before: Option<&Record>,
        now: &Record,
        put: impl FnOnce() -> Result<Vec<String>>,
    ) -> Result<Vec<String>> {
        let (store, record_key) = (self.store(), self.record_key());
        if Record::read(store, &record_key)?.as_ref() != before {
            let why = format!("another process wrote the files of sink `{}` meanwhile", self.name);
            return Err(Error::new(Kind::Conflict, why));
        }
        let written = put()?;
        let former = before.into_iter().flat_map(|before| before.files.keys());
        for key in former.filter(|key| !now.files.contains_key(*key)) {
            store.delete(key)?;
        }
        if before != Some(now) {
            now.write(store, &record_key)?;
        }
        Ok(written)
    }

    /// Returns a digest of everything that the bytes of a file depend on.
    fn version(&self, sheets: &[(&Sheet, Relation)]) -> String {
        let mut parts = vec![format!("{:?} {:?}", self.place.format, self.compression)];
        for (sheet, relation) in sheets {
            parts.extend([sheet.relation.clone(), sheet.sheet.clone(), relation.version.clone()]);
        }
        digest::of_parts(parts.iter().map(String::as_str))
    }
}

impl Sink for FilesSink {
    fn name(&self) -> &str {
        &self.name
    }

    fn relations(&self) -> BTreeSet<&str> {
        self.files.values().flatten().map(|sheet| sheet.relation.as_str()).collect()
    }

    fn holds(&self) -> Result<Option<u64>> {
        Ok(Record::read(self.store(), &self.record_key())?.map(|record| record.commit))
    }

    fn publish(&self, published: &dyn Published, thorough: bool) -> Result<Vec<String>> {
        let (store, record_key) = (self.store(), self.record_key());
        let before = Record::read(store, &record_key)?;
        let former = before.clone().unwrap_or_default();
        if self.place.format.is_none() {
            return self.publish_text(published, thorough, before.as_ref());
        }
        // A relation that is not there yet comes with the commit that makes it. Until then, its file stays as it is.
        let mut files = Vec::new();
        for (key, sheets) in &self.files {
            let found = found(published, sheets)?;
            files.extend(found.map(|sheets| (key, self.version(&sheets), sheets)));
        }
        let is_current =
            |key: &String, version: &String| former.files.get(key).is_some_and(|it| it.version == *version);
        let is_of_this_commit = before.as_ref().is_some_and(|before| before.commit == published.commit());
        let is_all = former.files.keys().all(|key| self.files.contains_key(key));
        if is_of_this_commit && is_all && !thorough && files.iter().all(|(key, version, _)| is_current(key, version)) {
            return Ok(vec![]);
        }
        let intact = self.intact(&former, thorough)?;
        let mut now = Record { commit: published.commit(), files: former.files.clone() };
        now.files.retain(|key, _| self.files.contains_key(key));
        let mut new = Vec::new();
        for (key, version, sheets) in files {
            if is_current(key, &version) && intact.contains(key) {
                continue;
            }
            let (object, written) = self.write(published, key, &sheets, version)?;
            let is_same = former.files.get(key).is_some_and(|it| it.sha256 == written.sha256) && intact.contains(key);
            now.files.insert(key.clone(), written);
            new.extend((!is_same).then_some((key, object)));
        }
        self.settle(before.as_ref(), &now, || {
            let put = |(key, object): (&String, NewObject<'_>)| {
                object.replace(key, Durability::Durable)?;
                Ok(store.locate(key))
            };
            new.into_iter().map(put).collect()
        })
    }
}

/// Returns the relations of a file; `None` if one of them is not published yet.
fn found<'s>(published: &dyn Published, sheets: &'s [Sheet]) -> Result<Option<Vec<(&'s Sheet, Relation)>>> {
    sheets.iter().map(|sheet| Ok(published.relation(&sheet.relation)?.map(|relation| (sheet, relation)))).collect()
}
