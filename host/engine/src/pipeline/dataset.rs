//! A dataset of a pipeline.

use std::io::Read;

use super::section;
use crate::manifest::OutputFormat;
use smelt_catalog::{Fingerprint, Shape};
use smelt_common::Error;
use smelt_common::error::Result;
use smelt_common::globs::Globs;
use smelt_formats::{DecodeLimits, Decoder, Dialect, Renamed};
use smelt_runtime::{Cleaner, CleanerSpec, Identity, Session};

/// A dataset, ready to be cleaned.
pub struct DatasetStep {
    /// The name in the manifest.
    pub name: String,
    /// The patterns of the bronze objects that belong to the dataset.
    pub pattern: Globs,
    /// The kinds of these objects, one for each pattern.
    pub kinds: Vec<ObjectKind>,
    /// The format in which silver is written.
    pub output: OutputFormat,
    /// The maker of its rows.
    pub plugin: Maker,
    /// Everything that the silver depends on besides bronze.
    pub fingerprint: Fingerprint,
    /// The time that the plugin is told in place of that of the pass, in microseconds since the epoch.
    pub told: Option<i64>,
    /// The names of the checks that judge its objects before a row of them counts.
    pub judged_by: Vec<String>,
}

/// The maker of a dataset's rows.
pub enum Maker {
    /// A component, with its parameters, cleans them.
    Plugin(Box<Cleaner>),
    /// The host takes the records of bronze as they are decoded. They lie nowhere else.
    Bronze(CleanerSpec),
}

impl Maker {
    /// Returns the columns and rules.
    pub fn spec(&self) -> &CleanerSpec {
        match self {
            Self::Plugin(cleaner) => cleaner.spec(),
            Self::Bronze(spec) => spec,
        }
    }

    /// Returns the component that cleans them, if one does.
    pub fn cleaner(&self) -> Option<&Cleaner> {
        match self {
            Self::Plugin(cleaner) => Some(cleaner),
            Self::Bronze(_) => None,
        }
    }

    /// Returns the identity of the component, if there is one.
    pub fn identity(&self) -> Option<&Identity> {
        self.cleaner().map(Cleaner::identity)
    }
}

/// Objects of one kind.
pub struct ObjectKind {
    /// How they are written.
    pub dialect: Dialect,
    /// The names under which they have the cleaner's columns; `None` if they are the same.
    pub renamed: Option<Renamed>,
}

impl ObjectKind {
    /// Returns the names by which the cleaner asks for columns that have these names in the object. Others keep theirs.
    pub fn ours(&self, theirs: Vec<String>) -> Vec<String> {
        let Some(renamed) = &self.renamed else { return theirs };
        theirs.into_iter().map(|name| renamed.ours(&name).map_or(name.clone(), ToOwned::to_owned)).collect()
    }
}

/// The end of the host's settings in the fingerprint if silver is Parquet. Those of CSV are as they were when there was
/// nothing else.
const AS_PARQUET: &str = " output=parquet";

impl DatasetStep {
    /// Returns the dataset's columns, for readers without the plugin.
    pub fn shape(&self) -> Shape {
        let spec = self.plugin.spec();
        section::shape(&spec.output, &spec.key)
    }

    /// Makes the step write silver in that format. The fingerprint is another one then.
    pub fn write_as(&mut self, output: OutputFormat) {
        self.output = output;
        let host = &mut self.fingerprint.host;
        host.truncate(host.strip_suffix(AS_PARQUET).map_or(host.len(), str::len));
        if output == OutputFormat::Parquet {
            host.push_str(AS_PARQUET);
        }
    }

    /// Returns the format of the silver that was made with the fingerprint.
    pub fn written_as(fingerprint: &Fingerprint) -> OutputFormat {
        if fingerprint.host.ends_with(AS_PARQUET) { OutputFormat::Parquet } else { OutputFormat::Csv }
    }

    /// Returns whether it has the records of bronze, of which checks judge the objects.
    pub fn is_of_bronze(&self) -> bool {
        matches!(self.plugin, Maker::Bronze(_))
    }

    /// Opens a session of the cleaner. If the cleaner asks for a time, it gets `as_of`, in microseconds since the
    /// epoch.
    pub fn open(&self, as_of: i64) -> Result<Session<'_>> {
        let none = || Error::internal(format!("no plugin cleans `{}`", self.name));
        self.plugin.cleaner().ok_or_else(none)?.open(self.told.unwrap_or(as_of))
    }

    /// Returns the kind of the object of that name.
    pub fn kind(&self, name: &str) -> &ObjectKind {
        &self.kinds[self.pattern.position(name).unwrap_or_default()]
    }

    /// Returns a decoder of the object `name` of the dataset, which has `bytes` bytes. The first pattern that matches the
    /// name says how it is written.
    pub fn decoder<R: Read>(&self, name: &str, bytes: u64, reader: R, limits: DecodeLimits) -> Decoder<R> {
        let ObjectKind { dialect, renamed } = self.kind(name);
        let (size, dialect) = (Some(bytes), dialect.clone());
        match renamed {
            Some(renamed) => Decoder::renaming(reader, size, dialect, renamed, limits),
            None => Decoder::sized(reader, size, dialect, &self.plugin.spec().input, limits),
        }
    }

    /// Returns everything that the silver depends on besides bronze, in a pass at that time.
    pub fn fingerprint_at(&self, as_of: i64) -> Fingerprint {
        self.fingerprint.at(self.told.unwrap_or(as_of))
    }
}
