//! Tests of the cube, and of the words for its sets.

use smelt_sdk::testing::Trial;

use super::*;

const HEADER: &str = "grouping,month,category,country,channel,sales,refunded,cancelled,customers,units,gross,discount,net_revenue,aov,refund_rate\n";
const SALES: &str = "user_id,month,channel,status,quantity,gross,discount,net_revenue,category,country\n\
                     U1,2025-11,web,paid,2,20.00,1.00,19.00,tea,FR\n\
                     U1,2025-11,store,paid,1,10.00,0.00,10.00,tea,FR\n\
                     ,2025-11,web,paid,1,5.00,0.00,5.00,ink,NA\n\
                     U2,2025-10,web,refunded,1,7.00,0.00,0.00,tea,DE\n\
                     U3,2025-10,web,cancelled,1,8.00,0.00,0.00,ink,DE\n\
                     U4,2025-10,web,lost,1,9.00,0.00,0.00,ink,DE\n";

fn cube(sets: &str, sales: &str) -> Result<String> {
    let trial = Trial::of(sales_cube).parameters(super::parameters(), &format!(r#"{{"sets": {sets:?}}}"#));
    trial.rows("sales", sales).table()
}

#[test]
fn sets_come_as_given_and_then_by_the_four() {
    let expected = "month,2025-10,ALL,ALL,ALL,0,1,1,0,0,0.00,0.00,0.00,,1.0000\n\
                    month,2025-11,ALL,ALL,ALL,3,0,0,1,4,35.00,1.00,34.00,11.33,0.0000\n\
                    all,ALL,ALL,ALL,ALL,3,1,1,1,4,35.00,1.00,34.00,11.33,0.2500\n\
                    category+country,ALL,ink,DE,ALL,0,0,1,0,0,0.00,0.00,0.00,,\n\
                    category+country,ALL,ink,NA,ALL,1,0,0,0,1,5.00,0.00,5.00,5.00,0.0000\n\
                    category+country,ALL,tea,DE,ALL,0,1,0,0,0,0.00,0.00,0.00,,1.0000\n\
                    category+country,ALL,tea,FR,ALL,2,0,0,1,3,30.00,1.00,29.00,14.50,0.0000\n";
    assert_eq!(cube("month, all, country + category", SALES).unwrap(), format!("{HEADER}{expected}"));
}

#[test]
fn the_usual_sets_are_seven() {
    let trial = Trial::of(sales_cube).parameters(super::parameters(), "{}").rows("sales", SALES);
    let table = trial.table().unwrap();
    let mut groupings: Vec<_> = table.lines().skip(1).filter_map(|row| row.split(',').next()).collect();
    groupings.dedup();
    let usual = ["all", "month", "month+category", "month+country", "month+channel", "category+country"];
    assert_eq!(groupings[..6], usual);
    assert_eq!(groupings[6..], ["month+category+country+channel"]);
}

#[test]
fn without_sales_the_empty_set_has_a_row() {
    let no_sales = SALES.lines().next().expect("a header");
    let expected = "all,ALL,ALL,ALL,ALL,0,0,0,0,0,0.00,0.00,0.00,,\n";
    assert_eq!(cube("month, all", no_sales).unwrap(), format!("{HEADER}{expected}"));
    assert_eq!(cube("month", no_sales).unwrap(), HEADER);
}

#[test]
fn sets_that_make_no_sense_are_refused() {
    for (sets, message) in [
        ("month, year", "no dimension `year`; a set is `all`, or of month, category, country, channel joined by `+`"),
        ("", "no dimension ``; a set is `all`, or of month, category, country, channel joined by `+`"),
        ("all+month", "no dimension `all`; a set is `all`, or of month, category, country, channel joined by `+`"),
        ("month+month", "`month+month` has `month` twice"),
        ("month+country, country+month", "`country+month` comes twice"),
    ] {
        assert_eq!(cube(sets, SALES).unwrap_err().message, format!("parameter `sets`: {message}"), "{sets}");
    }
}
