//! Relations whose rows are lines of text files.

use std::collections::BTreeMap;
use std::io::Write as _;

use arrow_array::cast::AsArray as _;
use arrow_array::{Array as _, RecordBatch, StringArray};
use smelt_common::error::{Kind, Result};
use smelt_common::{Error, digest};
use smelt_storage::{Durability, NewObject, Store, unavailable};

use super::place::Place;
use super::record::Written;
use crate::sink::{Published, Relation};

/// The columns that such a relation has: the file that a line belongs to, and the line without its end.
const COLUMNS: [&str; 2] = ["file", "text"];

/// Text files on their way to their place. Each is put there as soon as it is whole, since there may be very many.
pub(super) struct TextFiles<'t> {
    place: &'t Place,
    relation: &'t str,
    version: &'t str,
    /// Returns whether a file is there already with this content.
    is_there: &'t dyn Fn(&str, &Written) -> bool,
    /// The file that is being gathered, with its number of lines.
    open: Option<(String, Vec<u8>, u64)>,
    /// All files, by key.
    pub(super) all: BTreeMap<String, Written>,
    /// The keys of those that were written.
    pub(super) new: Vec<String>,
}

impl<'t> TextFiles<'t> {
    /// Writes the text files of a relation, whose rows come file by file.
    ///
    /// # Errors
    /// The relation lacks a column, its rows do not come file by file, or a file cannot be written.
    pub(super) fn write(
        published: &dyn Published,
        place: &'t Place,
        (name, relation): (&'t str, &'t Relation),
        version: &'t str,
        is_there: &'t dyn Fn(&str, &Written) -> bool,
    ) -> Result<Self> {
        let lacks = COLUMNS.iter().find(|column| {
            let found = relation.schema.field_with_name(column);
            !found.is_ok_and(|found| found.data_type() == &arrow_schema::DataType::Utf8)
        });
        if let Some(lacks) = lacks {
            return Err(Error::config(format!(
                "`{name}` has no lines of text files: it lacks a column `{lacks}` utf8; expected `file` and `text`"
            )));
        }
        let (open, all, new) = (None, BTreeMap::new(), vec![]);
        let mut files = Self { place, relation: name, version, is_there, open, all, new };
        published.read(name, &mut |rows| files.add(rows))?;
        files.close()?;
        Ok(files)
    }

    fn add(&mut self, rows: &RecordBatch) -> Result<()> {
        let [file, text] = COLUMNS.map(|name| rows.column_by_name(name).map(|column| column.as_string::<i32>()));
        let (Some(file), Some(text)) = (file, text) else {
            return Err(Error::internal("a relation without its columns"));
        };
        let value = |column: &StringArray, row: usize| -> String {
            if column.is_null(row) { String::new() } else { column.value(row).to_owned() }
        };
        for row in 0..rows.num_rows() {
            let name = value(file, row);
            if self.open.as_ref().is_none_or(|(open, ..)| *open != name) {
                self.close()?;
                self.open = Some((name, vec![], 0));
            }
            if let Some((_, body, lines)) = &mut self.open {
                body.extend_from_slice(value(text, row).as_bytes());
                body.push(b'\n');
                *lines += 1;
            }
        }
        Ok(())
    }

    /// Puts the file that was gathered into its place, unless it is there.
    fn close(&mut self) -> Result<()> {
        let Some((name, body, rows)) = self.open.take() else { return Ok(()) };
        let key = self.place.text_key(&name).map_err(|error| error.context(format!("`{}`", self.relation)))?;
        let (relations, sha256) = (vec![self.relation.to_owned()], digest::hex(&body));
        let written = Written { relations, rows, bytes: body.len() as u64, sha256, version: self.version.to_owned() };
        if !(self.is_there)(&key, &written) {
            let store: &dyn Store = &*self.place.store;
            let mut object = NewObject::create(store, &key)?;
            object.write_all(&body).map_err(|error| unavailable("write", &key, &error))?;
            object.replace(&key, Durability::Durable)?;
            self.new.push(key.clone());
        }
        match self.all.insert(key, written) {
            None => Ok(()),
            Some(_) => Err(Error::new(
                Kind::Plugin,
                format!("`{}`: the lines of `{name}` do not come one after the other", self.relation),
            )),
        }
    }
}
