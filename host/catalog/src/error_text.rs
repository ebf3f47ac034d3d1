//! The setting that says whether the catalog keeps a plugin's error texts.

use serde::Deserialize;

/// How the catalog keeps a plugin's error text. The text may contain cells of rows, and commits are never deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorText {
    /// The catalog leaves the text out. Only the log of the run has it.
    #[default]
    Masked,
    /// The catalog keeps the text. This is for pipelines without personal data.
    Raw,
}
