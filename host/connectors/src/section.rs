//! The manifest's keys that name other systems.

use serde::Deserialize;
use smelt_formats::Compression;

/// `[sink.<name>]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SinkSection {
    /// The system that gets the tables.
    pub kind: SinkKind,
    /// The relations that it gets.
    pub from: Vec<Carries>,
    /// The place of the files: a path in the lake, a path that begins with `/`, or `s3://bucket/…`. `{table}` stands for the name
    /// of a relation, and the end of the name tells the format.
    pub to: String,
    /// The compression of Parquet. Default zstd.
    #[serde(default)]
    pub compression: Compression,
}

/// The systems that files can come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SourceKind {
    /// A directory or a bucket.
    Directory,
}

/// The systems that tables can be carried to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SinkKind {
    /// Files in formats that people open.
    Files,
}

/// An item of what a sink carries.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(
    untagged,
    expecting = "expected a name such as \"sales\", a pattern such as \"*\" or \"!sales\", or { relation = \"sales\", sheet = \"Sales\" }"
)]
pub enum Carries {
    /// A relation, or a pattern that several tables match, or with `!` one of those that leave again.
    Named(String),
    /// A relation as a sheet of that name.
    Sheet {
        /// The relation's name.
        relation: String,
        /// The name of the sheet.
        sheet: String,
    },
}
