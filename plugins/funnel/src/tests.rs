//! Tests of the funnel by each dimension.

use smelt_sdk::testing::Trial;

use super::*;

const SESSIONS: &str = "device,source,country,daypart,duration_s,page_views,cart_adds,purchases,bounced\n\
                        mobile,google,FR,night,10,3,1,1,false\n\
                        mobile,direct,FR,night,11,1,0,0,true\n\
                        mobile,google,DE,night,0,0,2,0,false\n\
                        desktop,google,FR,morning,5,1,0,2,true\n";

fn funnel_by(dimension: &str) -> String {
    let parameters = format!(r#"{{"dimension": {dimension:?}}}"#);
    Trial::of(funnel).parameters(super::parameters(), &parameters).rows("sessions", SESSIONS).table().unwrap()
}

#[test]
fn sessions_are_counted_by_device() {
    let expected = "device,sessions,viewed,carted,purchased,bounce_rate,cart_rate,purchase_rate,avg_duration_s\n\
                    desktop,1,1,0,1,1.0000,0.0000,1.0000,5.00\n\
                    mobile,3,2,2,1,0.3333,0.6667,0.3333,7.00\n";
    assert_eq!(funnel_by("device"), expected);
}

#[test]
fn the_first_column_is_the_dimension() {
    for (dimension, values) in
        [("source", ["direct", "google"]), ("country", ["DE", "FR"]), ("daypart", ["morning", "night"])]
    {
        let table = funnel_by(dimension);
        let first: Vec<_> = table.lines().filter_map(|row| row.split(',').next()).collect();
        assert_eq!(first[0], dimension);
        assert_eq!(first[1..], values);
    }
}
