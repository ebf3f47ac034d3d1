//! Tests of durations, parts of the day and what became of a session.

use smelt_sdk::testing::Trial;

use super::*;

const HEADER: &str =
    "session_id,user_id,started_at,ended_at,device,country,source,events,page_views,cart_adds,purchases\n";

#[test]
fn sessions_are_enriched_in_the_order_of_their_ids() {
    let rows = "S2,,2025-11-13T05:59:59.500Z,2025-11-13T06:00:01.400Z,mobile,FR,google,2,1,0,1\n\
                S1,U1,2025-11-12T23:59:59Z,2025-11-13T00:01:00Z,desktop,NA,direct,1,1,0,0\n";
    let expected = "session_id,user_id,session_date,started_at,ended_at,duration_s,daypart,device,country,source,events,page_views,cart_adds,purchases,bounced,converted\n\
                    S1,U1,2025-11-12,2025-11-12T23:59:59Z,2025-11-13T00:01:00Z,61,evening,desktop,NA,direct,1,1,0,0,true,false\n\
                    S2,,2025-11-13,2025-11-13T05:59:59.500000Z,2025-11-13T06:00:01.400000Z,1,night,mobile,FR,google,2,1,0,1,false,true\n";
    let table = Trial::of(enrich_sessions).rows("sessions", &format!("{HEADER}{rows}")).table().unwrap();
    assert_eq!(table, expected);
}

#[test]
fn a_day_has_four_parts_before_1970_too() {
    for (time, part) in [
        ("2025-11-13T00:00:00Z", "night"),
        ("2025-11-13T06:00:00Z", "morning"),
        ("2025-11-13T11:59:59Z", "morning"),
        ("2025-11-13T12:00:00Z", "afternoon"),
        ("2025-11-13T17:59:59.999999Z", "afternoon"),
        ("2025-11-13T18:00:00Z", "evening"),
        ("1969-12-31T23:59:59Z", "evening"),
        ("1960-02-29T03:00:00Z", "night"),
    ] {
        assert_eq!(daypart(Timestamp::parse(time).expect("an instant")), part, "{time}");
    }
}
