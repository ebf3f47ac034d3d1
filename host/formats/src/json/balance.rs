//! Finds the end of a malformed array element by its brackets.

/// The end of a malformed element.
pub(super) enum Extent {
    /// It ends at this position, as far as its brackets show.
    Closed(usize),
    /// Its brackets do not match, or do not close in the given bytes.
    Open,
}

/// Returns the end of the element at `start`. An element with brackets ends where its first bracket closes. One without
/// brackets ends before the next comma or closing bracket, or at the end of the bytes if `ended`. `open` is working
/// memory.
pub(super) fn extent(bytes: &[u8], start: usize, ended: bool, open: &mut Vec<u8>) -> Extent {
    open.clear();
    let mut at = start;
    let mut last = start;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => match string_end(bytes, at) {
                Some(end) => at = end,
                None => return Extent::Open,
            },
            b'{' | b'[' => open.push(byte + 2),
            b'}' | b']' if !open.is_empty() => {
                if open.pop() != Some(byte) {
                    return Extent::Open;
                }
                if open.is_empty() {
                    return Extent::Closed(at + 1);
                }
            }
            b',' | b']' if open.is_empty() => return Extent::Closed(last),
            _ => {}
        }
        at += 1;
        if !matches!(byte, b' ' | b'\t' | b'\r' | b'\n') {
            last = at;
        }
    }
    if ended && open.is_empty() { Extent::Closed(last) } else { Extent::Open }
}

/// Returns the position of the quote that ends the string at `at`.
fn string_end(bytes: &[u8], at: usize) -> Option<usize> {
    let mut at = at + 1;
    loop {
        at += memchr::memchr2(b'"', b'\\', bytes.get(at..)?)?;
        if bytes[at] == b'"' {
            return Some(at);
        }
        at += 2;
    }
}
