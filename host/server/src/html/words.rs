//! Facts as people read them.

use chrono::{DateTime, Utc};
use maud::{Markup, html};
use smelt_catalog::Totals;

use crate::charts::{Locale, NumberFormat};

/// Writes a whole number.
pub(crate) fn whole(number: u64, locale: &Locale) -> String {
    NumberFormat::Integer.text(number as f64, locale)
}

/// Writes a size.
pub(crate) fn bytes(bytes: u64, locale: &Locale) -> String {
    const UNITS: [&str; 5] = ["bytes", "kB", "MB", "GB", "TB"];
    let (mut size, mut unit) = (bytes as f64, 0);
    while size >= 999.5 && unit + 1 < UNITS.len() {
        size /= 1000.0;
        unit += 1;
    }
    let places = u8::from(unit > 0 && size < 99.95);
    format!("{}\u{a0}{}", NumberFormat::Decimal(places).text(size, locale), UNITS[unit])
}

/// Writes a number of microseconds.
pub(crate) fn duration(micros: u64, locale: &Locale) -> String {
    let (number, unit) = match micros {
        0..1_000 => (micros as f64, "µs"),
        1_000..1_000_000 => (micros as f64 / 1e3, "ms"),
        _ => (micros as f64 / 1e6, "s"),
    };
    let places = u8::from(number < 100.0 && unit != "µs");
    format!("{}\u{a0}{unit}", NumberFormat::Decimal(places).text(number, locale))
}

/// Writes a moment, which a script may bring up to date as `3 minutes ago`.
pub(crate) fn time(at: &str, locale: &Locale) -> Markup {
    if at.is_empty() {
        return html! { "never" };
    }
    html! { time datetime=(at) title=(at) { (locale.date(at.get(..16).unwrap_or(at))) } }
}

/// Writes how long ago a moment was, at the time when the page was made.
pub(crate) fn ago(at: &str, now: DateTime<Utc>) -> String {
    let Ok(then) = DateTime::parse_from_rfc3339(at) else { return "never".to_owned() };
    let seconds = now.signed_duration_since(then).num_seconds().max(0);
    let (number, unit) = match seconds {
        0..60 => (seconds, "s"),
        60..3_600 => (seconds / 60, "min"),
        3_600..86_400 => (seconds / 3_600, "h"),
        _ => (seconds / 86_400, "d"),
    };
    format!("{number}\u{a0}{unit} ago")
}

/// Writes the beginning of a digest; all of it shows on hover and is copied.
pub(crate) fn digest(sha256: &str) -> Markup {
    html! { code.digest title=(sha256) { (sha256.get(..12).unwrap_or(sha256)) } }
}

/// Writes what became of rows, as a sum that adds up.
pub(crate) fn account(totals: &Totals, locale: &Locale) -> Markup {
    let Totals { read, kept, superseded, rejected, .. } = totals;
    let rejected: u64 = rejected.values().sum();
    html! {
        span.account {
            b { (whole(*read, locale)) } " read = " b { (whole(*kept, locale)) } " kept + "
            b { (whole(rejected, locale)) } " rejected + " b { (whole(*superseded, locale)) } " superseded"
        }
    }
}
