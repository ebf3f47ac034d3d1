//! Tests of what users did.

use smelt_sdk::testing::Trial;

use super::*;

const HEADER: &str = "user_id,email_h,country,signup_date,sessions,page_views,api_calls,api_errors,sales,units,net_revenue,aov,first_sale,last_sale,favourite_category\n";

#[test]
fn each_user_of_the_list_has_a_row() {
    let table = Trial::of(user_activity)
        .rows("users", "user_id,email_h,country,signup_date\nU2,,NA,2025-02-02\nU1,abc,FR,2025-01-01\n")
        .rows("sessions", "user_id,page_views\nU1,3\nU1,0\n,5\nU9,1\n")
        .rows("requests", "user_id,status\nU1,200\nU1,399\nU1,400\nU1,503\n,500\n")
        .rows(
            "sales",
            "user_id,sale_date,category,status,quantity,net_revenue\n\
             U1,2025-11-14,tech,paid,2,20.01\n\
             U1,2025-11-13,home,paid,1,1.00\n\
             U1,2025-11-12,home,paid,1,1.00\n\
             U1,2025-11-01,books,refunded,9,0.00\n\
             U1,2025-12-01,books,cancelled,9,0.00\n\
             ,2025-11-14,tech,paid,2,5.00\n",
        )
        .table()
        .unwrap();
    let expected = "U1,abc,FR,2025-01-01,2,3,4,2,3,4,22.01,7.34,2025-11-12,2025-11-14,home\n\
                    U2,,NA,2025-02-02,0,0,0,0,0,0,0.00,,,,\n";
    assert_eq!(table, format!("{HEADER}{expected}"));
}

#[test]
fn without_users_there_is_nothing() {
    let table = Trial::of(user_activity).rows("sessions", "user_id,page_views\nU1,3\n").table().unwrap();
    assert_eq!(table, HEADER);
}
