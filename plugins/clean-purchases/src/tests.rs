//! Tests of every rule of the purchases dataset, of their order, and of the figures that systems write.

use smelt_sdk::testing::{CleanedRows, cells, clean};

use super::*;

const DATE: &str = "2025-11-13";
const GOOD: [&str; 7] = ["P1", "C1", DATE, "tea", "2", "1.50", "3"];

/// Cleans rows of id, client, date, product, quantity, unit price and amount.
fn purchases_with(parameters: &str, rows: &[[&str; 7]]) -> Result<CleanedRows> {
    let rows: Vec<_> = rows.iter().map(|&row| cells(row)).collect();
    let rows: Vec<&[_]> = rows.iter().map(|row| row.as_slice()).collect();
    clean::<CleanPurchases>(parameters, &rows)
}

fn purchases(rows: &[[&str; 7]]) -> CleanedRows {
    purchases_with("{}", rows).expect("the rows are clean enough")
}

#[track_caller]
fn assert_rejected(row: [&str; 7], rule: &str) {
    let cleaned = purchases(&[row]);
    assert_eq!(cleaned.rejected, [(0, rule.to_owned())], "{row:?}");
    assert_eq!((cleaned.kept.len(), cleaned.repaired), (0, vec![]), "{row:?}");
}

/// Asserts the cells of a row that is kept, and the rules that repaired it.
#[track_caller]
fn assert_kept(row: [&str; 7], kept: [&str; 7], repairs: &[&str]) {
    let cleaned = purchases(&[row]);
    assert_eq!(cleaned.rejected, [], "{row:?}");
    assert_eq!(cleaned.kept, [kept], "{row:?}");
    let repairs: Vec<_> = repairs.iter().map(|&rule| (rule.to_owned(), 1)).collect();
    assert_eq!(cleaned.repaired, repairs, "{row:?}");
}

/// Asserts what becomes of a quantity, a unit price and an amount.
#[track_caller]
fn assert_figures([quantity, price, amount]: [&str; 3], kept: [&str; 3], repairs: &[&str]) {
    let row = ["P1", "C1", DATE, "tea", quantity, price, amount];
    assert_kept(row, ["P1", "C1", "tea", kept[0], kept[1], kept[2], DATE], repairs);
}

#[track_caller]
fn assert_figures_rejected([quantity, price, amount]: [&str; 3], rule: &str) {
    assert_rejected(["P1", "C1", DATE, "tea", quantity, price, amount], rule);
}

#[test]
fn a_good_row_is_typed_and_trimmed() {
    assert_kept(
        [" P1", "C1\u{a0}", " 2024-02-29\t", "  green tea ", " 3 ", " 19.99", "59.97\n"],
        ["P1", "C1", "green tea", "3", "19.99", "59.97", "2024-02-29"],
        &[],
    );
}

#[test]
fn the_first_flaw_in_the_order_of_the_rules_rejects_and_nothing_is_repaired() {
    // From row to row one flaw less, the first of those that remain.
    assert_rejected(["", "", "", "", "0", "-1", "-1"], "missing_purchase_id");
    assert_rejected([" ", " ", "x", "", "0", "-1", "-1"], "missing_purchase_id");
    assert_rejected(["P1", "", "", "", "0", "-1", "-1"], "missing_client_id");
    assert_rejected(["P1", "\t", "x", "", "0", "-1", "-1"], "missing_client_id");
    assert_rejected(["P1", "C1", "", "", "0", "-1", "-1"], "missing_purchase_date");
    assert_rejected(["P1", "C1", "\u{2003}", "", "0", "-1", "-1"], "missing_purchase_date");
    assert_rejected(["P1", "C1", "32/13/1999", "", "0", "-1", "-1"], "invalid_purchase_date");
    assert_rejected(["P1", "C1", "31/12/1999", "", "0", "-1", "-1"], "purchase_date_out_of_range");
    assert_rejected(["P1", "C1", "13/11/2025", "", "0", "-1", "-1"], "invalid_quantity");
    assert_rejected(["P1", "C1", "13/11/2025", "", "0", "", ""], "invalid_quantity");
    assert_rejected(["P1", "C1", "13/11/2025", "", "", "-1", "-1"], "negative_unit_price");
    assert_rejected(["P1", "C1", "13/11/2025", "", "", "-1", ""], "negative_unit_price");
    assert_rejected(["P1", "C1", "13/11/2025", "", "", "", "-1"], "negative_amount");
    assert_rejected(["P1", "C1", "13/11/2025", "", "", "", ""], "missing_amount");
}

#[test]
fn dates_outside_the_range_are_rejected_and_other_forms_repaired() {
    let row = |date| ["P1", "C1", date, "tea", "1", "1", "1"];
    for date in ["2025-02-29", "2025-11-31", "20251113", "13.11.2025", "2025-11-13T10:35Z", "never"] {
        assert_rejected(row(date), "invalid_purchase_date");
    }
    for date in ["1999-12-31", "2100-01-01", "2099-12-31T23:30:00-01:00", "9999-12-31", "01/01/1900"] {
        assert_rejected(row(date), "purchase_date_out_of_range");
    }
    for (date, written) in [
        ("2025/11/13", "2025-11-13"),
        ("13/11/2025", "2025-11-13"),
        ("13-11-2025", "2025-11-13"),
        ("2025-11-13T23:30:00-02:00", "2025-11-14"),
        ("2025-11-13 00:30:00+01", "2025-11-12"),
        ("2025-01-05 10:00:00+00", "2025-01-05"),
    ] {
        assert_kept(row(date), ["P1", "C1", "tea", "1", "1.00", "1.00", written], &["purchase_date_format"]);
    }
    for date in ["2000-01-01", "2099-12-31"] {
        assert_kept(row(date), ["P1", "C1", "tea", "1", "1.00", "1.00", date], &[]);
    }
}

#[test]
fn a_missing_product_becomes_na() {
    for product in ["", " \t"] {
        let row = ["P1", "C1", DATE, product, "1", "1", "1"];
        assert_kept(row, ["P1", "C1", "NA", "1", "1.00", "1.00", DATE], &["missing_product"]);
    }
    assert_kept(["P1", "C1", DATE, "NA", "1", "1", "1"], ["P1", "C1", "NA", "1", "1.00", "1.00", DATE], &[]);
}

#[test]
fn quantities_are_whole_however_they_are_written() {
    let forty_zeros = "0".repeat(40);
    for (quantity, kept) in [
        ("2", "2"),
        ("+2", "2"),
        ("003", "3"),
        ("2.", "2"),
        ("2.0", "2"),
        ("2e0", "2"),
        ("20e-1", "2"),
        ("20.0e-1", "2"),
        ("0.2E1", "2"),
        (".20e1", "2"),
        ("0.0001e+5", "10"),
        ("1e4", "10000"),
        ("10000", "10000"),
        (&format!("{forty_zeros}2.{forty_zeros}"), "2"),
        (&format!("2{forty_zeros}e-40"), "2"),
        (&format!("0.{forty_zeros}2e41"), "2"),
    ] {
        assert_figures([quantity, "1", "1"], [kept, "1.00", "1.00"], &[]);
    }
}

#[test]
fn other_numbers_are_invalid_quantities() {
    let forty_zeros = "0".repeat(40);
    for quantity in [
        "0",
        "-0",
        "0.0",
        "0e9",
        "-1",
        "-3",
        "2.5",
        "-0.5",
        "25e-1",
        "1e-1",
        "0.999",
        "1e-99",
        "1e-400",
        "10001",
        "10000.5",
        "999999999",
        "999999999.999",
        "-999999999",
        &format!("2.{forty_zeros}1"),
        &format!("2{forty_zeros}1e-41"),
        &format!("1.{forty_zeros}e-1"),
    ] {
        assert_figures_rejected([quantity, "1", "1"], "invalid_quantity");
    }
}

#[test]
fn the_greatest_quantity_is_a_parameter() {
    let row = |quantity| ["P1", "C1", DATE, "tea", quantity, "1", "1"];
    let rows = [row("5"), row("6"), row("")];
    let cleaned = purchases_with(r#"{"max_quantity": 5}"#, &rows).expect("a quantity");
    assert_eq!(cleaned.rejected, [(1, "invalid_quantity".to_owned())]);
    let cleaned = purchases_with(r#"{"max_quantity": 999999999}"#, &[row("999999999")]).expect("a quantity");
    assert_eq!(cleaned.kept[0][3], "999999999");
    let schema = CleanPurchases::describe().identity.parameters;
    for part in [r#""maximum":999999999"#, r#""minimum":1"#, r#""default":10000"#, r#""default":"2000-01-01""#] {
        assert!(schema.contains(part), "{schema}");
    }
}

#[test]
fn the_range_of_dates_is_a_parameter() {
    let row = |date| ["P1", "C1", date, "tea", "1", "1", "1"];
    let rows = [row("2024-12-31"), row("2025-01-01"), row("31/01/2025"), row("2025-02-01")];
    let cleaned = purchases_with(r#"{"earliest": "2025-01-01", "latest": "2025-01-31"}"#, &rows).expect("a range");
    let rule = "purchase_date_out_of_range".to_owned();
    assert_eq!(cleaned.rejected, [(0, rule.clone()), (3, rule)]);
    let fault = purchases_with(r#"{"earliest": "soon"}"#, &[]).expect_err("no date");
    assert_eq!(fault.message, "parameter `earliest` must be a date such as `2025-01-31`, is `soon`");
}

#[test]
fn a_missing_quantity_becomes_1() {
    for quantity in ["", " ", "two", "NaN", "1,5", "1 000", "0x2", "1000000000", "-1000000000", "1e9", "1e400", "２"] {
        assert_figures([quantity, "1", "1"], ["1", "1.00", "1.00"], &["missing_quantity"]);
    }
}

#[test]
fn money_is_rounded_half_away_from_zero_and_never_binary() {
    assert_figures(["1", "1.005", "2.675"], ["1", "1.01", "2.68"], &[]);
    assert_figures(["1", ".5", "5e-3"], ["1", "0.50", "0.01"], &[]);
    assert_figures(["1", "0.0049999999999999999999999999999999999999999", "1e-99"], ["1", "0.00", "0.00"], &[]);
    assert_figures(["1", "999999999.999", "999999999.994"], ["1", "1000000000.00", "999999999.99"], &[]);
}

#[test]
fn zero_and_minus_zero_are_allowed_and_less_is_not() {
    for zero in ["0", "-0", "0.00", "-0.0", "-.0", "-0e9", "0e-99"] {
        assert_figures(["1", zero, zero], ["1", "0.00", "0.00"], &[]);
    }
    let tiny = format!("-0.{}1", "0".repeat(80));
    for negative in ["-1", "-0.001", "-1e-9", "-1e-99", "-1e-400", "-.01e1", "-999999999.99", &tiny] {
        assert_figures_rejected(["1", negative, "1"], "negative_unit_price");
        assert_figures_rejected(["1", "1", negative], "negative_amount");
    }
}

#[test]
fn numbers_of_a_thousand_million_and_more_are_missing() {
    for great in ["1000000000", "1e9", "-1e9", "-1000000000.00", "1e400", "10000000000000000000000000000000000000000"] {
        assert_figures(["2", "1.50", great], ["2", "1.50", "3.00"], &["computed_amount"]);
        assert_figures(["2", great, "3"], ["2", "1.50", "3.00"], &["computed_unit_price"]);
        assert_figures_rejected(["2", great, great], "missing_amount");
    }
}

#[test]
fn what_is_not_numeric_is_missing() {
    for text in ["", " ", "free", "n/a", "?", "NaN", "inf", "1,000", "€5", "1.2.3", "--1", "-", ".", "e5", "1e"] {
        assert_figures(["2", "1.50", text], ["2", "1.50", "3.00"], &["computed_amount"]);
        assert_figures(["2", text, "3"], ["2", "1.50", "3.00"], &["computed_unit_price"]);
        assert_figures_rejected(["2", text, text], "missing_amount");
    }
}

#[test]
fn an_amount_is_computed_from_the_rounded_unit_price() {
    assert_figures(["3", "0.335", ""], ["3", "0.34", "1.02"], &["computed_amount"]);
    assert_figures(["10000", "0.004", ""], ["10000", "0.00", "0.00"], &["computed_amount"]);
    assert_figures(
        ["10000", "999999999.999", ""],
        ["10000", "1000000000.00", "10000000000000.00"],
        &["computed_amount"],
    );
    assert_figures(["two", "0.005", ""], ["1", "0.01", "0.01"], &["missing_quantity", "computed_amount"]);
}

#[test]
fn a_unit_price_is_computed_from_the_rounded_amount() {
    assert_figures(["3", "", "10"], ["3", "3.33", "10.00"], &["computed_unit_price"]);
    assert_figures(["3", "", "20"], ["3", "6.67", "20.00"], &["computed_unit_price"]);
    assert_figures(["8", "", "0.04"], ["8", "0.01", "0.04"], &["computed_unit_price"]);
    // 0.015 is rounded to 0.02 first; 0.015 ÷ 4 would come to 0.00.
    assert_figures(["4", "", "0.015"], ["4", "0.01", "0.02"], &["computed_unit_price"]);
    assert_figures(["", "", "7"], ["1", "7.00", "7.00"], &["missing_quantity", "computed_unit_price"]);
}

#[test]
fn an_amount_that_differs_from_quantity_times_price_stays() {
    assert_figures(["2", "10", "18"], ["2", "10.00", "18.00"], &[]);
    assert_figures(["2", "10", "0"], ["2", "10.00", "0.00"], &[]);
    assert_figures(["two", "10", "18"], ["1", "10.00", "18.00"], &["missing_quantity"]);
}

#[test]
fn repairs_count_once_a_rule_on_kept_rows_only() {
    let odd = ["P1", "C1", "13/11/2025", "", "", "1", ""];
    let cleaned = purchases(&[odd, odd, ["P1", "C1", "13/11/2025", "", "", "", ""], GOOD]);
    let repaired =
        [("purchase_date_format", 2), ("missing_product", 2), ("missing_quantity", 2), ("computed_amount", 2)];
    assert_eq!(cleaned.repaired, repaired.map(|(rule, rows)| (rule.to_owned(), rows)));
    assert_eq!((cleaned.kept.len(), cleaned.rejected.len()), (3, 1));
}

#[test]
fn of_purchases_with_one_id_the_later_is_kept() {
    let description = CleanPurchases::describe();
    assert_eq!(description.key, ["purchase_id"]);
    assert!(description.order_by.is_empty(), "the later object wins, then the later row");
}

#[test]
fn no_rows_give_no_rows() {
    assert_eq!(purchases(&[]).kept.len(), 0);
}
