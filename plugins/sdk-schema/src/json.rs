//! JSON (RFC 8259) that keeps what other readers lose: the digits of numbers, the order of members, and keys that come
//! twice.

use std::borrow::Cow;
use std::fmt;

/// The depth from which on JSON is refused, so that no text exhausts the stack.
const DEPTH: usize = 128;

/// A JSON value. Texts without escapes are borrowed from what was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Json<'a> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Boolean(bool),
    /// A number as it is written.
    Number(&'a str),
    /// A text.
    Text(Cow<'a, str>),
    /// An array.
    Array(Vec<Json<'a>>),
    /// The members of an object in their order. A key may come twice.
    Object(Vec<(Cow<'a, str>, Json<'a>)>),
}

/// The place where a text ceases to be JSON. Lines and columns count from 1, columns in characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonError {
    /// The line.
    pub line: usize,
    /// The column in the line.
    pub column: usize,
    /// The reason.
    pub message: &'static str,
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, column, message } = self;
        write!(f, "line {line}, column {column}: {message}")
    }
}

impl std::error::Error for JsonError {}

impl<'a> Json<'a> {
    /// Reads a text that is one JSON value, with white space around it or without.
    ///
    /// # Errors
    /// Fails at the first character that cannot belong to it.
    pub fn parse(text: &'a str) -> Result<Self, JsonError> {
        let mut reader = Reader { text, at: 0 };
        let value = reader.document();
        value.map_err(|message| {
            let before = &text[..text.floor_char_boundary(reader.at)];
            let line = before.rsplit('\n').next().unwrap_or_default();
            let lines = before.bytes().filter(|&byte| byte == b'\n').count();
            JsonError { line: lines + 1, column: line.chars().count() + 1, message }
        })
    }

    /// Returns the member of that name, if the value is an object that has it. Of equal keys the last one counts.
    pub fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members.iter().rev().find(|(name, _)| name == key).map(|(_, value)| value),
            _ => None,
        }
    }

    /// Returns the text, if the value is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the kind of the value for messages: `a text`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::Text(_) => "a text",
            Self::Array(_) => "an array",
            Self::Object(_) => "an object",
        }
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

type Read<T> = Result<T, &'static str>;

impl<'a> Reader<'a> {
    fn document(&mut self) -> Read<Json<'a>> {
        self.space();
        let value = self.value(0)?;
        self.space();
        if self.at < self.text.len() { Err("the text goes on after its JSON value") } else { Ok(value) }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Passes over a byte, if it is the next one.
    fn take(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn value(&mut self, depth: usize) -> Read<Json<'a>> {
        if depth >= DEPTH {
            return Err("JSON may not be nested deeper than 128");
        }
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => self.string().map(Json::Text),
            Some(b'-' | b'0'..=b'9') => self.number().map(Json::Number),
            _ => {
                let words = [("null", Json::Null), ("true", Json::Boolean(true)), ("false", Json::Boolean(false))];
                for (word, value) in words {
                    if self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
                        self.at += word.len();
                        return Ok(value);
                    }
                }
                Err("there should be a JSON value")
            }
        }
    }

    fn object(&mut self, depth: usize) -> Read<Json<'a>> {
        self.at += 1;
        let mut members = Vec::new();
        self.space();
        if self.take(b'}') {
            return Ok(Json::Object(members));
        }
        loop {
            self.space();
            if self.peek() != Some(b'"') {
                return Err("there should be a key in quotes");
            }
            let key = self.string()?;
            self.space();
            if !self.take(b':') {
                return Err("there should be a `:` after the key");
            }
            self.space();
            members.push((key, self.value(depth + 1)?));
            self.space();
            if self.take(b'}') {
                return Ok(Json::Object(members));
            }
            if !self.take(b',') {
                return Err("there should be a `,` or a `}`");
            }
        }
    }

    fn array(&mut self, depth: usize) -> Read<Json<'a>> {
        self.at += 1;
        let mut values = Vec::new();
        self.space();
        if self.take(b']') {
            return Ok(Json::Array(values));
        }
        loop {
            self.space();
            values.push(self.value(depth + 1)?);
            self.space();
            if self.take(b']') {
                return Ok(Json::Array(values));
            }
            if !self.take(b',') {
                return Err("there should be a `,` or a `]`");
            }
        }
    }

    fn number(&mut self) -> Read<&'a str> {
        let start = self.at;
        self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if !self.take(b'+') {
                self.take(b'-');
            }
            self.digits()?;
        }
        Ok(&self.text[start..self.at])
    }

    /// Passes over digits, of which there must be one.
    fn digits(&mut self) -> Read<()> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start { Err("there should be a digit") } else { Ok(()) }
    }

    fn string(&mut self) -> Read<Cow<'a, str>> {
        self.at += 1;
        let mut text = Cow::Borrowed("");
        loop {
            let start = self.at;
            while !matches!(self.peek(), None | Some(b'"' | b'\\' | 0..0x20)) {
                self.at += 1;
            }
            text += &self.text[start..self.at];
            match self.peek() {
                None => return Err("the text in quotes has no end"),
                Some(b'"') => {
                    self.at += 1;
                    return Ok(text);
                }
                Some(b'\\') => text.to_mut().push(self.escape()?),
                Some(_) => return Err("a control character in a text must be escaped"),
            }
        }
    }

    fn escape(&mut self) -> Read<char> {
        self.at += 1;
        let escaped = match self.peek() {
            Some(byte @ (b'"' | b'\\' | b'/')) => byte.into(),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode(),
            _ => return Err("JSON has no such escape"),
        };
        self.at += 1;
        Ok(escaped)
    }

    /// Reads `uXXXX`, and the second half of a pair of surrogates. A half alone is no character.
    fn unicode(&mut self) -> Read<char> {
        const LONE: &str = "half of a pair of surrogates is no character";
        let unit = self.unit()?;
        let low = match unit {
            0xd800..0xdc00 if self.take(b'\\') && self.peek() == Some(b'u') => self.unit()?,
            0xd800..0xe000 => return Err(LONE),
            _ => return char::from_u32(unit).ok_or(LONE),
        };
        match low {
            0xdc00..0xe000 => char::from_u32(0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00)).ok_or(LONE),
            _ => Err(LONE),
        }
    }

    fn unit(&mut self) -> Read<u32> {
        let digits = self.text.as_bytes().get(self.at + 1..self.at + 5).unwrap_or_default();
        let digits = std::str::from_utf8(digits).ok().filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
        let unit = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        self.at += 5;
        unit.ok_or("`\\u` needs four hexadecimal digits")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn agrees(text: &str) {
        let theirs = serde_json::from_str::<serde_json::Value>(text);
        assert_eq!(Json::parse(text).is_ok(), theirs.is_ok(), "{text:?}: {theirs:?}");
    }

    proptest! {
        #[test]
        fn texts_are_read_as_another_reader_reads_them(text in any::<String>()) {
            let quoted = serde_json::to_string(&text).expect("a text");
            prop_assert_eq!(Json::parse(&quoted), Ok(Json::Text(text.into())));
        }

        #[test]
        fn what_is_json_another_reader_says_too(text in r#"[\[\]{},:"0-9eE+.\\untfals -]{0,12}"#) {
            // That reader also refuses numbers that no float can hold.
            prop_assume!(!text.contains(['e', 'E']));
            agrees(&text);
        }

        #[test]
        fn no_text_makes_it_panic(text in any::<String>()) {
            let _ = Json::parse(&text);
        }
    }

    #[test]
    fn strict_json_is_read_and_nothing_else() {
        for text in [
            "",
            " ",
            "nul",
            "nullx",
            "[1,]",
            "{,}",
            "{\"a\":1,}",
            "[1 2]",
            "01",
            "-",
            "1.",
            ".5",
            "+1",
            "1e",
            "\"\u{1}\"",
            "\"\\x\"",
            "\"\\ud800\"",
            "\"\\udc00\"",
            "\"\\ud800\\u0041\"",
            "\"\\u12\"",
            "{\"a\"}",
            "{a:1}",
            "'a'",
            "[1]]",
            "{}x",
            "\"\\ud83d\\ude00\"",
            " [ ] ",
            "{ }",
            "-0",
            "0.10",
            "-1.5",
            "\"\\u00e9\\/\"",
            "[[[]]]",
            "{\"\":{\"a\":[null,true,false]}}",
        ] {
            agrees(text);
        }
        assert_eq!(Json::parse("1e400"), Ok(Json::Number("1e400")));
        assert_eq!(Json::parse("\"\\ud83d\\ude00\""), Ok(Json::Text("😀".into())));
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(Json::parse(&nested(DEPTH)).is_ok());
        assert!(Json::parse(&nested(DEPTH + 1)).is_err());
        assert!(Json::parse(&"[".repeat(1 << 20)).is_err());
    }

    #[test]
    fn errors_name_their_place() {
        let error = Json::parse("{\n  \"é\": nil}").expect_err("no JSON");
        assert_eq!(error.to_string(), "line 2, column 8: there should be a JSON value");
    }

    #[test]
    fn of_equal_keys_the_last_one_counts_and_all_are_kept() {
        let json = Json::parse(r#"{"a": 1, "b": 2, "a": 3}"#).expect("JSON");
        assert_eq!(json.get("a"), Some(&Json::Number("3")));
        assert!(matches!(json, Json::Object(members) if members.len() == 3));
    }
}
