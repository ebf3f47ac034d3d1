//! JSON records: finds objects in a window, a line or an array element each, and stages the declared members as text.

mod array;
mod balance;
mod escape;
mod keys;
mod lines;
mod object;
mod value;

#[cfg(test)]
mod tests;

pub(super) use self::array::Array;
pub(super) use self::escape::unescape;
pub(super) use self::lines::Lines;

use super::decode::rule;

/// Why a JSON value could not be read.
#[derive(Debug)]
enum Fail {
    /// The bytes end before the value does.
    End,
    /// Nested deeper than allowed.
    Deep,
    /// Not JSON.
    Syntax { at: usize, expected: &'static str },
}

impl Fail {
    fn syntax<T>(at: usize, expected: &'static str) -> Result<T, Self> {
        Err(Self::Syntax { at, expected })
    }

    /// The rule and the detail for a record that begins at `start`; `otherwise` is the rule unless it is another's.
    fn explain(&self, start: usize, otherwise: &'static str) -> (&'static str, String) {
        match self {
            Self::End => (otherwise, "the record ends before its object does".to_owned()),
            Self::Deep => (rule::TOO_DEEP, "nested too deep".to_owned()),
            Self::Syntax { at, expected } => (otherwise, format!("expected {expected} at byte {}", at - start)),
        }
    }
}

/// The detail of an `invalid_utf8` record.
const NOT_UTF8: &str = "not valid UTF-8";

/// The first byte at or after `at` that is no JSON white space.
pub(super) fn skip_blanks(bytes: &[u8], mut at: usize) -> usize {
    while matches!(bytes.get(at), Some(b' ' | b'\n' | b'\r' | b'\t')) {
        at += 1;
    }
    at
}

/// `bytes` without the JSON white space at its end.
fn trim_end(bytes: &[u8]) -> &[u8] {
    let blank = |byte: &&u8| matches!(byte, b' ' | b'\n' | b'\r' | b'\t');
    &bytes[..bytes.len() - bytes.iter().rev().take_while(blank).count()]
}
