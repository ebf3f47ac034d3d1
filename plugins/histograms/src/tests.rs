//! Edge cases of histograms: limits of bins, equal values, no values, and large amounts.

use smelt_sdk::testing::Trial;

use super::*;

/// Returns the bins of daily revenues.
fn days(bins: i64, revenues: &[&str], columns: &str) -> Vec<String> {
    let rows = revenues.iter().map(|revenue| format!("{revenue}\n")).collect::<String>();
    let trial = Trial::of(histograms).parameters(parameters(), &format!(r#"{{"bins": {bins}}}"#));
    trial.rows("days", &("revenue\n".to_owned() + &rows)).columns(columns).unwrap()
}

#[test]
fn a_value_at_a_limit_is_in_the_upper_bin_and_the_greatest_in_the_last() {
    let revenues = ["0.00", "0.33", "0.34", "0.66", "0.67", "1.00", "1.00"];
    let expected = [
        "daily_revenue 1 0.0000 0.3333 2 0.2857",
        "daily_revenue 2 0.3333 0.6667 2 0.2857",
        "daily_revenue 3 0.6667 1.0000 3 0.4286",
    ];
    assert_eq!(days(3, &revenues, "metric bin lower upper count share"), expected);
    assert_eq!(days(2, &["0.00", "0.50", "1.00"], "bin count"), ["1 1", "2 2"]);
    assert_eq!(
        days(4, &["-1.00", "-0.50", "1.00"], "bin lower upper count"),
        ["1 -1.0000 -0.5000 1", "2 -0.5000 0.0000 1", "3 0.0000 0.5000 0", "4 0.5000 1.0000 1"]
    );
}

#[test]
fn equal_values_are_in_one_bin_and_none_are_in_none() {
    assert_eq!(days(20, &["7.00", "7.00"], "bin lower upper count share"), ["1 7.0000 7.0000 2 1.0000"]);
    assert!(days(20, &[], "bin").is_empty());
}

#[test]
fn more_bins_than_values_are_empty_between_them() {
    let bins = days(300, &["0.00", "0.01"], "count");
    assert_eq!((bins.len(), bins[0].as_str(), bins[299].as_str()), (300, "1", "1"));
    assert!(bins[1..299].iter().all(|count| count == "0"));
}

#[test]
fn amounts_at_the_edge_of_the_type_have_bins() {
    let most = "9999999999999999999999999999999999.99";
    let expected = [
        "1 -9999999999999999999999999999999999.9900 -3333333333333333333333333333333333.3300 1",
        "2 -3333333333333333333333333333333333.3300 3333333333333333333333333333333333.3300 1",
        "3 3333333333333333333333333333333333.3300 9999999999999999999999999999999999.9900 1",
    ];
    assert_eq!(days(3, &[&format!("-{most}"), "0.00", most], "bin lower upper count"), expected);
}

#[test]
fn only_the_last_part_is_told_the_number_of_bins() {
    let description = Trial::of(histograms).parameters(parameters(), "{}").describe().unwrap();
    assert!(description.inputs.iter().all(|input| input.accumulator.params == "{}"));
    assert_eq!(description.stages[0].reducer.params, "{}");
    assert_eq!(description.stages[1].reducer.params, r#"{"bins":20}"#);
}
