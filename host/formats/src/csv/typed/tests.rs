//! Tests that typed tables read back as they were written, and that nothing else is read.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Int64Array, RecordBatch, TimestampMicrosecondArray,
};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use arrow_select::concat::concat_batches;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::{Formulas, decode_csv_typed, encode_csv, encode_csv_header, parse};
use crate::values::calendar::{FIRST_DAY, LAST_DAY, civil, day};
use crate::values::testing::{MICROS_A_DAY, any_table, float, sample, table, texts, timestamp};
use crate::values::{TypedError, write_date, write_decimal, write_f64, write_timestamp};

fn encode(batch: &RecordBatch, formulas: Formulas) -> String {
    let mut out = Vec::new();
    encode_csv_header(batch.schema_ref(), formulas, &mut out);
    encode_csv(batch, None, formulas, &mut out).expect("all values are in range");
    String::from_utf8(out).expect("CSV is UTF-8")
}

fn read(csv: &str, schema: &SchemaRef, batch_rows: usize) -> Result<RecordBatch, TypedError> {
    let names = schema.fields().iter().map(|field| field.name().as_str()).collect::<Vec<_>>();
    let batches = decode_csv_typed(csv.as_bytes(), schema, &names, batch_rows)?;
    assert!(batches.iter().all(|batch| batch.num_rows() <= batch_rows && batch.num_rows() > 0));
    Ok(concat_batches(schema, &batches).expect("batches of one schema"))
}

#[track_caller]
fn round_trip(batch: &RecordBatch) -> String {
    let csv = encode(batch, Formulas::Keep);
    for batch_rows in [1, 3, 65_536] {
        let back = read(&csv, batch.schema_ref(), batch_rows).unwrap_or_else(|error| panic!("{error} in {csv:?}"));
        assert_eq!(&back, batch, "{csv:?}");
    }
    csv
}

#[test]
fn values_are_written_as_documented() {
    let batch = sample();
    let expected = "b,i,f,t,n,d,ts,m\n\
                    true,-9223372036854775808,3,\"a,b\",,1970-01-01,2025-11-13T10:35:00Z,0.05\n\
                    false,9223372036854775807,-0.1,\"\",\" x\",0000-01-01,1969-12-31T23:59:59.999999Z,-1234.56\n\
                    ,,,,\"q\"\"\",,,\n";
    assert_eq!(round_trip(&batch), expected);
}

#[test]
fn a_lone_column_has_blank_lines_for_null_texts_only() {
    let numbers: ArrayRef = Arc::new(Int64Array::from(vec![None, Some(1), None]));
    assert_eq!(round_trip(&table(vec![("a", numbers, true)])), "a\n\"\"\n1\n\"\"\n");
    assert_eq!(round_trip(&table(vec![("a", texts(&[Some(""), Some("x")]), false)])), "a\n\"\"\nx\n");
    assert_eq!(round_trip(&table(vec![("a", texts(&[None, Some(""), None]), true)])), "a\n\n\"\"\n\n");
    assert_eq!(round_trip(&table(vec![("", texts(&[None]), true)])), "\"\"\n\n");
}

#[test]
fn headers_are_quoted_like_cells() {
    let batch = table(vec![("a,b", texts(&[None]), true), ("q\"", texts(&[None]), true), (" ", texts(&[None]), true)]);
    assert_eq!(round_trip(&batch), "\"a,b\",\"q\"\"\",\" \"\n,,\n");
}

#[test]
fn formulas_are_escaped_on_demand() {
    let cells = ["=1", "+1", "-1", "@x", "\tx", "\rx", "x=1", "'=1", "=a,b", "=x "];
    let batch =
        table(vec![("a", texts(&cells.map(Some)), false), ("n", Arc::new(Int64Array::from(vec![-1; 10])), false)]);
    let expected =
        "a,n\n'=1,-1\n'+1,-1\n'-1,-1\n'@x,-1\n'\tx,-1\n\"'\rx\",-1\nx=1,-1\n'=1,-1\n\"'=a,b\",-1\n\"'=x \",-1\n";
    assert_eq!(encode(&batch, Formulas::Escape), expected);
    round_trip(&batch);
}

#[test]
fn formulas_are_escaped_in_headers_of_double_width_and_behind_blanks() {
    for formula in
        ["=1", "＝1", "＋1", "－1", "＠x", "﹣1", "−1", " =1", "\"=1", "\u{a0}@x", "\u{200b}-1", "\n1", " \" +1"]
    {
        let batch = table(vec![(formula, texts(&[Some(formula), Some("x")]), false), ("n", texts(&[None; 2]), true)]);
        let csv = encode(&batch, Formulas::Escape);
        let quoted = format!("'{}", formula.replace('"', "\"\""));
        assert_eq!(csv.matches(&quoted).count(), 2, "{formula:?}: {csv}");
        assert!(!encode(&batch, Formulas::Keep).contains('\''), "{formula:?}");
    }
    for plain in ["a=1", " a", "\"a\"", "1-2", "é=", "（=", "'=1"] {
        let batch = table(vec![(plain, texts(&[Some(plain)]), false)]);
        assert_eq!(encode(&batch, Formulas::Escape), encode(&batch, Formulas::Keep), "{plain:?}");
    }
}

#[test]
fn only_selected_rows_are_written() {
    let batch = table(vec![("a", Arc::new(Int64Array::from(vec![1, 2, 3, 4])), false)]);
    let keep = BooleanArray::from(vec![Some(true), Some(false), None, Some(true)]);
    let mut out = Vec::new();
    assert_eq!(encode_csv(&batch, Some(&keep), Formulas::Keep, &mut out), Ok(2));
    assert_eq!(out, b"1\n4\n");
    let short = BooleanArray::from(vec![true]);
    assert!(matches!(encode_csv(&batch, Some(&short), Formulas::Keep, &mut out), Err(TypedError::Shape(_))));
    let slice = batch.slice(1, 2);
    assert_eq!(encode(&slice, Formulas::Keep), "a\n2\n3\n");
}

#[test]
fn projections_are_by_name_and_in_any_order() {
    let batch = table(vec![
        ("a", Arc::new(Int64Array::from(vec![1, 2])), false),
        ("b", texts(&[Some("x\ny"), Some("\"")]), false),
        ("c", Arc::new(BooleanArray::from(vec![true, false])), false),
    ]);
    let csv = encode(&batch, Formulas::Keep);
    let project = |names: &[&str]| decode_csv_typed(csv.as_bytes(), batch.schema_ref(), names, 10);
    let expected = batch.project(&[2, 0, 2]).expect("the columns exist");
    assert_eq!(project(&["c", "a", "c"]), Ok(vec![expected]));
    assert_eq!(project(&[]).expect("no column is fine")[0].num_rows(), 2);
    let error = project(&["z"]).expect_err("there is no z");
    assert_eq!(error.to_string(), "no column z; known: a, b, c");
}

#[test]
fn values_out_of_range_are_errors_that_leave_nothing_behind() {
    let good = || -> ArrayRef { Arc::new(Int64Array::from(vec![1, 2])) };
    let columns: [ArrayRef; 5] = [
        Arc::new(Date32Array::from(vec![0, LAST_DAY + 1])),
        Arc::new(Date32Array::from(vec![0, i32::MIN])),
        Arc::new(TimestampMicrosecondArray::from(vec![0, i64::MAX]).with_timezone("UTC")),
        Arc::new(
            TimestampMicrosecondArray::from(vec![0, i64::from(FIRST_DAY) * MICROS_A_DAY - 1]).with_timezone("UTC"),
        ),
        Arc::new(Decimal128Array::from(vec![0, 1000]).with_precision_and_scale(3, 1).expect("valid")),
    ];
    for column in columns {
        let mut out = b"before".to_vec();
        let batch = table(vec![("a", good(), false), ("x", column, false)]);
        let error = encode_csv(&batch, None, Formulas::Keep, &mut out).expect_err("out of range");
        assert!(matches!(error, TypedError::OutOfRange { ref column, row: 1, .. } if column == "x"), "{error}");
        assert_eq!(out, b"before");
    }
    let other = table(vec![("a", Arc::new(arrow_array::Int8Array::from(vec![1])), false)]);
    assert!(matches!(encode_csv(&other, None, Formulas::Keep, &mut Vec::new()), Err(TypedError::Unsupported { .. })));
}

#[test]
fn deviations_name_the_line_and_the_column() {
    let schema = Arc::new(Schema::new(vec![
        Field::new("i", DataType::Int64, false),
        Field::new("t", DataType::Utf8, true),
        Field::new("d", DataType::Date32, true),
    ]));
    for (csv, expected) in [
        ("i,t\n", "line 1: expected the header i,t,d"),
        ("", "line 1: expected the header i,t,d"),
        ("i,t,d\n1,a\n", "line 2, column t: expected a comma and further columns"),
        ("i,t,d\n1,a,,\n", "line 2, column d: expected a line end after the last column"),
        ("i,t,d\n1,a,2025-01-01", "line 2: expected a line end: the file is cut short"),
        ("i,t,d\n1,a", "line 2: expected a line end: the file is cut short"),
        ("i,t,d\n\n", "line 2, column i: expected a comma and further columns"),
        ("i,t,d\n1,\"x\ny\",\nx,,\n", "line 4, column i: expected a 64-bit integer"),
        ("i,t,d\n,a,\n", "line 2, column i: expected a 64-bit integer"),
        ("i,t,d\n\"1\",a,\n", "line 2, column i: expected a 64-bit integer"),
        ("i,t,d\n1,a,\"\"\n", "line 2, column d: expected a date like 2025-11-13"),
        ("i,t,d\n1,a,\r\n", "line 2, column d: expected quotes around a cell with quotes or line ends"),
        ("i,t,d\n1,a\"b,\n", "line 2, column t: expected quotes around a cell with quotes or line ends"),
        ("i,t,d\n1,\"a\"b,\n", "line 2, column t: expected a comma or the line's end after a closing quote"),
        ("i,t,d\n1,\"a,\n", "line 2, column t: expected a closing quote"),
        ("i,t,d\n1,\"a\"\"", "line 2, column t: expected a closing quote"),
    ] {
        let error = read(csv, &schema, 10).expect_err(csv);
        assert_eq!(error.to_string(), expected, "{csv:?}");
    }
    let error = decode_csv_typed(b"i,t,d\n1,\xff,\n", &schema, &["t"], 10).expect_err("not UTF-8");
    assert_eq!(error.to_string(), "line 2: expected valid UTF-8");
    let alone = Arc::new(Schema::new(vec![Field::new("i", DataType::Int64, true)]));
    assert!(read("i\n\n", &alone, 10).is_err());
}

#[test]
fn every_value_has_one_text() {
    for text in
        ["", "-", "+1", "01", "-0", "1 ", " 1", "1.0", "9223372036854775808", "-9223372036854775809", "1e3", "٣"]
    {
        assert_eq!(parse::int(text.as_bytes()), None, "{text}");
    }
    for text in [
        "", "-", "1.", ".5", "1.0", "1.50", "00", "1e3", "nan", "+1", "infinity", "0x1", "1,5", "1_000", "--1", "1.2.3",
    ] {
        assert_eq!(parse::float(text.as_bytes()), None, "{text}");
    }
    for text in ["", "1", "1.5", "1.500", ".50", "-0.00", "01.00", "1000.00", "1.5x", "-", "1.-5"] {
        assert_eq!(parse::decimal(text.as_bytes(), 5, 2), None, "{text}");
    }
    for text in
        ["", "2025-1-1", "2025-02-29", "2025-00-01", "2025-13-01", "2025-01-32", "1900-02-29", "2025/01/01", "25-01-01"]
    {
        assert_eq!(parse::date(text.as_bytes()), None, "{text}");
    }
    for time in [
        "",
        "T10:35:00",
        "T24:00:00Z",
        "T10:60:00Z",
        "T10:35:60Z",
        " 10:35:00Z",
        "T10:35:00.5Z",
        "T10:35:00.000000Z",
        "T10:35:00+00:00",
    ] {
        assert_eq!(parse::timestamp(format!("2025-11-13{time}").as_bytes()), None, "{time}");
    }
}

#[test]
fn every_day_is_written_as_chrono_writes_it() {
    let mut out = Vec::new();
    for number in FIRST_DAY..=LAST_DAY {
        out.clear();
        write_date(number, &mut out).expect("in range");
        if number % 97 == 0 || !(FIRST_DAY + 800..LAST_DAY - 800).contains(&number) {
            let date = chrono::NaiveDate::from_epoch_days(number).expect("a date");
            assert_eq!(String::from_utf8_lossy(&out), date.format("%Y-%m-%d").to_string());
        }
        let (year, month, of_month) = civil(number);
        assert_eq!(day(year, month, of_month), Some(number));
        assert_eq!(parse::date(&out), Some(number));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn tables_round_trip(table in any_table(7)) {
        round_trip(&table);
    }

    #[test]
    fn floats_are_written_as_rust_displays_them(n in float()) {
        let mut out = Vec::new();
        write_f64(n, &mut out);
        prop_assert_eq!(String::from_utf8_lossy(&out), n.to_string());
        prop_assert_eq!(parse::float(&out).map(f64::to_bits), Some(if n.is_nan() { f64::NAN } else { n }.to_bits()));
    }

    #[test]
    fn decimals_have_as_many_digits_as_their_scale(n in -(10_i128.pow(38) - 1)..10_i128.pow(38), scale in 0..39_u8) {
        let mut out = Vec::new();
        write_decimal(n, scale, &mut out);
        let digits = format!("{:0width$}", n.unsigned_abs(), width = usize::from(scale) + 1);
        let (whole, fraction) = digits.split_at(digits.len() - usize::from(scale));
        let point = if scale > 0 { "." } else { "" };
        prop_assert_eq!(String::from_utf8_lossy(&out), format!("{}{whole}{point}{fraction}", if n < 0 { "-" } else { "" }));
    }

    #[test]
    fn timestamps_are_written_as_chrono_writes_them(seconds in -62_167_219_200..253_402_300_800_i64, micros in select(vec![0, 1, 500_000, 999_999])) {
        let mut out = Vec::new();
        write_timestamp(seconds * 1_000_000 + micros, &mut out).expect("in range");
        let time = chrono::DateTime::from_timestamp(seconds, micros as u32 * 1000).expect("in range");
        let format = if micros == 0 { "%Y-%m-%dT%H:%M:%SZ" } else { "%Y-%m-%dT%H:%M:%S%.6fZ" };
        prop_assert_eq!(String::from_utf8_lossy(&out), time.format(format).to_string());
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in vec(select(b"a,\"\n\r12-.T:Z \xff\xc3\xa9truefals".to_vec()), 0..80), rows in 1..5_usize) {
        let types = [DataType::Utf8, DataType::Int64, timestamp(), DataType::Decimal128(5, 2), DataType::Float64, DataType::Boolean];
        for data_type in types {
            let schema = Arc::new(Schema::new(vec![Field::new("a", data_type.clone(), true), Field::new("b", data_type, false)]));
            let file = [b"a,b\n", bytes.as_slice()].concat();
            let _ = decode_csv_typed(&file, &schema, &["a", "b"], rows);
        }
    }
}
