//! Edge cases of gold-summary: no rows at all, ties, and the ends of both windows of 30 days.

use smelt_sdk::testing::Trial;

use super::*;

/// Returns the figures of these columns. The day is 2025-03-31.
fn figures(sales: &[&str], clients: &[&str], columns: &str) -> String {
    let rows = |header: &str, rows: &[&str]| {
        header.to_owned() + &rows.iter().map(|row| format!("{row}\n")).collect::<String>()
    };
    let sales = rows("purchase_date,country,product,quantity,amount,days_since_previous\n", sales);
    let clients = rows("client_id,orders,total_spent,churn_probability,predicted_value,status,high_value\n", clients);
    let trial = Trial::of(gold_summary).as_of("2025-03-31").rows("sales", &sales).rows("clients", &clients);
    let [row] = trial.columns(columns).unwrap().try_into().expect("the table has one row");
    row
}

#[test]
fn there_is_one_row_even_without_sales_and_clients() {
    let columns = "as_of first_purchase_date revenue orders average_order_value clients repeat_rate products \
                   top_product top_client best_day growth_30d average_churn_probability predicted_value";
    assert_eq!(figures(&[], &[], columns), "2025-03-31  0.00 0  0  0      0.00");
}

#[test]
fn the_first_of_equals_is_at_the_top() {
    let sales = ["2025-01-02,FR,tea,1,5.00,", "2025-01-01,DE,ink,2,5.00,", "2025-01-03,AT,pen,3,0.00,"];
    let clients =
        ["B,1,5.00,0.1000,1.00,active,false", "A,2,5.00,0.2000,2.50,inactive,true", "C,0,0.00,,,prospect,false"];
    let columns = "top_product top_product_revenue top_country top_country_revenue best_day best_day_revenue \
                   top_client top_client_revenue products countries";
    assert_eq!(figures(&sales, &clients, columns), "ink 5.00 DE 5.00 2025-01-01 5.00 A 5.00 3 3");
    let nothing = ["2025-01-02,FR,tea,1,0.00,", "2025-01-01,DE,ink,1,0.00,"];
    let columns = "top_product top_product_revenue best_day best_day_revenue orders quantity average_order_value";
    assert_eq!(figures(&nothing, &[], columns), "ink 0.00 2025-01-01 0.00 2 2 0.00");
}

#[test]
fn clients_are_counted_by_what_they_are() {
    let clients = [
        "A,2,30.00,0.5000,3.00,inactive,true",
        "B,1,20.00,0.2500,2.00,active,true",
        "C,1,10.00,0.1000,1.00,inactive,false",
        "D,0,0.00,,,prospect,false",
    ];
    let columns = "clients buyers active_clients inactive_clients prospects high_value_clients at_risk_clients \
                   at_risk_revenue repeat_clients repeat_rate average_churn_probability predicted_value";
    assert_eq!(figures(&[], &clients, columns), "4 3 1 2 1 2 1 30.00 1 0.3333 0.2833 6.00");
    let per_buyer = "revenue orders revenue_per_buyer orders_per_buyer";
    assert_eq!(figures(&["2025-01-01,FR,tea,1,1.00,"], &clients, per_buyer), "1.00 1 0.33 0.3333");
}

#[test]
fn figures_of_any_size_are_exact() {
    let most = format!("{}.99", "9".repeat(36));
    let churn = format!("{}.9999", "9".repeat(34));
    let sales = [format!("2025-03-31,FR,tea,1,{most},-9223372036854775808"), format!("2025-02-01,FR,pen,1,-{most},")];
    let clients =
        [format!("A,2,{most},{churn},{most},active,true"), format!("B,1,-{most},-{churn},-{most},active,false")];
    let columns = "revenue revenue_30d revenue_prior_30d growth_30d average_churn_probability predicted_value";
    let expected = format!("0.00 {most} -{most} -2.0000 0.0000 0.00");
    assert_eq!(
        figures(&sales.each_ref().map(String::as_str), &clients.each_ref().map(String::as_str), columns),
        expected
    );
    assert_eq!(figures(&[], &[&clients[0]], "average_churn_probability buyers"), format!("{churn} 1"));
}

#[test]
fn the_last_30_days_end_with_the_day_and_those_before_end_30_days_earlier() {
    let sale = |date: &str| format!("{date},FR,tea,1,1.00,");
    let columns = "orders_30d revenue_30d revenue_prior_30d growth_30d buyers_30d";
    for (date, expected) in [
        ("2025-04-01", "0 0.00 0.00  0"),
        ("2025-03-31", "1 1.00 0.00  1"),
        ("2025-03-02", "1 1.00 0.00  1"),
        ("2025-03-01", "0 0.00 1.00 -1.0000 0"),
        ("2025-01-31", "0 0.00 1.00 -1.0000 0"),
        ("2025-01-30", "0 0.00 0.00  0"),
    ] {
        assert_eq!(figures(&[&sale(date)], &[], columns), expected, "{date}");
    }
}

#[test]
fn a_client_with_several_purchases_within_30_days_is_one_buyer() {
    // Of one client, with a gap of 40 days, one of 29 and one of none, and a purchase that is yet to come.
    let sales = [
        "2025-01-10,FR,tea,1,1.00,",
        "2025-02-19,FR,tea,1,1.00,40",
        "2025-03-20,FR,tea,1,1.00,29",
        "2025-03-20,FR,tea,1,1.00,0",
        "2025-04-10,FR,tea,1,1.00,21",
    ];
    assert_eq!(figures(&sales, &[], "buyers_30d orders_30d orders"), "1 2 5");
    let others = ["2025-03-05,FR,tea,1,1.00,", "2025-03-06,FR,tea,1,1.00,"];
    assert_eq!(figures(&[&sales[..], &others].concat(), &[], "buyers_30d"), "3");
}

#[test]
fn only_the_last_part_is_told_the_day() {
    let description = Trial::of(gold_summary).describe().unwrap();
    assert!(description.inputs.iter().all(|input| !input.accumulator.uses_as_of));
    assert!(description.stages[0].reducer.uses_as_of);
}
