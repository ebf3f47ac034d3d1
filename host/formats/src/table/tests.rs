//! Tests of what all writers have in common, and of CSV and JSON.

use std::io::{self, Write};
use std::slice::from_ref;
use std::sync::Arc;

use arrow_array::{Date32Array, Float64Array, Int64Array, RecordBatch};
use arrow_schema::Schema;
use proptest::collection::vec;
use proptest::prelude::*;
use smelt_common::error::Kind;

use super::testing::{cut, empty, file, try_file};
use super::{TableFormat, TableOptions, table_writer};
use crate::values::calendar::LAST_DAY;
use crate::values::testing::{any_table, sample, table, texts};
use crate::{Formulas, encode_table};

/// The formats of single tables that this build has.
const FORMATS: &[TableFormat] = &[
    TableFormat::Csv,
    TableFormat::Json,
    TableFormat::Jsonl,
    #[cfg(feature = "parquet")]
    TableFormat::Parquet,
];

fn text(format: TableFormat, batches: &[RecordBatch]) -> String {
    String::from_utf8(file(format, batches)).expect("UTF-8")
}

#[test]
fn a_format_is_found_by_the_extension_of_its_files() {
    for extension in TableFormat::EXTENSIONS.split(", ") {
        let format = TableFormat::of_extension(extension).expect(extension);
        assert_eq!(format.extension(), extension);
        assert_eq!(serde_json::to_value(format).expect("a name"), extension);
    }
    assert_eq!(TableFormat::of_extension("xls"), None);
}

#[test]
fn a_build_without_a_format_names_the_feature() {
    for (format, is_built) in
        [(TableFormat::Parquet, cfg!(feature = "parquet")), (TableFormat::Xlsx, cfg!(feature = "xlsx"))]
    {
        let refusal = format.check_built().err().map(|error| (error.kind(), error.to_string()));
        assert_eq!(refusal.is_none(), is_built);
        let Some((kind, message)) = refusal else { continue };
        assert_eq!(kind, Kind::InvalidConfig);
        let name = format.extension();
        let beginning =
            format!("this smelt was built without the feature `{name}`, so it writes no {name}; it writes csv");
        assert!(message.starts_with(&beginning), "{message}");
        assert!(!message.ends_with(name), "{message}");
    }
    assert_eq!(super::Workbook::new().is_ok(), cfg!(feature = "xlsx"));
}

#[test]
fn json_has_numbers_with_their_places_and_everything_else_as_csv_writes_it() {
    let expected = r#"[
{"b":true,"i":-9223372036854775808,"f":3,"t":"a,b","n":"","d":"1970-01-01","ts":"2025-11-13T10:35:00Z","m":0.05},
{"b":false,"i":9223372036854775807,"f":-0.1,"t":"","n":" x","d":"0000-01-01","ts":"1969-12-31T23:59:59.999999Z","m":-1234.56},
{"b":null,"i":null,"f":null,"t":null,"n":"q\"","d":null,"ts":null,"m":null}
]
"#;
    assert_eq!(text(TableFormat::Json, &[sample()]), expected);
    let lines = expected.trim_start_matches("[\n").trim_end_matches("]\n").replace(",\n", "\n");
    assert_eq!(text(TableFormat::Jsonl, &[sample()]), lines);
}

#[test]
fn json_of_few_rows_keeps_the_shape_of_its_table() {
    let one = table(vec![("a", Arc::new(Int64Array::from(vec![1])), false)]);
    assert_eq!(text(TableFormat::Json, &[empty(&one)]), "[\n]\n");
    assert_eq!(text(TableFormat::Json, from_ref(&one)), "[\n{\"a\":1}\n]\n");
    assert_eq!(text(TableFormat::Jsonl, &[empty(&one)]), "");

    let single = TableOptions { at_most_one_row: true, ..TableOptions::default() };
    let json = |batches: &[_]| try_file(TableFormat::Json, &single, batches);
    assert_eq!(json(from_ref(&one)).expect("a row"), b"{\"a\":1}\n");
    assert_eq!(json(&[empty(&one)]).expect("no row"), b"null\n");
    assert_eq!(json(&[one.clone(), one]).expect_err("two rows").kind(), Kind::Internal);
}

#[test]
fn json_has_no_name_for_what_is_no_number() {
    let floats = Float64Array::from(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0]);
    let batch = table(vec![("\"f\"", Arc::new(floats), false)]);
    let expected = "{\"\\\"f\\\"\":null}\n{\"\\\"f\\\"\":null}\n{\"\\\"f\\\"\":null}\n{\"\\\"f\\\"\":-0}\n";
    assert_eq!(text(TableFormat::Jsonl, &[batch]), expected);
}

#[test]
fn csv_is_the_csv_of_gold() {
    let batch = table(vec![("=a", texts(&[Some("=1"), Some("x")]), false)]);
    assert_eq!(text(TableFormat::Csv, from_ref(&batch)), "'=a\n'=1\nx\n");
    assert_eq!(text(TableFormat::Csv, &[empty(&batch)]), "'=a\n");
    let keep = TableOptions { formulas: Formulas::Keep, ..TableOptions::default() };
    assert_eq!(try_file(TableFormat::Csv, &keep, &[batch]).expect("a table"), b"=a\n=1\nx\n");
}

#[test]
fn errors_name_the_row_of_the_table() {
    let days = |days: Vec<i32>| table(vec![("day", Arc::new(Date32Array::from(days)), false)]);
    for &format in FORMATS {
        let batches = [days(vec![0, 1]), days(vec![2, LAST_DAY + 1])];
        let error = try_file(format, &TableOptions::default(), &batches).expect_err("the year 10000");
        assert_eq!(error.kind(), Kind::Plugin, "{format:?}");
        assert_eq!(error.to_string(), "row 3 of column day is out of range, expected a year from 0000 to 9999");

        let other = [days(vec![0]), table(vec![("day", Arc::new(Int64Array::from(vec![0])), false)])];
        let error = try_file(format, &TableOptions::default(), &other).expect_err("another schema");
        assert_eq!(error.kind(), Kind::Internal, "{format:?}");
    }
}

#[test]
fn tables_that_no_format_has_are_refused_at_the_beginning() {
    let small = table(vec![("x", Arc::new(arrow_array::Int8Array::from(vec![1])), false)]);
    let none = RecordBatch::new_empty(Arc::new(Schema::empty()));
    for &format in FORMATS {
        let refusal = |table: &RecordBatch| {
            table_writer(format, table.schema(), &TableOptions::default(), io::sink()).err().map(|e| e.to_string())
        };
        assert_eq!(refusal(&none).as_deref(), Some("a table without columns cannot be written as a file"));
        assert!(refusal(&small).is_some_and(|message| message.starts_with("column x is Int8; supported:")));
    }
    let workbook = table_writer(TableFormat::Xlsx, sample().schema(), &TableOptions::default(), io::sink());
    assert!(workbook.is_err());
}

/// A disk with so much room.
struct Disk {
    room: usize,
}

impl Write for Disk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.room = self.room.checked_sub(bytes.len()).ok_or(io::ErrorKind::StorageFull)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_is_no_finished_file() {
    for &format in FORMATS {
        let len = file(format, &[sample()]).len();
        for room in 0..=len {
            let written = (|| {
                let mut writer = table_writer(format, sample().schema(), &TableOptions::default(), Disk { room })?;
                writer.write(&sample())?;
                writer.finish().map(drop)
            })();
            assert_eq!(written.map_err(|error| error.kind()), if room < len { Err(Kind::Unavailable) } else { Ok(()) });
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn bytes_do_not_depend_on_batches(table in any_table(7), sizes in vec(1..4_usize, 1..5)) {
        for &format in FORMATS {
            prop_assert_eq!(file(format, &cut(&table, &sizes)), file(format, from_ref(&table)), "{:?}", format);
        }
        let csv = encode_table(table.schema_ref(), from_ref(&table), Formulas::Escape).expect("a table");
        prop_assert_eq!(file(TableFormat::Csv, from_ref(&table)), csv);
    }

    #[test]
    fn json_is_json(table in any_table(7)) {
        let array = text(TableFormat::Json, from_ref(&table));
        let rows = serde_json::from_str::<Vec<serde::de::IgnoredAny>>(&array).expect("valid JSON");
        prop_assert_eq!(rows.len(), table.num_rows());
        let lines = text(TableFormat::Jsonl, &[table]);
        let lines = lines.lines().collect::<Vec<_>>();
        prop_assert_eq!(array, format!("[\n{}\n]\n", lines.join(",\n")));
    }

    #[test]
    fn json_escapes_what_it_must(value in any::<String>(), controls in "[\\x00-\\x21\"\\\\\u{7f}\u{2028}é]{0,20}") {
        for value in [value, controls] {
            let batch = table(vec![("t", texts(&[Some(&value)]), false)]);
            let expected = serde_json::to_string(&value).expect("text");
            prop_assert_eq!(text(TableFormat::Jsonl, &[batch]), format!("{{\"t\":{expected}}}\n"));
        }
    }
}
