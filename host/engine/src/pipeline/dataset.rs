//! A dataset of a pipeline.

use std::io::Read;

use super::section;
use crate::manifest::OutputFormat;
use smelt_catalog::{Fingerprint, Shape};
use smelt_common::error::Result;
use smelt_common::glob::Pattern;
use smelt_formats::{DecodeLimits, Decoder, Format, Renamed};
use smelt_runtime::{Cleaner, Session};

/// A dataset, ready to be cleaned.
pub struct DatasetStep {
    /// The name in the manifest.
    pub name: String,
    /// The pattern of the bronze objects that belong to the dataset.
    pub pattern: Pattern,
    /// The format of these objects.
    pub format: Format,
    /// The names under which these objects have the cleaner's columns; `None` if they are the same.
    pub renamed: Option<Renamed>,
    /// The format in which silver is written.
    pub output: OutputFormat,
    /// The loaded component, with its parameters.
    pub plugin: Cleaner,
    /// Everything that the silver depends on besides bronze.
    pub fingerprint: Fingerprint,
    /// The time that the plugin is told in place of that of the pass, in microseconds since the epoch.
    pub told: Option<i64>,
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

    /// Opens a session of the cleaner. If the cleaner asks for a time, it gets `as_of`, in microseconds since the
    /// epoch.
    pub fn open(&self, as_of: i64) -> Result<Session<'_>> {
        self.plugin.open(self.told.unwrap_or(as_of))
    }

    /// Returns a decoder of an object of the dataset.
    pub fn decoder<R: Read>(&self, reader: R, limits: DecodeLimits) -> Decoder<R> {
        match &self.renamed {
            Some(renamed) => Decoder::renaming(reader, self.format, renamed, limits),
            None => Decoder::new(reader, self.format, &self.plugin.spec().input, limits),
        }
    }

    /// Returns everything that the silver depends on besides bronze, in a pass at that time.
    pub fn fingerprint_at(&self, as_of: i64) -> Fingerprint {
        self.fingerprint.at(self.told.unwrap_or(as_of))
    }
}
