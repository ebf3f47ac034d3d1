//! The white space of JSON: between records, and between the tokens of a record.

/// The white space between the tokens of a record. A record on a line must not go on in the next line.
#[derive(Clone, Copy)]
pub(super) struct Blanks {
    newline: u8,
}

impl Blanks {
    pub(super) const WITHIN_LINE: Self = Self { newline: b' ' };
    pub(super) const ACROSS_LINES: Self = Self { newline: b'\n' };

    /// Returns the first position at or after `at` that holds no white space.
    #[inline(always)]
    pub(super) fn skip(self, bytes: &[u8], mut at: usize) -> usize {
        while let Some(&byte) = bytes.get(at)
            && (matches!(byte, b' ' | b'\t' | b'\r') || byte == self.newline)
        {
            at += 1;
        }
        at
    }
}

/// Returns the first position at or after `at` that holds neither JSON white space nor a record separator of RFC 7464,
/// which may stand before each record of a sequence.
pub(crate) fn skip_separators(bytes: &[u8], mut at: usize) -> usize {
    while matches!(bytes.get(at), Some(b' ' | b'\n' | b'\r' | b'\t' | b'\x1e')) {
        at += 1;
    }
    at
}

/// Returns `bytes` without the JSON white space at its end.
pub(super) fn trim_end(bytes: &[u8]) -> &[u8] {
    let blank = |byte: &&u8| matches!(byte, b' ' | b'\n' | b'\r' | b'\t' | b'\x1e');
    &bytes[..bytes.len() - bytes.iter().rev().take_while(blank).count()]
}
