//! The sections that set how the pipeline runs: `[pipeline]`, `[schedule]`, `[privacy]` and `[output]`.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use smelt_catalog::ErrorText;
use smelt_common::text::{duration_field, optional_duration_field};

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

/// A format in which smelt writes.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OutputFormat {
    /// CSV as in RFC 4180, with a header.
    #[default]
    Csv,
}
