//! Checks: the columns that make a table one, and the verdicts in its rows.

use arrow_array::cast::AsArray as _;
use arrow_array::{Array as _, BooleanArray, RecordBatch};
use arrow_schema::{DataType, Schema};
use arrow_select::filter::filter_record_batch;

use crate::cells::cells;
use smelt_catalog::{Content, Verdict};
use smelt_common::error::{Breach, Result};
use smelt_common::{Error, digest};
use smelt_formats::Formulas;

/// The most verdicts of a check that the catalog lists. All further ones are one entry.
const MOST_LISTED: usize = 100;
/// The most characters of a cell that the catalog lists.
const CELL_CHARACTERS: usize = 1000;

/// The columns that a check's table must have.
pub(crate) const COLUMNS: [(&str, DataType); 3] =
    [("expectation", DataType::Utf8), ("severity", DataType::Utf8), ("passed", DataType::Boolean)];

/// The verdicts of a check that did not pass.
#[derive(Debug, Default)]
pub struct Findings {
    /// The verdicts that keep tables from being published.
    pub failed: Vec<Verdict>,
    /// The verdicts that only warn.
    pub warned: Vec<Verdict>,
}

/// Fails if a plugin whose table has these columns is no check, or one that this version of smelt does not run.
pub(super) fn expect_columns(plugin: &str, output: &Schema, judges_objects: bool) -> Result<()> {
    let lacks = |(name, data_type): &&(&str, DataType)| {
        output.field_with_name(name).map_or(true, |field| field.data_type() != data_type)
    };
    let text = |(name, data_type): &(&str, DataType)| format!("`{name}` {}", data_type.to_string().to_lowercase());
    let lacking: Vec<_> = COLUMNS.iter().filter(lacks).map(text).collect();
    if !lacking.is_empty() {
        let all = COLUMNS.iter().map(text).collect::<Vec<_>>().join(", ");
        return Err(Error::config(format!(
            "plugin `{plugin}` is no check: its table lacks {}; a check's table has the columns {all}, beside any others",
            lacking.join(", ")
        )));
    }
    match (output.field_with_name("object"), judges_objects) {
        (Err(_), false) => Ok(()),
        (Ok(object), true) if object.data_type() == &DataType::Utf8 => Ok(()),
        (Ok(_), false) => Err(Error::config(format!(
            "plugin `{plugin}` judges objects, since its table has a column `object`; say of which datasets, such as \
             `on = [\"orders\"]`"
        ))),
        (_, true) => Err(Error::config(format!(
            "plugin `{plugin}` cannot judge objects `on` a dataset, since its table has no column `object` utf8"
        ))),
    }
}

/// Returns for each row whether it is a verdict: whether it has an expectation.
pub(crate) fn are_verdicts(table: &RecordBatch) -> Result<BooleanArray> {
    let expectation = column(table, 0)?.as_string::<i32>();
    Ok((0..table.num_rows()).map(|row| Some(expectation.is_valid(row))).collect())
}

/// Returns what the rows of the check's table say.
///
/// # Errors
/// A verdict has no severity, another one than `fail` and `warn`, or does not say whether it passed.
pub fn findings(plugin: &str, table: &RecordBatch) -> Result<Findings> {
    let expectation = column(table, 0)?.as_string::<i32>();
    let severity = column(table, 1)?.as_string::<i32>();
    let passed = column(table, 2)?.as_boolean();
    let broken = |row: usize, what: &str| {
        let expectation = expectation.value(row);
        let why = format!("plugin `{plugin}` broke the contract: expectation `{expectation}` of its table {what}");
        Error::breach(Breach::Form, why)
    };
    let (mut failed, mut warned) = (vec![false; table.num_rows()], vec![false; table.num_rows()]);
    for row in (0..table.num_rows()).filter(|&row| expectation.is_valid(row)) {
        let kind = match severity.is_valid(row).then(|| severity.value(row)) {
            Some("fail") => &mut failed,
            Some("warn") => &mut warned,
            _ => return Err(broken(row, "has a severity that is neither `fail` nor `warn`")),
        };
        if passed.is_null(row) {
            return Err(broken(row, "does not say whether it passed"));
        }
        kind[row] = !passed.value(row);
    }
    Ok(Findings { failed: verdicts(table, failed)?, warned: verdicts(table, warned)? })
}

/// Returns the chosen rows as verdicts.
fn verdicts(table: &RecordBatch, chosen: Vec<bool>) -> Result<Vec<Verdict>> {
    let chosen = filter_record_batch(table, &BooleanArray::from(chosen));
    let chosen = chosen.map_err(|error| Error::internal(error.to_string()))?;
    let names: Vec<&String> = table.schema_ref().fields().iter().map(|field| field.name()).collect();
    let expectation = column(&chosen, 0)?.as_string::<i32>();
    let (mut verdicts, mut more, mut content) = (Vec::new(), 0, Content::default());
    for (row, cells) in cells(&chosen, Formulas::Keep)?.into_iter().enumerate() {
        if row < MOST_LISTED {
            let row_cells = names.iter().map(|name| (*name).clone()).zip(cells.into_iter().map(bounded)).collect();
            let expectation = bounded(expectation.value(row).to_owned());
            verdicts.push(Verdict::Failed { expectation, row: row_cells });
        } else {
            more += 1;
            content.add_row(digest::of_parts(cells.iter().map(String::as_str)).as_bytes());
        }
    }
    verdicts.extend((more > 0).then_some(Verdict::More { rows: more, content }));
    Ok(verdicts)
}

/// Returns the text, cut off if it is long. What is cut off still tells texts apart.
fn bounded(text: String) -> String {
    match text.char_indices().nth(CELL_CHARACTERS) {
        None => text,
        Some((end, _)) => format!("{}… (sha256 {})", &text[..end], digest::hex(&text)),
    }
}

fn column(table: &RecordBatch, at: usize) -> Result<&arrow_array::ArrayRef> {
    let (name, data_type) = &COLUMNS[at];
    let found = table.column_by_name(name).filter(|column| column.data_type() == data_type);
    found.ok_or_else(|| Error::internal(format!("a check's table lacks `{name}`")))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, StringArray};
    use arrow_schema::Field;

    use super::*;

    type Row<'r> = (Option<&'r str>, Option<&'r str>, Option<bool>);

    fn table(rows: &[Row<'_>]) -> RecordBatch {
        let expectation: ArrayRef = Arc::new(rows.iter().map(|row| row.0).collect::<StringArray>());
        let severity: ArrayRef = Arc::new(rows.iter().map(|row| row.1).collect::<StringArray>());
        let passed: ArrayRef = Arc::new(rows.iter().map(|row| row.2).collect::<BooleanArray>());
        RecordBatch::try_from_iter([("passed", passed), ("expectation", expectation), ("severity", severity)])
            .expect("a table")
    }

    #[test]
    fn a_row_with_an_expectation_is_a_verdict() {
        let rows = [
            (Some("a"), Some("fail"), Some(true)),
            (Some("b"), Some("fail"), Some(false)),
            (Some("c"), Some("warn"), Some(false)),
            (None, None, None),
            (None, Some("x"), Some(false)),
        ];
        let Findings { failed, warned } = findings("p", &table(&rows)).expect("it keeps the contract");
        let row = [("passed", "false"), ("expectation", "b"), ("severity", "fail")];
        let row = row.map(|(column, value)| (column.to_owned(), value.to_owned())).to_vec();
        assert_eq!(failed, [Verdict::Failed { expectation: "b".to_owned(), row }]);
        assert!(matches!(&warned[..], [Verdict::Failed { expectation, .. }] if expectation == "c"), "{warned:?}");
    }

    #[test]
    fn a_verdict_that_says_nothing_breaks_the_contract() {
        let told = |row: Row<'_>| findings("p", &table(&[row])).expect_err("it says nothing").to_string();
        assert!(told((Some("a"), Some("error"), Some(true))).contains("expectation `a`"));
        assert!(told((Some("a"), None, Some(true))).contains("neither `fail` nor `warn`"));
        assert!(told((Some("a"), Some("fail"), None)).contains("does not say whether it passed"));
    }

    #[test]
    fn very_many_verdicts_are_told_apart_and_not_listed() {
        let names: Vec<String> = (0..250).map(|number| format!("e{number}")).collect();
        let rows = |names: &[String]| {
            let rows: Vec<Row<'_>> =
                names.iter().map(|name| (Some(name.as_str()), Some("fail"), Some(false))).collect();
            findings("p", &table(&rows)).expect("it keeps the contract").failed
        };
        let all = rows(&names);
        assert_eq!(all.len(), MOST_LISTED + 1);
        assert!(matches!(all[MOST_LISTED], Verdict::More { rows: 150, .. }));
        let mut others = names.clone();
        others[249] = "other".to_owned();
        assert_ne!(rows(&others), all);
    }

    #[test]
    fn a_plugin_that_is_no_check_is_told_what_it_lacks() {
        let field = |name: &str, data_type| Field::new(name, data_type, true);
        let told =
            |fields: Vec<Field>| expect_columns("p", &Schema::new(fields), false).expect_err("no check").to_string();
        let lacks = told(vec![field("severity", DataType::Utf8), field("passed", DataType::Utf8)]);
        assert!(lacks.contains("lacks `expectation` utf8, `passed` boolean;"), "{lacks}");
        let all = || COLUMNS.iter().map(|(name, data_type)| field(name, data_type.clone())).collect::<Vec<_>>();
        assert!(expect_columns("p", &Schema::new(all()), false).is_ok());
        let lacks = expect_columns("p", &Schema::new(all()), true).expect_err("no object").to_string();
        assert!(lacks.contains("no column `object` utf8"), "{lacks}");
        let mut judges_objects = all();
        judges_objects.push(field("object", DataType::Utf8));
        assert!(expect_columns("p", &Schema::new(judges_objects.clone()), true).is_ok());
        assert!(told(judges_objects).contains("column `object`"));
    }
}
