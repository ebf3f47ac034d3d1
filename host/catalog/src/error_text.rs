//! How much of a plugin's own words the catalog keeps.

use serde::Deserialize;

/// How the catalog keeps what a plugin says when it fails: its words may hold cells, and commits are never deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorText {
    /// Not at all: only the log of the run has it.
    #[default]
    Masked,
    /// As the plugin said it, for pipelines without personal data.
    Raw,
}
