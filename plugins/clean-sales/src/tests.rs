//! Tests of every rule of the sales dataset, of their order, and of amounts.

use smelt_sdk::testing::{CleanedRows, cells, clean};

use super::*;

const GOOD: [&str; 11] =
    ["V1", "S1", "U1", "P1", "3", "19.99", "5.00", "54.97", "2025-11-13T23:30:00-01:00", "web", "refunded"];

fn with<const N: usize>(changes: [(usize, &'static str); N]) -> [&'static str; 11] {
    let mut row = GOOD;
    changes.into_iter().for_each(|(column, cell)| row[column] = cell);
    row
}

fn sales(rows: &[[&str; 11]]) -> CleanedRows {
    let rows: Vec<_> = rows.iter().map(|&row| cells(row)).collect();
    let rows: Vec<&[_]> = rows.iter().map(|row| row.as_slice()).collect();
    clean::<CleanSales>("{}", &rows).expect("the rows can be cleaned")
}

#[track_caller]
fn assert_rejected(row: [&str; 11], rule: &str) {
    let cleaned = sales(&[row]);
    assert_eq!(cleaned.rejected, [(0, rule.to_owned())], "{row:?}");
    assert_eq!((cleaned.kept.len(), cleaned.repaired), (0, vec![]), "{row:?}");
}

/// Asserts what becomes of quantity, unit price, discount and total.
#[track_caller]
fn assert_amounts([quantity, price, discount, total]: [&'static str; 4], kept: [&str; 4], rules: &[&str]) {
    let cleaned = sales(&[with([(4, quantity), (5, price), (6, discount), (7, total)])]);
    let row = cleaned.kept.first().expect("it is kept");
    assert_eq!(row[4..8], kept, "{quantity} × {price} − {discount} = {total}");
    let rules: Vec<_> = rules.iter().map(|&rule| (rule.to_owned(), 1)).collect();
    assert_eq!(cleaned.repaired, rules);
}

#[test]
fn a_good_row_has_the_date_in_utc() {
    let cleaned = sales(&[GOOD]);
    let kept = [
        "V1",
        "S1",
        "U1",
        "P1",
        "3",
        "19.99",
        "5.00",
        "54.97",
        "2025-11-14T00:30:00Z",
        "web",
        "refunded",
        "2025-11-14",
    ];
    assert_eq!(cleaned.kept, [kept]);
    assert_eq!((cleaned.rejected, cleaned.repaired), (vec![], vec![]));
}

#[test]
fn the_first_flaw_in_the_order_of_the_rules_rejects() {
    assert_rejected([""; 11], "missing_sale_id");
    assert_rejected(with([(8, ""), (3, ""), (4, "0")]), "invalid_sold_at");
    assert_rejected(with([(8, "2025-11-13")]), "invalid_sold_at");
    assert_rejected(with([(3, " "), (4, "0")]), "missing_product_id");
    for quantity in ["", "0", "-1", "1.5", "two"] {
        assert_rejected(with([(4, quantity), (5, "-1")]), "invalid_quantity");
    }
    for price in ["", "-0.01", "-0.001", "free"] {
        assert_rejected(with([(5, price)]), "invalid_unit_price");
    }
}

#[test]
fn discounts_are_from_nothing_to_everything() {
    assert_amounts(["2", "1.50", "", "3.00"], ["2", "1.50", "0.00", "3.00"], &["missing_discount"]);
    assert_amounts(["2", "1.50", "ten", "3.00"], ["2", "1.50", "0.00", "3.00"], &["missing_discount"]);
    assert_amounts(["2", "1.50", "-0.001", "3.00"], ["2", "1.50", "0.00", "3.00"], &["negative_discount"]);
    assert_amounts(["2", "1.50", "3.01", "0.00"], ["2", "1.50", "3.00", "0.00"], &["excessive_discount"]);
    assert_amounts(["2", "1.50", "3", "0"], ["2", "1.50", "3.00", "0.00"], &[]);
    assert_amounts(["1", "0", "0", "0"], ["1", "0.00", "0.00", "0.00"], &[]);
}

#[test]
fn totals_may_be_a_cent_off() {
    assert_amounts(["3", "0.335", "0", "1.03"], ["3", "0.34", "0.00", "1.03"], &[]);
    assert_amounts(["3", "0.335", "0", "1.01"], ["3", "0.34", "0.00", "1.01"], &[]);
    assert_amounts(["3", "0.335", "0", "1.00"], ["3", "0.34", "0.00", "1.02"], &["inconsistent_total"]);
    assert_amounts(["3", "0.335", "0", "1.04"], ["3", "0.34", "0.00", "1.02"], &["inconsistent_total"]);
    assert_amounts(["2", "10", "1", ""], ["2", "10.00", "1.00", "19.00"], &["missing_total"]);
    assert_amounts(["2", "10", "", "x"], ["2", "10.00", "0.00", "20.00"], &["missing_discount", "missing_total"]);
    assert_amounts(
        ["2", "10", "30", "5"],
        ["2", "10.00", "20.00", "0.00"],
        &["excessive_discount", "inconsistent_total"],
    );
    assert_amounts(["2", "10", "0", "-20"], ["2", "10.00", "0.00", "20.00"], &["inconsistent_total"]);
}

#[test]
fn the_greatest_numbers_that_are_read_fit() {
    let most = "999999999999999999";
    assert_amounts(
        [most, "999999999999999999.995", "0", "0"],
        [most, "1000000000000000000.00", "0.00", "999999999999999999000000000000000000.00"],
        &["inconsistent_total"],
    );
}

#[test]
fn channels_and_statuses_are_filled_in() {
    let cleaned = sales(&[with([(9, ""), (10, " "), (1, ""), (2, "")])]);
    assert_eq!(cleaned.kept[0][9..11], ["unknown", "paid"]);
    assert_eq!(cleaned.kept[0][1..3], ["", ""]);
    assert_eq!(cleaned.repaired, [("missing_channel".to_owned(), 1), ("missing_status".to_owned(), 1)]);
}
