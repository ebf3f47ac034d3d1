//! The crate's error: what went wrong, and by its kind, who has to act.

use std::{fmt, io};

/// What the caller can do about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The data is not what it should be; the rest of the lake is unaffected.
    InvalidInput,
    /// The manifest, a parameter or a flag must change. The command exits with 2.
    InvalidConfig,
    /// The store or the file system did not do it; trying again may help.
    Unavailable,
    /// A bronze object is being written or replaced: nothing of it was taken. The next tick reads it.
    Unsettled,
    /// An object that the catalog names is gone or is not what it was; it can be made again from bronze.
    Damaged,
    /// Another host committed first; read the catalog again.
    Conflict,
    /// Other components are to run than this host has loaded; load the pipeline again.
    Stale,
    /// A plugin failed its call or broke the contract.
    Plugin,
    /// A plugin exceeded one of its limits.
    LimitExceeded,
    /// A bug in smelt.
    Internal,
}

/// Stands for the words of a plugin where they are not kept.
const NOT_KEPT: &str = "its own words may hold data and are not kept; they are in the log of that run";

/// Which promise a plugin broke with what it returned. All are handled alike but by the conformance kit, which tells them
/// apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breach {
    /// What came back is not a stream of the declared schema, or holds values that cannot be written.
    Form,
    /// Rows are not accounted for.
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
    /// An error of that kind. The message names the object, what was wrong and what would have been right.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, breach: None, message: message.into(), words: None }
    }

    /// The manifest, a parameter or a flag must change.
    pub fn config(message: impl Into<String>) -> Self {
        Self::new(Kind::InvalidConfig, message)
    }

    /// A plugin failed its call or broke the contract.
    pub fn plugin(message: impl Into<String>) -> Self {
        Self::new(Kind::Plugin, message)
    }

    /// A plugin broke the contract with what it returned.
    pub fn breach(breach: Breach, message: impl Into<String>) -> Self {
        Self { breach: Some(breach), ..Self::plugin(message) }
    }

    /// A bug in smelt.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(Kind::Internal, message)
    }

    /// Something that the manifest names cannot be read. Where it is not what it should be, that is for whoever runs the
    /// pipeline to change; where the machine lacks something or a disk fails, trying again may help.
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

    /// The same error, with what a plugin said of it. That is for whoever looks on: [`Error::without_words`] is what may be kept.
    pub fn in_words(self, words: impl Into<String>) -> Self {
        Self { words: Some(words.into()), ..self }
    }

    /// The error's text without the words of a plugin, which may hold cells of the data.
    pub fn without_words(&self) -> String {
        match &self.words {
            None => self.message.clone(),
            Some(_) => format!("{} ({NOT_KEPT})", self.message),
        }
    }

    /// What the caller can do about it.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Which promise a plugin broke, if that is the error.
    pub fn broken(&self) -> Option<Breach> {
        self.breach
    }

    /// The same error, with what to do about it behind.
    pub fn and(self, advice: impl fmt::Display) -> Self {
        Self { message: format!("{}; {advice}", self.message), ..self }
    }

    /// The same error, with what was being done in front.
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
