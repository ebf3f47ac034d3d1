//! Rows of tests as CSV (RFC 4180). A cell without quotes and characters is missing; `""` is an empty text.

/// Returns the cells of each line.
pub(super) fn read(csv: &str) -> Vec<Vec<Option<String>>> {
    let (mut rows, mut row, mut cell, mut quoted) = (Vec::new(), Vec::new(), None::<String>, false);
    let mut rest = csv.chars().peekable();
    while let Some(next) = rest.next() {
        match next {
            '"' if quoted && rest.peek() == Some(&'"') => {
                rest.next();
                cell.get_or_insert_default().push('"');
            }
            '"' => {
                quoted = !quoted;
                cell.get_or_insert_default();
            }
            ',' if !quoted => row.push(cell.take()),
            '\n' if !quoted => {
                row.push(cell.take());
                rows.push(std::mem::take(&mut row));
            }
            other => cell.get_or_insert_default().push(other),
        }
    }
    if cell.is_some() || !row.is_empty() {
        row.push(cell);
        rows.push(row);
    }
    rows
}

/// Writes rows, in quotes where a cell needs them.
pub(super) fn write(rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let quote = |cell: String| match cell.contains([',', '"', '\n']) {
        true => format!("\"{}\"", cell.replace('"', "\"\"")),
        false => cell,
    };
    let line = |row: Vec<String>| row.into_iter().map(quote).collect::<Vec<_>>().join(",") + "\n";
    rows.into_iter().map(line).collect()
}
