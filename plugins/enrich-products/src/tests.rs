//! Tests of prices, bands and stocks.

use smelt_sdk::testing::Trial;

use super::*;

const HEADER: &str = "product_id,name,category,price,vat_rate,stock,updated_on\n";

fn enriched(parameters: &str, rows: &str) -> Result<String> {
    let trial = Trial::of(enrich_products).parameters(super::parameters(), parameters);
    trial.rows("products", &format!("{HEADER}{rows}")).table()
}

/// Returns the band, the status of the stock and its value of a product with that price and stock.
fn of(parameters: &str, price: &str, stock: &str) -> [String; 4] {
    let table = enriched(parameters, &format!("P1,tea,grocery,{price},0.0550,{stock},2025-11-13\n")).unwrap();
    let cells: Vec<_> = table.lines().nth(1).expect("a row").split(',').map(str::to_owned).collect();
    [5, 6, 8, 9].map(|column| cells[column].clone())
}

#[test]
fn products_are_enriched_in_the_order_of_their_ids() {
    let rows = "P2,,unknown,100.00,0.2000,0,2025-11-13\nP1,tea,grocery,5.55,0.0550,12,2025-01-01\n";
    let expected = "product_id,name,category,price,vat_rate,price_incl_vat,price_band,stock,stock_status,stock_value,updated_on\n\
                    P1,tea,grocery,5.55,0.0550,5.86,low,12,ok,66.60,2025-01-01\n\
                    P2,,unknown,100.00,0.2000,120.00,high,0,out,0.00,2025-11-13\n";
    assert_eq!(enriched("{}", rows).unwrap(), expected);
}

#[test]
fn bands_and_statuses_begin_at_their_limits() {
    for (price, stock, band, status) in [
        ("19.99", "0", "low", "out"),
        ("20.00", "1", "mid", "low"),
        ("99.99", "9", "mid", "low"),
        ("100.00", "10", "high", "ok"),
    ] {
        let [_, of_price, of_stock, _] = of("{}", price, stock);
        assert_eq!((&*of_price, &*of_stock), (band, status), "{price}, {stock}");
    }
    let parameters = r#"{"mid_from": "0.50", "high_from": "0.50", "low_stock": 2}"#;
    assert_eq!(of(parameters, "0.50", "2")[1..3], ["high", "ok"]);
}

#[test]
fn prices_are_rounded_half_away_from_zero() {
    assert_eq!(of("{}", "1.00", "3")[0], "1.06");
    assert_eq!(of("{}", "0.90", "3"), ["0.95", "low", "low", "2.70"]);
}

#[test]
fn limits_that_make_no_sense_are_refused() {
    for (parameters, message) in [
        (r#"{"mid_from": "cheap"}"#, "parameter `mid_from` must be a price such as `19.99`, is `cheap`"),
        (r#"{"high_from": "10"}"#, "parameter `high_from` must be at least `mid_from`, 20.00, is 10.00"),
    ] {
        assert_eq!(enriched(parameters, "").unwrap_err().message, message);
    }
}
