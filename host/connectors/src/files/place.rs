//! The place of the files of a sink.

use smelt_common::Error;
use smelt_common::error::Result;
use smelt_formats::TableFormat;
use smelt_storage::Store;

use crate::place::{Directory, Surroundings};

/// The text that stands for the name of a relation.
const TABLE: &str = "{table}";

/// A name of files in a store.
pub(super) struct Place {
    pub(super) store: Box<dyn Store>,
    /// The directory below which all files lie, with a slash at its end; empty for the root of the store.
    pub(super) directory: String,
    /// The name of the files in the directory, which may go deeper.
    pub(super) name: String,
    pub(super) format: TableFormat,
}

impl Place {
    /// Finds the place that `to` names.
    ///
    /// # Errors
    /// `to` is no such name.
    pub(super) fn find(to: &str, around: Surroundings<'_>) -> Result<Self> {
        let wrong = |why: &str| Error::config(format!("to = \"{to}\": {why}"));
        let extension = to.rsplit_once('.').map_or("", |(_, extension)| extension);
        let format = TableFormat::of_extension(extension)
            .ok_or_else(|| wrong(&format!("expected a name that ends with one of {}", TableFormat::EXTENSIONS)))?;
        if to.matches(TABLE).count() > 1 || to.replace(TABLE, "").contains(['{', '}']) {
            return Err(wrong("expected `{table}` once, for the name of each table, and no other `{` or `}`"));
        }
        let fixed = to.find(TABLE).unwrap_or(to.len());
        let at = to[..fixed].rfind('/').map(|slash| slash + 1);
        let at = at.ok_or_else(|| wrong("expected a directory, as in `gold/{table}.csv`"))?;
        let (directory, name) = (&to[..at], to[at..].to_owned());
        if name.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return Err(wrong("expected a name for each directory"));
        }
        let Directory { store, prefix } =
            Directory::find(directory, around).map_err(|error| wrong(&error.to_string()))?;
        Ok(Self { store, directory: prefix, name, format })
    }

    /// Returns the key of the file of a relation.
    pub(super) fn key(&self, relation: &str) -> String {
        format!("{}{}", self.directory, self.name.replace(TABLE, relation))
    }
}
