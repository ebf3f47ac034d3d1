//! Columns that an object has under other names than those that are asked for.

use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::{Array as _, ArrayRef, RecordBatch, RecordBatchOptions, StringArray};
use arrow_schema::{DataType, Field, Schema, SchemaRef};

/// Stands between the cells of several columns that become one.
const BETWEEN: char = '-';

/// Columns, and the names under which an object has them. A column may be made of several of the object's: then its cell is
/// theirs, one after the other, with `-` in between.
#[derive(Debug, Clone)]
pub struct Renamed {
    schema: SchemaRef,
    /// The names in the object.
    theirs: Vec<String>,
    /// For each column the places of its parts in `theirs`.
    parts: Vec<Vec<usize>>,
}

impl Renamed {
    /// Returns the columns of these names, each with its names in the object: one or more.
    pub fn new<'n>(columns: impl IntoIterator<Item = (&'n str, &'n [String])>) -> Self {
        let (mut fields, mut theirs, mut parts) = (Vec::new(), Vec::new(), Vec::new());
        for (name, names) in columns {
            fields.push(Field::new(name, DataType::Utf8, true));
            parts.push((theirs.len()..theirs.len() + names.len()).collect());
            theirs.extend(names.iter().cloned());
        }
        Self { schema: Arc::new(Schema::new(fields)), theirs, parts }
    }

    /// Returns the name of the column that is made of the object's column of that name, if one is.
    pub fn ours(&self, theirs: &str) -> Option<&str> {
        let at = self.theirs.iter().position(|name| name == theirs)?;
        let column = self.parts.iter().position(|parts| parts.contains(&at))?;
        Some(self.schema.field(column).name())
    }

    /// Returns the names in the object, as a decoder takes them.
    pub(super) fn theirs(&self) -> &[String] {
        &self.theirs
    }

    pub(super) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Returns the columns, made of those of the object.
    pub(super) fn columns(&self, of_object: &RecordBatch) -> RecordBatch {
        let column = |parts: &Vec<usize>| match parts.as_slice() {
            [one] => Arc::clone(of_object.column(*one)),
            parts => joined(parts.iter().map(|&at| of_object.column(at).as_string::<i32>()).collect()),
        };
        let columns = self.parts.iter().map(column).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(of_object.num_rows()));
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)
            .expect("a decoder gives columns of text, of equal length")
    }
}

/// Returns the cells of the columns, joined. Where all are missing, so is the whole.
fn joined(parts: Vec<&StringArray>) -> ArrayRef {
    let rows = parts.first().map_or(0, |part| part.len());
    let cell = |row: usize| {
        if parts.iter().all(|part| part.is_null(row)) {
            return None;
        }
        let mut cell = String::new();
        for (at, part) in parts.iter().enumerate() {
            if at > 0 {
                cell.push(BETWEEN);
            }
            cell.push_str(if part.is_null(row) { "" } else { part.value(row) });
        }
        Some(cell)
    };
    Arc::new((0..rows).map(cell).collect::<StringArray>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DecodeLimits, Decoder, Format};

    /// Decodes an object of which `id` is made of two columns, `who` has another name, and `at` has its own.
    fn decoded(body: &str, format: Format) -> (Vec<Vec<Option<String>>>, Vec<String>) {
        let [id, who, at] = [["Invoice", "Code"].as_slice(), &["Customer ID"], &["at"]]
            .map(|names| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        let renamed = Renamed::new([("id", id.as_slice()), ("who", who.as_slice()), ("at", at.as_slice())]);
        let mut decoder = Decoder::renaming(body.as_bytes(), None, format.into(), &renamed, DecodeLimits::default());
        let names: Vec<_> = decoder.schema().fields().iter().map(|field| field.name().clone()).collect();
        assert_eq!(names, ["id", "who", "at"]);
        let mut rows = Vec::new();
        while let Some(batch) = decoder.next_batch().expect("it can be read") {
            assert_eq!(&batch.columns.schema(), decoder.schema());
            let texts: Vec<_> =
                batch.columns.columns().iter().map(|column| column.as_string::<i32>().clone()).collect();
            let cell = |text: &StringArray, row| text.is_valid(row).then(|| text.value(row).to_owned());
            rows.extend((0..batch.columns.num_rows()).map(|row| texts.iter().map(|text| cell(text, row)).collect()));
        }
        (rows, decoder.warnings().iter().map(ToString::to_string).collect())
    }

    fn row(cells: [Option<&str>; 3]) -> Vec<Option<String>> {
        cells.map(|cell| cell.map(str::to_owned)).to_vec()
    }

    #[test]
    fn columns_are_found_under_the_names_of_the_object() {
        let csv = "Code,Invoice,id,Customer ID,at\nA,1,no,C7,t\n,2,no,,\n,,no,C8,t\n";
        let expected = [
            row([Some("1-A"), Some("C7"), Some("t")]),
            row([Some("2-"), None, None]),
            row([None, Some("C8"), Some("t")]),
        ];
        assert_eq!(decoded(csv, Format::Csv), (expected.to_vec(), vec![]));
        let json =
            r#"[{"Invoice":1,"Code":"A","Customer ID":"C7","at":"t"},{"Invoice":2},{"Customer ID":"C8","at":"t"}]"#;
        assert_eq!(decoded(json, Format::Json), (expected.to_vec(), vec![]));
    }

    #[test]
    fn what_the_object_lacks_is_named_as_the_object_would() {
        let (rows, warnings) = decoded("Code,at\nA,t\n", Format::Csv);
        assert_eq!(rows, [row([Some("-A"), None, Some("t")])]);
        assert!(warnings.iter().any(|warning| warning.contains("Customer ID")), "{warnings:?}");
        assert!(!warnings.iter().any(|warning| warning.contains("who")), "{warnings:?}");
    }
}
