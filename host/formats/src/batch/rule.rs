//! The reasons why a record is malformed: stable names that quarantine and metrics use.

/// A JSON Lines line that is not one JSON object, or a CSV record with the wrong number of fields or wrong quotes.
pub const MALFORMED_LINE: &str = "malformed_line";
/// An element of a JSON array that is not an object, the tail of a truncated array, or content after an array.
pub const MALFORMED_RECORD: &str = "malformed_record";
/// A record that is not UTF-8.
pub const INVALID_UTF8: &str = "invalid_utf8";
/// An object in UTF-16 or UTF-32, a compressed object, or one that is not text at all.
pub const INVALID_ENCODING: &str = "invalid_encoding";
/// A record longer than `record_bytes`.
pub const LINE_TOO_LONG: &str = "line_too_long";
/// A JSON record nested deeper than `depth`.
pub const TOO_DEEP: &str = "too_deep";
/// All of these names.
pub const ALL: [&str; 6] = [MALFORMED_LINE, MALFORMED_RECORD, INVALID_UTF8, INVALID_ENCODING, LINE_TOO_LONG, TOO_DEEP];
