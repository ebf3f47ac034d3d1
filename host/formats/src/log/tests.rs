//! Tests of the record loop of logs.

use crate::testing::{decode, decode_with, row};
use crate::{Comment, DecodeLimits, Dialect, Format, LinePattern, rule};

fn dialect(pattern: &str) -> Dialect {
    let pattern = LinePattern::try_from(pattern.to_owned()).expect("a pattern");
    Dialect { pattern: Some(pattern), ..Format::Log.into() }
}

#[test]
fn named_groups_are_columns_and_a_group_without_part_has_no_value() {
    let dialect = dialect(r"(?<a>\w+)(?: (?<b>\d*))?");
    let decoded = decode(b"x 1\r\n\r\n  \ny\nz \n! 1\n\xffx\nw 2", dialect, &["b", "a"]);
    let expected = [
        row(&["1", "x"]),
        row(&["-", "y"]),
        row(&["", "z"]),
        Err(rule::MALFORMED_LINE),
        Err(rule::INVALID_UTF8),
        row(&["2", "w"]),
    ];
    assert_eq!(decoded.outcomes(), expected);
}

#[test]
fn lines_as_long_as_allowed_are_read_and_longer_ones_are_not() {
    let limits = DecodeLimits { record_bytes: 5, ..DecodeLimits::default() };
    for end in ["\n", "\r\n"] {
        let text = ["12345", "123456", "1234567", "12345678901234567890", "1", "12345"].join(end);
        let decoded = decode_with(text.as_bytes(), dialect("(?<a>.*)"), &["a"], limits);
        let long = Err(rule::LINE_TOO_LONG);
        let expected = [row(&["12345"]), long.clone(), long.clone(), long, row(&["1"]), row(&["12345"])];
        assert_eq!(decoded.outcomes(), expected, "{end:?}");
    }
}

#[test]
fn comments_of_a_log_are_no_records() {
    let comment = Comment::try_from("#".to_owned()).ok();
    let dialect = Dialect { comment, ..dialect("(?<a>.*)") };
    let text = format!("#Fields: a\nx\n#{}\n#\ny\n#", "z".repeat(500));
    assert_eq!(decode(text.as_bytes(), dialect, &["a"]).outcomes(), [row(&["x"]), row(&["y"])]);
}
