//! The columns of a cleaner: its parameter `schema`, and cells that are read by it.

use smelt_sdk::{Batch, Config, Date, Fault, Parameters, Result, Text, Timestamp};

use crate::cell::Cell;
use crate::form::Type;
use crate::schema::{Column, Schema};
use crate::value::{Number, Value, integer};

/// The name of the parameter.
const SCHEMA: &str = "schema";

/// The columns that a cleaner reads, as the schema of its dataset says that they are written.
///
/// A cleaner has a usual schema with all its columns. The parameter `schema`, a dataset's part of `data_schemas.json`, says
/// how they are written in a pipeline. It may have other columns too, and may leave some out, which are then as usual.
#[derive(Debug)]
pub struct Columns(Vec<Column>);

impl Columns {
    /// Declares the parameter `schema`, which is the usual one if the manifest does not set it.
    pub fn declare(parameters: Parameters, usual: &str) -> Parameters {
        let summary = "The dataset's part of `data_schemas.json`, as text: how its columns are written.";
        parameters.text(SCHEMA, usual, summary)
    }

    /// Reads the parameter `schema`.
    ///
    /// # Errors
    /// Fails if it is no schema, or if it gives a column a type in which the cleaner cannot read it.
    pub fn open(config: &Config, usual: &str) -> Result<Self> {
        let part = |error: crate::SchemaError| Fault::invalid_parameters(format!("parameter `{SCHEMA}`: {error}"));
        let (usual, given) = (Schema::parse(usual).map_err(part)?, Schema::parse(config.text(SCHEMA)?).map_err(part)?);
        let columns = usual.columns.into_iter().map(|usual| match given.column(&usual.name) {
            None => Ok(usual),
            Some(column) if family(&usual.kind).is_none_or(|family| family.contains(&column.kind.name())) => {
                Ok(column.clone())
            }
            Some(Column { name, kind, .. }) => {
                let family = family(&usual.kind).unwrap_or_default().join(" or ");
                let kind = kind.name();
                Err(Fault::invalid_parameters(format!(
                    "parameter `{SCHEMA}`: columns.{name}.type: the cleaner reads {family}, not {kind}"
                )))
            }
        });
        columns.collect::<Result<_>>().map(Self)
    }

    /// Returns a view of a column's cells in a batch.
    ///
    /// # Errors
    /// Fails if the batch or the usual schema lacks the column.
    pub fn cells<'c, 'b>(&'c self, rows: &Batch<'b>, name: &str) -> Result<Cells<'c, 'b>> {
        let column = self.0.iter().find(|column| column.name == name);
        let column = column.ok_or_else(|| Fault::internal(format!("the usual schema lacks column `{name}`")))?;
        Ok(Cells { column, texts: rows.text(name)? })
    }
}

/// Returns the names of the types that give a cleaner the same kind of value; `None` if all do, since all have a text.
fn family(kind: &Type) -> Option<&'static [&'static str]> {
    match kind {
        Type::Text => None,
        Type::Integer | Type::Decimal { .. } => Some(&["integer", "decimal"]),
        Type::Boolean => Some(&["boolean"]),
        Type::Date(_) | Type::Timestamp(_) => Some(&["date", "timestamp"]),
        Type::Json => Some(&["json"]),
    }
}

/// The cells of a column. A missing cell has no value, and neither has an unreadable one.
#[derive(Clone, Copy)]
pub struct Cells<'c, 'b> {
    column: &'c Column,
    texts: Text<'b>,
}

impl<'b> Cells<'_, 'b> {
    /// Returns the row's cell.
    #[inline]
    pub fn get(&self, row: usize) -> Cell<'b> {
        self.column.read(self.texts.get(row))
    }

    /// Returns the row's trimmed text, if it has a value.
    #[inline]
    pub fn text(&self, row: usize) -> Option<&'b str> {
        let text = self.column.present(self.texts.get(row))?;
        (self.column.kind == Type::Text || self.column.kind.read(text).is_some()).then_some(text)
    }

    /// Returns the row's value, if it has one.
    #[inline]
    pub fn value(&self, row: usize) -> Option<Value<'b>> {
        match self.get(row) {
            Cell::Value(_, value) => Some(value),
            Cell::Missing | Cell::Unreadable(_) => None,
        }
    }

    /// Returns the row's number, if it has one.
    #[inline]
    pub fn number(&self, row: usize) -> Option<Number> {
        self.value(row)?.number()
    }

    /// Returns the row's number, if it has a whole one.
    #[inline]
    pub fn integer(&self, row: usize) -> Option<i64> {
        integer(self.number(row)?)
    }

    /// Returns the row's boolean, if it has one.
    #[inline]
    pub fn boolean(&self, row: usize) -> Option<bool> {
        self.value(row)?.boolean()
    }

    /// Returns the row's date, if it has one. Of an instant it is the date in UTC.
    #[inline]
    pub fn date(&self, row: usize) -> Option<Date> {
        self.value(row)?.date()
    }

    /// Returns the row's instant, if it has one. Of a date it is the midnight in UTC.
    #[inline]
    pub fn instant(&self, row: usize) -> Option<Timestamp> {
        self.value(row)?.instant()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const USUAL: &str =
        r#"{"columns": {"price": {"type": "decimal"}, "day": {"type": "date"}, "id": {"type": "text"}}}"#;

    fn columns(schema: &str) -> Result<Columns> {
        let declared = Columns::declare(Parameters::none(), USUAL).schema();
        let given = if schema.is_empty() { "{}".to_owned() } else { format!(r#"{{"schema": {schema:?}}}"#) };
        Columns::open(&Config::new(&given, &declared, None)?, USUAL)
    }

    #[test]
    fn a_schema_says_how_columns_are_written() {
        let usual = columns("").expect("the usual schema");
        let given =
            r#"{"columns": {"price": {"type": "integer"}, "id": {"type": "integer"}, "more": {"type": "text"}}}"#;
        let given = columns(given).expect("a good schema");
        let kinds = |columns: &Columns| columns.0.iter().map(|column| column.kind.name()).collect::<Vec<_>>();
        assert_eq!(kinds(&usual), ["decimal", "date", "text"]);
        assert_eq!(kinds(&given), ["integer", "date", "integer"]);
    }

    #[test]
    fn a_schema_that_the_cleaner_cannot_read_by_is_refused() {
        let error = |schema| columns(schema).expect_err("a bad schema").message;
        assert_eq!(
            error(r#"{"columns": {"price": {"type": "text"}}}"#),
            "parameter `schema`: columns.price.type: the cleaner reads integer or decimal, not text"
        );
        assert_eq!(
            error(r#"{"colums": {}}"#),
            "parameter `schema`: `colums` is unknown; known: columns, extra_columns"
        );
    }
}
