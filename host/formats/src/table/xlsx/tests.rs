//! Tests that another hand's reader finds in a workbook what was written, and that Excel would.

use std::io::{Cursor, Read};
use std::slice::from_ref;
use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, RecordBatch,
    TimestampMicrosecondArray,
};
use calamine::{Data, Reader, Xlsx};
use proptest::collection::vec;
use proptest::prelude::*;
use smelt_common::error::{Kind, Result};

use super::super::testing::{cut, empty};
use super::Workbook;
use crate::values::testing::{any_table, sample, table, texts};

fn try_workbook(sheets: &[(&str, &[RecordBatch])]) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut book = Workbook::new()?;
    for (name, batches) in sheets {
        book.sheet(name, batches[0].schema())?;
        for batch in *batches {
            book.write(batch)?;
        }
    }
    book.finish(&mut bytes)?;
    Ok(bytes)
}

fn workbook(sheets: &[(&str, &[RecordBatch])]) -> Vec<u8> {
    try_workbook(sheets).expect("the tables can be written")
}

fn refusal(sheets: &[(&str, &[RecordBatch])]) -> String {
    let error = try_workbook(sheets).expect_err("Excel cannot have it");
    assert_eq!(error.kind(), Kind::InvalidConfig);
    error.to_string()
}

/// Returns the cells of a sheet, as the reader has them.
fn cells(bytes: Vec<u8>, sheet: &str) -> Vec<Vec<Data>> {
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).expect("a workbook");
    let range = book.worksheet_range(sheet).expect("the sheet");
    range.rows().map(<[Data]>::to_vec).collect()
}

/// Returns the cells below the header of a table of one column, which has a value in every row.
fn column(array: ArrayRef) -> Vec<Data> {
    let cells = cells(workbook(&[("t", &[table(vec![("c", array, true)])])]), "t");
    cells.into_iter().skip(1).map(|mut row| row.remove(0)).collect()
}

/// Returns a file of the archive.
fn part(bytes: &[u8], name: &str) -> String {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).expect("an archive");
    let mut text = String::new();
    archive.by_name(name).expect(name).read_to_string(&mut text).expect("UTF-8");
    text
}

fn text(text: &str) -> Data {
    Data::String(text.to_owned())
}

#[test]
fn a_sheet_has_a_header_that_stays_and_filters() {
    let rows: &[_] = &[sample()];
    let bytes = workbook(&[("first", rows), ("second", &[empty(&sample())])]);
    let first = part(&bytes, "xl/worksheets/sheet1.xml");
    assert!(first.contains(r#"<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>"#), "{first}");
    assert!(first.contains(r#"<autoFilter ref="A1:H4"/>"#), "{first}");
    let second = part(&bytes, "xl/worksheets/sheet2.xml");
    assert!(second.contains(r#"<autoFilter ref="A1:H1"/>"#), "{second}");
    let styles = part(&bytes, "xl/styles.xml");
    for format in ["yyyy\\-mm\\-dd", "yyyy\\-mm\\-dd\\ hh:mm:ss"].map(|format| format.replace('\\', "")) {
        assert!(styles.contains(&format!("formatCode=\"{format}\"")), "{styles}");
    }
    assert!(styles.contains("<b/>"), "{styles}");

    let names = ["b", "i", "f", "t", "n", "d", "ts", "m"].map(text).to_vec();
    assert_eq!(cells(bytes.clone(), "first")[0], names);
    assert_eq!(cells(bytes, "second"), [names]);
}

#[test]
fn values_are_what_excel_calculates_with() {
    assert_eq!(column(Arc::new(BooleanArray::from(vec![true, false]))), [Data::Bool(true), Data::Bool(false)]);
    let floats = vec![1.5, -0.1, 1e300, 5e-7];
    let expected = floats.iter().copied().map(Data::Float).collect::<Vec<_>>();
    assert_eq!(column(Arc::new(Float64Array::from(floats))), expected);
    assert_eq!(column(Arc::new(Float64Array::from(vec![f64::NAN, f64::INFINITY]))), [text("NaN"), text("inf")]);

    // 2025-11-13 is day 45974 of Excel; 10:30 is 0.4375 of a day.
    let days: ArrayRef = Arc::new(Date32Array::from(vec![20_405]));
    let times: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![1_763_029_800_000_000]).with_timezone("UTC"));
    let serials = [days, times].map(|array| match column(array).remove(0) {
        Data::DateTime(time) => time.as_f64(),
        other => panic!("{other:?} is no date"),
    });
    assert_eq!(serials, [45_974.0, 45_974.437_5]);
}

#[test]
fn days_that_excel_lacks_are_text() {
    // 1900-02-28 and 1900-03-01, between which Excel has a day that never was; 9999-12-31.
    let days = column(Arc::new(Date32Array::from(vec![-25_509, -25_508, 2_932_896])));
    assert_eq!(days[0], text("1900-02-28"));
    assert!(matches!(&days[1], Data::DateTime(time) if time.as_f64() == 61.0), "{days:?}");
    assert!(matches!(&days[2], Data::DateTime(time) if time.as_f64() == 2_958_465.0), "{days:?}");
    let times = TimestampMicrosecondArray::from(vec![-25_509 * 86_400_000_000 + 1]).with_timezone("UTC");
    assert_eq!(column(Arc::new(times)), [text("1900-02-28T00:00:00.000001Z")]);
}

#[test]
fn numbers_that_excel_would_round_are_text() {
    let longest = 999_999_999_999_999;
    let numbers = vec![longest, -longest, longest + 1, 1_000_000_000_000_001, i64::MIN];
    let expected = [
        Data::Float(999_999_999_999_999.0),
        Data::Float(-999_999_999_999_999.0),
        Data::Float(1e15),
        text("1000000000000001"),
        text("-9223372036854775808"),
    ];
    assert_eq!(column(Arc::new(Int64Array::from(numbers))), expected);

    let decimals = |values: Vec<i128>, scale| {
        column(Arc::new(Decimal128Array::from(values).with_precision_and_scale(38, scale).expect("valid")))
    };
    let long = 1_234_567_890_123_456;
    let expected = [Data::Float(0.12), Data::Float(-1234.5), text("1234567890123.456")];
    assert_eq!(decimals(vec![120, -1_234_500, long], 3), expected);
    assert_eq!(decimals(vec![5], 31), [text("0.0000000000000000000000000000005")]);
    assert_eq!(decimals(vec![5], 30), [Data::Float(5e-30)]);
}

#[test]
fn decimals_show_their_places() {
    let decimal = |precision, scale| -> ArrayRef {
        Arc::new(Decimal128Array::from(vec![12]).with_precision_and_scale(precision, scale).expect("valid"))
    };
    let batch = table(vec![("m", decimal(10, 2), false), ("n", decimal(5, 0), false), ("r", decimal(38, 4), false)]);
    let styles = part(&workbook(&[("t", &[batch])]), "xl/styles.xml");
    for format in ["#,##0", "#,##0.00", "#,##0.0000"] {
        assert!(styles.contains(&format!("formatCode=\"{format}\"")), "{styles}");
    }
}

#[test]
fn text_is_text_whatever_it_says() {
    let odd = [
        "=1+1",
        "{=1}",
        "https://example.org",
        "mailto:a@b.c",
        "12",
        "1e5",
        "TRUE",
        "#N/A",
        " blanks ",
        "two\nlines",
        "<b>&\"'",
        "_x0041_",
        "\u{1}\u{8}\u{1f}",
        "a\rb\r\nc\td",
        "\u{fffe}\u{ffff}",
        "\u{7f}\u{85}\u{2028}😀",
        "'=1",
    ];
    let bytes = workbook(&[("t", &[table(vec![("c", texts(&odd.map(Some)), false)])])]);
    let sheet = part(&bytes, "xl/worksheets/sheet1.xml");
    assert!(!sheet.contains("<f>") && !sheet.contains("<hyperlink"), "{sheet}");
    assert!(sheet.contains("_x005F_x0041_") && sheet.contains("_x0001__x0008__x001F_"), "{sheet}");
    assert!(!sheet.contains(|c: char| c.is_control() && c != '\n' && c != '\t' && c != '\u{7f}' && c != '\u{85}'));
    let cells = cells(bytes, "t");
    for (cell, expected) in cells[1..].iter().zip(odd) {
        assert_eq!(cell[0], text(expected));
    }
}

#[test]
fn missing_values_and_empty_text_are_empty_cells() {
    let batch = table(vec![
        ("a", texts(&[None, Some(""), Some("x")]), true),
        ("b", Arc::new(Int64Array::from(vec![Some(1), None, None])), true),
    ]);
    let rows = cells(workbook(&[("t", &[batch])]), "t");
    let expected =
        [[text("a"), text("b")], [Data::Empty, Data::Float(1.0)], [Data::Empty, Data::Empty], [text("x"), Data::Empty]];
    assert_eq!(rows, expected.map(|row| row.to_vec()));
}

#[test]
fn what_excel_cannot_hold_is_refused_by_its_place() {
    let fits = "é".repeat(32_767);
    let wide = "😀".repeat(16_384);
    let batch = |value: &str| table(vec![("c", texts(&[Some(value)]), true)]);
    assert!(try_workbook(&[("t", &[batch(&fits)])]).is_ok());
    assert_eq!(
        refusal(&[("t", &[batch("x"), batch(&wide)])]),
        "row 1 of column c of the sheet `t` has a text of more than 32767 characters, and Excel takes no more: write csv or parquet"
    );

    let most = 1_048_575;
    let rows = |rows| table(vec![("c", Arc::new(Int64Array::new_null(rows)), true)]);
    assert!(try_workbook(&[("t", &[rows(most)])]).is_ok());
    assert_eq!(
        refusal(&[("t", &[rows(most), rows(1)])]),
        "the sheet `t` would have more than 1048575 rows, and Excel has no more: write csv or parquet"
    );
}

#[test]
fn names_that_excel_refuses_are_refused() {
    let rows: &[_] = &[sample()];
    let longest = "x".repeat(31);
    for (name, wrong) in [
        ("", "is empty"),
        (&*format!("{longest}x"), "is too long"),
        ("a/b", "has a character that Excel forbids"),
        ("a\u{1}", "has a character that Excel forbids"),
        ("'a", "begins or ends with `'`"),
        ("History", "is Excel's own"),
        ("FIRST", "is taken"),
    ] {
        let message = refusal(&[("first", rows), (name, rows)]);
        assert!(message.starts_with(&format!("the sheet's name `{name}` {wrong}; ")), "{message}");
    }
    assert!(try_workbook(&[(&longest, rows)]).is_ok());
    assert_eq!(try_workbook(&[]).expect_err("no sheet").kind(), Kind::Internal);
}

#[test]
fn no_clock_is_in_a_workbook() {
    let bytes = workbook(&[("t", &[sample()])]);
    let core = part(&bytes, "docProps/core.xml");
    assert!(core.contains("2000-01-01T00:00:00Z"), "{core}");
    assert_eq!(core.matches("T00:00:00Z").count(), core.matches("W3CDTF").count(), "{core}");
    let mut archive = zip::ZipArchive::new(Cursor::new(&bytes)).expect("an archive");
    for at in 0..archive.len() {
        let file = archive.by_index(at).expect("a file");
        assert_eq!(file.last_modified().map(|time| time.year()), Some(1980), "{:?}", file.name());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_table_is_a_workbook_with_the_same_bytes_in_any_batches(table in any_table(7), sizes in vec(1..4_usize, 1..5)) {
        let whole: &[_] = from_ref(&table);
        let bytes = workbook(&[("one", whole), ("two", whole)]);
        let batches = cut(&table, &sizes);
        prop_assert!(bytes == workbook(&[("one", &batches), ("two", &batches)]));
        prop_assert_eq!(cells(bytes.clone(), "one"), cells(bytes.clone(), "two"));
        prop_assert_eq!(cells(bytes, "one")[0].len(), table.num_columns());
    }
}
