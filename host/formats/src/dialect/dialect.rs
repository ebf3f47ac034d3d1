//! How the objects of a dataset are written.

use std::fmt::Write as _;

use super::compression::ObjectCompression;
use super::csv::{Comment, Delimiter, Quote};
use super::encoding::TextEncoding;
use super::pattern::LinePattern;
use super::pointer::Pointer;
use crate::Format;

/// How the objects of a dataset are written. Settings of another format than theirs have no effect.
#[derive(Clone, PartialEq, Debug)]
pub struct Dialect {
    /// How their records are written.
    pub format: Format,
    /// How they are compressed. Default: as their first bytes say.
    pub compression: ObjectCompression,
    /// The encoding of their text. Default UTF-8.
    pub encoding: TextEncoding,
    /// The number of lines before the first that counts. Default 0.
    pub skip_lines: u32,
    /// The character with which lines begin that are no records. Default: none.
    pub comment: Option<Comment>,
    /// The character between the cells of CSV. Default `,`.
    pub delimiter: Delimiter,
    /// The quotes around the cells of CSV. Default `"`.
    pub quote: Quote,
    /// The names of the columns of CSV that has no header. Default: the first record has them.
    pub header: Option<Vec<String>>,
    /// The pattern of the lines of a log.
    pub pattern: Option<LinePattern>,
    /// The place of the array of records in a JSON document. Default: the document is the array.
    pub records: Option<Pointer>,
}

impl From<Format> for Dialect {
    /// Returns the dialect of that format in which nothing else differs from the default.
    fn from(format: Format) -> Self {
        Self {
            format,
            compression: ObjectCompression::Auto,
            encoding: TextEncoding::Utf8,
            skip_lines: 0,
            comment: None,
            delimiter: Delimiter::default(),
            quote: Quote::Double,
            header: None,
            pattern: None,
            records: None,
        }
    }
}

impl Dialect {
    /// Returns the settings that differ from the default, each with a space before it, as fingerprints have them. So a
    /// setting that is added here later changes no fingerprint.
    pub fn settings(&self) -> String {
        let Self { format, compression, encoding, skip_lines, comment, delimiter, quote, header, pattern, records } =
            self;
        let default = Self::from(*format);
        let mut text = String::new();
        let mut add = |differs: bool, name: &str, value: &dyn std::fmt::Debug| {
            if differs {
                write!(text, " {name}={value:?}").expect("a String takes all");
            }
        };
        add(*compression != default.compression, "compression", &compression.name());
        add(*encoding != default.encoding, "encoding", &encoding.name());
        add(*skip_lines != default.skip_lines, "skip_lines", skip_lines);
        add(comment.is_some(), "comment", &comment.map(Comment::character).unwrap_or_default());
        add(*delimiter != default.delimiter, "delimiter", &delimiter.character());
        add(*quote != default.quote, "quote", &"none");
        add(header.is_some(), "header", &header.as_deref().unwrap_or_default());
        add(pattern.is_some(), "pattern", &pattern.as_ref().map_or("", LinePattern::text));
        add(records.is_some(), "records", &records.as_ref().map(Pointer::to_string).unwrap_or_default());
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_from_the_default_is_among_the_settings() {
        assert_eq!(Dialect::from(Format::Csv).settings(), "");
        let dialect = Dialect {
            compression: ObjectCompression::Gzip,
            encoding: TextEncoding::Iso8859_15,
            skip_lines: 2,
            comment: Some(Comment(b'#')),
            delimiter: Delimiter(b'\t'),
            quote: Quote::None,
            header: Some(vec!["a".to_owned()]),
            records: Some(Pointer::parse("/a").expect("a pointer")),
            pattern: Some(LinePattern::try_from("(?<a>.)".to_owned()).expect("a pattern")),
            ..Format::Csv.into()
        };
        let expected = concat!(
            r#" compression="gzip" encoding="iso-8859-15" skip_lines=2 comment='#' delimiter='\t' quote="none""#,
            r#" header=["a"] pattern="(?<a>.)" records="/a""#,
        );
        assert_eq!(dialect.settings(), expected);
    }
}
