//! Tests of what ticks have to do with each other: bytes, ids, dates and rows that come again.

use std::collections::{BTreeMap, BTreeSet};

use smelt_sdk::testing::generate;
use smelt_sdk::{Date, Tick};

use super::rules;
use super::sheet::{Row, but, daily, date, hourly, sheets, texts};
use crate::RetailSource;

#[test]
fn objects_are_named_after_the_time() {
    let objects = generate::<RetailSource>("{}", hourly(1, 0)).unwrap();
    let names: Vec<_> = objects.iter().map(|object| object.name.as_str()).collect();
    assert_eq!(names, ["clients_20251113T003500.csv", "purchases_20251113T003500.csv"]);
}

#[test]
fn equal_arguments_give_equal_bytes_and_others_give_others() {
    let first = texts("{}", hourly(7, 3));
    assert_eq!(first, texts("{}", hourly(7, 3)));
    let other = r#"{"invalid_signup_date": 1, "missing_amount": 1}"#;
    for other in [texts("{}", hourly(8, 3)), texts("{}", hourly(7, 4)), texts(other, hourly(7, 3))] {
        assert!(first.iter().zip(&other).all(|(first, other)| first != other));
    }
}

#[test]
fn neighbouring_seeds_and_ticks_do_not_mirror_each_other() {
    let figures = |seed, number| {
        let [_, purchases] = sheets(&but(r#"{"purchases": 20}"#), hourly(seed, number));
        let cells = |row: &Row| [&row["product"], &row["quantity"], &row["unit_price"]].map(String::clone);
        purchases.rows.iter().map(cells).collect::<Vec<_>>()
    };
    let all: BTreeSet<_> = (0..8).flat_map(|seed| (0..8).map(move |number| figures(seed, number))).collect();
    assert_eq!(all.len(), 64);
}

#[test]
fn there_are_as_many_rows_as_asked_for() {
    for number in [0, 1] {
        let [clients, purchases] = sheets(&but(r#"{"clients": 3, "purchases": 4}"#), hourly(1, number));
        assert_eq!((clients.rows.len(), purchases.rows.len()), (3, 4));
    }
    let nothing = texts(&but(r#"{"clients": 0, "purchases": 0}"#), hourly(1, 1));
    let headers = [
        "client_id,name,email,signup_date,country\n",
        "purchase_id,client_id,purchase_date,product,quantity,unit_price,amount\n",
    ];
    assert_eq!(nothing, headers);
    let [_, strangers] = sheets(&but(r#"{"clients": 0, "purchases": 50}"#), hourly(1, 1));
    assert_eq!(strangers.rows.len(), 50);
    assert!(strangers.rows.iter().all(|row| row["client_id"].starts_with('C')), "nobody knows these clients");
}

#[test]
fn a_tick_of_any_number_and_time_is_made() {
    use smelt_sdk::Timestamp;
    let everything = r#"{"clients": 5, "purchases": 20, "days": 36500, "returning_clients": 1, "corrected_purchases": 1,
        "shared_email": 1, "before_signup": 1}"#;
    for (number, as_of, ends) in [
        (u64::MAX, 0, i64::MAX),
        (u64::MAX, -62_167_219_200_000_000, -62_167_219_200_000_000),
        (u64::MAX, 253_402_300_799_000_000, i64::MIN),
        (1, 0, i64::MAX),
        (0, -62_167_219_200_000_000, 0),
    ] {
        let tick = Tick { seed: u64::MAX, number, as_of: Timestamp(as_of), ends: Timestamp(ends) };
        for parameters in [everything, r#"{"clients": 1, "days": 1, "returning_clients": 1, "corrected_purchases": 1}"#]
        {
            assert_eq!(texts(parameters, tick), texts(parameters, tick));
        }
    }
}

/// Asserts that the ids and dates of some ticks match, without flaws.
fn assert_ticks_match(ticks: &[Tick], days: i64) {
    let again = r#""returning_clients": 0.2, "corrected_purchases": 0.2"#;
    let params = but(&format!(r#"{{"clients": 40, "purchases": 300, "days": {days}, {again}}}"#));
    let mut signups = BTreeMap::new();
    for tick in ticks {
        let [clients, purchases] = sheets(&params, *tick);
        let last = tick.as_of.date();
        let window = last.plus_days(1 - days)..=last;
        for row in &clients.rows {
            assert_eq!(rules::of_client(row), [""; 0], "{row:?}");
            let signup = date(row, "signup_date");
            assert!(window.contains(&signup), "{row:?} of tick {}", tick.number);
            signups.insert(row["client_id"].clone(), signup);
        }
        assert_eq!(signups.len() as u64, 40 * (tick.number + 1));
        let mut seen = BTreeSet::new();
        for row in &purchases.rows {
            assert_eq!(rules::of_purchase(row), [""; 0], "{row:?}");
            let bought = date(row, "purchase_date");
            assert!(window.contains(&bought), "{row:?} of tick {}", tick.number);
            let signup = signups.get(&row["client_id"]).unwrap_or_else(|| panic!("no tick so far made {row:?}"));
            assert!(*signup <= bought, "{row:?} comes before {signup:?}");
            seen.insert(row["client_id"][1..9].to_owned());
        }
        if days > 1 && ticks.len() as u64 == tick.number + 1 {
            assert_eq!(seen.len(), ticks.len(), "clients of all ticks buy something");
        }
    }
}

#[test]
fn purchases_are_of_clients_of_ticks_so_far_and_dates_lie_in_the_days_of_the_tick() {
    for days in [1, 30, 365] {
        assert_ticks_match(&[0, 1, 2, 3].map(|number| hourly(3, number)), days);
        assert_ticks_match(&[0, 1, 2, 3].map(|number| daily(3, number)), days);
    }
}

#[test]
fn ticks_that_were_left_out_do_no_harm() {
    // Two hours, then ten days without a host, then two hours.
    let late = |number| Tick { as_of: hourly(3, number).as_of.plus_seconds(864_000), ..hourly(3, number) };
    let late = |number| Tick { ends: late(number).as_of.plus_seconds(3600), ..late(number) };
    assert_ticks_match(&[hourly(3, 0), hourly(3, 1), late(2), late(3)], 30);
}

#[test]
fn e_mails_are_unique_and_on_domains_that_nobody_has() {
    let mut all = BTreeSet::new();
    for number in 0..3 {
        let [clients, _] = sheets(&but(r#"{"clients": 500}"#), hourly(1, number));
        for row in &clients.rows {
            let email = row["email"].trim().to_lowercase();
            let domain = email.split_once('@').map(|(_, domain)| domain);
            assert!(matches!(domain, Some("example.com" | "example.net" | "example.org")), "{row:?}");
            assert!(all.insert(email), "{row:?} has the e-mail of another client");
        }
        assert!(clients.rows.iter().any(|row| !row["name"].is_ascii()), "some names are not ASCII");
        assert!(clients.rows.iter().any(|row| row["name"].contains(',')), "some names have a comma");
    }
}

#[test]
fn returning_clients_are_of_earlier_ticks_and_have_moved() {
    let params = but(r#"{"clients": 50, "returning_clients": 1}"#);
    let first = sheets(&params, daily(1, 0))[0].rows.clone();
    assert_eq!(first.len(), 50, "nobody can come again to the first tick");
    let known: BTreeMap<_, _> = first.into_iter().map(|row| (row["client_id"].clone(), row)).collect();
    let [clients, _] = sheets(&params, daily(1, 1));
    let old: Vec<_> = clients.rows.iter().filter(|row| row["client_id"].starts_with("C00000000-")).collect();
    assert_eq!((clients.rows.len(), old.len()), (100, 50));
    for row in old {
        let before = &known[&row["client_id"]];
        assert_ne!(row["country"], before["country"]);
        assert_eq!(row["signup_date"], before["signup_date"]);
        assert_eq!(row["email"].trim().to_lowercase(), before["email"].trim().to_lowercase());
    }
}

#[test]
fn corrected_purchases_are_of_earlier_ticks_with_another_date_or_quantity() {
    let params = but(r#"{"purchases": 200, "corrected_purchases": 1}"#);
    let first = sheets(&params, daily(1, 0))[1].rows.clone();
    assert_eq!(first.len(), 200, "the first tick has nothing to correct");
    let known: BTreeMap<_, _> = first.into_iter().map(|row| (row["purchase_id"].clone(), row)).collect();
    let [_, purchases] = sheets(&params, daily(1, 1));
    let late: Vec<_> = purchases.rows.iter().filter(|row| row["purchase_id"].starts_with("P00000000-")).collect();
    assert_eq!((purchases.rows.len(), late.len()), (400, 200));
    let mut other_dates = 0;
    for row in late {
        let before = &known[&row["purchase_id"]];
        let differs = |column: &str| row[column] != before[column];
        assert!(differs("purchase_date") != differs("quantity"), "{row:?} corrects {before:?}");
        assert!(!["client_id", "product", "unit_price"].into_iter().any(differs), "{row:?} corrects {before:?}");
        other_dates += u32::from(differs("purchase_date"));
    }
    assert!((60..140).contains(&other_dates), "{other_dates} of 200 have another date");
}

#[test]
fn a_correction_leaves_no_date_behind_the_days_of_its_tick() {
    let params = but(r#"{"purchases": 50, "days": 2, "corrected_purchases": 1}"#);
    let [_, purchases] = sheets(&params, daily(1, 5));
    let days: BTreeSet<_> = purchases.rows.iter().map(|row| date(row, "purchase_date")).collect();
    let last = daily(1, 5).as_of.date();
    assert_eq!(days, BTreeSet::from([Date(last.0 - 1), last]));
    assert_eq!(purchases.rows.len(), 100);
}

#[test]
fn duplicates_are_the_row_twice() {
    let [_, purchases] = sheets(&but(r#"{"purchases": 100, "duplicate_purchases": 1}"#), hourly(1, 0));
    assert_eq!(purchases.rows.len(), 200);
    assert!(purchases.rows.chunks(2).all(|pair| pair[0] == pair[1]));
    let ids: BTreeSet<_> = purchases.rows.iter().map(|row| &row["purchase_id"]).collect();
    assert_eq!(ids.len(), 100);
}
