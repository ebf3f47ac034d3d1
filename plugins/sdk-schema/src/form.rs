//! The types of columns, and the forms in which their cells are written.

use smelt_sdk::{Date, Timestamp};

use crate::json::Json;
use crate::value::{Number, Value};

/// The type of a column. A cell that is not written as its type is *unreadable*.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Type {
    /// Any text.
    Text,
    /// `[+-]?\d{1,18}`.
    Integer,
    /// A sign or none, 1 to 18 digits, and perhaps the mark and 1 to 18 digits. It has no exponent.
    Decimal {
        /// The character before the places.
        mark: char,
        /// The character that may stand between groups of three digits before the mark.
        group: Option<Group>,
    },
    /// `true`, `false`, `1` or `0`, in any case.
    Boolean,
    /// A day of the calendar.
    Date(DateForm),
    /// An instant.
    Timestamp(InstantForm),
    /// A JSON array or object.
    Json,
}

impl Type {
    /// The names of all types.
    pub const NAMES: [&'static str; 7] = ["text", "integer", "decimal", "boolean", "date", "timestamp", "json"];

    /// Returns the name by which a schema calls the type.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer => "integer",
            Self::Decimal { .. } => "decimal",
            Self::Boolean => "boolean",
            Self::Date(_) => "date",
            Self::Timestamp(_) => "timestamp",
            Self::Json => "json",
        }
    }

    /// Returns the value of a trimmed text, if it is written as the type says.
    pub fn read<'a>(&self, text: &'a str) -> Option<Value<'a>> {
        match self {
            Self::Text => Some(Value::Text(text.into())),
            Self::Integer => integer(text).map(Value::Number),
            Self::Decimal { mark, group } => decimal(text, *mark, *group).map(Value::Number),
            Self::Boolean => boolean(text).map(Value::Boolean),
            Self::Date(form) => form.read(text).map(Value::Date),
            Self::Timestamp(InstantForm::Iso) => Timestamp::parse(text).map(Value::Timestamp),
            Self::Timestamp(InstantForm::Clf) => clf(text).map(Value::Timestamp),
            Self::Json => {
                Json::parse(text).ok().filter(|json| matches!(json, Json::Array(_) | Json::Object(_))).map(Value::Json)
            }
        }
    }

    /// Returns the value of a text that is written plainly, as schemas write bounds and values: `0.5`, `2025-01-31`.
    pub fn read_plain(&self, text: &str) -> Option<Value<'static>> {
        match self {
            Self::Text => Some(Value::Text(text.to_owned().into())),
            Self::Integer => integer(text).map(Value::Number),
            Self::Decimal { .. } => decimal(text, '.', None).map(Value::Number),
            Self::Boolean => boolean(text).map(Value::Boolean),
            Self::Date(_) => Date::parse(text).map(Value::Date),
            Self::Timestamp(_) => Timestamp::parse(text).map(Value::Timestamp),
            Self::Json => None,
        }
    }
}

/// The character between groups of three digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// A blank. A no-break space, U+00A0 or U+202F, counts as one.
    Blank,
    /// Another character.
    Mark(char),
}

impl Group {
    fn is(self, character: char) -> bool {
        match self {
            Self::Blank => matches!(character, ' ' | '\u{a0}' | '\u{202f}'),
            Self::Mark(mark) => character == mark,
        }
    }
}

/// The forms of an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InstantForm {
    /// RFC 3339, or `YYYY-MM-DD[T ]HH:MM:SS[.f]`, which counts as UTC.
    Iso,
    /// `DD/Mon/YYYY:HH:MM:SS ±HHMM`, as the Common Log Format has it.
    Clf,
}

/// The form of a date: `YYYY`, `MM` and `DD`, each once and in any order, and what stands between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DateForm(Vec<Piece>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece {
    Year,
    Month,
    Day,
    Separator(char),
}

impl DateForm {
    /// Reads a form such as `DD/MM/YYYY`. Returns `None` for a text that lacks a part or has one twice, and for separators
    /// that are letters or digits.
    pub fn parse(text: &str) -> Option<Self> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(next) = rest.chars().next() {
            let parts = [("YYYY", Piece::Year), ("MM", Piece::Month), ("DD", Piece::Day)];
            let part = parts.into_iter().find_map(|(name, part)| Some((rest.strip_prefix(name)?, part)));
            let (after, piece) = match part {
                Some((_, part)) if pieces.contains(&part) => return None,
                Some(found) => found,
                None if next.is_alphanumeric() => return None,
                None => (&rest[next.len_utf8()..], Piece::Separator(next)),
            };
            pieces.push(piece);
            rest = after;
        }
        let whole = [Piece::Year, Piece::Month, Piece::Day].iter().all(|part| pieces.contains(part));
        whole.then_some(Self(pieces))
    }

    /// Returns the form `YYYY-MM-DD`.
    pub fn iso() -> Self {
        use Piece::{Day, Month, Separator, Year};
        Self(vec![Year, Separator('-'), Month, Separator('-'), Day])
    }

    /// Returns the date of a text in this form, if the day exists.
    fn read(&self, text: &str) -> Option<Date> {
        let (mut year, mut month, mut day) = (0, 0, 0);
        let mut rest = text;
        for piece in &self.0 {
            let (to, length) = match piece {
                Piece::Year => (&mut year, 4),
                Piece::Month => (&mut month, 2),
                Piece::Day => (&mut day, 2),
                Piece::Separator(separator) => {
                    rest = rest.strip_prefix(*separator)?;
                    continue;
                }
            };
            *to = digits(rest.get(..length)?)?;
            rest = &rest[length..];
        }
        if rest.is_empty() { Date::from_ymd(year as i32, month, day) } else { None }
    }
}

/// Reads ASCII digits alone, of which there must be one.
fn digits(text: &str) -> Option<u32> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

fn boolean(text: &str) -> Option<bool> {
    match text {
        "1" => Some(true),
        "0" => Some(false),
        _ if text.eq_ignore_ascii_case("true") => Some(true),
        _ if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

/// The greatest number of digits before the mark, and of those after it.
const DIGITS: usize = 18;

/// Parts a text into whether it is negative, and what follows the sign.
fn sign(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

/// Returns the digits as a number, if there are 1 to 18 and nothing else.
fn whole(text: &str) -> Option<i64> {
    let fits = (1..=DIGITS).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if fits { text.parse().ok() } else { None }
}

fn integer(text: &str) -> Option<Number> {
    let (negative, digits) = sign(text);
    let whole = i128::from(whole(digits)?) * ONE;
    Some(Number::from_units(if negative { -whole } else { whole }))
}

/// The units of a [`Number`] that are 1.
const ONE: i128 = 10i128.pow(DIGITS as u32);

fn decimal(text: &str, mark: char, group: Option<Group>) -> Option<Number> {
    let (negative, digits) = sign(text);
    let (before, after) = match digits.split_once(mark) {
        Some((before, after)) => (before, Some(after)),
        None => (digits, None),
    };
    let units = match whole(before) {
        Some(whole) => whole,
        None => whole(&ungroup(before, group?)?)?,
    };
    let places = match after {
        Some(after) => whole(after)? * 10i64.pow((DIGITS - after.len()) as u32),
        None => 0,
    };
    // At most 36 digits, so both fit 128 bits.
    let units = i128::from(units) * ONE + i128::from(places);
    Some(Number::from_units(if negative { -units } else { units }))
}

/// Returns the digits without the marks between them, if these part them into threes from the end.
fn ungroup(text: &str, group: Group) -> Option<String> {
    let mut parts = text.split(|character| group.is(character));
    let first = parts.next().filter(|first| (1..=3).contains(&first.len()))?;
    let mut digits = first.to_owned();
    for part in parts {
        if part.len() != 3 {
            return None;
        }
        digits += part;
    }
    Some(digits)
}

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Reads `DD/Mon/YYYY:HH:MM:SS ±HHMM`.
fn clf(text: &str) -> Option<Timestamp> {
    // In ISO's form it is checked as every other instant is. All that moves has a fixed place.
    let bytes = text.as_bytes();
    let is_form = bytes.len() == 26
        && text.is_ascii()
        && [(2, b'/'), (6, b'/'), (11, b':'), (20, b' ')].iter().all(|&(at, byte)| bytes[at] == byte);
    if !is_form {
        return None;
    }
    let month = MONTHS.iter().position(|&month| month == &text[3..6])? + 1;
    let (day, year, time, offset) = (&text[..2], &text[7..11], &text[12..20], &text[21..]);
    let (hours, minutes) = (&offset[..3], &offset[3..]);
    Timestamp::parse(&format!("{year}-{month:02}-{day}T{time}{hours}:{minutes}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FRENCH: Type = Type::Decimal { mark: ',', group: Some(Group::Blank) };
    const PLAIN: Type = Type::Decimal { mark: '.', group: None };

    #[track_caller]
    fn assert_number(of: &Type, text: &str, plain: &str) {
        let value = of.read(text).unwrap_or_else(|| panic!("{text:?} is no {}", of.name()));
        assert_eq!(Some(value), PLAIN.read(plain), "{text:?}");
    }

    #[track_caller]
    fn assert_unreadable<const N: usize>(of: &Type, texts: [&str; N]) {
        for text in texts {
            assert_eq!(of.read(text), None, "{text:?} as {}", of.name());
        }
    }

    #[test]
    fn integers_have_up_to_18_digits_and_a_sign() {
        for (text, plain) in [("0", "0"), ("+7", "7"), ("-007", "-7"), ("999999999999999999", "999999999999999999")] {
            assert_number(&Type::Integer, text, plain);
        }
        assert_unreadable(
            &Type::Integer,
            ["", "-", "+-1", "1.0", "1e3", "1 000", "1234567890123456789", "١", "0x1", "--1"],
        );
    }

    #[test]
    fn decimals_have_a_mark_and_groups_of_three() {
        for (text, plain) in [
            ("5,5", "5.5"),
            ("+5,50", "5.5"),
            ("-0,000000000000000001", "-0.000000000000000001"),
            ("1 234,5", "1234.5"),
            ("1\u{a0}234\u{202f}567,89", "1234567.89"),
            ("1234567,89", "1234567.89"),
            ("12 345", "12345"),
            ("-0", "0"),
            ("999 999 999 999 999 999,999999999999999999", "999999999999999999.999999999999999999"),
        ] {
            assert_number(&FRENCH, text, plain);
        }
        assert_unreadable(
            &FRENCH,
            [
                "",
                ",",
                "5,",
                ",5",
                "5.5",
                "1 23",
                "12 34,5",
                "1234 567",
                "1  234",
                " 1 234",
                "1 234 ",
                "1,234 5",
                "1,2,3",
                "1e3",
                "- 1",
                "1 234 567 890 123 456 789",
                "0,1234567890123456789",
                "1.234",
                "1 2é4",
            ],
        );
        assert_unreadable(&PLAIN, ["1,5", "1 234", "1_000", "NaN", "inf", ".5", "5."]);
        assert_number(&Type::Decimal { mark: ',', group: Some(Group::Mark('.')) }, "1.234,5", "1234.5");
    }

    #[test]
    fn booleans_have_four_words_in_any_case() {
        for (text, value) in [("TRUE", true), ("tRue", true), ("1", true), ("False", false), ("0", false)] {
            assert_eq!(Type::Boolean.read(text), Some(Value::Boolean(value)));
        }
        assert_unreadable(&Type::Boolean, ["yes", "t", "01", "", "oui", "truee"]);
    }

    #[test]
    fn dates_have_the_form_that_the_schema_says() {
        let read = |form: &str, text: &str| {
            let read = DateForm::parse(form).expect("a form").read(text);
            read.map(|date| date.to_string())
        };
        for (form, text) in [
            ("DD/MM/YYYY", "29/02/2024"),
            ("YYYYMMDD", "20240229"),
            ("YYYY-MM-DD", "2024-02-29"),
            ("MM–DD–YYYY", "02–29–2024"),
            ("DD. MM. YYYY", "29. 02. 2024"),
        ] {
            assert_eq!(read(form, text).as_deref(), Some("2024-02-29"), "{form}");
        }
        for text in [
            "29/02/2023",
            "1/1/2024",
            "01/13/2024",
            "01-01-2024",
            "01/01/24",
            "01/01/20245",
            " 1/01/2024",
            "+1/01/2024",
            "",
        ] {
            assert_eq!(read("DD/MM/YYYY", text), None, "{text:?}");
        }
        assert_eq!(read("YYYY-MM-DD", "0000-01-01").as_deref(), Some("0000-01-01"));
        for form in ["", "YYYY-MM", "DD/MM/YY", "DD/MM/YYYY DD", "YYYY-MM-DDT", "yyyy-mm-dd", "YYYY1MM1DD"] {
            assert_eq!(DateForm::parse(form), None, "{form:?}");
        }
        assert_eq!(DateForm::parse("YYYY-MM-DD"), Some(DateForm::iso()));
    }

    #[test]
    fn instants_of_logs_have_an_offset() {
        let read = |text: &str| clf(text).map(|instant| instant.to_string());
        assert_eq!(read("02/Nov/2025:17:21:36 +0100").as_deref(), Some("2025-11-02T16:21:36Z"));
        assert_eq!(read("29/Feb/2024:00:00:00 -0030").as_deref(), Some("2024-02-29T00:30:00Z"));
        for text in [
            "02/Nov/2025:17:21:36",
            "02/nov/2025:17:21:36 +0100",
            "31/Nov/2025:17:21:36 +0100",
            "02/Nov/2025:24:00:00 +0000",
            "02/Nov/2025 17:21:36 +0100",
            "02/Nov/2025:17:21:36 +2400",
            "02/Nov/2025:17:21:36 0100+",
            "2/Nov/2025:17:21:36 +01000",
            "02/Nov/2025:17:21:36 +01é",
            "02/Nov/2025:17:21:36 +1:00",
            "",
        ] {
            assert_eq!(read(text), None, "{text:?}");
        }
    }

    #[test]
    fn json_is_an_array_or_an_object() {
        assert!(Type::Json.read(r#"[{"type": "page_view"}]"#).is_some());
        assert!(Type::Json.read("{}").is_some());
        assert_unreadable(&Type::Json, ["null", "1", "\"[]\"", "[", "[] []", ""]);
    }

    proptest! {
        #[test]
        fn decimals_read_what_is_written(units in -(10i128.pow(36) - 1)..10i128.pow(36)) {
            let number = Number::from_units(units);
            let (plain, french) = (number.to_string(), number.to_string().replace('.', ","));
            prop_assert_eq!(PLAIN.read(&plain), Some(Value::Number(number)));
            prop_assert_eq!(FRENCH.read(&french), Some(Value::Number(number)));
        }

        #[test]
        fn no_text_makes_a_reader_panic(text in any::<String>(), form in any::<String>()) {
            for of in [FRENCH, PLAIN, Type::Integer, Type::Boolean, Type::Json, Type::Date(DateForm::iso()),
                Type::Timestamp(InstantForm::Iso), Type::Timestamp(InstantForm::Clf)] {
                of.read(&text);
            }
            DateForm::parse(&form);
        }
    }
}
