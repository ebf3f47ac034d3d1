//! Tests of the calendar and the amounts of sales.

use smelt_sdk::testing::Trial;

use super::*;

const HEADER: &str =
    "sale_id,session_id,user_id,product_id,quantity,unit_price,discount,total,sold_at,channel,status,sale_date\n";

#[test]
fn sales_are_enriched_in_the_order_of_their_ids() {
    let rows = "V2,,,P1,1,0.00,0.00,0.00,2027-01-01T23:59:59.250Z,store,paid,2027-01-01\n\
                V3,S1,U1,P1,3,1.00,1.00,2.00,2025-11-15T00:00:00Z,web,refunded,2025-11-15\n\
                V1,S1,U1,P1,4,56.11,22.44,202.00,2025-11-03T11:39:10Z,web,paid,2025-11-03\n";
    let expected = "sale_id,session_id,user_id,product_id,sold_at,sale_date,month,week,weekday,weekend,hour,channel,status,quantity,unit_price,gross,discount,discount_rate,net_revenue\n\
                    V1,S1,U1,P1,2025-11-03T11:39:10Z,2025-11-03,2025-11,2025-W45,1,false,11,web,paid,4,56.11,224.44,22.44,0.1000,202.00\n\
                    V2,,,P1,2027-01-01T23:59:59.250000Z,2027-01-01,2027-01,2026-W53,5,false,23,store,paid,1,0.00,0.00,0.00,,0.00\n\
                    V3,S1,U1,P1,2025-11-15T00:00:00Z,2025-11-15,2025-11,2025-W46,6,true,0,web,refunded,3,1.00,3.00,1.00,0.3333,0.00\n";
    let table = Trial::of(enrich_sales).rows("sales", &format!("{HEADER}{rows}")).table().unwrap();
    assert_eq!(table, expected);
}
