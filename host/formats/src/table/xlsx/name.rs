//! Names of sheets.

use smelt_common::Error;
use smelt_common::error::Result;

/// The longest name, in units of UTF-16.
const LONGEST: usize = 31;

const FORBIDDEN: &[char] = &['[', ']', ':', '*', '?', '/', '\\'];

/// Checks that Excel takes the name for a sheet beside the others.
pub(super) fn check(name: &str, others: &[String]) -> Result<()> {
    let wrong = if name.is_empty() {
        "is empty"
    } else if name.encode_utf16().count() > LONGEST {
        "is too long"
    } else if name.contains(FORBIDDEN) || name.contains(char::is_control) {
        "has a character that Excel forbids"
    } else if name.starts_with('\'') || name.ends_with('\'') {
        "begins or ends with `'`"
    } else if name.eq_ignore_ascii_case("history") {
        "is Excel's own"
    } else if others.iter().any(|other| other.to_lowercase() == name.to_lowercase()) {
        "is taken"
    } else {
        return Ok(());
    };
    Err(Error::config(format!(
        "the sheet's name `{name}` {wrong}; a name has at most {LONGEST} characters, none of []:*?/\\ and no `'` at its \
         ends, and differs from the others in more than capitals"
    )))
}
