//! JSON as reports write it: indented by two, lists of plain values on one line, numbers with the digits that they have.

use smelt_sdk_schema as schema;

/// A value of a document.
pub(crate) enum Json {
    /// A number, a boolean or null, as it is written.
    Plain(String),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    pub(crate) fn null() -> Self {
        Self::Plain("null".to_owned())
    }

    /// Returns a number or a boolean, or null where there is none.
    pub(crate) fn plain(value: Option<impl ToString>) -> Self {
        value.map_or_else(Self::null, |value| Self::Plain(value.to_string()))
    }

    /// Returns a text, or null where there is none.
    pub(crate) fn text(value: Option<&str>) -> Self {
        value.map_or_else(Self::null, |value| Self::Text(value.to_owned()))
    }

    /// Returns a list of texts.
    pub(crate) fn texts<'a>(values: impl IntoIterator<Item = &'a str>) -> Self {
        Self::List(values.into_iter().map(|value| Self::Text(value.to_owned())).collect())
    }

    /// Returns an object with these members.
    pub(crate) fn object<const N: usize>(members: [(&str, Json); N]) -> Self {
        Self::Object(members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    }

    /// Reads what the check wrote; null if that is no JSON.
    pub(crate) fn read(text: &str) -> Self {
        fn of(json: schema::Json<'_>) -> Json {
            match json {
                schema::Json::Null => Json::null(),
                schema::Json::Boolean(value) => Json::Plain(value.to_string()),
                schema::Json::Number(number) => Json::Plain(number.to_owned()),
                schema::Json::Text(text) => Json::Text(text.into_owned()),
                schema::Json::Array(values) => Json::List(values.into_iter().map(of).collect()),
                schema::Json::Object(members) => {
                    Json::Object(members.into_iter().map(|(key, value)| (key.into_owned(), of(value))).collect())
                }
            }
        }
        schema::Json::parse(text).map_or_else(|_| Self::null(), of)
    }

    /// Returns the value as it is written at some depth.
    pub(crate) fn write(&self, depth: usize) -> String {
        let mut out = String::new();
        self.append(depth, &mut out);
        out
    }

    fn is_plain(&self) -> bool {
        matches!(self, Self::Plain(_) | Self::Text(_))
    }

    fn append(&self, depth: usize, out: &mut String) {
        let line = |depth: usize, out: &mut String| {
            out.push('\n');
            out.extend(std::iter::repeat_n("  ", depth));
        };
        match self {
            Self::Plain(text) => out.push_str(text),
            Self::Text(text) => quote(text, out),
            Self::List(values) if values.iter().all(Self::is_plain) => {
                out.push('[');
                for (at, value) in values.iter().enumerate() {
                    out.push_str(if at == 0 { "" } else { ", " });
                    value.append(depth, out);
                }
                out.push(']');
            }
            Self::List(values) => {
                out.push('[');
                for (at, value) in values.iter().enumerate() {
                    out.push_str(if at == 0 { "" } else { "," });
                    line(depth + 1, out);
                    value.append(depth + 1, out);
                }
                line(depth, out);
                out.push(']');
            }
            Self::Object(members) if members.is_empty() => out.push_str("{}"),
            Self::Object(members) => {
                out.push('{');
                for (at, (key, value)) in members.iter().enumerate() {
                    out.push_str(if at == 0 { "" } else { "," });
                    line(depth + 1, out);
                    quote(key, out);
                    out.push_str(": ");
                    value.append(depth + 1, out);
                }
                line(depth, out);
                out.push('}');
            }
        }
    }
}

fn quote(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            control @ '\0'..' ' => out.push_str(&format!("\\u{:04x}", u32::from(control))),
            other => out.push(other),
        }
    }
    out.push('"');
}
