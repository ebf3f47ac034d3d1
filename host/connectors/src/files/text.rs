//! Relations whose rows are lines of text files.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;

use arrow_array::cast::AsArray as _;
use arrow_array::{Array as _, RecordBatch, StringArray};
use arrow_schema::DataType;
use smelt_common::error::{Kind, Result};
use smelt_common::{Error, digest};
use smelt_storage::{Durability, NewObject, unavailable};

use super::place::Place;
use super::record::Written;
use super::sheet::Sheet;
use crate::sink::{Published, Relation};

/// The columns that such a relation has: the file that a line belongs to, and the line without its end.
const COLUMNS: [&str; 2] = ["file", "text"];

/// Returns the text files of the relations, by key. Nothing is written.
///
/// # Errors
/// A relation lacks a column, its rows do not come file by file, or one of them names no file.
pub(super) fn files(
    published: &dyn Published,
    place: &Place,
    of: &[(&Sheet, Relation)],
    version: &str,
) -> Result<BTreeMap<String, Written>> {
    let mut all = BTreeMap::new();
    visit(published, place, of, &mut |relation, key, Body { bytes, lines }| {
        let written = Written {
            relations: vec![relation.to_owned()],
            rows: *lines,
            bytes: bytes.len() as u64,
            sha256: digest::hex(bytes),
            version: version.to_owned(),
        };
        match all.insert(key.to_owned(), written) {
            None => Ok(()),
            Some(_) => {
                let why = format!("`{relation}`: the lines of `{key}` do not come one after the other");
                Err(Error::new(Kind::Plugin, why))
            }
        }
    })?;
    Ok(all)
}

/// Puts those of the text files into place that have one of these keys. Returns where they lie.
pub(super) fn write(
    published: &dyn Published,
    place: &Place,
    of: &[(&Sheet, Relation)],
    keys: &BTreeSet<&String>,
) -> Result<Vec<String>> {
    let (store, mut written) = (&*place.store, Vec::new());
    visit(published, place, of, &mut |_, key, Body { bytes, .. }| {
        if keys.contains(&key.to_owned()) {
            let mut object = NewObject::create(store, key)?;
            object.write_all(bytes).map_err(|error| unavailable("write", key, &error))?;
            object.replace(key, Durability::Durable)?;
            written.push(store.locate(key));
        }
        Ok(())
    })?;
    Ok(written)
}

/// The text of a file, and the number of its lines.
#[derive(Default)]
struct Body {
    bytes: Vec<u8>,
    lines: u64,
}

/// Gives each text file when it is whole: the relation that has its lines, its key and its text.
fn visit(
    published: &dyn Published,
    place: &Place,
    of: &[(&Sheet, Relation)],
    give: &mut dyn FnMut(&str, &str, &Body) -> Result<()>,
) -> Result<()> {
    for (Sheet { relation: name, .. }, relation) in of {
        let is_text = |column: &&&str| {
            relation.schema.field_with_name(column).is_ok_and(|found| found.data_type() == &DataType::Utf8)
        };
        if let Some(lacks) = COLUMNS.iter().find(|column| !is_text(column)) {
            return Err(Error::config(format!(
                "`{name}` has no lines of text files: it lacks a column `{lacks}` utf8; expected `file` and `text`"
            )));
        }
        let mut close = |(file, body): (String, Body)| {
            let key = place.text_key(&file).map_err(|error| error.context(format!("`{name}`")))?;
            give(name, &key, &body)
        };
        let mut open: Option<(String, Body)> = None;
        published.read(name, &mut |rows| {
            let [files, texts] = COLUMNS.map(|column| text(rows, column));
            let (files, texts) = (files?, texts?);
            for row in 0..rows.num_rows() {
                let file = value(files, row);
                if open.as_ref().is_none_or(|(open, _)| open != file) {
                    open.replace((file.to_owned(), Body::default())).map_or(Ok(()), &mut close)?;
                }
                if let Some((_, body)) = &mut open {
                    body.bytes.extend_from_slice(value(texts, row).as_bytes());
                    body.bytes.push(b'\n');
                    body.lines += 1;
                }
            }
            Ok(())
        })?;
        open.map_or(Ok(()), close)?;
    }
    Ok(())
}

fn text<'r>(rows: &'r RecordBatch, column: &str) -> Result<&'r StringArray> {
    let found = rows.column_by_name(column).and_then(|column| column.as_string_opt::<i32>());
    found.ok_or_else(|| Error::internal(format!("a batch lacks `{column}`")))
}

fn value(column: &StringArray, row: usize) -> &str {
    if column.is_null(row) { "" } else { column.value(row) }
}
