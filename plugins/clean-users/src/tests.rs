//! Tests of every rule of the users dataset, and of what never leaves bronze.

use smelt_sdk::testing::{CleanedRows, cells, clean};

use super::*;

const GOOD: [&str; 6] = ["U1", "ada@example.com", "FR", "2024-02-29", "1985-12-10", "true"];

fn with(column: usize, cell: &'static str) -> [&'static str; 6] {
    let mut row = GOOD;
    row[column] = cell;
    row
}

fn users(rows: &[[&str; 6]]) -> CleanedRows {
    let rows: Vec<_> = rows.iter().map(|&row| cells(row)).collect();
    let rows: Vec<&[_]> = rows.iter().map(|row| row.as_slice()).collect();
    clean::<CleanUsers>("{}", &rows).expect("the rows can be cleaned")
}

#[track_caller]
fn assert_repaired(row: [&str; 6], column: usize, cell: &str, rule: &str) {
    let cleaned = users(&[row]);
    assert_eq!(cleaned.repaired, [(rule.to_owned(), 1)], "{row:?}");
    assert_eq!(cleaned.kept[0][column], cell, "{row:?}");
}

#[test]
fn a_good_row_has_a_pseudonym_and_the_year_of_birth() {
    let cleaned = users(&[GOOD]);
    let [id, email_h, rest @ ..] = &cleaned.kept[0][..] else { panic!("a row") };
    assert_eq!((id.as_str(), email_h.len()), ("U1", 16));
    assert_eq!(rest, ["FR", "2024-02-29", "1985", "true"]);
    assert_eq!((cleaned.rejected, cleaned.repaired), (vec![], vec![]));
}

#[test]
fn an_address_has_one_pseudonym_whatever_its_case_and_row() {
    let rows = [with(0, ""), GOOD, with(1, " ADA@Example.com"), with(1, ""), with(1, "bob@example.com")];
    let kept = users(&rows).kept;
    assert_eq!(kept[0][1], kept[1][1]);
    assert_eq!(kept[2][1], "");
    assert!(kept[3][1] != kept[0][1] && kept[3][1].len() == 16);
}

#[test]
fn users_without_an_id_or_a_sign_up_are_rejected() {
    let cleaned = users(&[with(0, " "), with(3, ""), with(3, "29/02/2024"), ["", "", "", "", "", ""]]);
    let rules =
        [(0, "missing_user_id"), (1, "invalid_signup_date"), (2, "invalid_signup_date"), (3, "missing_user_id")];
    assert_eq!(cleaned.rejected, rules.map(|(row, rule)| (row, rule.to_owned())));
    assert_eq!(cleaned.repaired, []);
}

#[test]
fn births_that_cannot_be_are_left_out() {
    for birth in ["unknown", "1985-02-30", "1899-12-31", "2024-03-01"] {
        assert_repaired(with(4, birth), 4, "", "invalid_birth_date");
    }
    for (birth, year) in [("1900-01-01", "1900"), ("2024-02-29", "2024"), ("", "")] {
        let cleaned = users(&[with(4, birth)]);
        assert_eq!((&*cleaned.kept[0][4], cleaned.repaired.len()), (year, 0), "{birth}");
    }
}

#[test]
fn countries_and_consents_are_repaired() {
    assert_repaired(with(2, ""), 2, "NA", "missing_country");
    assert_repaired(with(2, "fR"), 2, "FR", "lower_case_country");
    assert_repaired(with(2, "côte"), 2, "CôTE", "lower_case_country");
    assert_repaired(with(5, ""), 5, "false", "missing_consent");
    assert_repaired(with(5, "yes"), 5, "false", "missing_consent");
    assert_eq!(
        users(&[with(5, "1"), with(5, "FALSE")]).kept.iter().map(|row| &*row[5]).collect::<Vec<_>>(),
        ["true", "false"]
    );
}
