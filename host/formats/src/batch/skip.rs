//! Finds the end of a record that does not fit in memory. Small automata see each byte once, and can be paused between
//! any two bytes.

/// The thing that ends the record.
pub(crate) enum Skip {
    /// The next LF; with `cr` the next LF or CR.
    Line { cr: bool },
    /// The bracket that closes the JSON value with which the record began.
    Value { depth: u64, string: bool, escape: bool },
    /// The first line that begins with `{`, with or without a comma before it.
    Brace { at_line_start: bool },
    /// A line that begins with `{`, without a blank before it, or a record separator of RFC 7464, which no JSON has.
    Document { at_line_start: bool },
    /// The end of the object.
    Rest,
}

impl Skip {
    /// Skips to the next LF; with `cr`, as in CSV, to the next LF or CR.
    pub(crate) fn line(cr: bool) -> Self {
        Self::Line { cr }
    }

    /// Skips to the end of the JSON object or array that begins here.
    pub(crate) fn value() -> Self {
        Self::Value { depth: 0, string: false, escape: false }
    }

    /// Skips to the end of the object.
    pub(crate) fn rest() -> Self {
        Self::Rest
    }

    /// Skips to the next line that begins with `{`.
    pub(crate) fn brace() -> Self {
        Self::Brace { at_line_start: false }
    }

    /// Skips to the next JSON document that begins a line or follows a record separator.
    pub(crate) fn document() -> Self {
        Self::Document { at_line_start: false }
    }

    /// Returns how many of these bytes still belong to the record, if it ends among them.
    pub(crate) fn end_in(&mut self, bytes: &[u8]) -> Option<usize> {
        match self {
            Self::Line { cr: false } => memchr::memchr(b'\n', bytes),
            Self::Line { cr: true } => memchr::memchr2(b'\n', b'\r', bytes),
            Self::Value { depth, string, escape } => bytes
                .iter()
                .position(|&byte| {
                    if *escape {
                        *escape = false;
                    } else if *string {
                        *escape = byte == b'\\';
                        *string = byte != b'"';
                    } else {
                        match byte {
                            b'"' => *string = true,
                            b'{' | b'[' => *depth += 1,
                            b'}' | b']' => *depth = depth.saturating_sub(1),
                            _ => {}
                        }
                        return *depth == 0;
                    }
                    false
                })
                .map(|last| last + 1),
            Self::Brace { at_line_start } => bytes.iter().position(|&byte| {
                match byte {
                    b'\n' => *at_line_start = true,
                    b' ' | b'\t' | b'\r' | b',' => {}
                    b'{' if *at_line_start => return true,
                    _ => *at_line_start = false,
                }
                false
            }),
            Self::Document { at_line_start } => bytes.iter().position(|&byte| {
                let begins = byte == b'\x1e' || (byte == b'{' && *at_line_start);
                *at_line_start = byte == b'\n';
                begins
            }),
            Self::Rest => None,
        }
    }
}
