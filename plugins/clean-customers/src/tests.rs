//! Tests of every rule of the customers dataset, on the odd names, dates and e-mails that people have.

use smelt_sdk::testing::{CleanedRows, cells, clean};

use super::*;

/// Cleans rows of id, first name, last name, e-mail, country and sign-up date.
fn customers(rows: &[[&str; 6]]) -> CleanedRows {
    let rows: Vec<_> = rows.iter().map(|&row| cells(row)).collect();
    let rows: Vec<&[_]> = rows.iter().map(|row| row.as_slice()).collect();
    clean::<CleanCustomers>("{}", &rows).expect("the rows are clean enough")
}

fn pseudonym(email: &str) -> String {
    pseudonymise(&[email.to_owned()]).remove(0)
}

#[test]
fn a_good_row_is_kept_without_its_personal_data() {
    let cleaned = customers(&[[" C1 ", " Ada", "Lovelace", "Ada@Example.com ", "FR", "2024-02-29"]]);
    // The first 16 digits of `printf ada@example.com | sha256sum`.
    assert_eq!(cleaned.kept, [["C1", "b5fc85e55755f9e0", "A", "L", "FR", "2024-02-29"]]);
    assert_eq!((cleaned.rejected, cleaned.repaired), (vec![], vec![]));
}

#[test]
fn rows_without_an_id_are_rejected_whatever_else_is_wrong() {
    let good = ["C1", "Ada", "Lovelace", "ada@example.com", "FR", "2025-01-01"];
    let cleaned = customers(&[["", good[1], good[2], good[3], good[4], good[5]], good, [" \t", "", "", "", "", ""]]);
    let rule = "missing_customer_id".to_owned();
    assert_eq!(cleaned.rejected, [(0, rule.clone()), (2, rule)]);
    assert_eq!(cleaned.kept.len(), 1);
}

#[test]
fn impossible_sign_up_dates_are_rejected() {
    for date in [
        "",
        " ",
        "32/13/2025",
        "2025-02-30",
        "2023-02-29",
        "2025-13-01",
        "2025-00-10",
        "2025-1-1",
        "20250101",
        "01-02-2025",
        "2025-01-01T00:00:00Z",
        "12025-01-01",
        "-025-01-01",
        "２０２５-01-01",
        "not-a-date",
    ] {
        let cleaned = customers(&[["C1", "", "", "", "FR", date]]);
        assert_eq!(cleaned.rejected, [(0, "invalid_signup_date".to_owned())], "{date}");
        assert_eq!((cleaned.kept.len(), cleaned.repaired.len()), (0, 0), "{date}");
    }
    for date in ["0000-01-01", "9999-12-31", "\u{a0}2025-01-01\n"] {
        assert_eq!(customers(&[["C1", "", "", "", "FR", date]]).kept[0][5], date.trim());
    }
}

#[test]
fn a_missing_country_becomes_na_and_is_counted_on_kept_rows_only() {
    let cleaned = customers(&[
        ["C1", "", "", "", "", "2025-01-01"],
        ["C2", "", "", "", "  ", "2025-01-01"],
        ["C3", "", "", "", "", "never"],
        ["C4", "", "", "", " fr ", "2025-01-01"],
    ]);
    assert_eq!(cleaned.repaired, [("missing_country".to_owned(), 2)]);
    let countries: Vec<_> = cleaned.kept.iter().map(|row| row[4].as_str()).collect();
    assert_eq!(countries, ["NA", "NA", "fr"]);
}

#[test]
fn initials_are_one_character_in_upper_case() {
    for (name, initial) in [
        ("ada", "A"),
        ("  éloïse", "É"),
        ("e\u{301}loïse", "E"),
        ("ßmith", "SS"),
        ("ﬁona", "FI"),
        ("ıldız", "I"),
        ("ǆuro", "Ǆ"),
        ("李", "李"),
        ("🦀", "🦀"),
        ("'t Hooft", "'"),
        ("", ""),
        ("\u{2003}", ""),
    ] {
        let kept = customers(&[["C1", name, name, "", "FR", "2025-01-01"]]).kept;
        assert_eq!(kept[0][2..4], [initial, initial], "{name}");
    }
}

#[test]
fn emails_are_trimmed_and_lower_cased_before_they_are_pseudonymised() {
    for (email, folded) in [
        ("\tADA@EXAMPLE.COM", "ada@example.com"),
        ("İpek@example.com", "i\u{307}pek@example.com"),
        ("ΟΔΟΣ@example.com", "οδος@example.com"),
        ("not an e-mail", "not an e-mail"),
    ] {
        assert_eq!(customers(&[["C1", "", "", email, "FR", "2025-01-01"]]).kept[0][1], pseudonym(folded), "{email}");
    }
}

#[test]
fn each_row_gets_the_pseudonym_of_its_own_email() {
    let cleaned = customers(&[
        ["C1", "", "", "", "FR", "2025-01-01"],
        ["", "", "", "rejected@example.com", "FR", "2025-01-01"],
        ["C2", "", "", "b@example.com", "FR", "2025-01-01"],
        ["C3", "", "", " ", "FR", "2025-01-01"],
        ["C4", "", "", "rejected@example.com", "FR", "x"],
        ["C5", "", "", "e@example.com", "FR", "2025-01-01"],
    ]);
    let pseudonyms: Vec<_> = cleaned.kept.iter().map(|row| row[1].clone()).collect();
    assert_eq!(pseudonyms, ["".into(), pseudonym("b@example.com"), "".into(), pseudonym("e@example.com")]);
}

#[test]
fn no_rows_give_no_rows() {
    assert_eq!(customers(&[]).kept.len(), 0);
}
