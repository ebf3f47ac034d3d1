//! Sessions of the day, one of which a user has for what is bought on the web or with the app.

use rand::RngExt as _;
use smelt_sdk::Timestamp;

use crate::basket::Basket;
use crate::flaws::Flaw::*;
use crate::shop::{Dice, DiceOf, Shop, pick, product_id, session_id, user_id};
use crate::table::Table;
use crate::users;

pub(crate) const COLUMNS: [&str; 9] =
    ["session_id", "user_id", "ip", "started_at", "ended_at", "device", "country", "source", "events"];

/// Devices in turn, so that each day has the same share of each.
const DEVICES: [&str; 20] = [
    "mobile", "desktop", "mobile", "desktop", "mobile", "desktop", "mobile", "desktop", "tablet", "mobile", "mobile",
    "desktop", "mobile", "desktop", "mobile", "desktop", "tablet", "mobile", "desktop", "mobile",
];

/// Returns the user of a session of the day.
pub(crate) fn user(shop: &Shop, index: u64) -> u64 {
    shop.any_user(&mut shop.dice(DiceOf::Session, [shop.tick.number, index]))
}

/// Returns the events of a session as JSON, of which the last ones are purchases, and how many seconds they take.
fn events(shop: &Shop, purchases: &[u64], started: Timestamp, dice: &mut Dice) -> (String, i64) {
    let views = dice.random_range(1..6);
    let mut types: Vec<(&str, u64)> = (0..views).map(|_| ("page_view", shop.any_product(dice))).collect();
    if dice.random_ratio(1, 5) {
        types.push(("add_to_cart", shop.any_product(dice)));
    }
    types.extend(purchases.iter().flat_map(|&product| [("add_to_cart", product), ("purchase", product)]));
    let mut seconds = 0;
    let events: Vec<_> = types
        .into_iter()
        .map(|(of, product)| {
            let ts = started.plus_seconds(seconds);
            seconds += dice.random_range(1..60);
            format!(r#"{{"type":"{of}","ts":"{ts}","product_id":"{}"}}"#, product_id(product))
        })
        .collect();
    (format!("[{}]", events.join(",")), seconds)
}

pub(crate) fn table(shop: &Shop, dice: &mut Dice) -> Table {
    let mut purchases = vec![Vec::new(); shop.sessions() as usize];
    for basket in (0..shop.sales()).map(|index| Basket::of(shop, index)) {
        if let Some(session) = basket.session {
            purchases[session as usize].push(basket.product);
        }
    }
    let rows = (0..).zip(&purchases).map(|(index, purchases)| {
        let user = user(shop, index);
        let started = shop.any_time(dice);
        let (events, seconds) = events(shop, purchases, started, dice);
        let [anonymous, no_end, backwards, no_device, no_country, no_source, bad_events] =
            [Anonymous, MissingEnd, EndBeforeStart, MissingDevice, MissingCountry, MissingSource, InvalidEvents]
                .map(|flaw| shop.flaws.strike(flaw, dice));
        let or = |is_missing: bool, cell: String| if is_missing { String::new() } else { cell };
        let ended = started.plus_seconds(if backwards { -dice.random_range(1..3600) } else { seconds });
        vec![
            session_id(shop, index),
            or(anonymous, user_id(user)),
            // RFC 5737: an address that nobody has.
            format!("198.51.100.{}", dice.random_range(1..255)),
            started.to_string(),
            or(no_end, ended.to_string()),
            or(no_device, DEVICES[index as usize % DEVICES.len()].to_owned()),
            or(no_country, users::country(shop, user).to_owned()),
            or(no_source, pick(&["google", "google", "instagram", "newsletter", "affiliate"], dice).to_owned()),
            match bad_events {
                true => pick(&["\"none\"", "{}", "[1,2]", "[{\"ts\":null}]"], dice).to_owned(),
                false => events,
            },
        ]
    });
    Table { columns: &COLUMNS, rows: rows.collect() }
}
