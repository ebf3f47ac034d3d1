//! Exports customers as CSV: new ones, and some of earlier ticks who have moved or changed their name.

use std::io::Write as _;

use fake::Fake as _;
use fake::faker::name::raw::{FirstName, LastName};
use fake::locales::{DE_DE, Data, EN, FR_FR, IT_IT, JA_JP, NL_NL, PT_BR, TR_TR};
use rand::RngExt as _;
use smelt_sdk::Date;

use crate::flaws::Flaw::*;
use crate::shop::{Dice, Shop, object, pick, put};

const COUNTRIES: [&str; 12] = ["FR", "FR", "FR", "BE", "CA", "DE", "GB", "IT", "NL", "TR", "BR", "JP"];

/// Returns the object of a tick's customers.
pub(crate) fn export(shop: &Shop) -> Vec<u8> {
    let mut dice = shop.dice(0);
    let mut out = object(shop.customers, 100);
    out.extend_from_slice(b"customer_id,first_name,last_name,email,country,signup_date\n");
    for index in 0..shop.customers {
        customer(shop, shop.tick.number, index, &mut out, &mut dice);
        if shop.returns(ReturningCustomer, &mut dice) {
            let (tick, index) = (shop.earlier_tick(&mut dice), dice.random_range(0..shop.customers));
            customer(shop, tick, index, &mut out, &mut dice);
        }
    }
    out
}

fn customer(shop: &Shop, tick: u64, index: u64, out: &mut Vec<u8>, dice: &mut Dice) {
    if !shop.flaws.strike(MissingCustomerId, dice) {
        put!(out, "C{tick:08}-{index:05}");
    }
    let country = pick(&COUNTRIES, dice);
    let (first, last) = match country {
        "FR" | "BE" | "CA" => name(FR_FR, dice),
        "DE" => name(DE_DE, dice),
        "IT" => name(IT_IT, dice),
        "NL" => name(NL_NL, dice),
        "TR" => name(TR_TR, dice),
        "BR" => name(PT_BR, dice),
        "JP" => name(JA_JP, dice),
        _ => name(EN, dice),
    };
    for name in [first, last] {
        let name = if shop.flaws.strike(MissingName, dice) { "" } else { name };
        out.push(b',');
        cell(name, out);
    }
    out.push(b',');
    if !shop.flaws.strike(MissingEmail, dice) {
        email(first, last, out, dice);
    }
    put!(out, ",{},", if shop.flaws.strike(MissingCountry, dice) { "" } else { country });
    match shop.flaws.strike(InvalidDate, dice) {
        true => put!(out, "{}\n", pick(&["32/13/2025", "2025-02-30", "13-11-2025", "not-a-date", ""], dice)),
        false => put!(out, "{}\n", Date(shop.tick.as_of.date().0.saturating_sub(dice.random_range(0..1500)))),
    }
}

fn name<L: Data + Copy>(locale: L, dice: &mut Dice) -> (&'static str, &'static str) {
    (FirstName(locale).fake_with_rng(dice), LastName(locale).fake_with_rng(dice))
}

/// Writes an address that nobody has (RFC 2606). Some are in capitals or between blanks, as people type them.
fn email(first: &str, last: &str, out: &mut Vec<u8>, dice: &mut Dice) {
    let (number, domain) = (dice.random_range(0..1000), pick(&["com", "net", "org"], dice));
    let email = format!("{first}.{last}{number}@example.{domain}").replace(' ', "-");
    match dice.random_range(0..16) {
        0 => cell(&email.to_uppercase(), out),
        1 => cell(&format!(" {email} "), out),
        2 => cell(&email, out),
        _ => cell(&email.to_lowercase(), out),
    }
}

/// Writes a cell of CSV, in quotes if it needs them (RFC 4180).
fn cell(text: &str, out: &mut Vec<u8>) {
    match text.contains([',', '"', '\r', '\n']) {
        true => put!(out, "\"{}\"", text.replace('"', "\"\"")),
        false => out.extend_from_slice(text.as_bytes()),
    }
}
