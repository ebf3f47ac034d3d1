//! Writes relations as a file.

use std::io::Write;
use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema};
use smelt_common::error::Result;
use smelt_formats::{Compression, TableFormat, TableOptions, Workbook, table_writer};

use super::sheet::Sheet;
use crate::sink::{Published, Relation};

/// Writes the relations to `out`, each with the sheet that it becomes. Only a workbook has more than one.
pub(super) fn render(
    published: &dyn Published,
    sheets: &[(&Sheet, Relation)],
    format: TableFormat,
    compression: Compression,
    out: &mut (dyn Write + Send),
) -> Result<()> {
    if format == TableFormat::Xlsx {
        let mut book = Workbook::new()?;
        for (sheet, relation) in sheets {
            book.sheet(&sheet.sheet, relation.schema.clone())?;
            published.read(&sheet.relation, &mut |rows| book.write(rows))?;
        }
        return book.finish(out);
    }
    for (sheet, relation) in sheets {
        let options = TableOptions {
            compression,
            sorted_by: relation.key.clone(),
            formulas: relation.formulas,
            at_most_one_row: relation.rows == 1,
        };
        let mut writer = table_writer(format, relation.schema.clone(), &options, &mut *out)?;
        published.read(&sheet.relation, &mut |rows| writer.write(rows))?;
        writer.finish()?;
    }
    Ok(())
}

/// Refuses names that the sheets of a workbook cannot have.
pub(super) fn check_sheets(sheets: &[Sheet]) -> Result<()> {
    let schema = Arc::new(Schema::new(vec![Field::new("any", DataType::Utf8, false)]));
    let mut book = Workbook::new()?;
    sheets.iter().try_for_each(|sheet| book.sheet(&sheet.sheet, Arc::clone(&schema)))
}
