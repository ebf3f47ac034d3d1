use smelt_sdk::Timestamp;
use smelt_sdk_schema::{Cell, Column, Schema};

use super::*;

fn columns() -> Vec<Column> {
    let schema = r#"{"columns": {
        "a": {"type": "decimal"}, "b": {"type": "integer"}, "t": {"type": "text"}, "u": {"type": "text"},
        "ok": {"type": "boolean"}, "day": {"type": "date"}, "at": {"type": "timestamp"}, "j": {"type": "json"}}}"#;
    Schema::parse(schema).expect("a schema").columns
}

/// Returns whether a condition holds of a row that has these cells.
fn holds(text: &str, cells: &str) -> Option<bool> {
    let columns = columns();
    let mut row: Vec<Cell<'_>> = columns.iter().map(|_| Cell::Missing).collect();
    for (name, cell) in cells.split(' ').filter_map(|cell| cell.split_once('=')) {
        let index = columns.iter().position(|column| column.name == name).expect("a column");
        row[index] = columns[index].read(Some(cell));
    }
    let condition = Condition::parse(text, &columns).unwrap_or_else(|error| panic!("{text}: {error}"));
    condition.holds(&Row { cells: &row, stamp: Timestamp::parse("2025-11-13T06:00:00Z") })
}

#[test]
fn operators_bind_as_they_should() {
    for (text, expected) in [
        ("a + b * 2 = 8", true),
        ("(a + b) * 2 = 10", true),
        ("-a * b = -6", true),
        ("a - b - 1 = -2 and not a = b", true),
        ("a = 9 or a = 2 and b = 9", false),
        ("(a = 2 or a = 9) and b = 3", true),
        ("not a = 2 or b = 3", true),
        ("not (a = 2 or b = 3)", false),
        ("abs(a - b) <= 1", true),
        ("abs a", false),
        ("t = 'it''s'", false),
        ("t in ['x', 'y'] and t not in ['z']", true),
        ("b in [-3, 3]", true),
        ("a != 2.000", false),
        ("ok = true and ok != false", true),
        ("day = @2025-11-12 and at - day = 30h", true),
        ("at + 1d > stamp and stamp - at = 0s", true),
        ("at = @2025-11-13T07:00:00+01:00", true),
        ("at - 2d < stamp - 24h - 59m", true),
        ("t < 'y' and t >= 'X'", true),
    ] {
        if text == "abs a" {
            assert!(Condition::parse(text, &columns()).is_err());
            continue;
        }
        let cells = "a=2.0 b=3 t=x ok=1 day=2025-11-12 at=2025-11-13T06:00:00Z";
        assert_eq!(holds(text, cells), Some(expected), "{text}");
    }
}

#[test]
fn numbers_are_exact_whatever_their_size() {
    let cells = "a=0.000000000000000001 b=999999999999999999";
    assert_eq!(holds("a * a * a * b * b > 0", cells), Some(true));
    assert_eq!(holds("a * b + a = 1", cells), Some(true));
    assert_eq!(holds("0.1 + 0.2 = 0.3", ""), Some(true));
}

#[test]
fn unknown_stays_unknown_unless_the_rest_decides() {
    for (text, expected) in [
        ("a = 1", None),
        ("not a = 1", None),
        ("a = 1 and b = 9", Some(false)),
        ("b = 9 and a = 1", Some(false)),
        ("a = 1 and b = 3", None),
        ("a = 1 or b = 3", Some(true)),
        ("b = 3 or a = 1", Some(true)),
        ("a = 1 or b = 9", None),
        ("a in [1]", None),
        ("a not in [1]", None),
        ("a is missing", Some(true)),
        ("a is not missing", Some(false)),
        ("ok is missing", Some(false)),
        ("ok = true", None),
        ("j is not missing", Some(true)),
        ("a = a", None),
    ] {
        assert_eq!(holds(text, "b=3 ok=perhaps j=[]"), expected, "{text}");
    }
}

#[test]
fn a_wrong_condition_is_refused_with_its_place() {
    for (text, message) in [
        ("", "at character 1: expected a column or a value, found the end"),
        ("a", "at character 2: expected a comparison, such as `= 1`, `in […]` or `is missing`, found the end"),
        ("ok", "at character 3: expected a comparison, such as `= 1`, `in […]` or `is missing`, found the end"),
        ("a = ", "at character 5: expected a column or a value, found the end"),
        ("a == 1", "at character 4: expected a column or a value, found `=`"),
        ("a = 1 b = 2", "at character 7: expected `and`, `or` or the end, found `b`"),
        ("(a = 1", "at character 7: expected `)`, found the end"),
        ("abs a = 1", "at character 5: expected `(`, found `a`"),
        ("c = 1", "at character 1: no column `c`; known: a, b, t, u, ok, day, at, j"),
        ("a = 't'", "at character 3: a number is compared with a text; only like compares with like"),
        ("day > 24h", "at character 5: an instant is compared with a duration; only like compares with like"),
        ("ok < true", "at character 4: booleans compare by = and != alone"),
        ("j = 'x'", "column `j` is json, so it can be asked only whether it `is missing`"),
        ("a is null", "at character 6: expected `missing`, found `null`"),
        ("a + b is missing", "only a column can be asked whether it `is missing`"),
        ("t in 'x'", "at character 6: expected `[`, found 'x'"),
        ("t in ['x' 'y']", "at character 11: expected `,` or `]`, found 'y'"),
        ("t in [u]", "at character 7: a list has literals alone, such as 204 or 'paid'"),
        ("t in [1]", "at character 7: a text is compared with a number; only like compares with like"),
        (
            "at + day = at",
            "at character 4: an instant is added to an instant; numbers go with numbers, durations with instants and durations",
        ),
        (
            "a - 1d = 1",
            "at character 3: a duration is subtracted from a number; numbers go with numbers, durations with instants and durations",
        ),
        ("at * 2 = at", "at character 4: an instant is multiplied by a number; only numbers are multiplied"),
        ("-t = 'x'", "at character 1: a text has no sign; numbers and durations have one"),
        ("a / b = 1", "at character 3: `/` is unknown; there is no division, multiply the other side instead"),
        ("t = \"x\"", "at character 5: texts stand in single quotes: 'paid'"),
        ("t = 'x", "at character 5: a text lacks its closing quote"),
        (
            "a = 1e3",
            "at character 5: `1e3` is neither a number, such as 0.5, nor a duration, such as 24h, 7d, 30m or 10s",
        ),
        (
            "at = @2025-02-30",
            "at character 6: `@2025-02-30` is no instant, such as @2025-01-31 or @2025-01-31T10:00:00Z",
        ),
        ("a & b", "at character 3: `&` is unknown; known: != <= >= = < > + - * ( ) [ ] ,"),
        ("(a = 1) + 2 = 3", "at character 13: expected a value, but this is a comparison, found `=`"),
    ] {
        assert_eq!(Condition::parse(text, &columns()).expect_err(text), message, "{text}");
    }
    let deep = "(".repeat(100_000);
    assert!(Condition::parse(&deep, &columns()).is_err_and(|error| error.contains("too deep")));
}
