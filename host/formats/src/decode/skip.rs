//! Finds where a record ends that does not fit in memory: small automata that see each byte once and can be paused
//! between any two.

/// What ends the record.
pub(in super::super) enum Skip {
    /// The line end.
    Line { cr: bool },
    /// The bracket that closes the JSON value it began with.
    Value { depth: u64, string: bool, escape: bool },
    /// The first line that begins with `{`, a comma before it or not.
    Brace { at_line_start: bool },
    /// The object's end.
    Rest,
}

impl Skip {
    /// To the next LF; to the next LF or CR for CSV.
    pub(in super::super) fn line(cr: bool) -> Self {
        Self::Line { cr }
    }

    /// To the end of the JSON object or array that begins here.
    pub(in super::super) fn value() -> Self {
        Self::Value { depth: 0, string: false, escape: false }
    }

    /// To the end of the object.
    pub(in super::super) fn rest() -> Self {
        Self::Rest
    }

    /// To the next line that begins with `{`.
    pub(in super::super) fn brace() -> Self {
        Self::Brace { at_line_start: false }
    }

    /// How many of these bytes are still the record's, if it ends among them.
    pub(super) fn end_in(&mut self, bytes: &[u8]) -> Option<usize> {
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
            Self::Rest => None,
        }
    }
}

/// A record whose end is still to be found.
pub(in super::super) struct Unended {
    /// Where it begins in the window.
    pub(in super::super) start: usize,
    pub(in super::super) skip: Skip,
    pub(in super::super) rule: &'static str,
    pub(in super::super) detail: String,
}
