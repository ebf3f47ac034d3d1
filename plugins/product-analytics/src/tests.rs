//! Edge cases of product-analytics: ties, classes at their limits, ends of days and prices, and clients who come again.

use smelt_sdk::testing::Trial;

use super::*;

/// Returns the rows of the table, each with these columns. Sales are client, date, country, product, quantity, price and
/// amount.
fn products(sales: &[&str], columns: &str) -> Vec<String> {
    let rows = sales.iter().map(|sale| format!("{sale}\n")).collect::<String>();
    let header = "client_id,purchase_date,country,product,quantity,unit_price,amount\n".to_owned();
    Trial::of(product_analytics).rows("sales", &(header + &rows)).columns(columns).unwrap()
}

/// Returns the classes of products with these revenues.
fn classes(revenues: &[&str]) -> String {
    let sale = |(at, revenue): (usize, &&str)| format!("A,2025-01-01,FR,p{at},1,{revenue},{revenue}");
    let sales: Vec<_> = revenues.iter().enumerate().map(sale).collect();
    products(&sales.iter().map(String::as_str).collect::<Vec<_>>(), "abc_class").join("")
}

#[test]
fn products_come_by_revenue_and_then_by_name() {
    let sales = [
        "A,2025-01-01,FR,tea,1,1.00,1.00",
        "A,2025-01-01,FR,ink,4,0.25,1.00",
        "A,2025-01-01,FR,bag,1,0.00,0.00",
        "A,2025-01-01,FR,pen,1,4.00,4.00",
    ];
    let expected = [
        "1 pen 1 1 4.00 0.6667 0.6667 4.00",
        "2 ink 1 4 1.00 0.1667 0.8333 0.25",
        "3 tea 1 1 1.00 0.1667 1.0000 1.00",
        "4 bag 1 1 0.00 0.0000 1.0000 0.00",
    ];
    let columns = "rank product orders quantity revenue market_share cumulative_share revenue_per_unit";
    assert_eq!(products(&sales, columns), expected);
    assert!(products(&[], "rank").is_empty());
    assert_eq!(products(&sales[2..3], "market_share cumulative_share abc_class repeat_rate"), ["  C 0.0000"]);
}

#[test]
fn classes_begin_where_the_products_before_reach_80_and_95_percent() {
    assert_eq!(classes(&["80.00", "15.00", "5.00"]), "ABC");
    assert_eq!(classes(&["79.99", "15.01", "5.00"]), "AAC");
    assert_eq!(classes(&["80.00", "14.99", "5.00", "0.01"]), "ABBC");
    assert_eq!(classes(&["100.00", "0.00"]), "AC");
    assert_eq!(classes(&["0.00", "0.00"]), "CC");
    assert_eq!(classes(&["499999999999999999999999999999999999.99", "499999999999999999999999999999999999.98"]), "AA");
}

#[test]
fn days_and_prices_are_the_least_and_the_greatest() {
    let sales = [
        "A,2024-02-29,FR,tea,1,9.00,1.00",
        "A,2024-02-28,FR,tea,1,9.50,1.00",
        "A,2024-12-31,FR,tea,1,9.99,1.00",
        "A,2024-03-01,FR,tea,1,10.00,1.00",
        "A,2024-02-28,FR,ink,1,100.01,1.00",
    ];
    let columns = "product average_price min_price max_price price_range first_sale_date last_sale_date";
    let expected =
        ["tea 9.62 9.00 10.00 1.00 2024-02-28 2024-12-31", "ink 100.01 100.01 100.01 0.00 2024-02-28 2024-02-28"];
    assert_eq!(products(&sales, columns), expected);
}

#[test]
fn a_client_who_buys_twice_comes_again() {
    let sales = [
        "A,2025-01-01,FR,tea,1,1.00,1.00",
        "A,2025-01-01,FR,tea,1,1.00,1.00",
        "B,2025-01-01,FR,tea,9,1.00,9.00",
        "C,2025-01-01,FR,tea,1,1.00,1.00",
        "C,2025-01-01,FR,ink,1,1.00,1.00",
    ];
    let expected = ["tea 4 3 1 0.3333 1.00", "ink 1 1 0 0.0000 1.00"];
    assert_eq!(products(&sales, "product orders clients repeat_clients repeat_rate revenue_per_unit"), expected);
}

#[test]
fn the_first_of_equal_countries_is_at_the_top() {
    let sales = [
        "A,2025-01-01,NL,tea,1,1.00,1.50",
        "B,2025-01-01,LU,tea,1,1.00,1.00",
        "C,2025-01-01,LU,tea,1,1.00,0.50",
        "D,2025-01-01,NA,ink,1,1.00,0.00",
        "D,2025-01-01,AT,pen,1,1.00,-1.00",
    ];
    assert_eq!(products(&sales, "product top_country"), ["tea LU", "ink NA", "pen AT"]);
}

#[test]
fn a_client_a_country_a_week_and_a_price_may_look_alike() {
    let sales = ["2025-W05,2025-01-31,2025-W05,tea,1,7.00,7.00", "28,2025-01-01,28,tea,1,7.50,7.00"];
    let expected = ["2 2 7.00 7.50 2025-01-01 2025-01-31 2025-W05"];
    let columns = "orders clients min_price max_price first_sale_date last_sale_date top_country";
    assert_eq!(products(&sales, columns), expected);
}
