//! Tests of what a sale is joined with, and of what is missing.

use smelt_sdk::testing::Trial;

use super::*;

const SALES: &str = "sale_id,session_id,user_id,product_id,sold_at,sale_date,month,week,weekday,weekend,hour,channel,status,quantity,unit_price,gross,discount,discount_rate,net_revenue\n";
const PRODUCTS: &str = "product_id,name,category,price,price_band\nP1,tea,grocery,5.60,low\nP2,,unknown,100.00,high\n";
const USERS: &str = "user_id,email_h,country,signup_date\nU1,abc,FR,2025-11-01\nU2,,NA,2025-11-20\n";
const SESSIONS: &str = "session_id,device,source\nS1,mobile,google\nU1,tablet,direct\n";

/// Returns the ids and the joined columns of sales with these sessions, users and products.
fn joined(ids: &[[&str; 4]]) -> Vec<String> {
    let rest = "2025-11-13T11:39:10Z,2025-11-13,2025-11,2025-W46,4,false,11,web,paid,4,5.50,22.00,2.00,0.0909,20.00";
    let sales: String = ids.iter().map(|ids| format!("{},{rest}\n", ids.join(","))).collect();
    let trial = Trial::of(join_sales).rows("sales", &format!("{SALES}{sales}")).rows("products", PRODUCTS);
    let table = trial.rows("users", USERS).rows("sessions", SESSIONS).table().unwrap();
    let rows = table.lines().skip(1).map(|row| {
        assert!(row.contains(&format!(",{rest},")), "{row}");
        row.replace(&format!(",{rest},"), " ")
    });
    rows.collect()
}

#[test]
fn a_sale_is_joined_with_its_product_user_and_session() {
    assert_eq!(joined(&[["V1", "S1", "U1", "P1"]]), ["V1,S1,U1,P1 tea,grocery,low,5.60,-0.10,abc,FR,12,mobile,google"]);
}

#[test]
fn what_is_not_known_is_told() {
    assert_eq!(
        joined(&[["V3", "", "", "P9"], ["V2", "S9", "U9", "P2"], ["V1", "S1", "U2", "P9"]]),
        [
            "V1,S1,U2,P9 unknown,unknown,unknown,,,,NA,-7,mobile,google",
            "V2,S9,U9,P2 ,unknown,high,100.00,-94.50,,NA,,unknown,unknown",
            "V3,,,P9 unknown,unknown,unknown,,,,NA,,unknown,unknown",
        ]
    );
}

#[test]
fn ids_of_different_things_do_not_meet() {
    assert_eq!(joined(&[["V1", "U1", "S1", "U1"]]), ["V1,U1,S1,U1 unknown,unknown,unknown,,,,NA,,tablet,direct"]);
}

#[test]
fn without_sales_there_is_nothing() {
    assert!(joined(&[]).is_empty());
}
