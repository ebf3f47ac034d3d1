//! The reasons why a JSON value could not be read.

use crate::batch::rule;

/// The reason why a JSON value could not be read.
#[derive(Debug)]
pub(super) enum Fail {
    /// The bytes end before the value does.
    End,
    /// The value is nested deeper than allowed.
    Deep,
    /// The bytes are not JSON.
    Syntax { at: usize, expected: &'static str },
    /// The value is followed by something else on its line.
    Trailing { at: usize },
}

impl Fail {
    pub(super) fn syntax<T>(at: usize, expected: &'static str) -> Result<T, Self> {
        Err(Self::Syntax { at, expected })
    }

    /// Returns whether the record at `start` cannot go on after its first line, whatever follows: a line ends within a
    /// string, as where it was torn off, or has more than its object.
    pub(super) fn ends_with_line(&self, bytes: &[u8], start: usize) -> bool {
        match *self {
            Self::End | Self::Deep => false,
            Self::Syntax { at, .. } => {
                matches!(bytes.get(at), Some(b'\n' | b'\r')) && memchr::memchr(b'\n', &bytes[start..at]).is_none()
            }
            Self::Trailing { at } => memchr::memchr(b'\n', &bytes[start..at]).is_none(),
        }
    }

    /// Returns the rule and the detail for a record that begins at `start`. The rule is `otherwise`, unless the failure
    /// has a rule of its own.
    pub(super) fn explain(&self, start: usize, otherwise: &'static str) -> (&'static str, String) {
        match self {
            Self::End => (otherwise, "the record ends before its object does".to_owned()),
            Self::Deep => (rule::TOO_DEEP, "nested too deep".to_owned()),
            Self::Syntax { at, expected } => (otherwise, format!("expected {expected} at byte {}", at - start)),
            Self::Trailing { at } => (otherwise, format!("expected the end of the line at byte {}", at - start)),
        }
    }
}
