//! The key of a KPI's table.

use arrow_array::RecordBatch;

use smelt_common::ordered::Column;

/// Checks that no two rows agree in all key columns. The error names the columns, not their content.
pub(super) fn check_key(key: &[usize], table: &RecordBatch) -> Result<(), String> {
    let columns: Vec<_> = key.iter().map(|&at| Column::of(table.column(at))).collect();
    let (mut bytes, mut ends) = (Vec::new(), Vec::with_capacity(table.num_rows()));
    for row in 0..table.num_rows() {
        columns.iter().for_each(|column| column.encode(row, &mut bytes));
        ends.push(bytes.len());
    }
    let key_of = |row: usize| &bytes[row.checked_sub(1).map_or(0, |before| ends[before])..ends[row]];
    let mut rows: Vec<_> = (0..table.num_rows()).collect();
    rows.sort_unstable_by_key(|&row| (key_of(row), row));
    let Some(two) = rows.windows(2).find(|two| key_of(two[0]) == key_of(two[1])) else { return Ok(()) };
    Err(match key {
        [] => format!("its key is empty, so its table has at most one row, not {}", table.num_rows()),
        _ => {
            let schema = table.schema_ref();
            let names: Vec<_> = key.iter().map(|&at| format!("`{}`", schema.field(at).name())).collect();
            format!("rows {} and {} of its table agree in the key {}", two[0], two[1], names.join(", "))
        }
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Float64Array, StringArray};

    use super::*;

    fn table(texts: &[Option<&str>], numbers: &[f64]) -> RecordBatch {
        let columns: [(_, ArrayRef); 2] = [
            ("name", Arc::new(StringArray::from(texts.to_vec()))),
            ("number", Arc::new(Float64Array::from(numbers.to_vec()))),
        ];
        RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true))).expect("a table")
    }

    #[test]
    fn a_key_tells_rows_apart_by_all_of_its_columns() {
        let rows = table(&[Some("a"), None, Some(""), Some("a")], &[1.0, 2.0, 2.0, 3.0]);
        assert_eq!(check_key(&[0, 1], &rows), Ok(()));
        assert_eq!(check_key(&[0], &rows), Err("rows 0 and 3 of its table agree in the key `name`".to_owned()));
        let same = table(&[None, Some("b"), None], &[0.0, 2.0, -0.0]);
        assert_eq!(
            check_key(&[0, 1], &same),
            Err("rows 0 and 2 of its table agree in the key `name`, `number`".to_owned())
        );
        assert!(check_key(&[1], &table(&[None, None], &[f64::NAN, -f64::NAN])).is_err());
    }

    #[test]
    fn a_key_of_no_column_is_that_of_one_row() {
        for rows in 0..2 {
            assert_eq!(check_key(&[], &table(&vec![None; rows], &vec![0.0; rows])), Ok(()));
        }
        let told = check_key(&[], &table(&[Some("a"), Some("b")], &[0.0, 1.0]));
        assert_eq!(told, Err("its key is empty, so its table has at most one row, not 2".to_owned()));
    }
}
