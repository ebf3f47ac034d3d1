//! Tests of flaws: each strikes at about its rate, at every row with rate 1 and never with rate 0, and each provokes the
//! rules that it is meant to provoke.

use std::collections::{BTreeMap, BTreeSet};

use smelt_sdk::Money;

use super::sheet::{Row, Sheet, but, date, declared, hourly, money, sheets};
use super::{rules, sheet};

/// The flaws of clients that one rule of their cleaner finds, and that rule.
const CLIENTS: [(&str, &str); 8] = [
    ("missing_client_id", "missing_client_id"),
    ("missing_signup_date", "missing_signup_date"),
    ("invalid_signup_date", "invalid_signup_date"),
    ("signup_out_of_range", "signup_date_out_of_range"),
    ("invalid_email", "invalid_email"),
    ("missing_country", "missing_country"),
    ("country_case", "country_case"),
    ("client_date_format", "signup_date_format"),
];

/// The flaws of purchases that one rule of their cleaner finds, and that rule.
const PURCHASES: [(&str, &str); 14] = [
    ("missing_purchase_id", "missing_purchase_id"),
    ("anonymous_clients", "missing_client_id"),
    ("missing_purchase_date", "missing_purchase_date"),
    ("invalid_purchase_date", "invalid_purchase_date"),
    ("purchase_out_of_range", "purchase_date_out_of_range"),
    ("invalid_quantity", "invalid_quantity"),
    ("negative_price", "negative_unit_price"),
    ("negative_amount", "negative_amount"),
    ("no_amounts", "missing_amount"),
    ("missing_quantity", "missing_quantity"),
    ("missing_amount", "computed_amount"),
    ("missing_price", "computed_unit_price"),
    ("missing_product", "missing_product"),
    ("purchase_date_format", "purchase_date_format"),
];

/// Returns the sheets of a tick with that flaw alone.
fn flawed(flaw: &str, rate: f64, rows: u32) -> [Sheet; 2] {
    let params = format!(r#"{{"clients": {rows}, "purchases": {rows}, "{flaw}": {rate}}}"#);
    sheets(&but(&params), hourly(1, 1))
}

/// Returns how many rows a rule applies to. Fails if any other rule applies.
#[track_caller]
fn struck(flaw: &str, rows: &[Row], rules_of: fn(&Row) -> Vec<&'static str>, rule: &str) -> usize {
    let mut struck = 0;
    for row in rows {
        match rules_of(row)[..] {
            [] => {}
            [found] if found == rule => struck += 1,
            ref others => panic!("`{flaw}` must provoke `{rule}` alone, not {others:?}: {row:?}"),
        }
    }
    struck
}

#[test]
fn a_flaw_provokes_its_rule_alone_at_its_rate_and_in_every_row_at_rate_one() {
    for (rate, rows, expected) in [(1.0, 200, 200..=200), (0.2, 5000, 900..=1100)] {
        for (flaw, rule) in CLIENTS {
            let [clients, purchases] = flawed(flaw, rate, rows);
            let found = struck(flaw, &clients.rows, rules::of_client, rule);
            assert!(expected.contains(&found), "`{flaw}` at rate {rate} strikes {found} of {rows} clients");
            assert_eq!(struck(flaw, &purchases.rows, rules::of_purchase, "none"), 0);
        }
        for (flaw, rule) in PURCHASES {
            let [clients, purchases] = flawed(flaw, rate, rows);
            let found = struck(flaw, &purchases.rows, rules::of_purchase, rule);
            assert!(expected.contains(&found), "`{flaw}` at rate {rate} strikes {found} of {rows} purchases");
            assert_eq!(struck(flaw, &clients.rows, rules::of_client, "none"), 0);
        }
    }
}

/// Asserts how many rows have a flaw that no cleaner finds.
fn assert_share(flaw: &str, of: usize, has_flaw: impl Fn(&Row) -> bool) {
    for (rate, rows, expected) in [(1.0, 200, 1.0..=1.0), (0.2, 5000, 0.18..=0.22), (0.0, 200, 0.0..=0.0)] {
        let sheet = &flawed(flaw, rate, rows)[of];
        let rules_of = [rules::of_client, rules::of_purchase][of];
        assert_eq!(struck(flaw, &sheet.rows, rules_of, "none"), 0);
        let found = sheet.rows.iter().filter(|row| has_flaw(row)).count() as f64 / f64::from(rows);
        assert!(expected.contains(&found), "`{flaw}` at rate {rate} strikes {found} of the rows");
    }
}

/// Returns the rows of both ticks so far without flaws, by id.
fn known(of: usize, rows: u32) -> BTreeMap<String, Row> {
    let params = but(&format!(r#"{{"clients": {rows}, "purchases": {rows}}}"#));
    let sheets = [0, 1].map(|number| sheets(&params, hourly(1, number)));
    let id = ["client_id", "purchase_id"][of];
    sheets.iter().flat_map(|sheets| &sheets[of].rows).map(|row| (row[id].clone(), row.clone())).collect()
}

fn email(row: &Row) -> String {
    row["email"].trim().to_lowercase()
}

#[test]
fn e_mails_are_missing_or_those_of_another_client_in_other_case() {
    assert_share("missing_email", 0, |row| row["email"].trim().is_empty());
    // The names of the first 200 clients are those that they have among 5000.
    let known = known(0, 5000);
    let all: BTreeSet<_> = known.values().map(email).collect();
    assert_share("shared_email", 0, |row| {
        let is_other = email(row) != email(&known[&row["client_id"]]);
        assert!(all.contains(&email(row)), "{row:?} has the e-mail of no client");
        assert!(!is_other || row["email"] != email(row), "{row:?} has the e-mail of another client in the same case");
        is_other
    });
    let alone = sheets(&but(r#"{"clients": 1, "shared_email": 1}"#), hourly(1, 0));
    assert!(alone[0].rows[0]["email"].contains(".0.0@"), "the only client shares with nobody");
}

#[test]
fn unknown_clients_are_of_no_tick() {
    for (rate, rows, expected) in [(1.0, 200, 200..=200), (0.2, 5000, 900..=1100), (0.0, 200, 0..=0)] {
        let (known, [_, purchases]) = (known(0, rows), flawed("unknown_clients", rate, rows));
        assert_eq!(struck("unknown_clients", &purchases.rows, rules::of_purchase, "none"), 0);
        let unknown = purchases.rows.iter().filter(|row| !known.contains_key(&row["client_id"])).count();
        assert!(expected.contains(&unknown), "{unknown} of {rows} are of unknown clients");
    }
}

#[test]
fn purchases_come_before_the_sign_up_of_their_client_but_in_the_days_of_the_tick() {
    for (rate, rows, expected) in [(1.0, 200, 200..=200), (0.2, 5000, 900..=1100), (0.0, 200, 0..=0)] {
        let (known, [_, purchases]) = (known(0, rows), flawed("before_signup", rate, rows));
        let signup = |row: &Row| date(&known[&row["client_id"]], "signup_date");
        let early = purchases.rows.iter().filter(|row| date(row, "purchase_date") < signup(row)).count();
        assert!(expected.contains(&early), "{early} of {rows} come before the sign-up");
        let last = hourly(1, 1).as_of.date();
        let first = last.plus_days(-364);
        assert!(purchases.rows.iter().all(|row| (first..=last).contains(&date(row, "purchase_date"))));
    }
}

#[test]
fn discounts_are_a_tenth_of_quantity_times_price() {
    for (rate, expected) in [(1.0, 1.0..=1.0), (0.2, 0.18..=0.22), (0.0, 0.0..=0.0)] {
        let [_, purchases] = flawed("discounted", rate, 5000);
        let (mut discounted, mut all) = (0.0, 0.0);
        for row in &purchases.rows {
            let full = money(row, "unit_price").units() * row["quantity"].parse::<i128>().unwrap();
            let amount = money(row, "amount");
            if full == 0 {
                assert_eq!(amount, Money::ZERO, "{row:?}");
                continue;
            }
            all += 1.0;
            match amount.units() {
                units if units == (full * 9 + 5) / 10 => discounted += 1.0,
                units => assert_eq!(units, full, "{row:?}"),
            }
        }
        assert!(expected.contains(&(discounted / all)), "{discounted} of {all} are discounted");
    }
}

#[test]
fn malformed_lines_have_too_few_or_too_many_cells() {
    for (rate, rows, expected) in [(1.0, 200, 200..=200), (0.2, 5000, 900..=1100), (0.0, 200, 0..=0)] {
        for sheet in flawed("malformed_line", rate, rows) {
            assert!(expected.contains(&sheet.malformed), "{} of {rows} lines are malformed", sheet.malformed);
            assert_eq!(sheet.malformed + sheet.rows.len(), rows as usize);
        }
    }
}

#[test]
fn shuffled_objects_have_the_same_rows_in_other_columns() {
    let usual = sheets(&but("{}"), hourly(1, 0)).map(|sheet| sheet.columns);
    let mut orders = BTreeSet::new();
    for number in 0..400 {
        let [plain, shuffled] = [0, 1].map(|rate| {
            let params = format!(r#"{{"clients": 2, "purchases": 2, "shuffled_columns": {rate}}}"#);
            sheets(&but(&params), hourly(1, number))
        });
        for ((plain, shuffled), usual) in plain.iter().zip(&shuffled).zip(&usual) {
            assert_eq!((&plain.columns, shuffled.rows.len()), (usual, 2));
            let known: Vec<_> = shuffled.columns.iter().filter(|column| usual.contains(column)).cloned().collect();
            assert_eq!((known.len(), shuffled.columns.len()), (usual.len(), usual.len() + 1));
            assert_ne!(known, *usual);
            assert!(shuffled.rows.iter().all(|row| {
                let rules = if usual.len() == 5 { rules::of_client(row) } else { rules::of_purchase(row) };
                rules.is_empty()
            }));
            orders.insert(shuffled.columns.clone());
        }
    }
    assert!(orders.len() > 500, "{} different orders", orders.len());
    let of_ten = (0..500).flat_map(|number| sheets(r#"{"clients": 0, "purchases": 0}"#, hourly(1, number)));
    let shuffled = of_ten.filter(|sheet| !usual.contains(&sheet.columns)).count();
    assert!((70..130).contains(&shuffled), "{shuffled} of 1000 objects are shuffled");
}

#[test]
fn by_default_every_rule_occurs_at_about_its_rate_and_no_other() {
    let rates: BTreeMap<_, _> =
        declared().into_iter().filter_map(|(name, parameter)| Some((name, parameter["default"].as_f64()?))).collect();
    let [clients, purchases] = sheets(r#"{"clients": 40000, "purchases": 40000}"#, hourly(1, 1));
    for (rows, rules_of, flaws, known) in [
        (&clients.rows, rules::of_client as fn(&Row) -> _, &CLIENTS[..], &rules::OF_CLIENTS[..]),
        (&purchases.rows, rules::of_purchase, &PURCHASES, &rules::OF_PURCHASES),
    ] {
        let mut found: BTreeMap<&str, f64> = BTreeMap::new();
        for rule in rows.iter().flat_map(rules_of) {
            *found.entry(rule).or_default() += 1.0 / rows.len() as f64;
        }
        assert_eq!(found.keys().copied().collect::<BTreeSet<_>>(), known.iter().copied().collect());
        for (flaw, rule) in flaws {
            let (rate, found) = (rates[*flaw], found[rule]);
            // A row that is rejected for one flaw is not counted for another, which is up to a tenth of the rows.
            assert!((0.75 * rate..1.25 * rate).contains(&found), "`{rule}` strikes {found} of the rows, not {rate}");
        }
    }
}

#[test]
fn every_parameter_has_the_default_of_the_specification() {
    let expected: BTreeMap<_, _> = [
        ("clients", 50.0),
        ("purchases", 500.0),
        ("days", 365.0),
        ("missing_client_id", 0.005),
        ("missing_signup_date", 0.01),
        ("invalid_signup_date", 0.01),
        ("signup_out_of_range", 0.005),
        ("missing_email", 0.04),
        ("invalid_email", 0.02),
        ("shared_email", 0.005),
        ("missing_country", 0.03),
        ("country_case", 0.05),
        ("client_date_format", 0.08),
        ("returning_clients", 0.04),
        ("missing_purchase_id", 0.004),
        ("anonymous_clients", 0.005),
        ("missing_purchase_date", 0.01),
        ("invalid_purchase_date", 0.01),
        ("purchase_out_of_range", 0.005),
        ("invalid_quantity", 0.02),
        ("negative_price", 0.01),
        ("negative_amount", 0.01),
        ("no_amounts", 0.005),
        ("missing_quantity", 0.02),
        ("missing_amount", 0.03),
        ("missing_price", 0.02),
        ("missing_product", 0.02),
        ("purchase_date_format", 0.06),
        ("unknown_clients", 0.015),
        ("before_signup", 0.005),
        ("discounted", 0.1),
        ("duplicate_purchases", 0.015),
        ("corrected_purchases", 0.015),
        ("malformed_line", 0.002),
        ("shuffled_columns", 0.1),
    ]
    .into();
    let declared = sheet::declared();
    let defaults: BTreeMap<_, _> = declared
        .iter()
        .map(|(name, parameter)| {
            assert!(parameter["description"].as_str().is_some_and(|text| !text.is_empty()), "{name}");
            if parameter["type"] == "number" {
                assert_eq!((parameter["minimum"].as_f64(), parameter["maximum"].as_f64()), (Some(0.0), Some(1.0)));
            }
            (name.as_str(), parameter["default"].as_f64().unwrap())
        })
        .collect();
    assert_eq!(defaults, expected);
}
