//! The formats in which a table is written.

use serde::{Deserialize, Serialize};
use smelt_common::Error;
use smelt_common::error::Result;

/// A format in which a table is written as a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TableFormat {
    /// The canonical CSV, with a header.
    Csv,
    /// An array of objects, or one object if the table can have at most one row.
    Json,
    /// An object a line.
    Jsonl,
    /// Apache Parquet.
    Parquet,
    /// An Excel workbook, which may have several tables.
    Xlsx,
}

impl TableFormat {
    /// The extensions of all formats, for messages that say what would have been right.
    pub const EXTENSIONS: &str = "csv, json, jsonl, parquet, xlsx";

    /// Returns the format of files with that extension, which has no dot.
    pub fn of_extension(extension: &str) -> Option<Self> {
        [Self::Csv, Self::Json, Self::Jsonl, Self::Parquet, Self::Xlsx]
            .into_iter()
            .find(|format| format.extension() == extension)
    }

    /// Returns the extension of its files, without a dot.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Jsonl => "jsonl",
            Self::Parquet => "parquet",
            Self::Xlsx => "xlsx",
        }
    }

    /// Checks that this build writes the format.
    ///
    /// # Errors
    /// Names the feature that is missing, and the formats that this build has.
    pub fn check_built(self) -> Result<()> {
        let is_built = match self {
            Self::Csv | Self::Json | Self::Jsonl => true,
            Self::Parquet => cfg!(feature = "parquet"),
            Self::Xlsx => cfg!(feature = "xlsx"),
        };
        if is_built {
            return Ok(());
        }
        let built = [("parquet", cfg!(feature = "parquet")), ("xlsx", cfg!(feature = "xlsx"))];
        let built = built.iter().filter(|(_, is_built)| *is_built).map(|(name, _)| format!(", {name}"));
        let (format, built) = (self.extension(), built.collect::<String>());
        Err(Error::config(format!(
            "this smelt was built without the feature `{format}`, so it writes no {format}; it writes csv, json, jsonl{built}"
        )))
    }
}
