//! Exports orders as a JSON array with one object a line: new ones, and some that come again.

use std::io::Write as _;

use rand::RngExt as _;

use crate::flaws::Flaw::*;
use crate::shop::{Dice, Shop, object, pick, put};

/// Products and their usual prices in cents. The products that sell best come first.
const PRODUCTS: [(&str, u64); 30] = [
    ("Café moulu 250 g", 499),
    ("Thé vert", 650),
    ("USB-C cable", 1290),
    ("Notebook A5", 350),
    ("Ballpoint pen, blue", 120),
    ("Wireless mouse", 2499),
    ("Water bottle", 1800),
    ("Phone case", 1499),
    ("Mechanical keyboard", 8990),
    ("Headphones", 5999),
    ("Desk lamp", 3450),
    ("Backpack", 4999),
    ("Monitor 27\\\" QHD", 27900),
    ("Webcam", 6490),
    ("Laptop stand", 3290),
    ("Power bank", 2990),
    ("Yoga mat", 2200),
    ("Running shoes", 9500),
    ("T-shirt", 1590),
    ("Jeans", 5490),
    ("Rain jacket", 7900),
    ("Sunglasses", 4500),
    ("Chocolat noir 70 %", 320),
    ("Crème brûlée set", 3999),
    ("Kitchen knife", 4290),
    ("Frying pan", 3890),
    ("Toaster", 4490),
    ("Board game", 3499),
    ("Puzzle 1000", 1899),
    ("Plante d’intérieur", 2150),
];

/// Returns the object of a tick's orders.
pub(crate) fn export(shop: &Shop) -> Vec<u8> {
    let mut dice = shop.dice(1);
    let mut out = object(shop.orders, 208);
    out.extend_from_slice(b"[");
    for index in 0..shop.orders {
        let line = out.len();
        order(shop, shop.tick.number, index, &mut out, &mut dice);
        if shop.flaws.strike(DuplicateOrder, &mut dice) {
            // Half of the duplicates are the same bytes, and half are another version of any order so far.
            match dice.random() {
                true => out.extend_from_within(line..),
                false => order(shop, shop.tick.number, dice.random_range(0..=index), &mut out, &mut dice),
            }
        }
        if shop.returns(LateDuplicate, &mut dice) {
            let (tick, index) = (shop.earlier_tick(&mut dice), dice.random_range(0..shop.orders));
            order(shop, tick, index, &mut out, &mut dice);
        }
    }
    if out.last() == Some(&b',') {
        out.pop();
    }
    out.extend_from_slice(b"\n]\n");
    out
}

/// Writes a line with one order and a comma at its end.
fn order(shop: &Shop, tick: u64, index: u64, out: &mut Vec<u8>, dice: &mut Dice) {
    let flaws = &shop.flaws;
    out.extend_from_slice(b"\n{\"order_id\":");
    match flaws.strike(MissingOrderId, dice) {
        true => out.extend_from_slice(b"null"),
        false => put!(out, "\"O{tick:08}-{index:05}\""),
    }
    out.extend_from_slice(b",\"customer_id\":");
    shop.put_customer(out, dice);

    let rank = dice.random_range(0..PRODUCTS.len()).min(dice.random_range(0..PRODUCTS.len()));
    let (product, usual) = PRODUCTS[rank];
    let (quantity, cents) = (dice.random_range(1..=5), usual * dice.random_range(85..=115) / 100);
    let total = quantity * cents;
    // Some systems write their numbers as text.
    let quote = if dice.random_ratio(1, 20) { "\"" } else { "" };
    let minus = if flaws.strike(NegativeQuantity, dice) { "-" } else { "" };
    let flawed = flaws.strike(InvalidNumber, dice).then(|| dice.random_range(0..4));

    put!(out, ",\"product\":\"{product}\",\"quantity\":");
    match flawed {
        Some(0) => out.extend_from_slice(b"\"many\""),
        _ => put!(out, "{quote}{minus}{quantity}{quote}"),
    }
    out.extend_from_slice(b",\"unit_price\":");
    match flawed {
        Some(1) => out.extend_from_slice(b"\"NaN\""),
        Some(2) => put!(out, "{quote}-{}.{:02}{quote}", cents / 100, cents % 100),
        _ => put!(out, "{quote}{}.{:02}{quote}", cents / 100, cents % 100),
    }
    if flaws.strike(MissingTotal, dice) {
        out.extend_from_slice(pick(&["", ",\"total_amount\":null", ",\"total_amount\":\"\""], dice).as_bytes());
    } else {
        let minus = if flawed == Some(3) { "-" } else { "" };
        put!(out, ",\"total_amount\":{quote}{minus}{}.{:02}{quote}", total / 100, total % 100);
    }
    out.extend_from_slice(b",\"order_ts\":");
    shop.put_instant(30, 1, out, dice);
    let channel = match dice.random_range(0..100) {
        0..55 => "web",
        55..85 => "mobile",
        _ => "store",
    };
    put!(out, ",\"channel\":\"{channel}\"}},");
}
