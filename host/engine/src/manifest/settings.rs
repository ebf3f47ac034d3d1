//! The sections that set how the pipeline runs: `[pipeline]`, `[schedule]`, `[privacy]` and `[output]`.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use smelt_catalog::ErrorText;
use smelt_common::text::{duration_field, optional_duration_field};
use smelt_formats::TableFormat;

/// `[pipeline]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PipelineSection {
    /// The pipeline's name, for people.
    pub name: String,
    /// The places that may have components, in the order in which smelt looks: directories and `s3://bucket[/prefix]` with
    /// `<plugin>.wasm`, or `oci://registry/path[:tag]`.
    pub plugins: Vec<String>,
    /// Public keys of minisign. If there are any, every component must be signed with one of them. Default: none.
    #[serde(default)]
    pub trusted_keys: Vec<String>,
    /// Set to refuse to run the pipeline without a lock beside the manifest. Default false.
    #[serde(default)]
    pub locked: bool,
}

/// `[schedule]`: durations such as `5s`, `500ms` or `1h`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Schedule {
    /// The time from the beginning of one tick to the next. Default 5 s.
    #[serde(deserialize_with = "duration_field")]
    pub every: Duration,
    /// The time between full comparisons of bronze with the catalog, which find objects that were replaced. Default 1 h.
    #[serde(deserialize_with = "duration_field")]
    pub reconcile: Duration,
}

impl Default for Schedule {
    fn default() -> Self {
        Self { every: Duration::from_secs(5), reconcile: Duration::from_secs(3600) }
    }
}

/// `[privacy]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Privacy {
    /// A file with the pseudonym key, 64 hexadecimal digits. Default: `<lake>.key`, if it exists.
    pub key_file: Option<PathBuf>,
    /// How smelt keeps rejected rows, which may hold personal data. It counts them in any case. Default raw.
    pub quarantine: Quarantine,
    /// How long smelt keeps rejected rows, such as `30d`. It looks for older rows once in each [`Schedule::reconcile`].
    /// Default: for ever.
    #[serde(deserialize_with = "optional_duration_field")]
    pub quarantine_retention: Option<Duration>,
    /// How the catalog keeps what a plugin says when it fails. Default masked.
    pub error_text: ErrorText,
}

/// How smelt keeps rejected rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Quarantine {
    /// As they arrived.
    #[default]
    Raw,
    /// With every letter as `x` and every digit as `0`. The row's place in bronze tells where the original is.
    Masked,
    /// Not at all.
    Off,
}

/// `[output]`
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Output {
    /// The format of silver objects.
    pub silver: OutputFormat,
    /// The format of gold objects.
    pub gold: OutputFormat,
}

/// A format in which smelt writes silver or gold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OutputFormat {
    /// CSV as in RFC 4180, with a header.
    #[default]
    Csv,
    /// Apache Parquet.
    Parquet,
}

impl OutputFormat {
    /// Returns the format of the object under that key. It is what the object was written as, whatever the manifest says now.
    pub fn of_key(key: &str) -> Self {
        if key.ends_with(Self::Parquet.extension()) { Self::Parquet } else { Self::Csv }
    }

    /// Returns the extension of keys of objects in the format, with its dot.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Csv => ".csv",
            Self::Parquet => ".parquet",
        }
    }

    /// Returns the format as that of a table's file.
    pub fn of_table(self) -> TableFormat {
        match self {
            Self::Csv => TableFormat::Csv,
            Self::Parquet => TableFormat::Parquet,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::Manifest;

    #[test]
    fn a_build_without_parquet_refuses_it_by_name() {
        for layer in ["silver", "gold"] {
            let text = format!("[pipeline]\nname = \"x\"\nplugins = []\n[output]\n{layer} = \"parquet\"\n[dataset]\n");
            let parsed = Manifest::parse(&text, PathBuf::new());
            assert_eq!(parsed.is_ok(), cfg!(feature = "parquet"), "{layer}: {parsed:?}");
            if let Err(error) = parsed {
                let said = error.to_string();
                assert!(said.starts_with(&format!("[output] {layer}: ")) && said.contains("`parquet`"), "{said}");
            }
        }
    }

    #[test]
    fn an_object_is_what_its_key_says() {
        let of = |key| OutputFormat::of_key(key);
        assert_eq!(of("silver/x/x_clean_1.parquet.5.csv"), OutputFormat::Csv);
        assert_eq!(of("silver/x/x_clean_1.csv.5.parquet"), OutputFormat::Parquet);
    }
}
