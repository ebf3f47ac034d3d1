//! The keys of a dataset that say which bronze objects it has, and how they are written.

use std::collections::BTreeMap;

use serde::Deserialize;

use smelt_common::Error;
use smelt_common::error::Result;
use smelt_common::globs::Glob;
use smelt_formats::{
    Comment, Delimiter, Dialect, Format, LinePattern, ObjectCompression, Pointer, Quote, TextEncoding,
};

/// The keys that only a dataset has. An entry of `from` has the same, but for `from`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatasetKeys {
    /// The bronze objects that belong to the dataset: a name in which `*` stands for any text without `/`, and a
    /// directory `**` for any number of them.
    objects: Option<String>,
    /// The format of these objects.
    format: Option<Format>,
    /// The names under which these objects have columns, by the cleaner's names. Default: the same names. Without a header:
    /// the names of all columns, in their order.
    columns: Option<ColumnKeys>,
    /// How the objects are compressed. Default: as the first bytes of each say.
    compression: Option<ObjectCompression>,
    /// The encoding of their text. Default UTF-8.
    encoding: Option<TextEncoding>,
    /// The number of lines before the first that counts. Default 0.
    skip_lines: Option<u32>,
    /// The character with which lines begin that are no records. Default: none.
    comment: Option<Comment>,
    /// The character between the cells of CSV. Default `,`.
    delimiter: Option<Delimiter>,
    /// The quotes around the cells of CSV. Default `"`.
    quote: Option<Quote>,
    /// The first record of CSV has the names of the columns. Default true.
    header: Option<bool>,
    /// The pattern of the lines of a log.
    pattern: Option<LinePattern>,
    /// The place of the array of records in a JSON document. Default: the document is the array.
    records: Option<Pointer>,
    /// Several kinds of objects, each with the keys above.
    from: Option<Vec<DatasetKeys>>,
}

/// `columns`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(
    untagged,
    expecting = "expected a table of the cleaner's columns, each with its name in the objects or a list of names whose \\
                 cells are joined with `-`; or, if the objects have no header, the list of their columns"
)]
enum ColumnKeys {
    /// The names under which objects have the cleaner's columns.
    Renamed(BTreeMap<String, ColumnNames>),
    /// The names of all columns of objects without a header.
    Listed(Vec<String>),
}

/// The names under which an object has what becomes one column.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged, expecting = "expected the name of a column, or a list of names whose cells are joined with `-`")]
pub enum ColumnNames {
    /// A column.
    One(String),
    /// Columns whose cells become one.
    Joined(Vec<String>),
}

/// The columns that have other names in the objects, and the names of all columns if these have no header.
type Named = (BTreeMap<String, ColumnNames>, Option<Vec<String>>);

impl ColumnNames {
    /// Returns the names.
    pub fn names(&self) -> &[String] {
        match self {
            Self::One(name) => std::slice::from_ref(name),
            Self::Joined(names) => names,
        }
    }
}

/// Bronze objects of one kind.
#[derive(Debug, Clone)]
pub struct Files {
    /// The names of these objects.
    pub objects: Glob,
    /// How they are written.
    pub dialect: Dialect,
    /// The names under which they have columns, by the cleaner's names, where they differ.
    pub columns: BTreeMap<String, ColumnNames>,
}

impl DatasetKeys {
    /// Returns the kinds of objects of the dataset: at least one.
    ///
    /// # Errors
    /// Keys do not fit together. The message says what would have been right.
    pub fn files(&self) -> Result<Vec<Files>> {
        let Some(from) = &self.from else { return Ok(vec![self.one()?]) };
        if let Some(key) = self.first_key() {
            return Err(Error::config(format!("`{key}` belongs into each entry of `from`, if there is `from`")));
        }
        if from.is_empty() {
            return Err(Error::config("`from` has no entry; expected at least one, with `objects` and `format`"));
        }
        let one = |(at, keys): (usize, &Self)| {
            let files =
                if keys.from.is_some() { Err(Error::config("`from` has no `from` of its own")) } else { keys.one() };
            files.map_err(|error| error.context(format!("from, entry {}", at + 1)))
        };
        from.iter().enumerate().map(one).collect()
    }

    /// Returns the name of a key that is there besides `from`.
    fn first_key(&self) -> Option<&'static str> {
        let Self {
            objects,
            format,
            columns,
            compression,
            encoding,
            skip_lines,
            comment,
            delimiter,
            quote,
            header,
            pattern,
            records,
            from: _,
        } = self;
        let keys = [
            ("objects", objects.is_some()),
            ("format", format.is_some()),
            ("columns", columns.is_some()),
            ("compression", compression.is_some()),
            ("encoding", encoding.is_some()),
            ("skip_lines", skip_lines.is_some()),
            ("comment", comment.is_some()),
            ("delimiter", delimiter.is_some()),
            ("quote", quote.is_some()),
            ("header", header.is_some()),
            ("pattern", pattern.is_some()),
            ("records", records.is_some()),
        ];
        keys.into_iter().find(|(_, is_there)| *is_there).map(|(key, _)| key)
    }

    /// Returns the kind of objects that the keys describe.
    fn one(&self) -> Result<Files> {
        let missing = |key: &str| Error::config(format!("missing field `{key}`"));
        let objects = self.objects.as_ref().ok_or_else(|| missing("objects"))?;
        let objects = Glob::parse(objects).map_err(|error| error.context(format!("objects = \"{objects}\"")))?;
        let format = self.format.ok_or_else(|| missing("format"))?;
        self.check_format(format)?;
        let (columns, header) = self.named(format)?;
        let default = Dialect::from(format);
        let dialect = Dialect {
            format,
            compression: self.compression.unwrap_or(default.compression),
            encoding: self.encoding.unwrap_or(default.encoding),
            skip_lines: self.skip_lines.unwrap_or(default.skip_lines),
            comment: self.comment,
            delimiter: self.delimiter.unwrap_or(default.delimiter),
            quote: self.quote.unwrap_or(default.quote),
            header,
            pattern: self.pattern.clone(),
            records: self.records.clone(),
        };
        Ok(Files { objects, dialect, columns })
    }

    /// Refuses keys that belong to other formats.
    fn check_format(&self, format: Format) -> Result<()> {
        let keys: [(&str, bool, &[Format]); 6] = [
            ("delimiter", self.delimiter.is_some(), &[Format::Csv]),
            ("quote", self.quote.is_some(), &[Format::Csv]),
            ("header", self.header.is_some(), &[Format::Csv]),
            ("comment", self.comment.is_some(), &[Format::Csv, Format::Jsonl, Format::Log]),
            ("pattern", self.pattern.is_some(), &[Format::Log]),
            ("records", self.records.is_some(), &[Format::Json]),
        ];
        for (key, is_there, of) in keys {
            if is_there && !of.contains(&format) {
                let of: Vec<_> = of.iter().map(|format| format!("\"{}\"", format.name())).collect();
                return Err(Error::config(format!("`{key}` belongs to `format = {}`", of.join(" or "))));
            }
        }
        if format == Format::Log && self.pattern.is_none() {
            return Err(Error::config(
                "`format = \"log\"` needs `pattern`: \"common\", \"combined\" or a regular expression with named groups",
            ));
        }
        Ok(())
    }

    /// Returns the columns that have other names in the objects, and the names of all columns if these have no header.
    fn named(&self, format: Format) -> Result<Named> {
        let columns = match (&self.columns, self.header) {
            (Some(ColumnKeys::Listed(names)), Some(false)) if !names.is_empty() => {
                let twice = names.iter().enumerate().find(|(at, name)| names[..*at].contains(name));
                return match twice {
                    Some((_, name)) => Err(Error::config(format!("columns: `{name}` is there twice"))),
                    None => Ok((BTreeMap::new(), Some(names.clone()))),
                };
            }
            (_, Some(false)) => {
                return Err(Error::config("`header = false` needs `columns`, the list of all columns in their order"));
            }
            (Some(ColumnKeys::Listed(_)), _) => {
                return Err(Error::config("a list of `columns` needs `header = false`; otherwise it is a table"));
            }
            (Some(ColumnKeys::Renamed(columns)), _) => columns.clone(),
            (None, _) => BTreeMap::new(),
        };
        if let Format::Json | Format::Jsonl = format {
            for (column, names) in &columns {
                for name in names.names() {
                    Pointer::of_column(name)
                        .map_err(|wrong| Error::config(format!("columns: `{column}` = \"{name}\": {wrong}")))?;
                }
            }
        }
        Ok((columns, None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILES: &str = "objects = \"x_*\"\n";

    fn files(text: &str) -> std::result::Result<Vec<Files>, String> {
        let keys: DatasetKeys = toml::from_str(text).map_err(|error| error.to_string())?;
        keys.files().map_err(|error| error.to_string())
    }

    #[test]
    fn every_key_of_a_dialect_is_read() {
        let text = r##"
            objects = "**/sales_*.txt"
            format = "csv"
            compression = "gzip"
            encoding = "windows-1252"
            skip_lines = 2
            comment = "#"
            delimiter = "|"
            quote = "none"
            header = false
            columns = ["a", "b"]
        "##;
        let files = files(text).expect("it fits together");
        let settings = files[0].dialect.settings();
        let expected = r##" compression="gzip" encoding="windows-1252" skip_lines=2 comment='#' delimiter='|' quote="none" header=["a", "b"]"##;
        assert_eq!((files[0].objects.to_string().as_str(), settings.as_str()), ("**/sales_*.txt", expected));
    }

    #[test]
    fn a_dataset_may_have_objects_of_several_kinds() {
        let text = r#"
            [[from]]
            objects = "x_*.csv"
            format = "csv"
            columns = { id = "Number" }
            [[from]]
            objects = "x_*.json"
            format = "json"
            records = "/data"
        "#;
        let files = files(text).expect("it fits together");
        assert_eq!(files.iter().map(|files| files.dialect.format).collect::<Vec<_>>(), [Format::Csv, Format::Json]);
    }

    #[test]
    fn keys_that_do_not_fit_together_are_refused_with_what_would() {
        for (text, expected) in [
            ("format = \"csv\"\nheader = false", "`header = false` needs `columns`"),
            ("format = \"csv\"\nheader = false\ncolumns = []", "`header = false` needs `columns`"),
            ("format = \"csv\"\nheader = false\ncolumns = { a = \"b\" }", "`header = false` needs `columns`"),
            ("format = \"csv\"\nheader = false\ncolumns = [\"a\", \"a\"]", "`a` is there twice"),
            ("format = \"csv\"\ncolumns = [\"a\"]", "a list of `columns` needs `header = false`"),
            ("format = \"csv\"\ncolumns = 1", "expected a table of the cleaner's columns"),
            (
                "format = \"csv\"\ndelimiter = \";;\"",
                "delimiter must be one ASCII character other than a quote or a line end, not `;;`",
            ),
            ("format = \"csv\"\nquote = \"'\"", "quote must be `\"` or `none`, not `'`"),
            ("format = \"csv\"\ncomment = \"//\"", "comment must be one ASCII character"),
            ("format = \"csv\"\nencoding = \"cp850\"", "no encoding `cp850`; known: utf-8, windows-1252, iso-8859-1"),
            ("format = \"csv\"\ncompression = \"bzip2\"", "unknown variant `bzip2`, expected one of `auto`, `none`"),
            ("format = \"json\"\ndelimiter = \";\"", "`delimiter` belongs to `format = \"csv\"`"),
            ("format = \"json\"\ncomment = \"#\"", "`comment` belongs to `format = \"csv\" or \"jsonl\" or \"log\"`"),
            ("format = \"jsonl\"\nrecords = \"/data\"", "`records` belongs to `format = \"json\"`"),
            ("format = \"json\"\nrecords = \"data\"", "a JSON Pointer begins with `/`"),
            ("format = \"json\"\ncolumns = { a = \"b/c\" }", "a JSON Pointer begins with `/`"),
            ("format = \"log\"", "`format = \"log\"` needs `pattern`"),
            ("format = \"csv\"\npattern = \"(?<a>x)\"", "`pattern` belongs to `format = \"log\"`"),
            ("format = \"log\"\npattern = \"(?<a>x\"", "pattern: "),
            ("format = \"csv\"\nfrom = []", "`objects` belongs into each entry of `from`"),
            ("", "missing field `format`"),
        ] {
            let said = files(&format!("{FILES}{text}")).expect_err(text);
            assert!(said.contains(expected), "{text}: {said}");
        }
        for (text, expected) in [
            ("format = \"csv\"", "missing field `objects`"),
            ("from = []", "`from` has no entry"),
            ("from = [{ objects = \"x\" }]", "from, entry 1: missing field `format`"),
            ("from = [{ objects = \"x\", format = \"csv\", colour = 1 }]", "unknown field `colour`"),
            ("objects = \"a**\"\nformat = \"csv\"", "`**` stands for directories"),
        ] {
            let said = files(text).expect_err(text);
            assert!(said.contains(expected), "{text}: {said}");
        }
    }
}
