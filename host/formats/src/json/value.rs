//! Checks JSON values as strictly as RFC 8259 defines them. It keeps no values and uses no recursion.

use super::blanks::Blanks;
use super::fail::Fail;
use crate::scan::json_string_stop;

/// Reads the string at `at`. Returns the position after its closing quote.
pub(super) fn string(bytes: &[u8], at: usize) -> Result<usize, Fail> {
    let mut at = at + 1;
    loop {
        at = json_string_stop(bytes, at);
        match bytes.get(at) {
            Some(b'"') => return Ok(at + 1),
            Some(b'\\') => at = escape(bytes, at)?,
            Some(_) => return Fail::syntax(at, "no control character"),
            None => return Err(Fail::End),
        }
    }
}

/// Reads the escape at `at`. Surrogates must come in pairs.
fn escape(bytes: &[u8], at: usize) -> Result<usize, Fail> {
    match bytes.get(at + 1) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 2),
        Some(b'u') => match hex(bytes, at + 2)? {
            0xdc00..=0xdfff => Fail::syntax(at, "no lone surrogate"),
            0xd800..=0xdbff => {
                for (i, &expected) in b"\\u".iter().enumerate() {
                    match bytes.get(at + 6 + i) {
                        Some(&byte) if byte == expected => {}
                        Some(_) => return Fail::syntax(at, "no lone surrogate"),
                        None => return Err(Fail::End),
                    }
                }
                match hex(bytes, at + 8)? {
                    0xdc00..=0xdfff => Ok(at + 12),
                    _ => Fail::syntax(at, "no lone surrogate"),
                }
            }
            _ => Ok(at + 6),
        },
        Some(_) => Fail::syntax(at, "a valid escape"),
        None => Err(Fail::End),
    }
}

/// Reads four hexadecimal digits.
fn hex(bytes: &[u8], at: usize) -> Result<u32, Fail> {
    let mut code = 0;
    for at in at..at + 4 {
        let Some(&byte) = bytes.get(at) else { return Err(Fail::End) };
        let Some(digit) = (byte as char).to_digit(16) else { return Fail::syntax(at, "four hexadecimal digits") };
        code = code * 16 + digit;
    }
    Ok(code)
}

/// Reads the number at `at`, where a minus sign or a digit is.
#[inline]
pub(super) fn number(bytes: &[u8], at: usize) -> Result<usize, Fail> {
    let mut at = at + usize::from(bytes.get(at) == Some(&b'-'));
    at = match bytes.get(at) {
        Some(b'0') => at + 1,
        Some(b'1'..=b'9') => digits(bytes, at + 1),
        Some(_) => return Fail::syntax(at, "a digit"),
        None => return Err(Fail::End),
    };
    if bytes.get(at) == Some(&b'.') {
        at = some_digits(bytes, at + 1)?;
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        at += 1;
        at = some_digits(bytes, at + usize::from(matches!(bytes.get(at), Some(b'+' | b'-'))))?;
    }
    Ok(at)
}

#[inline(always)]
fn digits(bytes: &[u8], mut at: usize) -> usize {
    while bytes.get(at).is_some_and(u8::is_ascii_digit) {
        at += 1;
    }
    at
}

#[inline(always)]
fn some_digits(bytes: &[u8], at: usize) -> Result<usize, Fail> {
    match bytes.get(at) {
        Some(b'0'..=b'9') => Ok(digits(bytes, at + 1)),
        Some(_) => Fail::syntax(at, "a digit"),
        None => Err(Fail::End),
    }
}

/// Reads `true`, `false` or `null` at `at`.
#[inline]
pub(super) fn literal(bytes: &[u8], at: usize) -> Result<usize, Fail> {
    let rest = bytes.get(at..).unwrap_or_default();
    let word: &[u8] = match rest.first() {
        Some(b't') => b"true",
        Some(b'f') => b"false",
        Some(b'n') => b"null",
        Some(_) => return Fail::syntax(at, "a value"),
        None => return Err(Fail::End),
    };
    if rest.starts_with(word) {
        Ok(at + word.len())
    } else if word.starts_with(rest) {
        Err(Fail::End)
    } else {
        Fail::syntax(at, "a value")
    }
}

/// Reads a key and its colon. Returns the end of the key, and the beginning of its value.
pub(super) fn key(bytes: &[u8], at: usize, blanks: Blanks) -> Result<(usize, usize), Fail> {
    match bytes.get(at) {
        Some(b'"') => {}
        Some(_) => return Fail::syntax(at, "a key in double quotes"),
        None => return Err(Fail::End),
    }
    let end = string(bytes, at)?;
    let colon = blanks.skip(bytes, end);
    match bytes.get(colon) {
        Some(b':') => Ok((end, blanks.skip(bytes, colon + 1))),
        Some(_) => Fail::syntax(colon, "`:`"),
        None => Err(Fail::End),
    }
}

/// Reads the object or array at `at`. It may have `depth` levels, itself included. `open` is working memory.
pub(super) fn container(
    bytes: &[u8],
    mut at: usize,
    depth: usize,
    blanks: Blanks,
    open: &mut Vec<u8>,
) -> Result<usize, Fail> {
    open.clear();
    loop {
        // A value begins here.
        match bytes.get(at) {
            Some(&bracket @ (b'{' | b'[')) => {
                if open.len() >= depth {
                    return Err(Fail::Deep);
                }
                // In ASCII a closing bracket is two after its opening one.
                open.push(bracket + 2);
                at = blanks.skip(bytes, at + 1);
                if bytes.get(at) != Some(&(bracket + 2)) {
                    if bracket == b'{' {
                        (_, at) = key(bytes, at, blanks)?;
                    }
                    continue;
                }
            }
            Some(b'"') => at = string(bytes, at)?,
            Some(b'-' | b'0'..=b'9') => at = number(bytes, at)?,
            _ => at = literal(bytes, at)?,
        }
        // A value ended here, or an empty container ends.
        loop {
            let Some(&close) = open.last() else { return Ok(at) };
            at = blanks.skip(bytes, at);
            match bytes.get(at) {
                Some(b',') => {
                    at = blanks.skip(bytes, at + 1);
                    if close == b'}' {
                        (_, at) = key(bytes, at, blanks)?;
                    }
                    break;
                }
                Some(&byte) if byte == close => {
                    open.pop();
                    at += 1;
                }
                Some(_) => return Fail::syntax(at, "`,` or a closing bracket"),
                None => return Err(Fail::End),
            }
        }
    }
}
