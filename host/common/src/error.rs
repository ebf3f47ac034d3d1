//! The error of all crates of the host. Its message says what went wrong; its kind says who has to act.

use std::{fmt, io};

/// The kind of an error, which says what the caller can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The data is wrong. The rest of the lake is unaffected.
    InvalidInput,
    /// The manifest, a parameter or a flag must change. The command exits with 2.
    InvalidConfig,
    /// The store, the file system or the machine failed. Another attempt may succeed.
    Unavailable,
    /// A bronze object is being written or replaced, so nothing of it was taken. The next tick reads it.
    Unsettled,
    /// An object that the catalog references is missing or has changed. It can be rebuilt from bronze.
    Damaged,
    /// Another host committed first. The caller must read the catalog again.
    Conflict,
    /// The catalog wants other components than this host has loaded. The caller must load the pipeline again.
    Stale,
    /// A plugin failed its call or broke the contract.
    Plugin,
    /// A plugin exceeded one of its limits.
    LimitExceeded,
    /// A bug in smelt.
    Internal,
}

/// Replaces the words of a plugin where an error is stored.
const NOT_KEPT: &str = "its own words may hold data and are not kept; they are in the log of that run";

/// The promise that a plugin broke with its result. Only the conformance kit tells them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breach {
    /// The result is not a stream of the declared schema, or holds values that cannot be written.
    Form,
    /// The result does not account for every row.
    Account,
}

/// An error of the host.
#[derive(Debug, Clone)]
pub struct Error {
    kind: Kind,
    breach: Option<Breach>,
    message: String,
    /// The words of a plugin, which may be cells of the data.
    words: Option<String>,
}

/// The result of everything that can fail in the host.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Returns an error of that kind. The message names the object, what was wrong and what would have been right.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, breach: None, message: message.into(), words: None }
    }

    /// Returns the error that the manifest, a parameter or a flag must change.
    pub fn config(message: impl Into<String>) -> Self {
        Self::new(Kind::InvalidConfig, message)
    }

    /// Returns the error that a plugin failed its call or broke the contract.
    pub fn plugin(message: impl Into<String>) -> Self {
        Self::new(Kind::Plugin, message)
    }

    /// Returns the error that a plugin broke the contract with its result.
    pub fn breach(breach: Breach, message: impl Into<String>) -> Self {
        Self { breach: Some(breach), ..Self::plugin(message) }
    }

    /// Returns the error that smelt has a bug.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(Kind::Internal, message)
    }

    /// Returns the error that something which the manifest names cannot be read. If it is not what it should be,
    /// whoever runs the pipeline must change it. If the machine lacks something or a disk fails, another attempt may
    /// succeed.
    pub fn unreadable(what: impl fmt::Display, error: &io::Error) -> Self {
        use io::ErrorKind::{
            FileTooLarge, InvalidData, InvalidFilename, InvalidInput, IsADirectory, NotADirectory, NotFound, Other,
            PermissionDenied,
        };
        let kind = match error.kind() {
            FileTooLarge | InvalidData | InvalidFilename | InvalidInput | IsADirectory | NotADirectory | NotFound
            | Other | PermissionDenied => Kind::InvalidConfig,
            _ => Kind::Unavailable,
        };
        Self::new(kind, format!("cannot read {what}: {error}"))
    }

    /// Returns the same error with the plugin's own words. They may be shown but not stored: see
    /// [`Error::without_words`].
    pub fn in_words(self, words: impl Into<String>) -> Self {
        Self { words: Some(words.into()), ..self }
    }

    /// Returns the error's text without the words of a plugin, which may hold cells of the data.
    pub fn without_words(&self) -> String {
        match &self.words {
            None => self.message.clone(),
            Some(_) => format!("{} ({NOT_KEPT})", self.message),
        }
    }

    /// Returns its kind, which says what the caller can do.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Returns the promise that a plugin broke, if that is the error.
    pub fn broken(&self) -> Option<Breach> {
        self.breach
    }

    /// Returns the same error, followed by advice.
    pub fn and(self, advice: impl fmt::Display) -> Self {
        Self { message: format!("{}; {advice}", self.message), ..self }
    }

    /// Returns the same error, preceded by what was being done.
    pub fn context(self, doing: impl fmt::Display) -> Self {
        Self { message: format!("{doing}: {}", self.message), ..self }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)?;
        self.words.iter().try_for_each(|words| write!(out, ": {words}"))
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_plugin_said_is_shown_and_not_kept() {
        let error = Error::plugin("plugin `p` failed to clean").in_words("ada@example.org").context("bronze/p_1.csv");
        assert_eq!(error.to_string(), "bronze/p_1.csv: plugin `p` failed to clean: ada@example.org");
        let kept = error.without_words();
        assert!(kept.starts_with("bronze/p_1.csv: plugin `p` failed to clean (") && !kept.contains("ada"), "{kept}");
        assert_eq!(Error::plugin("as it is").without_words(), "as it is");
    }
}
