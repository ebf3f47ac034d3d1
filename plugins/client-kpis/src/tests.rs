//! Edge cases of client-kpis: ties, ends of tenure, clients without purchases or without a record.

use smelt_sdk::testing::Trial;

use super::*;

const CLIENTS: &str = "client_id,email_h,signup_date,country\n";
const SALES: &str = "client_id,purchase_date,quantity,amount\n";

/// Returns the rows of the table, each with these columns. The day is 2025-01-31.
fn kpis(given: &str, clients: &[&str], sales: &[&str], columns: &str) -> Vec<String> {
    let rows = |header: &str, rows: &[&str]| {
        header.to_owned() + &rows.iter().map(|row| format!("{row}\n")).collect::<String>()
    };
    let trial = Trial::of(client_kpis).parameters(parameters(), given).as_of("2025-01-31");
    let trial = trial.rows("clients", &rows(CLIENTS, clients)).rows("sales", &rows(SALES, sales));
    trial.columns(columns).unwrap()
}

#[test]
fn clients_come_by_what_they_spent_and_then_by_id() {
    let clients = ["B,,2025-01-01,FR", "A,,2025-01-01,DE", "N,,2025-01-01,IT"];
    let sales = ["B,2025-01-02,1,5.00", "A,2025-01-02,2,5.00", "X,2025-01-02,1,0.00", "Y,2025-01-03,3,5.01"];
    let expected =
        ["Y NA  3 5.01", "A DE 2025-01-01 2 5.00", "B FR 2025-01-01 1 5.00", "N IT 2025-01-01 0 0.00", "X NA  1 0.00"];
    assert_eq!(kpis("{}", &clients, &sales, "client_id country signup_date quantity total_spent"), expected);
}

#[test]
fn a_client_without_purchases_is_a_prospect() {
    let all = "orders quantity total_spent average_order_value tenure_days purchase_frequency lifetime_value \
               churn_probability predicted_value rfm_score segment status high_value";
    assert_eq!(kpis("{}", &["A,,2025-01-01,FR"], &[], all), ["0 0 0.00    0.00    no_purchase prospect false"]);
    assert!(kpis("{}", &[], &[], "client_id").is_empty());
}

#[test]
fn tenure_begins_with_the_first_purchase_or_sign_up_and_ends_with_the_day_or_the_last_purchase() {
    let clients = ["A,,2025-01-21,FR", "B,,2025-01-01,FR"];
    let sales = [
        "A,2025-01-11,1,1.00",
        "A,2025-01-12,1,1.00",
        "A,2025-01-14,1,1.00",
        "B,2025-02-03,1,1.00",
        "B,2025-01-02,1,1.00",
    ];
    let columns = "client_id tenure_days recency_days purchase_frequency days_between_purchases";
    assert_eq!(kpis("{}", &clients, &sales, columns), ["A 21 17 3.0000 1.5000", "B 34 0 1.7647 32.0000"]);
}

#[test]
fn equal_values_have_equal_scores_and_purchases_after_the_day_are_as_recent_as_those_of_the_day() {
    let sales = [
        "A,2025-01-31,1,1.00",
        "B,2025-02-09,1,1.00",
        "C,2025-01-01,1,1.00",
        "C,2025-01-02,1,9.00",
        "D,2025-01-01,1,2.00",
        "E,2025-01-30,1,3.00",
    ];
    let expected =
        ["C 255 cant_lose", "E 314 about_to_sleep", "D 113 hibernating", "A 411 promising", "B 411 promising"];
    let scores = kpis("{}", &[], &sales, "client_id rfm_score segment");
    assert_eq!(scores, expected);
}

#[test]
fn a_client_is_active_up_to_the_limit_of_days() {
    let sales = ["A,2024-11-02,1,1.00", "B,2024-11-01,1,1.00"];
    assert_eq!(kpis("{}", &[], &sales, "client_id status"), ["A active", "B inactive"]);
    assert_eq!(kpis(r#"{"active_days": 91}"#, &[], &sales, "client_id status"), ["A active", "B active"]);
}

#[test]
fn churn_and_value_follow_their_formulas() {
    // Tenure 61, silent for 30: p = (90 + 31) ÷ (90 + 61), twice. Value = p × 20 × 365 ÷ 151 × 0.8 ÷ 0.3.
    let sales = ["A,2024-12-02,1,5.00", "A,2025-01-01,1,15.00"];
    let columns = "churn_probability lifetime_value predicted_value";
    assert_eq!(kpis("{}", &[], &sales, columns), ["0.3579 20.00 82.78"]);
    // Without a prior p = 31 ÷ 61, twice; nobody can be kept for ever.
    let given = r#"{"prior_days": 0, "margin_percent": 50, "retention_percent": 100, "discount_percent": 0}"#;
    assert_eq!(kpis(given, &[], &sales, columns), ["0.7417 10.00 "]);
}

#[test]
fn segments_are_those_of_the_table() {
    let expected = [
        "hibernating hibernating at_risk at_risk cant_lose",
        "hibernating hibernating at_risk at_risk cant_lose",
        "about_to_sleep about_to_sleep need_attention loyal loyal",
        "promising potential_loyalist potential_loyalist loyal loyal",
        "new potential_loyalist potential_loyalist champion champion",
    ];
    for (r, expected) in (1..).zip(expected) {
        assert_eq!((1..=5).map(|f| segment(r, f)).collect::<Vec<_>>().join(" "), expected);
    }
}

#[test]
fn only_the_last_part_is_told_parameters_and_the_day() {
    let description = Trial::of(client_kpis).parameters(parameters(), "{}").describe().unwrap();
    let mut settings: Vec<_> = description.inputs.iter().map(|input| &input.accumulator).collect();
    settings.push(&description.stages[0].reducer);
    assert!(settings.iter().all(|setting| setting.params == "{}" && !setting.uses_as_of));
    assert!(description.stages[1].reducer.uses_as_of);
}
