//! Tables and figures for people: aligned columns, digits in groups, shortened digests.

use std::fmt::Write as _;

use arrow_array::RecordBatch;

use smelt_catalog::ObjectRef;
use smelt_common::error::Result;
use smelt_common::text::guest_text;
use smelt_engine::cells::cells;
use smelt_formats::Formulas;

/// The most bytes of a cell that are shown.
const CELL_BYTES: usize = 1000;

/// Returns lines of cells below a heading. Columns of numbers are aligned to the right.
///
/// Cells may come from plugins and raw files, so characters that a terminal would obey are escaped.
pub(crate) fn render(heading: &[&str], rows: &[Vec<String>]) -> String {
    let safe = |row: &Vec<String>| row.iter().map(|cell| guest_text(cell, CELL_BYTES)).collect();
    let rows: Vec<Vec<String>> = rows.iter().map(safe).collect();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain([heading[column].chars().count()]).max().unwrap_or(0)
    };
    let numeric = |column: usize| {
        let is_number =
            |cell: &String| cell.chars().all(|character| character.is_ascii_digit() || "., -".contains(character));
        !rows.is_empty() && rows.iter().filter_map(|row| row.get(column)).all(is_number)
    };
    let mut text = String::new();
    let mut line = |cells: Vec<&str>| {
        let mut line = String::from(" ");
        for (column, cell) in cells.iter().enumerate() {
            let width = width(column);
            let _ = if numeric(column) { write!(line, " {cell:>width$} ") } else { write!(line, " {cell:<width$} ") };
        }
        text.push_str(line.trim_end());
        text.push('\n');
    };
    line(heading.to_vec());
    rows.iter().for_each(|row| line(row.iter().map(String::as_str).collect()));
    text
}

/// Returns a number with a comma between groups of three digits.
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Returns rows by rule, such as `32 invalid_date, 5 missing_id`, or `0` if there are none.
pub(crate) fn rules<'r>(rules: impl IntoIterator<Item = (&'r String, &'r u64)>) -> String {
    let all: Vec<_> = rules.into_iter().map(|(rule, &rows)| format!("{} {rule}", thousands(rows))).collect();
    if all.is_empty() { "0".to_owned() } else { all.join(", ") }
}

/// Returns the first digits of a digest, which are enough to recognise it.
pub(crate) fn short(sha256: &str) -> &str {
    sha256.get(..12).unwrap_or(sha256)
}

/// Returns the first `most` rows of a KPI's table as text, with the cells as they are in gold.
pub(crate) fn preview(kpi: &str, batch: &RecordBatch, stored: &ObjectRef, most: usize) -> Result<String> {
    let heading: Vec<&str> = batch.schema_ref().fields().iter().map(|field| field.name().as_str()).collect();
    let rows = cells(&batch.slice(0, batch.num_rows().min(most)), Formulas::Escape)?;
    let more = batch.num_rows().saturating_sub(most);
    let more = if more > 0 { format!("  … and {more} more\n") } else { String::new() };
    Ok(format!("{kpi} → {}\n{}{more}", stored.key, render(&heading, &rows)))
}
