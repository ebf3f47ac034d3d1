//! The characters that stand between and around the cells of CSV.

use serde::Deserialize;

/// The character between two cells: one of ASCII, but no quote and no line end. Default `,`.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(try_from = "String")]
pub struct Delimiter(pub(crate) u8);

impl Default for Delimiter {
    fn default() -> Self {
        Self(b',')
    }
}

impl Delimiter {
    /// Returns the character.
    pub fn character(self) -> char {
        self.0.into()
    }
}

impl TryFrom<String> for Delimiter {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.as_bytes() {
            [byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\n' | b'\r') => Ok(Self(*byte)),
            _ => Err(format!("delimiter must be one ASCII character other than a quote or a line end, not `{text}`")),
        }
    }
}

/// The quotes around cells.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Debug, Default)]
#[serde(try_from = "String")]
pub enum Quote {
    /// A cell may be in double quotes.
    #[default]
    Double,
    /// A quote is a character like any other.
    None,
}

impl TryFrom<String> for Quote {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.as_str() {
            "\"" => Ok(Self::Double),
            "none" => Ok(Self::None),
            _ => Err(format!("quote must be `\"` or `none`, not `{text}`")),
        }
    }
}

/// The character with which lines begin that are no records: one of ASCII, but no blank, quote or line end.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(try_from = "String")]
pub struct Comment(pub(crate) u8);

impl Comment {
    /// Returns the character.
    pub fn character(self) -> char {
        self.0.into()
    }
}

impl TryFrom<String> for Comment {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.as_bytes() {
            [byte] if byte.is_ascii() && !matches!(byte, b'"' | b' ' | b'\t' | b'\n' | b'\r') => Ok(Self(*byte)),
            _ => Err(format!(
                "comment must be one ASCII character other than a blank, a quote or a line end, not `{text}`"
            )),
        }
    }
}
