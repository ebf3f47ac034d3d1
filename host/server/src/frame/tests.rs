//! Frames against the rows that they were made of.

use proptest::prelude::*;
use smelt_formats::{Formulas, encode_table};

use super::testing::{TYPES, Table, is_same, types};
use super::{BLOCK_ROWS, cell};

/// Numbers of rows about the ends of blocks.
const SIZES: [usize; 8] = [0, 1, 37, 4095, 4096, 4097, 8192, 8193];

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_rows_and_columns_come_back_in_any_order(
        seed: u64,
        size in proptest::sample::select(&SIZES[..]),
        types in types(5),
        lengths in proptest::collection::vec(1_usize..9000, 1..4),
        picks in proptest::collection::vec(any::<proptest::sample::Index>(), 0..60),
        columns in proptest::collection::vec(any::<proptest::sample::Index>(), 0..6),
    ) {
        let table = Table::random(seed, size, &types);
        let frame = table.frame(&lengths);
        prop_assert_eq!((frame.rows(), frame.blocks()), (size, size.div_ceil(BLOCK_ROWS)));
        let rows: Vec<u32> = picks.iter().filter(|_| size > 0).map(|pick| pick.index(size) as u32).collect();
        let columns: Vec<usize> = columns.iter().map(|pick| pick.index(types.len())).collect();
        let fetched = frame.fetch(&rows, &columns).expect("a fetch");
        prop_assert_eq!(fetched.num_rows(), rows.len());
        for (at, &row) in rows.iter().enumerate() {
            for (place, &column) in columns.iter().enumerate() {
                let (found, expected) = (cell(fetched.column(place), at), &table.rows[row as usize][column]);
                prop_assert!(is_same(&found, expected), "row {row}, column {column}: {found:?}, not {expected:?}");
            }
        }
        for block in 0..frame.blocks() {
            let column = seed as usize % types.len();
            let chunk = frame.chunk(block, column).expect("a chunk");
            prop_assert_eq!(chunk.len(), BLOCK_ROWS.min(size - block * BLOCK_ROWS));
            for row in 0..chunk.len() {
                prop_assert!(is_same(&cell(&chunk, row), &table.rows[block * BLOCK_ROWS + row][column]));
            }
        }
    }

    #[test]
    fn a_value_has_the_text_that_csv_has(seed: u64, kind in proptest::sample::select(&TYPES[..])) {
        let table = Table::random(seed, 40, &[kind, "int64?"]);
        let batch = table.batch(0..40);
        for (row, cells) in table.rows.iter().enumerate() {
            let csv = encode_table(&table.schema, &[batch.slice(row, 1)], Formulas::Keep).expect("CSV");
            let csv = String::from_utf8(csv).expect("UTF-8");
            let (_, line) = csv.split_once('\n').expect("a header");
            let text = line.rsplit_once(',').expect("two columns").0;
            let plain = match text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
                Some(quoted) => quoted.replace("\"\"", "\""),
                None => text.to_owned(),
            };
            prop_assert_eq!(cells[0].text(), plain);
        }
    }
}
