//! Edge cases of sales-by-period: gaps, ends of the series, growth, and what is unusual.

use smelt_sdk::testing::Trial;

use super::*;

/// Returns the rows of the table, each with these columns. Sales are dates with amounts, each of another client.
fn periods(given: &str, sales: &[(&str, &str)], columns: &str) -> Vec<String> {
    let rows = sales.iter().enumerate().map(|(client, (date, amount))| format!("{date},C{client},2,{amount},1\n"));
    table_of(given, &rows.collect::<String>(), columns)
}

fn table_of(given: &str, sales: &str, columns: &str) -> Vec<String> {
    let sales = "purchase_date,client_id,quantity,amount,purchase_number\n".to_owned() + sales;
    Trial::of(sales_by_period).parameters(parameters(), given).rows("sales", &sales).columns(columns).unwrap()
}

#[test]
fn every_day_from_the_first_to_the_last_has_a_row() {
    let rows = "2025-01-01,A,2,1.00,1\n2025-01-01,A,1,2.00,2\n2025-01-01,B,1,0.00,1\n2025-01-03,A,1,4.00,3\n";
    let columns = "period orders quantity revenue clients new_clients average_order_value cumulative_revenue complete";
    let expected = [
        "2025-01-01 3 4 3.00 2 2 1.00 3.00 true",
        "2025-01-02 0 0 0.00 0 0  3.00 true",
        "2025-01-03 1 1 4.00 1 0 4.00 7.00 true",
    ];
    assert_eq!(table_of("{}", rows, columns), expected);
    assert!(table_of("{}", "", "period").is_empty());
}

#[test]
fn weeks_begin_on_monday_and_those_at_the_ends_are_complete_only_if_they_are_whole() {
    let week = r#"{"grain": "week"}"#;
    let sales = [("2024-12-31", "1.00"), ("2025-01-08", "2.00"), ("2025-01-19", "3.00")];
    let expected = ["2025-W01 2024-12-30 false", "2025-W02 2025-01-06 true", "2025-W03 2025-01-13 true"];
    assert_eq!(periods(week, &sales, "period period_start complete"), expected);
    let expected = ["2025-W02 true", "2025-W03 false"];
    assert_eq!(periods(week, &[("2025-01-06", "1.00"), ("2025-01-18", "1.00")], "period complete"), expected);
}

#[test]
fn months_are_compared_with_the_one_before_and_that_of_a_year_before() {
    let month = r#"{"grain": "month"}"#;
    let sales = [("2024-01-31", "3.00"), ("2024-02-01", "4.00"), ("2025-01-01", "2.00"), ("2025-02-28", "4.00")];
    let rows = periods(month, &sales, "period growth growth_year moving_average");
    assert_eq!(rows[..3], ["2024-01   ", "2024-02 0.3333  ", "2024-03 -1.0000  2.33"]);
    assert_eq!(rows[12..], ["2025-01  -0.3333 0.67", "2025-02 1.0000 0.0000 2.00"]);
}

#[test]
fn a_year_of_days_is_52_weeks() {
    let sales = [("2024-01-02", "8.00"), ("2024-12-31", "2.00")];
    let rows = periods(r#"{"window": 1}"#, &sales, "period growth_year moving_average");
    assert_eq!(rows.len(), 365);
    assert_eq!(rows[364], "2024-12-31 -0.7500 2.00");
    assert_eq!(rows[363], "2024-12-30  0.00");
}

#[test]
fn what_lies_beyond_three_standard_deviations_is_unusual() {
    // Mean 2.00 and sample variance 1.00: 5.00 is at three standard deviations, 5.01 beyond them.
    let sales = |last| [("2025-01-01", "1.00"), ("2025-01-02", "2.00"), ("2025-01-03", "3.00"), ("2025-01-04", last)];
    let given = r#"{"baseline": 3}"#;
    assert_eq!(periods(given, &sales("5.00"), "anomaly"), ["false", "false", "false", "false"]);
    assert_eq!(periods(given, &sales("5.01"), "anomaly"), ["false", "false", "false", "true"]);
    assert_eq!(periods(r#"{"baseline": 4}"#, &sales("99.00"), "anomaly"), ["false"; 4]);
}

#[test]
fn the_baseline_and_the_window_move_with_the_periods() {
    let sales = ["9.00", "1.00", "3.00", "1.00", "3.00", "9.00", "9.00"];
    let sales: Vec<_> = (1..).zip(sales).map(|(day, amount)| (format!("2025-01-0{day}"), amount)).collect();
    let sales: Vec<_> = sales.iter().map(|(day, amount)| (day.as_str(), *amount)).collect();
    // Of the four periods before, the sixth has mean 2.00 and sample variance 1.33, and the seventh mean 4.00 and 12.00.
    let rows = periods(r#"{"baseline": 4, "window": 2}"#, &sales, "moving_average anomaly");
    assert_eq!(rows, [" false", "5.00 false", "2.00 false", "2.00 false", "2.00 false", "6.00 true", "9.00 false"]);
}

#[test]
fn revenue_of_any_size_is_compared_exactly() {
    // As above: 1, 2, 3 and then 5 or a little more, of a unit of 36 digits.
    let amount = |units: i64| format!("{units}{}.00", "0".repeat(34));
    let given = r#"{"baseline": 3, "window": 1}"#;
    for (last, expected) in [(amount(5), "false"), (amount(5).replace(".00", ".01"), "true")] {
        let amounts = [amount(1), amount(2), amount(3), last.clone()];
        let days = ["2025-01-01", "2025-01-02", "2025-01-03", "2025-01-04"];
        let sales: Vec<_> = days.into_iter().zip(amounts.iter().map(String::as_str)).collect();
        let rows = periods(given, &sales, "moving_average growth anomaly");
        assert_eq!(rows[1], format!("{} 1.0000 false", amount(2)));
        assert_eq!(rows[3], format!("{last} 0.6667 {expected}"));
    }
    // 38 digits up and down, whose sums do not leave the column.
    let most = format!("{}.99", "9".repeat(36));
    let sales = [("2025-01-01", &*most), ("2025-01-02", &format!("-{most}")), ("2025-01-03", &most)];
    let rows = periods(r#"{"window": 3, "baseline": 2}"#, &sales, "growth moving_average anomaly");
    assert_eq!(rows[1..], ["-2.0000  false", &format!("-2.0000 {}.33 false", "3".repeat(36))]);
}

#[test]
fn another_window_reads_no_sale_again() {
    let settings = |given| {
        let description = Trial::of(sales_by_period).parameters(parameters(), given).describe().unwrap();
        let reducers = description.stages.into_iter().map(|stage| stage.reducer.params);
        description.inputs.into_iter().map(|input| input.accumulator.params).chain(reducers).collect::<Vec<_>>()
    };
    assert_eq!(settings("{}"), [r#"{"grain":"day"}"#, "{}", r#"{"grain":"day"}"#]);
    assert_eq!(settings(r#"{"window": 9}"#), [r#"{"grain":"day"}"#, "{}", r#"{"grain":"day","window":9}"#]);
    assert!(Trial::of(sales_by_period).parameters(parameters(), r#"{"grain": "year"}"#).describe().is_err());
}
