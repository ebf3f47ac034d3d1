//! Exports clicks as JSON Lines.

use std::io::Write as _;
use std::net::Ipv4Addr;

use rand::RngExt as _;

use crate::flaws::Flaw::*;
use crate::shop::{Dice, Shop, object, pick, put};

const PAGES: [&str; 10] = [
    "/",
    "/search",
    "/product",
    "/product",
    "/cart",
    "/checkout",
    "/account",
    "/help",
    "/promo/été",
    "/login?next=%2Fcart",
];

/// Returns the object of a tick's clicks.
pub(crate) fn export(shop: &Shop) -> Vec<u8> {
    let mut dice = shop.dice(2);
    let mut out = object(shop.clicks, 128);
    for _ in 0..shop.clicks {
        let line = out.len();
        click(shop, &mut out, &mut dice);
        if shop.flaws.strike(MalformedLine, &mut dice) {
            match dice.random_range(0..3) {
                0 => out.truncate(line + dice.random_range(1..30)),
                1 => out[line] = b'[',
                _ => {
                    out.truncate(line);
                    out.extend_from_slice(b"<html>502 Bad Gateway</html>");
                }
            }
        }
        out.push(b'\n');
    }
    out
}

fn click(shop: &Shop, out: &mut Vec<u8>, dice: &mut Dice) {
    out.extend_from_slice(b"{\"customer_id\":");
    shop.put_customer(out, dice);
    put!(out, ",\"page\":\"{}\",\"ip\":", pick(&PAGES, dice));
    match shop.flaws.strike(InvalidIp, dice) {
        true => out.extend_from_slice(
            pick(&["null", r#""999.999.999.999""#, r#""256.1.1.1""#, r#""10.0.0""#, r#""unknown""#], dice).as_bytes(),
        ),
        false => put!(out, "\"{}\"", Ipv4Addr::from_bits(dice.random())),
    }
    out.extend_from_slice(b",\"ts\":");
    shop.put_instant(2, 1000, out, dice);
    out.push(b'}');
}
