//! Tests of every rule of the products dataset, and of cells that a schema describes.

use smelt_sdk::testing::{CleanedRows, cells, clean};

use super::*;

const GOOD: [&str; 7] = ["P1", "tea", "grocery", "5.50", "5.5", "7", "2025-11-13"];

fn with(column: usize, cell: &'static str) -> [&'static str; 7] {
    let mut row = GOOD;
    row[column] = cell;
    row
}

fn products_with(parameters: &str, rows: &[[&str; 7]]) -> Result<CleanedRows> {
    let rows: Vec<_> = rows.iter().map(|&row| cells(row)).collect();
    let rows: Vec<&[_]> = rows.iter().map(|row| row.as_slice()).collect();
    clean::<CleanProducts>(parameters, &rows)
}

fn products(rows: &[[&str; 7]]) -> CleanedRows {
    products_with("{}", rows).expect("the rows can be cleaned")
}

#[track_caller]
fn assert_rejected(row: [&str; 7], rule: &str) {
    let cleaned = products(&[row]);
    assert_eq!(cleaned.rejected, [(0, rule.to_owned())], "{row:?}");
    assert_eq!((cleaned.kept.len(), cleaned.repaired), (0, vec![]), "{row:?}");
}

#[track_caller]
fn assert_repaired(row: [&str; 7], column: usize, cell: &str, rule: &str) {
    let cleaned = products(&[row]);
    assert_eq!(cleaned.repaired, [(rule.to_owned(), 1)], "{row:?}");
    assert_eq!(cleaned.kept[0][column], cell, "{row:?}");
}

#[test]
fn a_good_row_is_typed_and_trimmed() {
    let cleaned = products(&[[" P1\t", " green tea ", "grocery", " 5.505 ", "5.5", "+7", "2024-02-29"]]);
    assert_eq!(cleaned.kept, [["P1", "green tea", "grocery", "5.51", "0.0550", "7", "2024-02-29"]]);
    assert_eq!((cleaned.rejected, cleaned.repaired), (vec![], vec![]));
}

#[test]
fn the_first_flaw_in_the_order_of_the_rules_rejects_and_nothing_is_repaired() {
    assert_rejected(["", "", "", "", "", "", ""], "missing_product_id");
    assert_rejected([" ", "", "", "-1", "", "", "x"], "missing_product_id");
    assert_rejected(["P1", "", "", "", "", "", ""], "invalid_price");
    for price in ["0", "-0.01", "0.00", "free", "1,5", "1e3"] {
        assert_rejected(with(3, price), "invalid_price");
    }
    for date in ["", "2025-02-29", "13/11/2025", "soon"] {
        assert_rejected(with(6, date), "invalid_updated_on");
    }
}

#[test]
fn whatever_is_missing_is_filled_in() {
    assert_repaired(with(2, " "), 2, "unknown", "missing_category");
    for vat in ["", "-5", "five"] {
        assert_repaired(with(4, vat), 4, "0.2000", "missing_vat_rate");
    }
    for stock in ["", "1.5", "many"] {
        assert_repaired(with(5, stock), 5, "0", "missing_stock");
    }
    assert_repaired(with(5, "-3"), 5, "0", "negative_stock");
    let without_name = products(&[with(1, "")]);
    assert_eq!((&*without_name.kept[0][1], without_name.repaired.len()), ("", 0));
    assert_eq!(products(&[with(4, "0")]).kept[0][4], "0.0000");
}

#[test]
fn a_price_below_half_a_cent_is_greater_than_0() {
    assert_eq!(products(&[with(3, "0.004")]).kept[0][3], "0.00");
}

#[test]
fn cells_are_read_by_the_schema() {
    let schema = r#"{"columns": {
        "price": {"type": "decimal", "decimal": ",", "group": " "},
        "vat": {"type": "decimal", "decimal": ",", "missing": ["n/c"]},
        "updated_on": {"type": "date", "format": "DD/MM/YYYY"},
        "shelf": {"type": "text"}}}"#;
    let parameters = format!(r#"{{"schema": {schema:?}}}"#);
    let cleaned = products_with(
        &parameters,
        &[
            ["P1", "tea", "grocery", "1\u{a0}234,50", "5,5", "7", "29/02/2024"],
            ["P2", "tea", "grocery", "1.5", "5,5", "7", "29/02/2024"],
            ["P3", "tea", "grocery", "1", "n/c", "7", "2024-02-29"],
            ["P4", "tea", "grocery", "1", "n/c", "7", "01/03/2024"],
        ],
    )
    .expect("the rows can be cleaned");
    assert_eq!(
        cleaned.kept,
        [
            ["P1", "tea", "grocery", "1234.50", "0.0550", "7", "2024-02-29"],
            ["P4", "tea", "grocery", "1.00", "0.2000", "7", "2024-03-01"],
        ]
    );
    let rejected = [(1, "invalid_price"), (2, "invalid_updated_on")].map(|(row, rule)| (row, rule.to_owned()));
    assert_eq!(cleaned.rejected, rejected);
    assert_eq!(cleaned.repaired, [("missing_vat_rate".to_owned(), 1)]);
}

#[test]
fn a_schema_that_makes_no_sense_is_refused() {
    let error = products_with(r#"{"schema": "{\"columns\": {\"price\": {\"type\": \"text\"}}}"}"#, &[]);
    let message = error.expect_err("a price is no text").message;
    assert_eq!(message, "parameter `schema`: columns.price.type: the cleaner reads integer or decimal, not text");
}
