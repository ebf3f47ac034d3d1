//! Edge cases of sales-forecast: which months count, lines that fall or lie flat, and amounts at the edge of the type.

use smelt_sdk::testing::Trial;

use super::*;

/// Returns the rows of the table, each with these columns. Months are given with their revenue, and are complete.
fn forecasts(given: &str, day: &str, months: &[(&str, &str)], columns: &str) -> Vec<String> {
    let rows = months.iter().map(|(month, revenue)| format!("{month}-01,{revenue},true\n"));
    forecasts_of(given, day, &rows.collect::<String>(), columns)
}

fn forecasts_of(given: &str, day: &str, rows: &str, columns: &str) -> Vec<String> {
    let trial = Trial::of(sales_forecast).parameters(parameters(), given).as_of(day);
    trial.rows("months", &("period_start,revenue,complete\n".to_owned() + rows)).columns(columns).unwrap()
}

#[test]
fn months_go_on_along_the_line() {
    // By hand: a = 1.1666…, b = 1, and the squares about the line are 1/6 of those about the mean: r² = 2 ÷ (2 + 1/6).
    let months = [("2024-10", "1.00"), ("2024-11", "2.50"), ("2024-12", "3.00")];
    let columns = "month month_start forecast trend r_squared months_used";
    let expected = ["2025-01 2025-01-01 4.17 1.00 0.9231 3", "2025-02 2025-02-01 5.17 1.00 0.9231 3"];
    assert_eq!(forecasts(r#"{"horizon": 2}"#, "2025-01-31", &months, columns), expected);
}

#[test]
fn only_the_last_complete_months_before_that_of_the_day_count() {
    let rows = "\
2024-07-01,9.00,false
2024-08-01,9.00,true
2024-09-01,1.00,true
2024-10-01,2.00,true
2024-11-01,3.00,true
2024-12-01,4.00,true
2025-01-01,9.00,true
2025-02-01,9.00,false
";
    let given = r#"{"history": 4, "horizon": 1}"#;
    let columns = "month forecast trend r_squared months_used";
    assert_eq!(forecasts_of(given, "2025-01-01", rows, columns), ["2025-01 5.00 1.00 1.0000 4"]);
    // Where sales have ended, the month after the last one comes next.
    let rows = "2024-09-01,1.00,true\n2024-10-01,2.00,true\n2024-11-01,3.00,true\n";
    assert_eq!(forecasts_of(given, "2026-05-05", rows, columns), ["2024-12 4.00 1.00 1.0000 3"]);
}

#[test]
fn two_months_make_no_line() {
    let months = [("2024-11", "1.00"), ("2024-12", "2.00")];
    assert!(forecasts("{}", "2025-01-31", &months, "month").is_empty());
    assert!(forecasts("{}", "2025-01-31", &[], "month").is_empty());
    let months = [("2024-10", "1.00"), ("2024-11", "1.00"), ("2024-12", "2.00")];
    assert!(forecasts(r#"{"history": 2}"#, "2025-01-31", &months, "month").is_empty());
    assert!(forecasts("{}", "2024-12-31", &months, "month").is_empty());
}

#[test]
fn revenue_does_not_fall_below_zero_and_equal_months_have_no_correlation() {
    let falling = [("2024-10", "9.00"), ("2024-11", "4.00"), ("2024-12", "0.00")];
    let expected = ["2025-01 0.00 -4.50", "2025-02 0.00 -4.50", "2025-03 0.00 -4.50"];
    assert_eq!(forecasts("{}", "2025-01-01", &falling, "month forecast trend"), expected);
    let flat = [("2024-10", "7.00"), ("2024-11", "7.00"), ("2024-12", "7.00")];
    let expected = ["7.00 0.00 ", "7.00 0.00 ", "7.00 0.00 "];
    assert_eq!(forecasts("{}", "2025-01-01", &flat, "forecast trend r_squared"), expected);
}

#[test]
fn amounts_at_the_edge_of_the_type_are_exact() {
    let most = "999999999999999999999999999999999999.99";
    let rows = [("2024-10", most), ("2024-11", most), ("2024-12", most)];
    assert_eq!(forecasts(r#"{"horizon": 1}"#, "2025-01-01", &rows, "forecast"), [most]);
    let rows = [("2024-10", most), ("2024-11", "0.00"), ("2024-12", "0.00")];
    let expected = ["0.00 -500000000000000000000000000000000000.00 0.7500"];
    assert_eq!(forecasts(r#"{"horizon": 1}"#, "2025-01-01", &rows, "forecast trend r_squared"), expected);
}

#[test]
fn only_the_last_part_is_told_parameters_and_the_day() {
    let description = Trial::of(sales_forecast).parameters(parameters(), "{}").describe().unwrap();
    let input = &description.inputs[0].accumulator;
    assert!(input.params == "{}" && !input.uses_as_of && description.stages[0].reducer.uses_as_of);
}
