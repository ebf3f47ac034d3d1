//! Writes workbooks.

use std::io::Write;

use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch};
use arrow_schema::{DataType, SchemaRef};
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, Worksheet, XlsxError};
use smelt_common::Error;
use smelt_common::error::{Kind, Result};

use super::super::guard::guarded;
use super::super::rows::{Rows, in_table};
use super::cell::{self, LONGEST_TEXT};
use super::name;
use crate::values::{self, View};

/// The most rows of a sheet, without its header.
const MOST_ROWS: usize = 1_048_575;

/// The most columns of a sheet.
const MOST_COLUMNS: usize = 16_384;

/// By so much a column is wider than its name, for the button of the filter.
const BUTTON: usize = 4;

/// The widest that a name makes its column.
const WIDEST: usize = 60;

/// An Excel workbook. Each sheet is a table, and is written before the next one begins.
///
/// After an error the workbook is useless.
pub struct Workbook {
    book: rust_xlsxwriter::Workbook,
    names: Vec<String>,
    /// The table of the last sheet.
    last: Option<Rows>,
}

impl Workbook {
    /// Returns a workbook without sheets. Rows go to a temporary file until [`Workbook::finish`].
    ///
    /// # Errors
    /// Never, in a build with the feature `xlsx`.
    pub fn new() -> Result<Self> {
        let mut book = rust_xlsxwriter::Workbook::new();
        // The library would take the time of the day, and equal tables would differ.
        let created = ExcelDateTime::from_ymd(2000, 1, 1).map_err(failed)?;
        book.set_properties(&DocProperties::new().set_creation_datetime(&created));
        Ok(Self { book, names: Vec::new(), last: None })
    }

    /// Begins a sheet. Its first row has the names of the columns, stays in sight, and filters.
    ///
    /// # Errors
    /// Fails if Excel does not take the name, if the table has no columns or too many, or if a column has a type that no
    /// format has.
    pub fn sheet(&mut self, name: &str, schema: SchemaRef) -> Result<()> {
        self.end_sheet()?;
        name::check(name, &self.names)?;
        let columns = schema.fields().len();
        if columns > MOST_COLUMNS {
            return Err(Error::config(format!(
                "the sheet `{name}` would have {columns} columns; Excel has at most {MOST_COLUMNS}: write csv or parquet"
            )));
        }
        let rows = Rows::new(schema)?;
        let bold = Format::new().set_bold();
        let fields = rows.schema().fields();
        for field in fields {
            check_text(field.name(), || format!("the name of a column of the sheet `{name}`"))?;
        }
        piece(|| {
            let sheet = self.book.add_worksheet_with_constant_memory()?;
            sheet.set_name(name)?.set_freeze_panes(1, 0)?;
            for (at, field) in (0..).zip(fields) {
                let kind = values::Kind::of(field).map_err(|error| XlsxError::ParameterError(error.to_string()))?;
                let (format, width) = cell::look(kind);
                let of_name = (field.name().chars().count() + BUTTON).min(WIDEST);
                sheet.set_column_width(at, f64::from(width).max(of_name as f64))?;
                if let Some(format) = format {
                    sheet.set_column_format(at, &format)?;
                }
                sheet.write_string_with_format(0, at, field.name(), &bold)?;
            }
            Ok(())
        })?;
        self.names.push(name.to_owned());
        self.last = Some(rows);
        Ok(())
    }

    /// Writes the next rows of the last sheet.
    ///
    /// # Errors
    /// Fails if the sheet would have too many rows, if a text is too long or a value out of range, or if the temporary
    /// file cannot be written.
    pub fn write(&mut self, rows: &RecordBatch) -> Result<()> {
        let Some(table) = &mut self.last else {
            return Err(Error::internal("rows came before the first sheet"));
        };
        let before = table.next(rows)?;
        let name = self.names.last().map_or("", String::as_str);
        if before + rows.num_rows() > MOST_ROWS {
            return Err(Error::config(format!(
                "the sheet `{name}` would have more than {MOST_ROWS} rows, and Excel has no more: write csv or parquet"
            )));
        }
        for (array, field) in rows.columns().iter().zip(table.schema().fields()) {
            if field.data_type() != &DataType::Utf8 {
                continue;
            }
            let texts = array.as_string::<i32>();
            for row in (0..texts.len()).filter(|&row| texts.is_valid(row)) {
                let column = field.name();
                check_text(texts.value(row), || {
                    format!("row {} of column {column} of the sheet `{name}`", before + row)
                })?;
            }
        }
        let views = rows.columns().iter().zip(table.schema().fields()).map(|(array, field)| View::new(array, field));
        let views = views.collect::<Result<Vec<_>, _>>().map_err(|error| in_table(error, before))?;
        let sheet = self.names.len() - 1;
        piece(|| {
            let sheet = self.book.worksheet_from_index(sheet)?;
            for row in 0..rows.num_rows() {
                // The header is row 0.
                let at = (before + row + 1) as u32;
                for (column, view) in (0..).zip(&views) {
                    cell::write(sheet, (at, column), view, row)?;
                }
            }
            Ok(())
        })
    }

    /// Writes the workbook.
    ///
    /// # Errors
    /// Fails if it has no sheet, or if the bytes cannot be written.
    pub fn finish(mut self, mut out: impl Write + Send) -> Result<()> {
        if self.names.is_empty() {
            return Err(Error::internal("a workbook has at least one sheet"));
        }
        self.end_sheet()?;
        piece(|| {
            self.book.save_to_writer(&mut out)?;
            Ok(out.flush()?)
        })
    }

    /// Gives the last sheet its filter, now that its rows are known.
    fn end_sheet(&mut self) -> Result<()> {
        let Some(table) = self.last.take() else { return Ok(()) };
        let (sheet, last_column) = (self.names.len() - 1, table.schema().fields().len() - 1);
        piece(|| {
            let sheet: &mut Worksheet = self.book.worksheet_from_index(sheet)?;
            sheet.autofilter(0, 0, table.count() as u32, last_column as u16).map(|_| ())
        })
    }
}

/// Checks that Excel takes the text.
fn check_text(text: &str, place: impl FnOnce() -> String) -> Result<()> {
    // No text has more units of UTF-16 than bytes.
    if text.len() <= LONGEST_TEXT || text.encode_utf16().count() <= LONGEST_TEXT {
        return Ok(());
    }
    Err(Error::config(format!(
        "{} has a text of more than {LONGEST_TEXT} characters, and Excel takes no more: write csv or parquet",
        place()
    )))
}

/// Runs a piece of the library. It panics if its temporary file cannot be written, say because the disk is full.
fn piece<T>(piece: impl FnOnce() -> Result<T, XlsxError>) -> Result<T> {
    match guarded(piece) {
        Some(result) => result.map_err(failed),
        None => Err(Error::new(Kind::Unavailable, "cannot write the workbook: its temporary file failed")),
    }
}

fn failed(error: XlsxError) -> Error {
    Error::new(Kind::Unavailable, format!("cannot write the workbook: {error}"))
}
