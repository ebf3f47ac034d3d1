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
}

impl Fail {
    pub(super) fn syntax<T>(at: usize, expected: &'static str) -> Result<T, Self> {
        Err(Self::Syntax { at, expected })
    }

    /// Returns the rule and the detail for a record that begins at `start`. The rule is `otherwise`, unless the failure
    /// has a rule of its own.
    pub(super) fn explain(&self, start: usize, otherwise: &'static str) -> (&'static str, String) {
        match self {
            Self::End => (otherwise, "the record ends before its object does".to_owned()),
            Self::Deep => (rule::TOO_DEEP, "nested too deep".to_owned()),
            Self::Syntax { at, expected } => (otherwise, format!("expected {expected} at byte {}", at - start)),
        }
    }
}
