//! Walks over JSON that is known to be good.

use super::blanks::Blanks;
use crate::scan::json_string_stop;

/// Returns the position after the value at `at`.
pub(super) fn span(bytes: &[u8], at: usize) -> usize {
    match bytes.get(at) {
        Some(b'"') => string(bytes, at),
        Some(b'{' | b'[') => {
            let (mut at, mut depth) = (at, 0_usize);
            while let Some(&byte) = bytes.get(at) {
                match byte {
                    b'"' => {
                        at = string(bytes, at);
                        continue;
                    }
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => depth -= 1,
                    _ => {}
                }
                at += 1;
                if depth == 0 {
                    break;
                }
            }
            at
        }
        _ => {
            let scalar = |byte: &u8| !matches!(byte, b',' | b'}' | b']' | b' ' | b'\t' | b'\r' | b'\n');
            at + bytes[at..].iter().take_while(|byte| scalar(byte)).count()
        }
    }
}

/// Returns the position after the string at `at`.
fn string(bytes: &[u8], at: usize) -> usize {
    let mut at = at + 1;
    loop {
        at = json_string_stop(bytes, at);
        match bytes.get(at) {
            Some(b'\\') => at += 2,
            Some(b'"') => return at + 1,
            Some(_) => at += 1,
            None => return bytes.len(),
        }
    }
}

/// Passes the key of each member of the object at `at`, with its escapes, and the beginning of its value to `member`, which
/// returns the end of the value.
pub(super) fn members(bytes: &[u8], at: usize, mut member: impl FnMut(&[u8], usize) -> usize) {
    let blanks = Blanks::ACROSS_LINES;
    let mut at = blanks.skip(bytes, at + 1);
    while bytes.get(at) == Some(&b'"') {
        let end = string(bytes, at);
        let colon = blanks.skip(bytes, end);
        let value = blanks.skip(bytes, colon + 1);
        let comma = blanks.skip(bytes, member(&bytes[at + 1..end - 1], value));
        if bytes.get(comma) != Some(&b',') {
            return;
        }
        at = blanks.skip(bytes, comma + 1);
    }
}

/// Passes the beginning of each element of the array at `at` to `element`, which returns its end.
pub(super) fn elements(bytes: &[u8], at: usize, mut element: impl FnMut(usize) -> usize) {
    let blanks = Blanks::ACROSS_LINES;
    let mut at = blanks.skip(bytes, at + 1);
    while !matches!(bytes.get(at), None | Some(b']')) {
        let comma = blanks.skip(bytes, element(at));
        if bytes.get(comma) != Some(&b',') {
            return;
        }
        at = blanks.skip(bytes, comma + 1);
    }
}
