//! Tests of every rule of the clients dataset, of their order, and of the odd e-mails and countries that people write.

use smelt_sdk::testing::{CleanedRows, cells, clean};

use super::*;

const GOOD: [&str; 4] = ["C1", "ada@example.com", "2025-01-31", "FR"];

/// Cleans rows of id, e-mail, sign-up date and country.
fn clients_with(parameters: &str, rows: &[[&str; 4]]) -> Result<CleanedRows> {
    let rows: Vec<_> = rows.iter().map(|&row| cells(row)).collect();
    let rows: Vec<&[_]> = rows.iter().map(|row| row.as_slice()).collect();
    clean::<CleanClients>(parameters, &rows)
}

fn clients(rows: &[[&str; 4]]) -> CleanedRows {
    clients_with("{}", rows).expect("the rows are clean enough")
}

/// Cleans one row that is kept. Returns its cells, and the rules that repaired it.
#[track_caller]
fn kept(row: [&str; 4]) -> (Vec<String>, Vec<String>) {
    let CleanedRows { mut kept, rejected, repaired } = clients(&[row]);
    assert_eq!(rejected, [], "{row:?}");
    assert!(repaired.iter().all(|(_, rows)| *rows == 1), "{row:?}: {repaired:?}");
    (kept.remove(0), repaired.into_iter().map(|(rule, _)| rule).collect())
}

#[track_caller]
fn assert_rejected(row: [&str; 4], rule: &str) {
    let cleaned = clients(&[row]);
    assert_eq!(cleaned.rejected, [(0, rule.to_owned())], "{row:?}");
    assert_eq!((cleaned.kept.len(), cleaned.repaired), (0, vec![]), "{row:?}");
}

fn pseudonym(email: &str) -> String {
    pseudonymise(&[email.to_owned()]).remove(0)
}

#[test]
fn a_good_row_is_typed_and_trimmed_and_its_email_leaves_as_a_pseudonym_only() {
    let (cells, repairs) = kept([" C1\u{a0}", "\tAda@Example.com ", " 2024-02-29 ", " Côte d'Ivoire "]);
    // The first 16 digits of `printf ada@example.com | sha256sum`.
    assert_eq!(cells, ["C1", "b5fc85e55755f9e0", "2024-02-29", "Côte d'Ivoire"]);
    assert!(repairs.is_empty());
}

#[test]
fn names_are_not_even_read() {
    let CleanerDescription { input, output, key, order_by, .. } = CleanClients::describe();
    assert_eq!(input, ["client_id", "email", "signup_date", "country"]);
    let output: Vec<_> = output.iter().map(|field| (field.name.as_str(), field.nullable)).collect();
    assert_eq!(output, [("client_id", false), ("email_h", true), ("signup_date", false), ("country", false)]);
    assert_eq!(key, ["client_id"]);
    assert!(order_by.is_empty(), "the later object wins, then the later row");
}

#[test]
fn the_first_flaw_in_the_order_of_the_rules_rejects_and_nothing_is_repaired() {
    let (bad_email, no_country) = ("no address", "");
    assert_rejected(["", bad_email, "", no_country], "missing_client_id");
    assert_rejected([" \u{2003}", bad_email, "32/13/2025", no_country], "missing_client_id");
    assert_rejected(["C1", bad_email, "", no_country], "missing_signup_date");
    assert_rejected(["C1", bad_email, " \t", "fr"], "missing_signup_date");
    assert_rejected(["C1", bad_email, "32/13/2025", "fr"], "invalid_signup_date");
    assert_rejected(["C1", bad_email, "31/12/1999", "fr"], "signup_date_out_of_range");
}

#[test]
fn impossible_sign_up_dates_are_rejected() {
    for date in [
        "2025-02-30",
        "29/02/2023",
        "2025/13/01",
        "1900-02-29",
        "2025-1-1",
        "01/02/25",
        "01.02.2025",
        "20250101",
        "2025-01-01T24:00:00Z",
        "12025-01-01",
        "２０２５-01-01",
        "not a date",
    ] {
        assert_rejected(["C1", GOOD[1], date, "FR"], "invalid_signup_date");
    }
}

#[test]
fn dates_outside_the_range_are_rejected() {
    for date in ["1900-01-01", "1999-12-31", "2100-01-01", "9999-12-31", "0000-01-01", "2000-01-01T00:00:00+00:01"] {
        assert_rejected(["C1", GOOD[1], date, "FR"], "signup_date_out_of_range");
    }
    for date in ["2000-01-01", "2099-12-31"] {
        assert_eq!(
            kept(["C1", GOOD[1], date, "FR"]),
            (vec!["C1".into(), pseudonym(GOOD[1]), date.into(), "FR".into()], vec![])
        );
    }
}

#[test]
fn the_range_is_a_parameter() {
    let row = |date| ["C1", "", date, "FR"];
    let rows = [row("2024-12-31"), row("2025-01-01"), row("31/01/2025"), row("2025-02-01")];
    let cleaned = clients_with(r#"{"earliest": "2025-01-01", "latest": "2025-01-31"}"#, &rows).expect("a range");
    let rule = "signup_date_out_of_range".to_owned();
    assert_eq!(cleaned.rejected, [(0, rule.clone()), (3, rule)]);
    let fault = clients_with(r#"{"latest": "31/01/2025"}"#, &[]).expect_err("no date");
    assert_eq!(fault.message, "parameter `latest` must be a date such as `2025-01-31`, is `31/01/2025`");
}

#[test]
fn dates_in_other_forms_are_repaired() {
    for (date, written) in [
        ("2025/04/01", "2025-04-01"),
        ("01/04/2025", "2025-04-01"),
        ("01-04-2025", "2025-04-01"),
        ("2025-03-01T23:30:00-02:00", "2025-03-02"),
        ("2025-04-01 10:30:00.5", "2025-04-01"),
        ("2025-01-05 10:00:00+00", "2025-01-05"),
        ("2025-01-05 01:00:00+02", "2025-01-04"),
    ] {
        let (cells, repairs) = kept(["C1", GOOD[1], date, "FR"]);
        assert_eq!((cells[2].as_str(), repairs), (written, vec!["signup_date_format".to_owned()]), "{date}");
    }
}

#[test]
fn what_is_no_address_becomes_missing() {
    for email in [
        "plain",
        "@example.com",
        "ada@",
        "@",
        "user@localhost",
        "ada@.example.com",
        "ada@example.com.",
        "ada@.",
        "ada@b@example.com",
        "ada@@example.com",
        "ada lovelace@example.com",
        "ada@exam ple.com",
        "ada\tl@example.com",
        "a.da@example",
    ] {
        let (cells, repairs) = kept(["C1", email, GOOD[2], "FR"]);
        assert_eq!((cells[1].as_str(), repairs), ("", vec!["invalid_email".to_owned()]), "{email}");
    }
}

#[test]
fn addresses_are_trimmed_and_lower_cased_before_they_are_pseudonymised() {
    for (email, folded) in [
        ("\tADA@EXAMPLE.COM\u{2003}", "ada@example.com"),
        ("İpek@example.com", "i\u{307}pek@example.com"),
        ("ΟΔΟΣ@example.com", "οδος@example.com"),
        (".a@b..c", ".a@b..c"),
        ("ada\u{a0}l@exa\u{2003}mple.com", "ada\u{a0}l@exa\u{2003}mple.com"),
    ] {
        let (cells, repairs) = kept(["C1", email, GOOD[2], "FR"]);
        assert_eq!((cells[1].clone(), repairs), (pseudonym(folded), vec![]), "{email}");
    }
}

#[test]
fn a_missing_email_is_no_rule() {
    for email in ["", " ", "\u{a0}\t"] {
        let (cells, repairs) = kept(["C1", email, GOOD[2], "FR"]);
        assert_eq!((cells[1].as_str(), repairs), ("", vec![]), "{email:?}");
    }
}

#[test]
fn each_row_gets_the_pseudonym_of_its_own_email() {
    let cleaned = clients(&[
        ["C1", "", GOOD[2], "FR"],
        ["", "rejected@example.com", GOOD[2], "FR"],
        ["C2", "b@example.com", GOOD[2], "FR"],
        ["C3", "no address", GOOD[2], "FR"],
        ["C4", "rejected@example.com", "x", "FR"],
        ["C5", "no address", "x", "FR"],
        ["C6", "e@example.com", GOOD[2], "FR"],
    ]);
    let pseudonyms: Vec<_> = cleaned.kept.iter().map(|row| row[1].clone()).collect();
    assert_eq!(pseudonyms, ["".into(), pseudonym("b@example.com"), "".into(), pseudonym("e@example.com")]);
    assert_eq!(cleaned.repaired, [("invalid_email".to_owned(), 1)]);
}

#[test]
fn only_codes_of_two_letters_become_upper_case() {
    for (country, code) in [("fr", "FR"), ("De", "DE"), ("eS", "ES"), ("na", "NA"), (" pt ", "PT")] {
        let (cells, repairs) = kept(["C1", GOOD[1], GOOD[2], country]);
        assert_eq!((cells[3].as_str(), repairs), (code, vec!["country_case".to_owned()]), "{country}");
    }
    for country in ["FR", "NA", "f", "fra", "Suisse", "é", "éa", "f1", "ß", "f\u{a0}r"] {
        let (cells, repairs) = kept(["C1", GOOD[1], GOOD[2], country]);
        assert_eq!((cells[3].as_str(), repairs), (country, vec![]), "{country}");
    }
}

#[test]
fn a_missing_country_becomes_na_without_another_repair() {
    for country in ["", "  "] {
        let (cells, repairs) = kept(["C1", GOOD[1], GOOD[2], country]);
        assert_eq!((cells[3].as_str(), repairs), ("NA", vec!["missing_country".to_owned()]));
    }
}

#[test]
fn repairs_count_once_a_rule_on_kept_rows_only() {
    let odd = ["C1", "no address", "01/04/2025", "fr"];
    let cleaned = clients(&[odd, odd, ["C2", "x", "04/2025", "fr"], ["", "x", "01/04/2025", ""], GOOD]);
    let repaired = [("signup_date_format", 2), ("invalid_email", 2), ("country_case", 2)];
    assert_eq!(cleaned.repaired, repaired.map(|(rule, rows)| (rule.to_owned(), rows)));
    assert_eq!((cleaned.kept.len(), cleaned.rejected.len()), (3, 2));
}

#[test]
fn no_rows_give_no_rows() {
    assert_eq!(clients(&[]).kept.len(), 0);
}
