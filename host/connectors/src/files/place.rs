//! The place of the files of a sink.

use smelt_common::Error;
use smelt_common::error::{Kind, Result};
use smelt_formats::TableFormat;
use smelt_storage::Store;

use crate::place::{Directory, Surroundings};

/// The text that stands for the name of a relation.
const TABLE: &str = "{table}";
/// The text that stands for what the rows of a relation have in their column `file`.
const FILE: &str = "{file}";

/// A name of files in a store.
pub(super) struct Place {
    pub(super) store: Box<dyn Store>,
    /// The directory below which all files lie, with a slash at its end; empty for the root of the store.
    pub(super) directory: String,
    /// The name of the files in the directory, which may go deeper.
    pub(super) name: String,
    /// The format of tables; `None` if the rows of a relation are lines of text files.
    pub(super) format: Option<TableFormat>,
}

impl Place {
    /// Finds the place that `to` names.
    ///
    /// # Errors
    /// `to` is no such name.
    pub(super) fn find(to: &str, around: Surroundings<'_>) -> Result<Self> {
        let wrong = |why: &str| Error::config(format!("to = \"{to}\": {why}"));
        let extension = to.rsplit_once('.').map_or("", |(_, extension)| extension);
        let is_text = to.ends_with(FILE);
        let format = (!is_text).then(|| {
            let expected =
                format!("expected a name that ends with one of {}, or with `{FILE}`", TableFormat::EXTENSIONS);
            TableFormat::of_extension(extension).ok_or_else(|| wrong(&expected))
        });
        let format = format.transpose()?;
        let placeholder = if is_text { FILE } else { TABLE };
        if to.matches(placeholder).count() > 1 || to.replace(placeholder, "").contains(['{', '}']) {
            return Err(wrong("expected `{table}` once, for the name of each table, and no other `{` or `}`"));
        }
        let fixed = to.find(placeholder).unwrap_or(to.len());
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

    /// Returns the key of a text file.
    ///
    /// # Errors
    /// The text is no name of a file below the directory.
    pub(super) fn text_key(&self, file: &str) -> Result<String> {
        let is_name =
            |part: &str| !matches!(part, "" | "." | "..") && !part.contains(|letter: char| letter.is_control());
        match file.split('/').all(is_name) {
            true => Ok(format!("{}{}", self.directory, self.name.replace(FILE, file))),
            false => Err(Error::new(Kind::Plugin, format!("`{}` is no name of a file", file.escape_debug()))),
        }
    }

    /// Returns the key of the file of a relation.
    pub(super) fn key(&self, relation: &str) -> String {
        format!("{}{}", self.directory, self.name.replace(TABLE, relation))
    }
}
