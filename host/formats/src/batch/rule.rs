//! The reasons why a record is malformed: stable names that quarantine and metrics use.

/// A JSON Lines line that is not one JSON object, or a CSV record with the wrong number of fields or wrong quotes.
pub const MALFORMED_LINE: &str = "malformed_line";
/// An element of a JSON array that is not an object, the tail of a truncated array, or content after an array.
pub const MALFORMED_RECORD: &str = "malformed_record";
/// A record that is not UTF-8.
pub const INVALID_UTF8: &str = "invalid_utf8";
/// An object in UTF-16 or UTF-32, or one that is no text at all.
pub const INVALID_ENCODING: &str = "invalid_encoding";
/// A record longer than `record_bytes`.
pub const LINE_TOO_LONG: &str = "line_too_long";
/// A JSON record nested deeper than `depth`.
pub const TOO_DEEP: &str = "too_deep";
/// An object without bytes, once it is inflated.
pub const EMPTY: &str = "empty";
/// A compressed object that is cut off, has a wrong check sum, or is followed by other bytes.
pub const DAMAGED_STREAM: &str = "damaged_stream";
/// A compressed object that inflates to more than 100 times its length and 1 MiB.
pub const INFLATES_TOO_MUCH: &str = "inflates_too_much";
/// A CSV object whose header is malformed.
pub const NO_HEADER: &str = "no_header";
/// The reasons why a whole object cannot be read.
pub const UNREADABLE: [&str; 5] = [EMPTY, DAMAGED_STREAM, INFLATES_TOO_MUCH, INVALID_ENCODING, NO_HEADER];
/// All of these names.
pub const ALL: [&str; 10] = [
    MALFORMED_LINE,
    MALFORMED_RECORD,
    INVALID_UTF8,
    INVALID_ENCODING,
    LINE_TOO_LONG,
    TOO_DEEP,
    EMPTY,
    DAMAGED_STREAM,
    INFLATES_TOO_MUCH,
    NO_HEADER,
];
