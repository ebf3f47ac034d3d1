//! YAML 1.2 as the files of rules and thresholds use it: no anchors, tags or merged keys, no key twice, and numbers as they
//! are written.

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

/// A value of a file, and the line in which it begins.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) line: usize,
    pub(crate) value: Value,
}

#[derive(Debug, Clone)]
pub(crate) enum Value {
    /// A text without quotes, which the core schema may take for a number, a boolean or null.
    Plain(String),
    /// A text in quotes or a block.
    Quoted(String),
    List(Vec<Node>),
    /// In the order of the file.
    Map(Vec<(String, Node)>),
}

impl Node {
    /// Returns what the core schema takes the value for.
    pub(crate) fn kind(&self) -> &'static str {
        match &self.value {
            Value::Plain(text) => match text.as_str() {
                "" | "~" | "null" | "Null" | "NULL" => "nothing",
                "true" | "True" | "TRUE" | "false" | "False" | "FALSE" => "a boolean",
                text if is_number(text) => "a number",
                _ => "a text",
            },
            Value::Quoted(_) => "a text",
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
        }
    }

    /// Returns the text, if the core schema takes the value for one.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Plain(text) | Value::Quoted(text) if self.kind() == "a text" => Some(text),
            _ => None,
        }
    }
}

/// Returns whether the core schema takes a plain text for a number.
fn is_number(text: &str) -> bool {
    let digits = |text: &str, of: fn(&u8) -> bool| !text.is_empty() && text.as_bytes().iter().all(of);
    if let Some(hexadecimal) = text.strip_prefix("0x") {
        return digits(hexadecimal, u8::is_ascii_hexdigit);
    }
    if let Some(octal) = text.strip_prefix("0o") {
        return digits(octal, |byte| matches!(byte, b'0'..=b'7'));
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return true;
    }
    let (number, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
    let all = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let has_digits = digits(whole, u8::is_ascii_digit) || number.contains('.') && digits(part, u8::is_ascii_digit);
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    has_digits && all(whole) && all(part) && digits(exponent, u8::is_ascii_digit)
}

/// A place in a file that makes no sense.
#[derive(Debug)]
pub(crate) struct Wrong {
    pub(crate) line: usize,
    pub(crate) message: String,
}

/// Mappings and lists within each other beyond this depth are refused, so that no file exhausts the stack.
const DEPTH: usize = 32;

/// Reads a file that has one document.
pub(crate) fn parse(text: &str) -> Result<Node, Wrong> {
    let mut events = Events { parser: Parser::new_from_str(text), path: vec![] };
    let (event, span) = events.next()?;
    debug_assert!(matches!(event, Event::StreamStart));
    let (event, span) = match event {
        Event::StreamStart => events.next()?,
        other => (other, span),
    };
    if matches!(event, Event::StreamEnd) {
        return Err(Wrong { line: 1, message: "the file is empty; it begins with `version: 1`".to_owned() });
    }
    let (event, span) = if matches!(event, Event::DocumentStart(_)) { events.next()? } else { (event, span) };
    let node = events.node(event, span, 0)?;
    loop {
        match events.next()? {
            (Event::StreamEnd, _) => return Ok(node),
            (Event::DocumentEnd, _) => {}
            (_, span) => {
                let message = "a second document begins; the file must have one".to_owned();
                return Err(Wrong { line: span.start.line(), message });
            }
        }
    }
}

struct Events<'t> {
    parser: Parser<'t, saphyr_parser::StrInput<'t>>,
    /// The keys that lead to the value that is read.
    path: Vec<String>,
}

impl<'t> Events<'t> {
    fn next(&mut self) -> Result<(Event<'t>, Span), Wrong> {
        match self.parser.next_event() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => {
                Err(Wrong { line: error.marker().line(), message: format!("no YAML: {}", error.info()) })
            }
            None => Err(Wrong { line: 1, message: "the file ends too soon".to_owned() }),
        }
    }

    fn node(&mut self, event: Event<'t>, span: Span, depth: usize) -> Result<Node, Wrong> {
        let line = span.start.line();
        let path = self.path();
        let wrong = |message: &str| Wrong { line, message: format!("{path}{message}") };
        if depth > DEPTH {
            return Err(wrong("mappings and lists lie too deep in each other"));
        }
        let (anchor, tag) = match &event {
            Event::Scalar(_, _, anchor, tag) => (*anchor, tag),
            Event::SequenceStart(anchor, tag) | Event::MappingStart(anchor, tag) => (*anchor, tag),
            Event::Alias(_) => return Err(wrong("an alias (`*name`) stands here; write the value out")),
            _ => return Err(wrong("there should be a value here")),
        };
        if anchor > 0 {
            return Err(wrong("an anchor (`&name`) stands here; this file has none"));
        }
        if let Some(tag) = tag {
            return Err(wrong(&format!("a tag (`{tag}`) stands here; this file has none")));
        }
        let value = match event {
            Event::Scalar(text, ScalarStyle::Plain, ..) => Value::Plain(text.into_owned()),
            Event::Scalar(text, ..) => Value::Quoted(text.into_owned()),
            Event::SequenceStart(..) => Value::List(self.list(depth)?),
            _ => Value::Map(self.map(depth)?),
        };
        Ok(Node { line, value })
    }

    /// Returns the path as the beginning of a message.
    fn path(&self) -> String {
        let mut path = String::new();
        for key in &self.path {
            path += if path.is_empty() || key.starts_with('[') { "" } else { "." };
            path += key;
        }
        if path.is_empty() { path } else { path + ": " }
    }

    fn list(&mut self, depth: usize) -> Result<Vec<Node>, Wrong> {
        let mut list = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(list),
                (event, span) => {
                    self.path.push(format!("[{}]", list.len()));
                    list.push(self.node(event, span, depth + 1)?);
                    self.path.pop();
                }
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<Vec<(String, Node)>, Wrong> {
        let mut members: Vec<(String, Node)> = Vec::new();
        loop {
            let key = match self.next()? {
                (Event::MappingEnd, _) => return Ok(members),
                (event, span) => self.node(event, span, depth + 1)?,
            };
            let (Value::Plain(name) | Value::Quoted(name)) = key.value else {
                return Err(Wrong { line: key.line, message: format!("{}a key must be a text", self.path()) });
            };
            if name == "<<" {
                let message = format!("{}keys are merged (`<<`); write them out", self.path());
                return Err(Wrong { line: key.line, message });
            }
            if let Some((_, before)) = members.iter().find(|(known, _)| *known == name) {
                let message = format!("{}`{name}` comes twice; first in line {}", self.path(), before.line);
                return Err(Wrong { line: key.line, message });
            }
            let (event, span) = self.next()?;
            self.path.push(name.clone());
            let node = self.node(event, span, depth + 1)?;
            self.path.pop();
            // The line of the key is where a reader looks for what is wrong with it or with its value.
            members.push((name, Node { line: key.line, ..node }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_what_the_core_schema_takes_them_for() {
        for (text, kind) in [
            ("no", "a text"),
            ("NO", "a text"),
            ("yes", "a text"),
            ("on", "a text"),
            ("1%", "a text"),
            ("12:30", "a text"),
            ("1_000", "a text"),
            ("2025-01-31", "a text"),
            ("'5'", "a text"),
            ("true", "a boolean"),
            ("~", "nothing"),
            ("0x1F", "a number"),
            ("-0.50", "a number"),
            ("1e3", "a number"),
            (".5", "a number"),
            ("5.", "a number"),
            (".", "a text"),
            (".inf", "a number"),
            ("[]", "a list"),
            ("{a: 1}", "a mapping"),
        ] {
            assert_eq!(parse(text).expect(text).kind(), kind, "{text}");
        }
    }
}
