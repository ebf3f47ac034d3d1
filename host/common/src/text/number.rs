//! Reads numbers, durations, instants and JSON as strictly as they are documented: `+5`, ` 5` and `1 0s` are mistakes.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Reads a whole number from 0, which is digits and nothing else.
pub fn number<T: FromStr>(text: &str) -> Result<T, String> {
    let wrong = || "expected a whole number in digits alone, not too large".to_owned();
    match !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        true => text.parse().map_err(|_| wrong()),
        false => Err(wrong()),
    }
}

/// Reads a duration such as `500ms` or `1h 30m`.
pub fn duration(text: &str) -> Result<Duration, String> {
    let bytes = text.as_bytes();
    let begins = bytes.first().is_some_and(u8::is_ascii_digit);
    let known = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b' ' | b'.');
    // A space may stand only between a unit and the next number.
    let spaced =
        bytes.windows(3).all(|three| three[1] != b' ' || (three[0].is_ascii_alphabetic() && three[2].is_ascii_digit()));
    let ends = bytes.last().is_some_and(u8::is_ascii_alphabetic);
    if !(begins && ends && spaced && bytes.iter().all(known)) {
        return Err("expected a number and a unit, such as 500ms, 5s or 1h 30m".to_owned());
    }
    humantime::parse_duration(text).map_err(|error| error.to_string())
}

/// Reads an instant of RFC 3339, such as `2025-01-01T00:00:00Z`.
pub fn instant(text: &str) -> Result<DateTime<Utc>, String> {
    let wrong = "expected RFC 3339, such as 2025-01-01T00:00:00Z";
    match text.as_bytes().get(10) {
        Some(b'T') => DateTime::parse_from_rfc3339(text).map(Into::into).map_err(|_| wrong.to_owned()),
        _ => Err(wrong.to_owned()),
    }
}

/// Reads a field of the manifest that is a duration.
pub fn duration_field<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    duration(&String::deserialize(from)?).map_err(D::Error::custom)
}

/// Reads a field of the manifest that is a duration and may be left out.
pub fn optional_duration_field<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
    duration_field(from).map(Some)
}

/// Reads JSON in which no object has a key twice. (serde_json alone would silently take the last one.)
pub fn json_value(text: &str) -> Result<Value, String> {
    serde_json::from_str::<Strict>(text).map(|Strict(value)| value).map_err(|error| error.to_string())
}

/// Reads a JSON object in which no object has a key twice.
pub fn json_object(text: &str) -> Result<Map<String, Value>, String> {
    match json_value(text)? {
        Value::Object(object) => Ok(object),
        _ => Err("it is not an object".to_owned()),
    }
}

struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(StrictVisitor).map(Self)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let mut all = Vec::new();
        while let Some(Strict(value)) = from.next_element()? {
            all.push(value);
        }
        Ok(all.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let mut all = Map::new();
        while let Some((key, Strict(value))) = from.next_entry::<String, _>()? {
            if all.contains_key(&key) {
                return Err(A::Error::custom(format!("key `{key}` is there twice")));
            }
            all.insert(key, value);
        }
        Ok(all.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_digits() {
        assert_eq!(number::<u64>("18446744073709551615"), Ok(u64::MAX));
        assert_eq!(number::<u32>("007"), Ok(7));
        for text in ["", "+5", "-5", " 5", "5 ", "1_000", "0x10", "1e3", "5.0", "٥", "18446744073709551616"] {
            assert!(number::<u64>(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_duration_is_numbers_with_units() {
        for (text, milliseconds) in
            [("500ms", 500), ("5s", 5000), ("1h 30m", 5_400_000), ("1h30m", 5_400_000), ("0s", 0)]
        {
            assert_eq!(duration(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
        for text in [
            "",
            "5",
            "s",
            " 5s",
            "5s ",
            "+5s",
            "-5s",
            "5 s",
            "1 0s",
            "1_0s",
            "1e3s",
            "0x5s",
            "5s,",
            "５s",
            "1h  30m",
            "5\u{a0}s",
            "9999999999999999999y",
            "99999999999999y",
        ] {
            assert!(duration(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn an_instant_is_rfc_3339() {
        assert!(instant("2025-01-01T00:00:00Z").is_ok() && instant("2025-01-01T00:00:00.5+02:00").is_ok());
        for text in [
            "2025-01-01",
            "2025-01-01 00:00:00Z",
            "2025-01-01T00:00:00",
            " 2025-01-01T00:00:00Z",
            "2025-1-1T0:0:0Z",
            "2025-02-30T00:00:00Z",
            "é025-01-01T00:00:00Z",
        ] {
            assert!(instant(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_key_of_json_is_there_once() {
        let text = r#"{"a": [1, -2, 1.5, "x", null, true], "b": {"a": 18446744073709551615}}"#;
        assert_eq!(json_value(text), Ok(serde_json::from_str(text).expect("it is JSON")));
        assert!(json_object("[]").is_err() && json_object("{} x").is_err());
        let twice = json_object(r#"{"a": {"b": 1, "b": 2}}"#).expect_err("it is there twice");
        assert!(twice.contains("`b` is there twice"), "{twice}");
        assert!(json_value(&"[".repeat(100_000)).is_err(), "it ends without a stack overflow");
    }
}
