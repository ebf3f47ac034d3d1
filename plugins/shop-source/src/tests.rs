//! Tests of the content of a tick: equal bytes each time, every flaw at its rate, and ids that match across ticks.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use smelt_sdk::testing::generate;
use smelt_sdk::{Date, Money, Number, Timestamp};

use super::*;

/// Parameters without flaws.
const FLAWLESS: &str = r#""missing_customer_id": 0, "missing_name": 0, "missing_email": 0, "missing_country": 0, "invalid_date": 0,
    "returning_customers": 0, "missing_order_id": 0, "anonymous_customers": 0, "unknown_customers": 0, "negative_quantity": 0,
    "invalid_number": 0, "missing_total": 0, "duplicate_orders": 0, "late_duplicates": 0, "invalid_timestamp": 0,
    "invalid_ip": 0, "malformed_line": 0"#;

fn at(seed: u64, number: u64) -> Tick {
    let as_of = Timestamp::parse("2025-11-13T10:35:00Z").unwrap();
    Tick { seed, number, as_of, ends: as_of.plus_seconds(3600) }
}

/// Returns the texts of the three objects.
fn tick(params: &str, seed: u64, number: u64) -> [String; 3] {
    let objects = generate::<ShopSource>(params, at(seed, number)).unwrap();
    let texts: Vec<_> = objects.into_iter().map(|object| String::from_utf8(object.bytes).unwrap()).collect();
    texts.try_into().unwrap()
}

/// Returns parameters without flaws, except those in `params`.
fn but(params: &str) -> String {
    let Value::Object(mut all) = serde_json::from_str(&format!("{{{FLAWLESS}}}")).unwrap() else { unreachable!() };
    let Value::Object(given) = serde_json::from_str(params).unwrap() else { unreachable!() };
    all.extend(given);
    Value::Object(all).to_string()
}

/// Returns the rows of a CSV in which quotes are only around whole cells.
fn customers(csv: &str) -> Vec<Vec<&str>> {
    let cells = |line| {
        let (mut cells, mut rest) = (Vec::new(), line);
        while let Some((cell, after)) = match str::strip_prefix(rest, '"') {
            Some(quoted) => quoted.split_once("\","),
            None => rest.split_once(','),
        } {
            cells.push(cell);
            rest = after;
        }
        cells.push(rest);
        cells
    };
    csv.lines().skip(1).map(cells).collect()
}

fn orders(json: &str) -> Vec<Value> {
    serde_json::from_str(json).unwrap()
}

fn clicks(lines: &str) -> Vec<Value> {
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn text<'a>(row: &'a Value, field: &str) -> &'a str {
    row[field].as_str().unwrap_or_default()
}

fn number(row: &Value, field: &str) -> Option<Number> {
    match &row[field] {
        Value::String(text) => Number::parse(text),
        other => Number::parse(&other.to_string()),
    }
}

#[test]
fn objects_are_named_after_the_time() {
    let objects = generate::<ShopSource>("{}", at(1, 0)).unwrap();
    let names: Vec<_> = objects.iter().map(|object| object.name.as_str()).collect();
    assert_eq!(names, ["customers_20251113T103500.csv", "orders_20251113T103500.json", "clicks_20251113T103500.txt"]);
}

#[test]
fn equal_arguments_give_equal_bytes_and_others_give_others() {
    let first = tick("{}", 7, 3);
    assert_eq!(first, tick("{}", 7, 3));
    for other in
        [tick("{}", 8, 3), tick("{}", 7, 4), tick(r#"{"invalid_date": 1, "missing_total": 1, "invalid_ip": 1}"#, 7, 3)]
    {
        assert!(first.iter().zip(&other).all(|(first, other)| first != other));
    }
}

#[test]
fn neighbouring_seeds_and_ticks_do_not_mirror_each_other() {
    let all: BTreeSet<_> =
        (0..8).flat_map(|seed| (0..8).map(move |number| tick("{}", seed, number)[2].clone())).collect();
    assert_eq!(all.len(), 64);
}

#[test]
fn there_are_as_many_rows_as_asked_for() {
    let [customers_csv, orders_json, clicks_txt] = tick(&but(r#"{"customers": 3, "orders": 4, "clicks": 5}"#), 1, 1);
    assert_eq!(customers(&customers_csv).len(), 3);
    assert_eq!(orders(&orders_json).len(), 4);
    assert_eq!(clicks(&clicks_txt).len(), 5);
    let nothing = tick(r#"{"customers": 0, "orders": 0, "clicks": 0}"#, 1, 1);
    assert_eq!(nothing, ["customer_id,first_name,last_name,email,country,signup_date\n", "[\n]\n", ""]);
    let strangers = tick(r#"{"customers": 0, "anonymous_customers": 0}"#, 1, 1);
    assert!(orders(&strangers[1]).iter().all(|order| text(order, "customer_id").starts_with('C')));
}

#[test]
fn without_flaws_every_cell_is_valid() {
    let [customers_csv, orders_json, clicks_txt] =
        tick(&but(r#"{"customers": 500, "orders": 500, "clicks": 500}"#), 1, 2);
    let customers = customers(&customers_csv);
    for row in &customers {
        let [_, first, last, email, country, date] = row[..] else { panic!("{row:?} has other cells") };
        assert!(!first.is_empty() && !last.is_empty() && email.contains("@") && country.len() == 2, "{row:?}");
        assert!(Date::parse(date).is_some_and(|date| date <= at(1, 0).as_of.date()), "{row:?}");
    }
    assert!(!customers_csv.is_ascii(), "some names are not ASCII");

    let mut ids = BTreeSet::new();
    let days: BTreeSet<_> = orders(&orders_json)
        .iter()
        .map(|order| {
            assert!(ids.insert(text(order, "order_id").to_owned()));
            let (quantity, price) =
                (number(order, "quantity").unwrap(), number(order, "unit_price").unwrap().round::<2>().unwrap());
            assert!(price > Money::ZERO);
            assert_eq!(quantity.times(price), number(order, "total_amount").unwrap().round());
            assert!(["web", "mobile", "store"].contains(&text(order, "channel")));
            let ts = Timestamp::parse(text(order, "order_ts")).unwrap();
            assert!(at(1, 0).as_of.plus_seconds(-30 * 86_400) <= ts && ts <= at(1, 0).as_of);
            ts.date()
        })
        .collect();
    assert!(days.len() > 25, "orders spread over the days");

    for click in clicks(&clicks_txt) {
        assert!(text(&click, "ip").parse::<std::net::Ipv4Addr>().is_ok());
        assert!(Timestamp::parse(text(&click, "ts")).is_some());
    }
}

#[test]
fn orders_and_clicks_are_mostly_of_customers_of_ticks_so_far() {
    let params = r#"{"customers": 20, "orders": 2000, "clicks": 2000}"#;
    let known: BTreeSet<_> = (0..4)
        .flat_map(|number| {
            tick(&but(params), 1, number)[0].lines().skip(1).map(|line| line[..15].to_owned()).collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(known.len(), 80);

    let [_, orders_json, clicks_txt] = tick(&but(params), 1, 3);
    let seen: BTreeSet<_> = orders(&orders_json)
        .iter()
        .chain(&clicks(&clicks_txt))
        .map(|row| text(row, "customer_id").to_owned())
        .collect();
    assert_eq!(seen, known);

    let [_, strangers, _] = tick(&but(r#"{"customers": 20, "unknown_customers": 1}"#), 1, 3);
    assert!(orders(&strangers).iter().all(|order| !known.contains(text(order, "customer_id"))));
}

#[test]
fn late_duplicates_bring_earlier_orders_with_other_content() {
    let params = r#"{"orders": 50, "late_duplicates": 1}"#;
    let [_, first, _] = tick(&but(params), 1, 0);
    assert_eq!(orders(&first).len(), 50, "the first tick has nothing to repeat");

    let earlier: BTreeMap<_, _> =
        orders(&first).into_iter().map(|order| (text(&order, "order_id").to_owned(), order)).collect();
    let [_, second, _] = tick(&but(params), 1, 1);
    let late: Vec<_> =
        orders(&second).into_iter().filter(|order| text(order, "order_id").starts_with("O00000000-")).collect();
    assert_eq!((orders(&second).len(), late.len()), (100, 50));
    assert!(late.iter().all(|order| earlier[text(order, "order_id")] != *order));
}

#[test]
fn duplicates_inside_an_object_are_both_exact_and_changed() {
    let all = orders(&tick(&but(r#"{"orders": 100, "duplicate_orders": 1}"#), 1, 0)[1]);
    let ids: BTreeSet<_> = all.iter().map(|order| text(order, "order_id")).collect();
    let rows: BTreeSet<_> = all.iter().map(Value::to_string).collect();
    assert_eq!((all.len(), ids.len()), (200, 100));
    assert!((120..180).contains(&rows.len()), "{} different rows", rows.len());
}

#[test]
fn returning_customers_have_the_ids_of_earlier_ticks() {
    let [csv, ..] = tick(&but(r#"{"customers": 50, "returning_customers": 1}"#), 1, 2);
    let (new, old): (Vec<_>, Vec<_>) = customers(&csv).into_iter().partition(|row| row[0].starts_with("C00000002-"));
    assert_eq!((new.len(), old.len()), (50, 50));
    assert!(old.iter().all(|row| row[0] < "C00000002-"));
}

#[test]
fn each_flaw_strikes_every_row_at_rate_one() {
    let flawed = |flaw: &str| tick(&but(&format!("{{\"{flaw}\": 1}}")), 1, 0);
    for (flaw, column) in [
        ("missing_customer_id", 0),
        ("missing_name", 1),
        ("missing_name", 2),
        ("missing_email", 3),
        ("missing_country", 4),
    ] {
        assert!(customers(&flawed(flaw)[0]).iter().all(|row| row[column].is_empty()), "{flaw}");
    }
    assert!(customers(&flawed("invalid_date")[0]).iter().all(|row| Date::parse(row[5]).is_none()));

    let all =
        |flaw: &str, has_flaw: fn(&Value) -> bool| assert!(orders(&flawed(flaw)[1]).iter().all(has_flaw), "{flaw}");
    all("missing_order_id", |order| order["order_id"].is_null());
    all("anonymous_customers", |order| order["customer_id"].is_null());
    all("negative_quantity", |order| number(order, "quantity").unwrap().is_negative());
    all("missing_total", |order| text(order, "total_amount").is_empty() && !order["total_amount"].is_number());
    all("invalid_timestamp", |order| Timestamp::parse(text(order, "order_ts")).is_none());
    all("invalid_number", |order| {
        ["quantity", "unit_price", "total_amount"]
            .iter()
            .any(|field| number(order, field).is_none_or(Number::is_negative))
    });

    assert!(
        clicks(&flawed("invalid_ip")[2]).iter().all(|click| text(click, "ip").parse::<std::net::Ipv4Addr>().is_err())
    );
    assert!(clicks(&flawed("invalid_timestamp")[2]).iter().all(|click| Timestamp::parse(text(click, "ts")).is_none()));
    let malformed = &flawed("malformed_line")[2];
    assert_eq!(malformed.lines().count(), 100);
    assert!(malformed.lines().all(|line| !line.is_empty() && serde_json::from_str::<Value>(line).is_err()));
}

#[test]
fn flaws_strike_at_about_their_rate() {
    let [_, _, lines] = tick(r#"{"clicks": 20000, "malformed_line": 0.25}"#, 1, 0);
    let malformed = lines.lines().filter(|line| serde_json::from_str::<Value>(line).is_err()).count();
    assert!((4600..5400).contains(&malformed), "{malformed} of 20000");
}

#[test]
fn every_flaw_has_a_documented_default() {
    let schema: Value = serde_json::from_str(&ShopSource::describe().identity.parameters).unwrap();
    let parameters = schema["properties"].as_object().unwrap();
    assert_eq!(parameters.len(), 20);
    assert!(
        parameters
            .values()
            .all(|parameter| parameter["default"].is_number() && !text(parameter, "description").is_empty())
    );
}
