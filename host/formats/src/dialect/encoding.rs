//! The encodings of text, as the manifest names them.

use serde::Deserialize;

/// The encoding of an object's text.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Debug, Default)]
#[serde(try_from = "String")]
pub enum TextEncoding {
    /// UTF-8, RFC 3629.
    #[default]
    Utf8,
    /// What most of Western Europe's Windows programs write, as the WHATWG Encoding Standard has it.
    Windows1252,
    /// ISO/IEC 8859-1 as it is: each byte is the character of its number. Web browsers read Windows-1252 under this
    /// name.
    Iso8859_1,
    /// ISO/IEC 8859-15, which has the euro sign.
    Iso8859_15,
}

impl TextEncoding {
    const ALL: [Self; 4] = [Self::Utf8, Self::Windows1252, Self::Iso8859_1, Self::Iso8859_15];

    /// Returns its name in the manifest.
    pub fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Windows1252 => "windows-1252",
            Self::Iso8859_1 => "iso-8859-1",
            Self::Iso8859_15 => "iso-8859-15",
        }
    }
}

impl TryFrom<String> for TextEncoding {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::ALL.into_iter().find(|known| known.name() == text).ok_or_else(|| {
            let known = Self::ALL.map(Self::name).join(", ");
            format!("no encoding `{text}`; known: {known}")
        })
    }
}
