//! Table: sessions with their duration, their part of the day, and whether they bounced or converted.

use smelt_sdk::prelude::*;

#[derive(Row)]
struct Session<'a> {
    session_id: &'a str,
    user_id: Option<&'a str>,
    started_at: Timestamp,
    ended_at: Timestamp,
    device: &'a str,
    country: &'a str,
    source: &'a str,
    events: i64,
    page_views: i64,
    cart_adds: i64,
    purchases: i64,
}

#[derive(Row)]
struct Enriched<'a> {
    session_id: &'a str,
    user_id: Option<&'a str>,
    session_date: Date,
    started_at: Timestamp,
    ended_at: Timestamp,
    duration_s: i64,
    daypart: &'a str,
    device: &'a str,
    country: &'a str,
    source: &'a str,
    events: i64,
    page_views: i64,
    cart_adds: i64,
    purchases: i64,
    bounced: bool,
    converted: bool,
}

/// Microseconds of a second.
const SECOND: i64 = 1_000_000;

/// Returns the part of the day, UTC.
fn daypart(instant: Timestamp) -> &'static str {
    match instant.0.div_euclid(3600 * SECOND).rem_euclid(24) {
        0..=5 => "night",
        6..=11 => "morning",
        12..=17 => "afternoon",
        _ => "evening",
    }
}

fn enrich_sessions(_: &Config) -> Result<Definition> {
    table(["session_id"])
        .input::<Session>("sessions", |session, out| {
            let Session { session_id, user_id, started_at, ended_at, device, country, source, .. } = session;
            let Session { events, page_views, cart_adds, purchases, .. } = session;
            out.add(Enriched {
                session_id,
                user_id,
                session_date: started_at.date(),
                started_at,
                ended_at,
                duration_s: ended_at.0.saturating_sub(started_at.0).div_euclid(SECOND),
                daypart: daypart(started_at),
                device,
                country,
                source,
                events,
                page_views,
                cart_adds,
                purchases,
                bounced: events <= 1,
                converted: purchases > 0,
            })
        })
        .define()
}

export_table!(enrich_sessions);

#[cfg(test)]
mod tests;
