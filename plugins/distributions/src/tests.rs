//! Edge cases of distributions: metrics without values, one value, quantiles between values, fences, and large amounts.

use smelt_sdk::testing::Trial;

use super::*;

/// Returns a trial with these daily revenues.
fn of_days(revenues: &[&str]) -> Trial {
    let rows = revenues.iter().map(|revenue| format!("{revenue}\n")).collect::<String>();
    Trial::of(distributions).rows("days", &("revenue\n".to_owned() + &rows))
}

/// Returns the distribution of daily revenues.
fn days(revenues: &[&str], columns: &str) -> String {
    of_days(revenues).columns(columns).unwrap()[2].clone()
}

#[test]
fn all_nine_metrics_are_always_there() {
    let expected = [
        "amount 0 0.0000   0",
        "average_order_value 0 0.0000   0",
        "daily_revenue 0 0.0000   0",
        "days_since_previous 0 0.0000   0",
        "orders_per_client 0 0.0000   0",
        "quantity 0 0.0000   0",
        "recency_days 0 0.0000   0",
        "total_spent 0 0.0000   0",
        "unit_price 0 0.0000   0",
    ];
    assert_eq!(of_days(&[]).columns("metric count sum mean upper_whisker outliers").unwrap(), expected);
}

#[test]
fn each_metric_takes_its_column_of_the_rows_that_count() {
    let sales = "quantity,unit_price,amount,days_since_previous\n2,0.50,0.90,\n3,1.50,4.50,7\n";
    let clients = "orders,total_spent,average_order_value,recency_days\n2,5.40,2.70,3\n0,0.00,,\n";
    let trial = of_days(&["5.40"]).rows("sales", sales).rows("clients", clients);
    let expected = [
        "amount 2 5.4000",
        "average_order_value 1 2.7000",
        "daily_revenue 1 5.4000",
        "days_since_previous 1 7.0000",
        "orders_per_client 1 2.0000",
        "quantity 2 5.0000",
        "recency_days 1 3.0000",
        "total_spent 1 5.4000",
        "unit_price 2 2.0000",
    ];
    assert_eq!(trial.columns("metric count sum").unwrap(), expected);
}

#[test]
fn quantiles_lie_between_values_in_proportion() {
    let columns = "p5 p10 p25 p50 p75 p90 p95 p99 iqr mean std";
    let expected = "1.1500 1.3000 1.7500 2.5000 3.2500 3.7000 3.8500 3.9700 1.5000 2.5000 1.2910";
    assert_eq!(days(&["4.00", "1.00", "3.00", "2.00"], columns), expected);
    let expected = "7.0000 7.0000 7.0000 7.0000 7.0000 7.0000 7.0000 7.0000 0.0000 7.0000 0.0000";
    assert_eq!(days(&["7.00", "7.00", "7.00"], columns), expected);
    // The median is 5.125 and the lower quartile 5.0625.
    assert_eq!(days(&["5.00", "5.25"], "p25 p50 std"), "5.0625 5.1250 0.1768");
}

#[test]
fn one_value_has_no_spread() {
    let columns = "count mean std min p50 max iqr lower_fence lower_whisker upper_whisker outliers";
    assert_eq!(days(&["0.00"], columns), "1 0.0000  0.0000 0.0000 0.0000 0.0000 0.0000 0.0000 0.0000 0");
}

#[test]
fn a_value_on_the_fence_is_no_outlier() {
    // The quartiles are 1 and 3, so the fences are at -2 and 6.
    let columns = "p25 p75 lower_fence upper_fence lower_whisker upper_whisker outliers";
    let at_the_fences = ["-2.00", "1.00", "1.00", "2.00", "3.00", "3.00", "6.00"];
    assert_eq!(days(&at_the_fences, columns), "1.0000 3.0000 -2.0000 6.0000 -2.0000 6.0000 0");
    let beyond = ["-2.01", "1.00", "1.00", "2.00", "3.00", "3.00", "6.01"];
    assert_eq!(days(&beyond, columns), "1.0000 3.0000 -2.0000 6.0000 1.0000 3.0000 2");
}

#[test]
fn many_values_are_in_order_whatever_their_size() {
    // 1, 2, 4, … hundredths up to 2¹⁸, and as many below zero.
    let powers: Vec<String> = (0..19).flat_map(|bit| [1i64 << bit, -(1 << bit)]).map(amount).collect();
    let powers: Vec<&str> = powers.iter().map(String::as_str).collect();
    let expected = "38 0.0000 -2621.4400 -4.4800 0.0000 4.4800 2621.4400";
    assert_eq!(days(&powers, "count sum min p25 p50 p75 max"), expected);
    // All amounts from 40.00 to 60.00: two of them are in one group from 40.96 on.
    let all: Vec<String> = (4000..=6000).map(amount).collect();
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    assert_eq!(days(&all, "count sum p5 p25 p50 p95"), "2001 100050.0000 41.0000 45.0000 50.0000 59.0000");
}

fn amount(units: i64) -> String {
    Money::from_units(units.into()).to_string()
}

#[test]
fn amounts_at_the_edge_of_the_type_are_exact() {
    // The fences must fit a column with four places.
    let most = "3999999999999999999999999999999999.99";
    assert_eq!(days(&["0.00", most], "mean"), "1999999999999999999999999999999999.9950");
    assert_eq!(days(&["0.00", most], "std"), "2828427124746190097603377448419396.1501");
    assert_eq!(days(&["0.00", most], "p25"), "999999999999999999999999999999999.9975");
    assert_eq!(days(&["0.00", most], "upper_fence"), "5999999999999999999999999999999999.9850");
}
