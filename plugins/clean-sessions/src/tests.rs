//! Tests of every rule of the sessions dataset.

use smelt_sdk::testing::{CleanedRows, cells, clean};

use super::*;

const EVENTS: &str = r#"[{"type": "page_view"}, {"type": "page_view", "ts": null}, {"type": "add_to_cart"}, {"type": "purchase"}, {"type": "login"}]"#;
const GOOD: [&str; 8] = ["S1", "U1", "2025-11-13T10:00:00Z", "2025-11-13T10:05:00Z", "mobile", "FR", "google", EVENTS];

fn with(column: usize, cell: &'static str) -> [&'static str; 8] {
    let mut row = GOOD;
    row[column] = cell;
    row
}

fn sessions(rows: &[[&str; 8]]) -> CleanedRows {
    let rows: Vec<_> = rows.iter().map(|&row| cells(row)).collect();
    let rows: Vec<&[_]> = rows.iter().map(|row| row.as_slice()).collect();
    clean::<CleanSessions>("{}", &rows).expect("the rows can be cleaned")
}

#[track_caller]
fn assert_rejected(row: [&str; 8], rule: &str) {
    let cleaned = sessions(&[row]);
    assert_eq!(cleaned.rejected, [(0, rule.to_owned())], "{row:?}");
    assert_eq!((cleaned.kept.len(), cleaned.repaired), (0, vec![]), "{row:?}");
}

#[track_caller]
fn assert_repaired(row: [&str; 8], column: usize, cell: &str, rule: &str) {
    let cleaned = sessions(&[row]);
    assert_eq!(cleaned.repaired, [(rule.to_owned(), 1)], "{row:?}");
    assert_eq!(cleaned.kept[0][column], cell, "{row:?}");
}

#[test]
fn a_good_row_counts_its_events() {
    let cleaned = sessions(&[GOOD]);
    let start = ["S1", "U1", "2025-11-13T10:00:00Z", "2025-11-13T10:05:00Z", "mobile", "FR", "google"];
    assert_eq!(cleaned.kept[0][..7], start);
    assert_eq!(cleaned.kept[0][7..], ["5", "2", "1", "1"]);
    assert_eq!((cleaned.rejected, cleaned.repaired), (vec![], vec![]));
}

#[test]
fn the_first_flaw_in_the_order_of_the_rules_rejects() {
    assert_rejected(["", "", "", "", "", "", "", ""], "missing_session_id");
    assert_rejected(["S1", "", "", "", "", "", "", ""], "invalid_started_at");
    assert_rejected(with(2, "2025-11-13"), "invalid_started_at");
    for events in ["", "null", "{}", "[1]", "[{}]", r#"[{"type": 1}]"#, r#"[{"type": "a"}, null]"#, "[", "none"] {
        assert_rejected(with(7, events), "invalid_events");
    }
}

#[test]
fn no_events_are_events_too() {
    assert_eq!(sessions(&[with(7, "[]")]).kept[0][7..], ["0", "0", "0", "0"]);
}

#[test]
fn whatever_is_missing_is_filled_in() {
    assert_repaired(with(3, ""), 3, GOOD[2], "missing_ended_at");
    assert_repaired(with(3, "later"), 3, GOOD[2], "missing_ended_at");
    assert_repaired(with(3, "2025-11-13T09:59:59.999Z"), 3, GOOD[2], "invalid_ended_at");
    assert_repaired(with(4, " "), 4, "unknown", "missing_device");
    assert_repaired(with(5, ""), 5, "NA", "missing_country");
    assert_repaired(with(6, ""), 6, "direct", "missing_source");
    assert_eq!(sessions(&[with(1, "")]).repaired, []);
    assert_eq!(sessions(&[with(3, GOOD[2])]).repaired, []);
}

#[test]
fn of_sessions_with_one_id_the_one_that_ended_last_is_kept() {
    let description = CleanSessions::describe();
    assert_eq!(description.key, ["session_id"]);
    let order: Vec<_> = description.order_by.iter().map(|order| order.column.as_str()).collect();
    assert_eq!(order, ["ended_at"]);
}
