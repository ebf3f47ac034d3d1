//! Tests of what the pages of the pipeline are to show: seasons, habits, countries and products.

use std::collections::{BTreeMap, BTreeSet};

use smelt_sdk::{Date, Money};

use super::sheet::{Sheet, but, date, hourly, money, sheets};

/// Returns the clients and purchases of a tick in which everything shows.
fn large() -> [Sheet; 2] {
    sheets(&but(r#"{"clients": 1000, "purchases": 10000}"#), hourly(5, 0))
}

fn share(part: usize, all: usize) -> f64 {
    part as f64 / all as f64
}

#[test]
fn november_december_and_saturdays_are_stronger() {
    let [_, purchases] = large();
    let (first, last) = (Date::parse("2024-11-14").unwrap(), Date::parse("2025-11-13").unwrap());
    for (season, is_in, at_least) in [
        ("November and December", (|date| date.ymd().1 > 10) as fn(Date) -> bool, 1.4),
        ("Saturdays", |date| date.weekday() == 6, 1.3),
    ] {
        let days = (first.0..=last.0).map(Date).filter(|&date| is_in(date)).count();
        let of_days = share(days, 365);
        let bought = purchases.rows.iter().filter(|row| is_in(date(row, "purchase_date"))).count();
        let of_purchases = share(bought, purchases.rows.len());
        assert!(of_purchases > at_least * of_days, "{season} are {of_days} of the days, {of_purchases} of purchases");
    }
    let months: BTreeSet<_> = purchases.rows.iter().map(|row| date(row, "purchase_date").month().to_string()).collect();
    assert_eq!(months.len(), 13, "every month has purchases");
}

#[test]
fn few_clients_buy_much_some_nothing_and_most_go_quiet() {
    let [clients, purchases] = large();
    let last_day = Date::parse("2025-11-13").unwrap();
    let mut by_client: BTreeMap<_, (usize, Date)> = BTreeMap::new();
    for row in &purchases.rows {
        let of_client = by_client.entry(row["client_id"].as_str()).or_default();
        *of_client = (of_client.0 + 1, of_client.1.max(date(row, "purchase_date")));
    }
    let never = share(clients.rows.len() - by_client.len(), clients.rows.len());
    assert!((0.08..0.4).contains(&never), "{never} of the clients never buy");

    let mut counts: Vec<_> = by_client.values().map(|&(count, _)| count).collect();
    counts.sort_unstable_by(|a, b| b.cmp(a));
    let of_top = share(counts[..counts.len() / 10].iter().sum(), purchases.rows.len());
    assert!((0.3..0.8).contains(&of_top), "the first tenth of buyers has {of_top} of the purchases");

    let early = clients.rows.iter().filter(|row| last_day.days_since(date(row, "signup_date")) > 200);
    let early: Vec<_> = early.filter_map(|row| by_client.get(row["client_id"].as_str())).collect();
    let quiet = early.iter().filter(|(_, last)| last_day.days_since(*last) > 60).count();
    let quiet = share(quiet, early.len());
    assert!((0.5..0.9).contains(&quiet), "{quiet} of the buyers of the first months are quiet");
}

#[test]
fn eight_countries_are_unequal() {
    let [clients, _] = large();
    let mut by_country: BTreeMap<_, usize> = BTreeMap::new();
    clients.rows.iter().for_each(|row| *by_country.entry(row["country"].as_str()).or_default() += 1);
    assert_eq!(by_country.len(), 8);
    let (most, least) = (by_country.values().max().unwrap(), by_country.values().min().unwrap());
    assert!(*most > 4 * least && *least > 10, "{by_country:?}");
}

#[test]
fn one_of_twelve_products_costs_nothing_and_amounts_are_exact() {
    let [_, purchases] = large();
    let mut prices: BTreeMap<_, BTreeSet<Money>> = BTreeMap::new();
    for row in &purchases.rows {
        let (price, quantity) = (money(row, "unit_price"), row["quantity"].parse::<i128>().unwrap());
        assert!((1..=5).contains(&quantity), "{row:?}");
        assert_eq!(money(row, "amount"), Money::from_units(price.units() * quantity), "{row:?}");
        prices.entry(row["product"].as_str()).or_default().insert(price);
    }
    assert_eq!(prices.len(), 12, "{:?}", prices.keys());
    let free: Vec<_> = prices.values().filter(|prices| prices.contains(&Money::ZERO)).collect();
    assert_eq!(free, [&BTreeSet::from([Money::ZERO])]);
    assert_eq!(prices.values().filter(|prices| prices.len() > 5).count(), 11, "prices of the others vary");
}
