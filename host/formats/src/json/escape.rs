//! Takes the escapes out of a JSON string.

/// Appends the text of a string's inside, whose escapes `string` has accepted.
pub(in super::super) fn unescape(raw: &[u8], text: &mut Vec<u8>) {
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

/// The character of `uXXXX` or `uXXXX\uXXXX`, and how many bytes it is written in.
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
