//! Tests of every rule of the API's log, and of paths.

use smelt_sdk::testing::{CleanedRows, cells, clean};

use super::*;

const GOOD: [&str; 7] =
    ["U1", "02/Nov/2025:17:21:36 +0100", "GET", "/api/v1/products/P00011?page=2#top", "200", "6374", "0.0095"];

fn with(column: usize, cell: &'static str) -> [&'static str; 7] {
    let mut row = GOOD;
    row[column] = cell;
    row
}

fn requests(rows: &[[&str; 7]]) -> CleanedRows {
    let rows: Vec<_> = rows.iter().map(|&row| cells(row)).collect();
    let rows: Vec<&[_]> = rows.iter().map(|row| row.as_slice()).collect();
    clean::<CleanApiLogs>("{}", &rows).expect("the rows can be cleaned")
}

#[track_caller]
fn assert_rejected(row: [&str; 7], rule: &str) {
    let cleaned = requests(&[row]);
    assert_eq!(cleaned.rejected, [(0, rule.to_owned())], "{row:?}");
    assert_eq!((cleaned.kept.len(), cleaned.repaired), (0, vec![]), "{row:?}");
}

#[test]
fn a_good_row_has_no_query_and_no_id() {
    let cleaned = requests(&[GOOD]);
    let kept = ["2025-11-02T16:21:36Z", "U1", "GET", "/api/v1/products/{id}", "P00011", "200", "6374", "10"];
    assert_eq!(cleaned.kept, [kept]);
    assert_eq!((cleaned.rejected, cleaned.repaired), (vec![], vec![]));
}

#[test]
fn the_first_flaw_in_the_order_of_the_rules_rejects() {
    assert_rejected(["", "", "", "", "", "", ""], "invalid_time");
    assert_rejected(with(1, "2025-11-02T17:21:36Z"), "invalid_time");
    for status in ["", "99", "600", "OK", "-200"] {
        assert_rejected(with(4, status), "invalid_status");
    }
    for latency in ["", "-", "-0.001", "-0.0001", "fast", "1e3", "999999999999999999"] {
        assert_rejected(with(6, latency), "invalid_latency");
    }
}

#[test]
fn sizes_that_are_none_become_0() {
    for bytes in ["", "-", "-1", "1.5", "big"] {
        let cleaned = requests(&[with(5, bytes)]);
        assert_eq!(cleaned.repaired, [("missing_bytes".to_owned(), 1)], "{bytes:?}");
        assert_eq!(cleaned.kept[0][6], "0");
    }
}

#[test]
fn latencies_are_rounded_half_away_from_zero() {
    for (seconds, milliseconds) in [("0", "0"), ("0.0004", "0"), ("0.0005", "1"), ("0.0015", "2"), ("60", "60000")] {
        assert_eq!(requests(&[with(6, seconds)]).kept[0][7], milliseconds, "{seconds}");
    }
}

#[test]
fn users_and_methods_may_be_missing() {
    let cleaned = requests(&[with(0, "-"), with(2, " ")]);
    assert_eq!((&*cleaned.kept[0][1], &*cleaned.kept[1][2], cleaned.repaired.len()), ("", "", 0));
}

#[test]
fn paths_become_endpoints_and_products() {
    for (path, endpoint, product) in [
        ("", "/", ""),
        ("?a=1", "/", ""),
        ("#a", "/", ""),
        ("/", "/", ""),
        ("/api/v1/orders/5007/lines/2", "/api/v1/orders/{id}/lines/{id}", ""),
        ("/api/v1/products/P7/reviews/P8", "/api/v1/products/{id}/reviews/{id}", "P7"),
        ("/products/P1/products/X9", "/products/{id}/products/{id}", "X9"),
        ("/products/P1/products/12", "/products/{id}/products/{id}", "P1"),
        ("/products/p1", "/products/p1", ""),
        ("/products/PP1/AB12", "/products/PP1/AB12", ""),
        ("/products//P1", "/products//{id}", ""),
        ("/Products/P1", "/Products/{id}", ""),
        ("/a/P/٣", "/a/P/٣", ""),
        ("http://example.com/products/P1/", "http://example.com/products/{id}/", "P1"),
    ] {
        let without = path::without_query(path);
        assert_eq!(
            (&*path::endpoint(without), path::product(without).unwrap_or_default()),
            (endpoint, product),
            "{path}"
        );
    }
}

#[test]
fn a_log_has_no_key() {
    assert!(CleanApiLogs::describe().key.is_empty());
}
