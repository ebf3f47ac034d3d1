//! Tests of every rule of the orders dataset, on the amounts and instants that systems write.

use smelt_sdk::testing::{CleanedRows, cells, clean};

use super::*;

const TS: &str = "2025-11-13T10:35:00Z";

/// Cleans rows of id, customer, product, quantity, unit price, total, instant and channel.
fn orders(rows: &[[&str; 8]]) -> CleanedRows {
    let rows: Vec<_> = rows.iter().map(|&row| cells(row)).collect();
    let rows: Vec<&[_]> = rows.iter().map(|row| row.as_slice()).collect();
    clean::<CleanOrders>("{}", &rows).expect("the rows are clean enough")
}

/// Cleans one row. Returns its quantity, unit price and total, and the rules that repaired it.
fn amounts(quantity: &str, price: &str, total: &str) -> (Vec<String>, Vec<String>) {
    let CleanedRows { kept, rejected, repaired } = orders(&[["O1", "C1", "tea", quantity, price, total, TS, "web"]]);
    assert_eq!(rejected, []);
    assert!(repaired.iter().all(|(_, rows)| *rows == 1));
    (kept[0][3..6].to_vec(), repaired.into_iter().map(|(rule, _)| rule).collect())
}

#[track_caller]
fn assert_amounts(given: [&str; 3], kept: [&str; 3], repairs: &[&str]) {
    let (is, rules) = amounts(given[0], given[1], given[2]);
    assert_eq!(is, kept, "{given:?}");
    assert_eq!(rules, repairs, "{given:?}");
}

#[test]
fn a_good_row_is_typed_and_trimmed() {
    let cleaned =
        orders(&[[" O1", "C1 ", " green tea ", " 3 ", " 19.99", "59.97\t", " 2025-11-13T23:35:00-01:00 ", " web "]]);
    let kept = ["O1", "C1", "green tea", "3", "19.99", "59.97", "2025-11-14T00:35:00Z", "web", "2025-11-14"];
    assert_eq!(cleaned.kept, [kept]);
    assert_eq!((cleaned.rejected, cleaned.repaired), (vec![], vec![]));
}

#[test]
fn customer_product_and_channel_may_be_missing() {
    let cleaned = orders(&[["O1", "", " ", "1", "1", "1", TS, "\t"]]);
    assert_eq!(cleaned.kept, [["O1", "", "", "1", "1.00", "1.00", TS, "", "2025-11-13"]]);
    assert_eq!(cleaned.repaired, []);
}

#[test]
fn rows_without_an_id_or_an_instant_are_rejected_once_and_not_repaired() {
    let good = ["O1", "C1", "tea", "1", "1", "1", TS, "web"];
    let cleaned = orders(&[
        ["", "C1", "tea", "-1", "-1", "", "x", "web"],
        good,
        [" ", "C1", "tea", "1", "1", "1", TS, "web"],
        ["O2", "C1", "tea", "-1", "-1", "", "x", "web"],
        good,
    ]);
    let (no_id, no_ts) = ("missing_order_id".to_owned(), "invalid_order_ts".to_owned());
    assert_eq!(cleaned.rejected, [(0, no_id.clone()), (2, no_id), (3, no_ts)]);
    assert_eq!(cleaned.kept.len(), 2);
    assert_eq!(cleaned.repaired, []);
}

#[test]
fn impossible_instants_are_rejected() {
    for ts in [
        "",
        " ",
        "2025-11-13",
        "2025-02-30T00:00:00Z",
        "2025-11-13T24:00:00",
        "2016-12-31T23:59:60Z",
        "32/13/2025",
        "not-a-date",
        "1763030100",
        "2025-11-13T10:35Z",
        "2025-11-13T10:35:00 Z",
        "2025-11-13 10:35:00 +00",
        "2025-11-13 10:35:00+0",
    ] {
        let cleaned = orders(&[["O1", "C1", "tea", "1", "1", "1", ts, "web"]]);
        assert_eq!(cleaned.rejected, [(0, "invalid_order_ts".to_owned())], "{ts}");
    }
    for (ts, written, date) in [
        ("2025-11-13 10:35:00", "2025-11-13T10:35:00Z", "2025-11-13"),
        ("2025-11-13T10:35:00.1234567", "2025-11-13T10:35:00.123456Z", "2025-11-13"),
        ("2025-01-01T00:00:00+00:01", "2024-12-31T23:59:00Z", "2024-12-31"),
        ("2025-01-05 10:00:00+00", "2025-01-05T10:00:00Z", "2025-01-05"),
        ("2025-01-05 00:30:00.25+01", "2025-01-04T23:30:00.250000Z", "2025-01-04"),
        ("1969-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.999999Z", "1969-12-31"),
    ] {
        let kept = orders(&[["O1", "C1", "tea", "1", "1", "1", ts, "web"]]).kept;
        assert_eq!((kept[0][6].as_str(), kept[0][8].as_str()), (written, date), "{ts}");
    }
}

#[test]
fn numbers_may_be_written_in_any_way() {
    assert_amounts(["00012", "1.5e1", "+180.000"], ["12", "15.00", "180.00"], &[]);
    assert_amounts(["-0", ".5", "-0.0"], ["0", "0.50", "0.00"], &[]);
    assert_amounts(["2.50", "5.", "12"], ["2.5", "5.00", "12.00"], &[]);
    assert_amounts(
        ["18446744073709551616", "1", "99999999999999999999.994"],
        ["18446744073709552000", "1.00", "99999999999999999999.99"],
        &[],
    );
}

#[test]
fn what_is_not_numeric_is_missing() {
    for amount in [
        "",
        " ",
        "NaN",
        "Infinity",
        "-inf",
        "1e400",
        "-1e400",
        "1e20",
        "-1e20",
        "100000000000000000000",
        "1,5",
        "1 000",
        "0x10",
        "true",
        "null",
        "twelve",
        "１",
        "12€",
        "{}",
    ] {
        assert_amounts([amount, "2", "7"], ["0", "2.00", "7.00"], &["missing_quantity"]);
        assert_amounts(["3", amount, "7"], ["3", "0.00", "7.00"], &["missing_unit_price"]);
        assert_amounts(["3", "2", amount], ["3", "2.00", "6.00"], &["missing_total"]);
    }
    assert_amounts(["99999999999999999999.999", "2", "7"], ["100000000000000000000", "2.00", "7.00"], &[]);
}

#[test]
fn negative_amounts_are_repaired() {
    for amount in ["-3", "-0.001", "-1e-30", "-99999999999999999999"] {
        assert_amounts([amount, "2", "7"], ["0", "2.00", "7.00"], &["negative_quantity"]);
        assert_amounts(["3", amount, "7"], ["3", "0.00", "7.00"], &["negative_unit_price"]);
        assert_amounts(["3", "2", amount], ["3", "2.00", "6.00"], &["negative_total"]);
    }
    // With 38 digits, a number so small is zero, which is not negative.
    assert_amounts(["-1e-100", "2", "7"], ["0", "2.00", "7.00"], &[]);
}

#[test]
fn totals_are_computed_from_repaired_amounts() {
    assert_amounts(["-3", "19.99", ""], ["0", "19.99", "0.00"], &["negative_quantity", "missing_total"]);
    assert_amounts(["3", "-19.99", "-1"], ["3", "0.00", "0.00"], &["negative_unit_price", "negative_total"]);
    assert_amounts(["", "", ""], ["0", "0.00", "0.00"], &["missing_quantity", "missing_unit_price", "missing_total"]);
    assert_amounts(["", "5", "-5"], ["0", "5.00", "0.00"], &["missing_quantity", "negative_total"]);
}

#[test]
fn a_given_total_stays_whatever_the_amounts_say() {
    assert_amounts(["2", "10", "0"], ["2", "10.00", "0.00"], &[]);
    assert_amounts(["-2", "10", "99.99"], ["0", "10.00", "99.99"], &["negative_quantity"]);
}

#[test]
fn money_is_rounded_half_away_from_zero_and_never_binary() {
    assert_amounts(["1", "1.005", "2.675"], ["1", "1.01", "2.68"], &[]);
    assert_amounts(["1", "0.0049999999999999999999999999999999999999999", "1e-9"], ["1", "0.00", "0.00"], &[]);
    // The price is rounded before the multiplication, the total after it.
    assert_amounts(["3", "0.335", ""], ["3", "0.34", "1.02"], &["missing_total"]);
    assert_amounts(["2.5", "0.01", ""], ["2.5", "0.01", "0.03"], &["missing_total"]);
    assert_amounts(["0.1", "0.10", ""], ["0.1", "0.10", "0.01"], &["missing_total"]);
    assert_amounts(["1.005", "1", ""], ["1.005", "1.00", "1.01"], &["missing_total"]);
}

#[test]
fn computed_totals_use_every_digit_written_and_are_bounded() {
    assert_amounts(
        ["0.33333333333333333333333333333333333333", "10", ""],
        ["0.3333333333333333", "10.00", "3.33"],
        &["missing_total"],
    );
    assert_amounts(
        ["18446744073709551616", "0.01", ""],
        ["18446744073709552000", "0.01", "184467440737095516.16"],
        &["missing_total"],
    );
    assert_amounts(
        ["1e15", "1e15", ""],
        ["1000000000000000", "1000000000000000.00", "1000000000000000000000000000000.00"],
        &["missing_total"],
    );
    assert_amounts(
        ["1e15", "1000000000000000.01", ""],
        ["1000000000000000", "1000000000000000.01", "0.00"],
        &["missing_total"],
    );
    assert_amounts(
        ["9e19", "9e19", ""],
        ["90000000000000000000", "90000000000000000000.00", "0.00"],
        &["missing_total"],
    );
}

#[test]
fn repairs_are_counted_by_row() {
    let row = |quantity| ["O1", "C1", "tea", quantity, "1", "1", TS, "web"];
    let cleaned = orders(&[row("-1"), row(""), row("1"), row("-2")]);
    assert_eq!(cleaned.repaired, [("missing_quantity".to_owned(), 1), ("negative_quantity".to_owned(), 2)]);
}

#[test]
fn of_orders_with_one_id_the_latest_is_preferred() {
    let description = CleanOrders::describe();
    assert_eq!(description.key, ["order_id"]);
    let order: Vec<_> = description.order_by.iter().map(|order| (order.column.as_str(), order.prefer)).collect();
    assert_eq!(order, [("order_ts", Preference::Greatest)]);
}
