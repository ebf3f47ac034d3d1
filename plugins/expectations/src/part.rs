//! The parts of the work, and the text that each is opened with. A part is told what matters to it and nothing else, so that
//! the host knows what a changed file leads to: a bound matters to the last reducer alone, a column's type to what reads
//! cells.

use smelt_sdk::prelude::*;
use smelt_sdk::saved;
use smelt_sdk_schema::{Column, Json, Schema};

use crate::config::{Bounds, Compared, Every, Metric};

/// A part of the work.
#[derive(Debug, Clone, Saved)]
pub(crate) enum Part {
    /// Texts of cells that are compared with other objects or relations, and their groups.
    Keys(Keys),
    /// The groups of texts, which depend on nothing.
    Groups,
    /// The contents of the objects of a dataset, of which others are left out.
    Contents(String),
    /// Everything else that cells say.
    Cells(Cells),
    /// The summary of an object.
    Summary(Summary),
    /// The facts of the objects of a dataset.
    Objects(String),
    /// The walk over the objects.
    Judging(Box<Judging>),
}

/// A column as a part is told it: what the file of schemas says, as far as it matters.
#[derive(Debug, Clone, Saved)]
pub(crate) struct WrittenColumn {
    pub(crate) name: String,
    pub(crate) json: String,
}

#[derive(Debug, Clone, Default, Saved)]
pub(crate) struct Keys {
    pub(crate) dataset: String,
    pub(crate) columns: Vec<WrittenColumn>,
    pub(crate) rules: Vec<KeyRule>,
    /// Datasets and their columns whose values are known.
    pub(crate) targets: Vec<(String, String)>,
}

/// A rule that compares a row with other objects or relations.
#[derive(Debug, Clone, Saved)]
pub(crate) struct KeyRule {
    /// Indices among the columns of the part.
    pub(crate) columns: Vec<usize>,
    pub(crate) when: Option<String>,
    /// The index of the target, or none where texts are compared with other objects.
    pub(crate) target: Option<usize>,
}

#[derive(Debug, Clone, Default, Saved)]
pub(crate) struct Cells {
    pub(crate) dataset: String,
    /// All columns of the schema.
    pub(crate) columns: Vec<WrittenColumn>,
    /// Columns whose cells completeness counts, if it is expected.
    pub(crate) complete: Option<Vec<usize>>,
    pub(crate) tests: Vec<Test>,
    /// Columns whose texts are counted.
    pub(crate) texts: Vec<usize>,
    /// Columns whose numbers are added up.
    pub(crate) sums: Vec<usize>,
    /// Columns whose least and greatest numbers are wanted.
    pub(crate) extremes: Vec<usize>,
}

/// A test of a row. Columns are indices in the schema.
#[derive(Debug, Clone, PartialEq, Saved)]
pub(crate) enum Test {
    Required(usize),
    Type(usize),
    In(usize),
    Range(usize),
    Match(usize),
    Rule {
        that: String,
        when: Option<String>,
    },
    /// No earlier row of the object has the same texts.
    Unique {
        columns: Vec<usize>,
        when: Option<String>,
    },
    /// Counts the rows that a [`KeyRule`] is about: the failing ones are found among the keys.
    Keyed {
        columns: Vec<usize>,
        when: Option<String>,
    },
    /// Counts the rows of which the condition is true.
    Share(String),
}

#[derive(Debug, Clone, Default, Saved)]
pub(crate) struct Summary {
    /// The number of failing rows kept for each expectation.
    pub(crate) keep: i64,
    /// Tests of personal columns, whose samples are masked.
    pub(crate) masked: Vec<i64>,
    /// Columns whose shares of values are compared.
    pub(crate) drifts: Vec<usize>,
}

#[derive(Debug, Clone, Default, Saved)]
pub(crate) struct Judging {
    pub(crate) dataset: String,
    /// The sha256 of the three files.
    pub(crate) rules: String,
    pub(crate) columns: Vec<JudgedColumn>,
    pub(crate) weights: Vec<crate::number::Amount>,
    pub(crate) keep: i64,
    pub(crate) expectations: Vec<Expectation>,
    pub(crate) fresh: Option<Bounds>,
    pub(crate) arrivals: Option<(Every, Bounds)>,
}

#[derive(Debug, Clone, Saved)]
pub(crate) struct JudgedColumn {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) required: bool,
    pub(crate) personal: bool,
}

/// An expectation in the order of reports.
#[derive(Debug, Clone, Saved)]
pub(crate) struct Expectation {
    pub(crate) id: String,
    pub(crate) dimension: String,
    /// Set if it is about one column.
    pub(crate) of_column: bool,
    pub(crate) bounds: Bounds,
    pub(crate) word: Word,
}

/// The way in which an expectation is observed.
#[derive(Debug, Clone, Saved)]
pub(crate) enum Word {
    Readable,
    Columns,
    Extra,
    Distinct,
    Rows,
    /// Cells of these columns.
    Completeness(Vec<usize>),
    /// Rows that a test evaluates. Of a rule that is keyed, the failing ones are told by its own number.
    RowWise {
        of: i64,
        keyed: Option<i64>,
    },
    /// The number of the test that counts a share, where the metric is one.
    Anomaly {
        metric: Metric,
        share: i64,
        compared: Compared,
    },
    Drift {
        column: usize,
        last: i64,
        history: i64,
    },
    Score,
}

/// The number of `parse` among the tests.
pub(crate) const PARSE: i64 = -1;
/// The number of `completeness` among the tests.
pub(crate) const COMPLETENESS: i64 = -2;
/// From this number on, tests are rules that are keyed.
pub(crate) const KEYED: i64 = 1 << 32;
/// The number of `distinct` among the rules that are keyed.
pub(crate) const SAME_CONTENT: i64 = -1;

impl Part {
    /// Returns the text that the part is opened with: a JSON object that has its bytes as the characters U+0000 to U+00FF.
    pub(crate) fn setting(&self) -> String {
        let bytes = saved::save(self);
        let mut text = String::from("{\"part\":\"");
        for byte in bytes {
            match char::from(byte) {
                quoted @ ('"' | '\\') => text.extend(['\\', quoted]),
                control @ '\0'..' ' => text += &format!("\\u{:04x}", u32::from(control)),
                other => text.push(other),
            }
        }
        text + "\"}"
    }

    /// Returns the part that was told this text, if it is one.
    pub(crate) fn told(config: &Config) -> Result<Option<Self>> {
        let Some(text) = config.given("part") else { return Ok(None) };
        let bytes: std::result::Result<Vec<u8>, _> = text.chars().map(u8::try_from).collect();
        let bytes = bytes.map_err(|_| saved::malformed())?;
        saved::resume(&bytes).map(Some)
    }
}

impl WrittenColumn {
    /// Returns a column with these of its keys.
    pub(crate) fn of(name: &str, written: &Json<'_>, keys: &[&str]) -> Self {
        let members = keys.iter().filter_map(|key| {
            let mut member = format!("\"{key}\":");
            write(written.get(key)?, &mut member);
            Some(member)
        });
        Self { name: name.to_owned(), json: members.collect::<Vec<_>>().join(",") }
    }
}

/// Returns columns as they were written.
pub(crate) fn read(columns: &[WrittenColumn]) -> Result<Vec<Column>> {
    let mut text = String::from("{\"columns\":{");
    for (at, WrittenColumn { name, json }) in columns.iter().enumerate() {
        text += if at == 0 { "" } else { "," };
        quote(name, &mut text);
        text += &format!(":{{{json}}}");
    }
    Ok(Schema::parse(&(text + "}}"))?.columns)
}

/// Writes JSON without white space.
fn write(json: &Json<'_>, out: &mut String) {
    match json {
        Json::Null => *out += "null",
        Json::Boolean(value) => *out += if *value { "true" } else { "false" },
        Json::Number(number) => *out += number,
        Json::Text(text) => quote(text, out),
        Json::Array(values) => {
            out.push('[');
            for (at, value) in values.iter().enumerate() {
                *out += if at == 0 { "" } else { "," };
                write(value, out);
            }
            out.push(']');
        }
        Json::Object(members) => {
            out.push('{');
            for (at, (key, value)) in members.iter().enumerate() {
                *out += if at == 0 { "" } else { "," };
                quote(key, out);
                out.push(':');
                write(value, out);
            }
            out.push('}');
        }
    }
}

/// Writes a text as JSON.
pub(crate) fn quote(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => *out += "\\\"",
            '\\' => *out += "\\\\",
            '\n' => *out += "\\n",
            '\r' => *out += "\\r",
            '\t' => *out += "\\t",
            control @ '\0'..' ' => *out += &format!("\\u{:04x}", u32::from(control)),
            other => out.push(other),
        }
    }
    out.push('"');
}
