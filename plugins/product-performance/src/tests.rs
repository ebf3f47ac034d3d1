//! Tests of what products sell.

use smelt_sdk::testing::Trial;

use super::*;

const HEADER: &str =
    "product_id,product,category,views,sales,units,net_revenue,sales_per_view,refund_rate,stock,cover_days\n";

fn trial() -> Trial {
    Trial::of(product_performance)
        .rows("products", "product_id,name,category,stock\nP1,tea,grocery,10\nP2,,tech,0\nP3,pen,home,7\nP4,ink,home,3\n")
        .rows(
            "sales",
            "product_id,sale_date,status,quantity,net_revenue\n\
             P1,2025-11-03,paid,2,20.00\n\
             P1,2025-11-05,paid,1,9.99\n\
             P1,2025-11-04,refunded,1,0.00\n\
             P9,2025-11-04,paid,3,50.00\n\
             P8,2025-10-31,cancelled,3,0.00\n\
             P3,2025-11-04,paid,3,1.00\n",
        )
        .rows(
            "requests",
            "method,product_id,status\nGET,P1,200\nGET,P1,299\nGET,P1,304\nPOST,P1,200\n,P1,200\nGET,,200\nGET,P2,204\nGET,P7,200\n",
        )
}

const ROWS: [&str; 6] = [
    "P9,unknown,unknown,0,1,3,50.00,,0.0000,,\n",
    "P1,tea,grocery,2,2,3,29.99,1.0000,0.3333,10,20.00\n",
    "P3,pen,home,0,1,3,1.00,,0.0000,7,14.00\n",
    "P2,,tech,1,0,0,0.00,0.0000,,0,\n",
    "P4,ink,home,0,0,0,0.00,,,3,\n",
    "P8,unknown,unknown,0,0,0,0.00,,,,\n",
];

#[test]
fn products_and_whatever_was_sold_are_ranked_by_revenue() {
    let table = trial().parameters(super::parameters(), "{}").table().unwrap();
    assert_eq!(table, format!("{HEADER}{}", ROWS.concat()));
}

#[test]
fn a_limit_lists_the_first() {
    let table = trial().parameters(super::parameters(), r#"{"limit": 2}"#).table().unwrap();
    assert_eq!(table, format!("{HEADER}{}", ROWS[..2].concat()));
}
