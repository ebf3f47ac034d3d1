//! The place of the files of a sink.

use smelt_common::Error;
use smelt_common::error::Result;
use smelt_formats::TableFormat;
use smelt_storage::lake::{Lake, LakeSection, open_bucket};
use smelt_storage::layers::{BRONZE, CATALOG, QUARANTINE};
use smelt_storage::{BucketUrl, DirStore, Store};

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
    /// Finds the place that `to` names. `section` and `variable` tell how buckets are reached.
    ///
    /// # Errors
    /// `to` is no such name.
    pub(super) fn find(
        to: &str,
        lake: &Lake,
        section: &LakeSection,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self> {
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
        let parts = |text: &str| text.split('/').any(|part| matches!(part, "" | "." | ".."));
        if parts(&name) {
            return Err(wrong("expected a name for each directory"));
        }
        if BucketUrl::is_meant(to) {
            let url = BucketUrl::parse(directory.trim_end_matches('/')).map_err(|error| wrong(&error.to_string()))?;
            return Ok(Self { store: open_bucket(url, section, variable)?, directory: String::new(), name, format });
        }
        if directory.starts_with('/') {
            let store = Box::new(DirStore::new(directory));
            return Ok(Self { store, directory: String::new(), name, format });
        }
        if parts(directory.trim_end_matches('/')) {
            return Err(wrong("expected a path in the lake, such as `gold/{table}.csv`, or one that begins with `/`"));
        }
        if let Some(layer) = [BRONZE, QUARANTINE, CATALOG].into_iter().find(|layer| directory.starts_with(layer)) {
            return Err(wrong(&format!("`{layer}` holds what smelt alone writes; expected a place such as `gold/`")));
        }
        Ok(Self { store: lake.open()?, directory: directory.to_owned(), name, format })
    }

    /// Returns the key of the file of a relation.
    pub(super) fn key(&self, relation: &str) -> String {
        format!("{}{}", self.directory, self.name.replace(TABLE, relation))
    }
}
