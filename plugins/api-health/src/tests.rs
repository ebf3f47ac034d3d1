//! Tests of errors, periods and percentiles.

use smelt_sdk::testing::Trial;

use super::*;

const HEADER: &str =
    "method,endpoint,requests,client_errors,server_errors,error_rate,p50_ms,p95_ms,p99_ms,max_ms,bytes\n";

fn health(grain: &str, requests: &str) -> String {
    let parameters = format!(r#"{{"grain": {grain:?}}}"#);
    let requests = format!("ts,method,endpoint,status,bytes,latency_ms\n{requests}");
    Trial::of(api_health).parameters(super::parameters(), &parameters).rows("requests", &requests).table().unwrap()
}

const REQUESTS: &str = "2025-11-13T23:59:59Z,GET,/a,200,10,5\n\
                        2025-11-13T00:00:00Z,GET,/a,404,0,7\n\
                        2025-11-14T00:00:00Z,GET,/a,503,1,9\n\
                        2025-11-13T10:00:00Z,,/a,302,2,1\n\
                        2025-11-13T23:00:00Z,GET,/a,500,3,5\n";

#[test]
fn requests_are_counted_by_day() {
    let expected = "2025-11-13,,/a,1,0,0,0.0000,1,1,1,1,2\n\
                    2025-11-13,GET,/a,3,1,1,0.6667,5,7,7,7,13\n\
                    2025-11-14,GET,/a,1,0,1,1.0000,9,9,9,9,1\n";
    assert_eq!(health("day", REQUESTS), format!("day,{HEADER}{expected}"));
}

#[test]
fn requests_are_counted_by_hour() {
    let expected = "2025-11-13T00:00:00Z,GET,/a,1,1,0,1.0000,7,7,7,7,0\n\
                    2025-11-13T10:00:00Z,,/a,1,0,0,0.0000,1,1,1,1,2\n\
                    2025-11-13T23:00:00Z,GET,/a,2,0,1,0.5000,5,5,5,5,13\n\
                    2025-11-14T00:00:00Z,GET,/a,1,0,1,1.0000,9,9,9,9,1\n";
    assert_eq!(health("hour", REQUESTS), format!("hour,{HEADER}{expected}"));
}

#[test]
fn percentiles_are_nearest_ranks() {
    for (count, ranks) in
        [(1, [1, 1, 1]), (2, [1, 2, 2]), (20, [10, 19, 20]), (100, [50, 95, 99]), (101, [51, 96, 100])]
    {
        let requests: String =
            (1..=count).rev().map(|latency| format!("2025-11-13T00:00:00Z,GET,/a,200,0,{latency}\n")).collect();
        let [p50, p95, p99] = ranks;
        let expected = format!("day,{HEADER}2025-11-13,GET,/a,{count},0,0,0.0000,{p50},{p95},{p99},{count},0\n");
        assert_eq!(health("day", &requests), expected);
    }
}
