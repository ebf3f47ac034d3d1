//! The file of schemas, `data_schemas.json`.

use crate::cell::{Bound, Cell};
use crate::form::{DateForm, Group, InstantForm, Type};
use crate::json::Json;
use crate::object::{Members, SchemaError};
use crate::value::Value;

/// The schemas of all datasets of a pipeline, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schemas(pub Vec<(String, Schema)>);

/// The columns of one dataset's objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schema {
    /// The columns, in the order of the file.
    pub columns: Vec<Column>,
    /// What a column means that the schema lacks.
    pub extra_columns: ExtraColumns,
}

/// What a column means that the header has and the schema lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExtraColumns {
    /// Nothing.
    Allow,
    /// A warning.
    Warn,
    /// A failure.
    Fail,
}

/// A column: its type, and what is expected of its cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// The name.
    pub name: String,
    /// The type.
    pub kind: Type,
    /// Set if no cell may be missing.
    pub required: bool,
    /// Set if cells may say who somebody is.
    pub personal: bool,
    /// Words that stand for no value.
    pub missing: Vec<String>,
    /// A regular expression that each whole trimmed text should match. It is not compiled here.
    pub pattern: Option<String>,
    /// The least value, included.
    pub min: Option<Bound>,
    /// The greatest value, included.
    pub max: Option<Bound>,
    /// The values that there are; `None` if there may be any.
    pub values: Option<Vec<Value<'static>>>,
}

impl Schemas {
    /// Reads a file of schemas.
    ///
    /// # Errors
    /// Fails if it is no JSON, or at the first key or value that makes no sense.
    pub fn parse(text: &str) -> Result<Self, SchemaError> {
        let json = parse(text)?;
        let file = Members::of("", &json)?.only(&["version", "datasets"])?;
        if !matches!(file.get("version")?, Json::Number("1")) {
            return Err(SchemaError::new("version", "must be 1"));
        }
        let datasets = Members::of("datasets", file.get("datasets")?)?;
        let read = datasets.each().map(|(path, name, schema)| Ok((name.to_owned(), Schema::read(&path, schema)?)));
        Ok(Self(read.collect::<Result<_, _>>()?))
    }

    /// Returns the schema of a dataset, if there is one.
    pub fn get(&self, dataset: &str) -> Option<&Schema> {
        self.0.iter().find(|(name, _)| name == dataset).map(|(_, schema)| schema)
    }
}

impl Schema {
    /// Reads one dataset's part of a file of schemas.
    ///
    /// # Errors
    /// Fails if it is no JSON, or at the first key or value that makes no sense.
    pub fn parse(text: &str) -> Result<Self, SchemaError> {
        Self::read("", &parse(text)?)
    }

    /// Reads one dataset's part of a file of schemas at a path.
    ///
    /// # Errors
    /// Fails at the first key or value that makes no sense.
    pub fn read(path: &str, json: &Json<'_>) -> Result<Self, SchemaError> {
        let part = Members::of(path, json)?.only(&["columns", "extra_columns"])?;
        let columns = Members::of(part.at("columns"), part.get("columns")?)?;
        let columns = columns.each().map(|(path, name, column)| Column::parse(path, name, column));
        let extra_columns = match part.find_text("extra_columns")? {
            None | Some("allow") => ExtraColumns::Allow,
            Some("warn") => ExtraColumns::Warn,
            Some("fail") => ExtraColumns::Fail,
            Some(other) => {
                let message = format!("`{other}` is unknown; known: allow, warn, fail");
                return Err(SchemaError::new(part.at("extra_columns"), message));
            }
        };
        Ok(Self { columns: columns.collect::<Result<_, _>>()?, extra_columns })
    }

    /// Returns the column of that name, if there is one.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }
}

/// The keys of a column.
const KEYS: [&str; 11] =
    ["type", "required", "personal", "missing", "decimal", "group", "format", "pattern", "min", "max", "values"];

impl Column {
    /// Returns a column of that name and type of which nothing is expected.
    pub fn new(name: impl Into<String>, kind: Type) -> Self {
        Self {
            name: name.into(),
            kind,
            required: false,
            personal: false,
            missing: vec![],
            pattern: None,
            min: None,
            max: None,
            values: None,
        }
    }

    fn parse(path: String, name: &str, json: &Json<'_>) -> Result<Self, SchemaError> {
        let column = Members::of(path, json)?.only(&KEYS)?;
        let kind = kind(&column)?;
        let missing = column.array("missing")?.iter().map(|word| {
            let wrong = || SchemaError::new(column.at("missing"), format!("must be texts, has {}", word.kind()));
            Ok(word.text().ok_or_else(wrong)?.trim().to_owned())
        });
        let bound = |key: &str| {
            if column.find(key).is_some() && matches!(kind, Type::Text | Type::Boolean | Type::Json) {
                return Err(SchemaError::new(
                    column.at(key),
                    format!("a column of type {} has no `{key}`", kind.name()),
                ));
            }
            column.find(key).map(|value| literal(&column.at(key), &kind, value, Bound::parse)).transpose()
        };
        let values = match column.find("values") {
            None => None,
            Some(_) if kind == Type::Json => {
                return Err(SchemaError::new(column.at("values"), "a column of type json has no `values`"));
            }
            Some(_) => {
                let path = column.at("values");
                let plain = |text: &str, kind: &Type| kind.read_plain(text);
                let read = column.array("values")?.iter().map(|value| literal(&path, &kind, value, plain));
                Some(read.collect::<Result<_, _>>()?)
            }
        };
        Ok(Self {
            required: column.flag("required")?,
            personal: column.flag("personal")?,
            missing: missing.collect::<Result<_, SchemaError>>()?,
            pattern: column.find_text("pattern")?.map(ToOwned::to_owned),
            min: bound("min")?,
            max: bound("max")?,
            values,
            ..Self::new(name, kind)
        })
    }

    /// Reads a cell.
    #[inline]
    pub fn read<'a>(&self, cell: Option<&'a str>) -> Cell<'a> {
        match self.present(cell) {
            None => Cell::Missing,
            Some(text) => self.kind.read(text).map_or(Cell::Unreadable(text), |value| Cell::Value(text, value)),
        }
    }

    /// Returns the trimmed text of a cell, unless it is missing.
    #[inline]
    pub fn present<'a>(&self, cell: Option<&'a str>) -> Option<&'a str> {
        let text = cell?.trim();
        (!text.is_empty() && !self.missing.iter().any(|word| word == text)).then_some(text)
    }
}

fn parse(text: &str) -> Result<Json<'_>, SchemaError> {
    Json::parse(text).map_err(|error| SchemaError::new("", format!("it is no JSON: {error}")))
}

/// Reads the type of a column, with the keys that belong to it alone.
fn kind(column: &Members<'_, '_>) -> Result<Type, SchemaError> {
    let name = column.get("type").and_then(|_| column.find_text("type"))?.unwrap_or_default();
    for (key, of) in [("decimal", &["decimal"][..]), ("group", &["decimal"]), ("format", &["date", "timestamp"])] {
        if column.find(key).is_some() && !of.contains(&name) && Type::NAMES.contains(&name) {
            let message = format!("a column of type {name} has no `{key}`; it belongs to {}", of.join(" and "));
            return Err(SchemaError::new(column.at(key), message));
        }
    }
    let format = column.find_text("format")?;
    match name {
        "text" => Ok(Type::Text),
        "integer" => Ok(Type::Integer),
        "decimal" => decimal(column),
        "boolean" => Ok(Type::Boolean),
        "date" => match format.map(DateForm::parse) {
            None => Ok(Type::Date(DateForm::iso())),
            Some(Some(form)) => Ok(Type::Date(form)),
            Some(None) => {
                let message = "must have YYYY, MM and DD once each, and between them neither letters nor digits";
                Err(SchemaError::new(column.at("format"), message))
            }
        },
        "timestamp" => match format {
            None | Some("iso") => Ok(Type::Timestamp(InstantForm::Iso)),
            Some("clf") => Ok(Type::Timestamp(InstantForm::Clf)),
            Some(other) => Err(SchemaError::new(column.at("format"), format!("`{other}` is unknown; known: iso, clf"))),
        },
        "json" => Ok(Type::Json),
        other => {
            let message = format!("`{other}` is unknown; known: {}", Type::NAMES.join(", "));
            Err(SchemaError::new(column.at("type"), message))
        }
    }
}

fn decimal(column: &Members<'_, '_>) -> Result<Type, SchemaError> {
    let character = |key: &str| {
        let Some(text) = column.find_text(key)? else { return Ok(None) };
        let mut characters = text.chars();
        match (characters.next(), characters.next()) {
            (Some(one), None) if !one.is_alphanumeric() && !matches!(one, '+' | '-') => Ok(Some(one)),
            _ => Err(SchemaError::new(column.at(key), "must be one character, and no letter, digit or sign")),
        }
    };
    let mark = character("decimal")?.unwrap_or('.');
    let group = character("group")?;
    if group == Some(mark) {
        return Err(SchemaError::new(column.at("group"), "must differ from `decimal`"));
    }
    let group = group.map(|group| if group == ' ' { Group::Blank } else { Group::Mark(group) });
    Ok(Type::Decimal { mark, group })
}

/// Reads a value of a schema. It may be a text even where it is a number, so that no reader of JSON rounds it.
fn literal<T>(
    path: &str,
    kind: &Type,
    value: &Json<'_>,
    read: impl Fn(&str, &Type) -> Option<T>,
) -> Result<T, SchemaError> {
    let text = match value {
        Json::Text(text) => text,
        Json::Number(text) => *text,
        Json::Boolean(true) => "true",
        Json::Boolean(false) => "false",
        other => return Err(SchemaError::new(path, format!("must be a text or a number, is {}", other.kind()))),
    };
    let wrong = || {
        let plainly = match kind {
            Type::Date(_) => ", written as 2025-01-31, or `stamp` with or without `+7d`",
            Type::Timestamp(_) => ", written as 2025-01-31T10:00:00Z, or `stamp` with or without `+7d`",
            Type::Decimal { .. } => ", written as 0.5",
            _ => "",
        };
        SchemaError::new(path, format!("`{text}` is no {}{plainly}", kind.name()))
    };
    read(text, kind).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cell::number;

    fn column(json: &str) -> Result<Column, String> {
        let schema = Schema::parse(&format!(r#"{{"columns": {{"c": {json}}}}}"#)).map_err(|error| error.to_string())?;
        Ok(schema.columns.into_iter().next().expect("one column"))
    }

    #[test]
    fn a_file_is_read_in_its_order() {
        let schemas = Schemas::parse(
            r#"{"version": 1, "datasets": {
                "b": {"extra_columns": "warn", "columns": {
                    "price": {"type": "decimal", "decimal": ",", "group": " ", "required": true, "min": "0.01", "max": 5000},
                    "vat": {"type": "decimal", "values": ["5.5", 10]},
                    "day": {"type": "date", "format": "DD/MM/YYYY", "max": "stamp"},
                    "mail": {"type": "text", "personal": true, "missing": ["NULL"], "pattern": "[^@]+@.+"}}},
                "a": {"columns": {}}}}"#,
        )
        .expect("a good file");
        let names: Vec<_> = schemas.0.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["b", "a"]);
        let b = schemas.get("b").expect("it is there");
        assert_eq!(b.extra_columns, ExtraColumns::Warn);
        let [price, vat, day, mail] = &b.columns[..] else { panic!("four columns") };
        assert_eq!(price.kind, Type::Decimal { mark: ',', group: Some(Group::Blank) });
        assert!(price.required && !price.personal);
        assert_eq!(price.max, Some(Bound::Value(Value::Number(number("5000").expect("a number")))));
        let values = ["5.5", "10"].map(|text| Value::Number(number(text).expect("a number")));
        assert_eq!(vat.values.as_deref(), Some(&values[..]));
        assert_eq!(day.max, Some(Bound::Stamp(0)));
        assert!(mail.personal && mail.missing == ["NULL"] && mail.pattern.as_deref() == Some("[^@]+@.+"));
    }

    #[test]
    fn cells_are_missing_unreadable_or_values() {
        let column = column(r#"{"type": "integer", "missing": ["-", "n/a"]}"#).expect("a column");
        for text in [None, Some(""), Some(" \u{a0}\t"), Some("-"), Some(" n/a ")] {
            assert_eq!(column.read(text), Cell::Missing, "{text:?}");
        }
        assert_eq!(column.read(Some(" --")), Cell::Unreadable("--"));
        assert_eq!(column.read(Some(" 12\u{202f}")).text(), Some("12"));
        assert_eq!(column.read(Some("N/A")), Cell::Unreadable("N/A"));
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_its_place() {
        for (json, message) in [
            (
                r#"{"type": "int"}"#,
                "columns.c.type: `int` is unknown; known: text, integer, decimal, boolean, date, timestamp, json",
            ),
            (r#"{}"#, "columns.c: `type` is missing"),
            (
                r#"{"type": "text", "requird": true}"#,
                "columns.c: `requird` is unknown; known: type, required, personal, missing, decimal, group, format, pattern, min, max, values",
            ),
            (r#"{"type": "text", "type": "date"}"#, "columns.c: `type` comes twice"),
            (r#"{"type": "text", "required": "yes"}"#, "columns.c.required: must be true or false, is a text"),
            (
                r#"{"type": "text", "decimal": ","}"#,
                "columns.c.decimal: a column of type text has no `decimal`; it belongs to decimal",
            ),
            (r#"{"type": "text", "min": 1}"#, "columns.c.min: a column of type text has no `min`"),
            (r#"{"type": "json", "values": []}"#, "columns.c.values: a column of type json has no `values`"),
            (r#"{"type": "integer", "min": "1.5"}"#, "columns.c.min: `1.5` is no integer"),
            (
                r#"{"type": "decimal", "decimal": ",", "values": ["5,5"]}"#,
                "columns.c.values: `5,5` is no decimal, written as 0.5",
            ),
            (r#"{"type": "decimal", "decimal": ",", "group": ","}"#, "columns.c.group: must differ from `decimal`"),
            (
                r#"{"type": "decimal", "group": "  "}"#,
                "columns.c.group: must be one character, and no letter, digit or sign",
            ),
            (
                r#"{"type": "date", "format": "DD/MM"}"#,
                "columns.c.format: must have YYYY, MM and DD once each, and between them neither letters nor digits",
            ),
            (r#"{"type": "timestamp", "format": "unix"}"#, "columns.c.format: `unix` is unknown; known: iso, clf"),
            (
                r#"{"type": "date", "max": "31/01/2025"}"#,
                "columns.c.max: `31/01/2025` is no date, written as 2025-01-31, or `stamp` with or without `+7d`",
            ),
            (r#"{"type": "text", "missing": "NULL"}"#, "columns.c.missing: must be an array, is a text"),
            (r#"[]"#, "columns.c: must be an object, is an array"),
        ] {
            assert_eq!(column(json).expect_err(json), message);
        }
        let error = |text| Schemas::parse(text).expect_err("a bad file").to_string();
        assert_eq!(error("{"), "it is no JSON: line 1, column 2: there should be a key in quotes");
        assert_eq!(error(r#"{"version": 2, "datasets": {}}"#), "version: must be 1");
        assert_eq!(error(r#"{"version": 1}"#), "`datasets` is missing");
        assert_eq!(
            error(r#"{"version": 1, "datasets": {"a": {"columns": {}}, "a": {"columns": {}}}}"#),
            "datasets: `a` comes twice"
        );
        assert_eq!(
            error(r#"{"version": 1, "datasets": {"a": {"columns": {}, "extra_columns": "no"}}}"#),
            "datasets.a.extra_columns: `no` is unknown; known: allow, warn, fail"
        );
    }
}
