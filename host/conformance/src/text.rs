//! Writes rows and tables as text for people, and cuts long ones.

use std::fmt::Write as _;

use arrow_array::cast::AsArray as _;
use arrow_array::{Array as _, RecordBatch};
use arrow_schema::DataType;

use crate::rows::InputRows;
use smelt_formats::{Formulas, encode_csv};

/// The most rows that are shown.
const ROWS: usize = 8;
/// The most characters of a cell that are shown.
const CELL: usize = 60;
/// The most lines of a difference that are shown on each side.
const LINES: usize = 12;

/// Returns the rows as text, each on a line: `id="a", day=2025-01-01, sin=missing`.
pub(crate) fn rows(batch: &RecordBatch) -> String {
    let mut text = counted(batch.num_rows());
    for row in 0..batch.num_rows().min(ROWS) {
        let _ = write!(text, "\n{}", self::row(batch, row));
    }
    if batch.num_rows() > ROWS {
        let _ = write!(text, "\n… and {} more", batch.num_rows() - ROWS);
    }
    text
}

/// Returns a number of rows as text.
pub(crate) fn counted(rows: usize) -> String {
    format!("{rows} {}", if rows == 1 { "row" } else { "rows" })
}

/// Returns one row as text.
pub(crate) fn row(batch: &RecordBatch, row: usize) -> String {
    lines(&batch.slice(row, 1), CELL).swap_remove(0)
}

/// Returns each row as text. Cells have at most `most` characters.
pub(crate) fn lines(batch: &RecordBatch, most: usize) -> Vec<String> {
    let mut lines = vec![String::new(); batch.num_rows()];
    for (column, field) in batch.schema_ref().fields().iter().enumerate() {
        let name = field.name().escape_debug();
        let array = batch.column(column);
        let values = match array.data_type() {
            DataType::Utf8 => {
                array.as_string::<i32>().iter().map(|text| quoted(text.unwrap_or_default(), most)).collect()
            }
            _ => typed(batch, column),
        };
        for (row, (line, value)) in lines.iter_mut().zip(values).enumerate() {
            let comma = if column > 0 { ", " } else { "" };
            let value = if array.is_null(row) { "missing" } else { value.as_str() };
            let _ = write!(line, "{comma}{name}={value}");
        }
    }
    lines
}

/// Returns the values of a column that is not text, as CSV writes them.
fn typed(batch: &RecordBatch, column: usize) -> Vec<String> {
    let mut csv = Vec::new();
    let column = batch.project(&[column]).expect("the column is there");
    match encode_csv(&column, None, Formulas::Keep, &mut csv) {
        Ok(_) => String::from_utf8_lossy(&csv).lines().map(str::to_owned).collect(),
        // CSV cannot write these values.
        Err(_) => (0..column.num_rows()).map(|row| format!("{:?}", column.column(0).slice(row, 1))).collect(),
    }
}

/// Returns a text in quotes, escaped, and cut if it is long.
fn quoted(text: &str, most: usize) -> String {
    let shown: String = text.chars().take(most).collect();
    let more = if shown.len() < text.len() { format!("… ({} bytes)", text.len()) } else { String::new() };
    format!("{shown:?}{more}")
}

/// Returns the rows of all inputs as text.
pub(crate) fn parts(parts: &[InputRows], inputs: &[&str]) -> String {
    let part = |part: &InputRows| match inputs.get(part.input) {
        Some(input) => format!("{input}: {}", rows(&part.rows)),
        None => rows(&part.rows),
    };
    parts.iter().map(part).collect::<Vec<_>>().join("\n")
}

/// Returns a table as lines, its columns first.
pub(crate) fn table(batch: &RecordBatch) -> String {
    let mut text = smelt_runtime::schema_text(batch.schema_ref());
    for line in lines(batch, usize::MAX) {
        let _ = write!(text, "\n{line}");
    }
    text
}

/// Returns the lines between the first and the last difference, those of both sides.
pub(crate) fn difference(expected: &str, got: &str) -> String {
    let (expected, got): (Vec<_>, Vec<_>) = (expected.lines().collect(), got.lines().collect());
    let same = expected.iter().zip(&got).take_while(|(a, b)| a == b).count();
    let ends = expected[same..].iter().rev().zip(got[same..].iter().rev()).take_while(|(a, b)| a == b).count();
    let mut text = format!("from line {} on (- expected, + came back)", same + 1);
    for (mark, lines) in [('-', &expected[same..expected.len() - ends]), ('+', &got[same..got.len() - ends])] {
        for line in lines.iter().take(LINES) {
            let shown: String = line.chars().take(4 * CELL).flat_map(char::escape_debug).collect();
            let _ = write!(text, "\n{mark} {}", shown.replace("\\\"", "\"").replace("\\'", "'"));
        }
        if lines.len() > LINES {
            let _ = write!(text, "\n{mark} … and {} more lines", lines.len() - LINES);
        }
    }
    text
}

/// Breaks the text at blanks into lines of at most `width` characters.
pub(crate) fn wrapped(text: &str, width: usize) -> String {
    let (mut wrapped, mut length) = (String::new(), 0);
    for word in text.split(' ') {
        let letters = word.chars().count();
        if length > 0 && length + 1 + letters > width {
            wrapped.push('\n');
            length = 0;
        } else if length > 0 {
            wrapped.push(' ');
            length += 1;
        }
        wrapped.push_str(word);
        length += letters;
    }
    wrapped
}

#[cfg(test)]
mod tests {
    use super::difference;

    #[test]
    fn a_difference_is_what_lies_between_equal_ends() {
        let told = difference("h\na\nb\nc\nz\n", "h\na\nB\nz\n");
        assert_eq!(told, "from line 3 on (- expected, + came back)\n- b\n- c\n+ B");
        assert_eq!(difference("a\n", "a\nb\n"), "from line 2 on (- expected, + came back)\n+ b");
    }
}
