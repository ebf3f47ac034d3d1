//! Takes the escapes out of cells: those of a JSON string, and the doubled quotes of a CSV cell.

/// Appends the text of the inside of a JSON string. The parser has checked its escapes.
pub(crate) fn unescape(raw: &[u8], text: &mut Vec<u8>) {
    let mut rest = raw;
    while let Some(plain) = memchr::memchr(b'\\', rest) {
        text.extend_from_slice(&rest[..plain]);
        rest = &rest[plain + 1..];
        let used = match rest.first() {
            Some(b'u') => {
                let (char, used) = unicode(rest);
                text.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
                used
            }
            Some(&byte) => {
                text.push(match byte {
                    b'b' => 0x08,
                    b'f' => 0x0c,
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    other => other,
                });
                1
            }
            None => 0,
        };
        rest = rest.get(used..).unwrap_or_default();
    }
    text.extend_from_slice(rest);
}

/// Returns the character that `uXXXX` or `uXXXX\uXXXX` stands for, and the number of bytes of that escape.
fn unicode(rest: &[u8]) -> (char, usize) {
    let first = unit(rest, 1);
    if let 0xd800..=0xdbff = first {
        let second = unit(rest, 7).wrapping_sub(0xdc00) & 0x3ff;
        let code = 0x10000 + ((first - 0xd800) << 10) + second;
        return (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), 11);
    }
    (char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER), 5)
}

fn unit(rest: &[u8], at: usize) -> u32 {
    let digits = rest.get(at..at + 4).unwrap_or_default();
    digits.iter().fold(0, |code, &digit| code * 16 + (digit as char).to_digit(16).unwrap_or_default())
}

/// Appends the text of the inside of a quoted CSV cell, in which each quote is doubled.
pub(super) fn undouble(raw: &[u8], text: &mut Vec<u8>) {
    let mut rest = raw;
    while let Some(quote) = memchr::memchr(b'"', rest) {
        text.extend_from_slice(&rest[..=quote]);
        rest = rest.get(quote + 2..).unwrap_or_default();
    }
    text.extend_from_slice(rest);
}
