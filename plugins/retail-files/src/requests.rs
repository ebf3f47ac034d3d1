//! Requests of the API on the day. Each day has the same calls, so that errors and latencies hardly move.

use rand::RngExt as _;
use smelt_sdk::Timestamp;

use crate::flaws::Flaw::*;
use crate::shop::{Dice, DiceOf, Shop, pick, product_id, user_id};
use crate::table::Table;

pub(crate) const COLUMNS: [&str; 12] =
    ["ip", "ident", "user", "time", "method", "path", "protocol", "status", "bytes", "referer", "agent", "latency"];

/// A call of the API, the same on each day.
struct Call {
    method: &'static str,
    path: &'static str,
    status: u64,
    /// The usual latency in milliseconds.
    latency: u64,
}

impl Call {
    fn of(shop: &Shop, index: u64) -> Self {
        let mut dice = shop.dice(DiceOf::Call, [index, 0]);
        let (method, path, status) = [
            ("GET", "/api/v1/products/", 200),
            ("GET", "/api/v1/products/", 200),
            ("GET", "/api/v1/products/", 200),
            ("GET", "/api/v1/cart", 200),
            ("POST", "/api/v1/cart", 201),
            ("GET", "/api/v1/products", 200),
            ("PUT", "/api/v1/orders/", 200),
            ("POST", "/api/v1/login", 200),
            ("DELETE", "/api/v1/cart", 204),
            ("GET", "/", 304),
        ][index as usize % 10];
        let status = match index % 100 {
            21 | 56 | 80 => 404,
            73 => 500,
            _ => status,
        };
        // Most are fast, and few are slow.
        let latency = dice.random_range(5..40) * dice.random_range(1..8);
        Self { method, path, status, latency }
    }
}

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Writes an instant as the Common Log Format has it, in a time zone of so many hours.
pub(crate) fn clf(time: Timestamp, zone: i64) -> String {
    let local = time.plus_seconds(zone * 3600).to_string();
    let (date, clock) = (&local[..10], &local[11..19]);
    let (year, month, day) = (&date[..4], &date[5..7], &date[8..]);
    let month = month.parse().ok().and_then(|month: usize| MONTHS.get(month - 1)).unwrap_or(&"Jan");
    format!("{day}/{month}/{year}:{clock} +{zone:02}00")
}

pub(crate) fn table(shop: &Shop, dice: &mut Dice) -> Table {
    let rows = (0..shop.requests()).map(|index| {
        let Call { method, path, status, latency } = Call::of(shop, index);
        let anonymous = shop.flaws.strike_scaled(Anonymous, (4, 3), dice);
        let [no_bytes, no_latency] = [MissingBytes, MissingLatency].map(|flaw| shop.flaws.strike(flaw, dice));
        let mut path = match path {
            "/api/v1/products/" => format!("{path}{}", product_id(shop.any_product(dice))),
            "/api/v1/orders/" => format!("{path}{}", dice.random_range(1000..9999)),
            path => path.to_owned(),
        };
        if dice.random_ratio(1, 6) {
            path += pick(&["?page=2", "?q=th%C3%A9", "?ref=mail#top"], dice);
        }
        let bytes = if matches!(status, 204 | 304) { 0 } else { dice.random_range(200..9000) };
        let microseconds = latency * dice.random_range(980..=1020);
        vec![
            // RFC 5737: an address that nobody has.
            format!("198.51.100.{}", dice.random_range(1..255)),
            "-".to_owned(),
            if anonymous { "-".to_owned() } else { user_id(shop.any_user(dice)) },
            clf(shop.any_time(dice), pick(&[0, 0, 1], dice)),
            method.to_owned(),
            path,
            pick(&["HTTP/1.1", "HTTP/2.0"], dice).to_owned(),
            status.to_string(),
            if no_bytes { "-".to_owned() } else { bytes.to_string() },
            pick(&["-", "https://shop.example.com/"], dice).to_owned(),
            pick(&["okhttp/4.12 (say \\\"hi\\\")", "Mozilla/5.0", "curl/8.5"], dice).to_owned(),
            if no_latency {
                "-".to_owned()
            } else {
                format!("{}.{:06}", microseconds / 1_000_000, microseconds % 1_000_000)
            },
        ]
    });
    Table { columns: &COLUMNS, rows: rows.collect() }
}
