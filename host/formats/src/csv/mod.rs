//! CSV records as RFC 4180 has them: finds them in a window and stages the declared columns' cells.

mod header;
mod records;
mod walk;

#[cfg(test)]
mod tests;

pub(super) use self::records::Records;

/// Appends the inside of a quoted cell with its doubled quotes made single.
pub(super) fn undouble(raw: &[u8], text: &mut Vec<u8>) {
    let mut rest = raw;
    while let Some(quote) = memchr::memchr(b'"', rest) {
        text.extend_from_slice(&rest[..=quote]);
        rest = rest.get(quote + 2..).unwrap_or_default();
    }
    text.extend_from_slice(rest);
}
