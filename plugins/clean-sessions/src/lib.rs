//! Cleaner: sessions with counts of their events, one row for each `session_id`, the one that ended last. The IP address
//! never leaves bronze.

use smelt_sdk::prelude::*;
use smelt_sdk_schema::{Columns, Json, Value};

const MISSING_SESSION_ID: Rule = Rule::reject("missing_session_id", "The session has no id.");
const INVALID_STARTED_AT: Rule =
    Rule::reject("invalid_started_at", "The start is missing, or not written as the schema says.");
const INVALID_EVENTS: Rule =
    Rule::reject("invalid_events", "The events are no array of objects that each have a text `type`.");
const MISSING_ENDED_AT: Rule =
    Rule::repair("missing_ended_at", "The end is missing or unreadable; it becomes the start.");
const INVALID_ENDED_AT: Rule = Rule::repair("invalid_ended_at", "The end is before the start; it becomes the start.");
const MISSING_DEVICE: Rule = Rule::repair("missing_device", "The device is missing; it becomes `unknown`.");
const MISSING_COUNTRY: Rule = Rule::repair("missing_country", "The country is missing; it becomes `NA`.");
const MISSING_SOURCE: Rule = Rule::repair("missing_source", "The source is missing; it becomes `direct`.");

const SCHEMA: &str = r#"{"columns": {
  "session_id": {"type": "text"},
  "user_id": {"type": "text"},
  "started_at": {"type": "timestamp"},
  "ended_at": {"type": "timestamp"},
  "device": {"type": "text"},
  "country": {"type": "text"},
  "source": {"type": "text"},
  "events": {"type": "json"}
}}"#;

struct CleanSessions(Columns);

/// The events of a session: all, and those of three types.
#[derive(Default)]
struct Counts {
    events: i64,
    page_views: i64,
    cart_adds: i64,
    purchases: i64,
}

impl Counts {
    /// Counts events, if they are an array of objects that each have a text `type`.
    fn of(events: &Value) -> Option<Self> {
        let Value::Json(Json::Array(events)) = events else { return None };
        let mut counts = Self::default();
        for event in events {
            counts.events += 1;
            match event.get("type")?.text()? {
                "page_view" => counts.page_views += 1,
                "add_to_cart" => counts.cart_adds += 1,
                "purchase" => counts.purchases += 1,
                _ => {}
            }
        }
        Some(counts)
    }
}

impl Cleaner for CleanSessions {
    fn describe() -> CleanerDescription {
        describe_cleaner(identity!())
            .parameters(Columns::declare(Parameters::none(), SCHEMA))
            .input(["session_id", "user_id", "started_at", "ended_at", "device", "country", "source", "events"])
            .output([
                text("session_id"),
                nullable(text("user_id")),
                timestamp("started_at"),
                timestamp("ended_at"),
                text("device"),
                text("country"),
                text("source"),
                int64("events"),
                int64("page_views"),
                int64("cart_adds"),
                int64("purchases"),
            ])
            .key(["session_id"])
            .prefer(Preference::Greatest, "ended_at")
            .rules([
                &MISSING_SESSION_ID,
                &INVALID_STARTED_AT,
                &INVALID_EVENTS,
                &MISSING_ENDED_AT,
                &INVALID_ENDED_AT,
                &MISSING_DEVICE,
                &MISSING_COUNTRY,
                &MISSING_SOURCE,
            ])
    }

    fn open(config: &Config) -> Result<Self> {
        Columns::open(config, SCHEMA).map(Self)
    }

    fn clean(&mut self, rows: &Batch, out: &mut Cleaned) -> Result<()> {
        let cells = |name| self.0.cells(rows, name);
        let (id, user, started, ended) =
            (cells("session_id")?, cells("user_id")?, cells("started_at")?, cells("ended_at")?);
        let (device, country, source, events) =
            (cells("device")?, cells("country")?, cells("source")?, cells("events")?);

        for row in rows.rows() {
            let Some(id) = id.text(row) else {
                out.reject(row, &MISSING_SESSION_ID);
                continue;
            };
            let Some(started) = started.instant(row) else {
                out.reject(row, &INVALID_STARTED_AT);
                continue;
            };
            let Some(counts) = events.value(row).as_ref().and_then(Counts::of) else {
                out.reject(row, &INVALID_EVENTS);
                continue;
            };
            let ended = match ended.instant(row) {
                Some(ended) if ended >= started => ended,
                ended => {
                    out.repair(if ended.is_none() { &MISSING_ENDED_AT } else { &INVALID_ENDED_AT });
                    started
                }
            };
            let mut or = |cell: Option<_>, rule, usual| {
                cell.unwrap_or_else(|| {
                    out.repair(rule);
                    usual
                })
            };
            let device = or(device.text(row), &MISSING_DEVICE, "unknown");
            let country = or(country.text(row), &MISSING_COUNTRY, "NA");
            let source = or(source.text(row), &MISSING_SOURCE, "direct");
            out.keep(row)
                .text(id)
                .text(user.text(row))
                .timestamp(started)
                .timestamp(ended)
                .text(device)
                .text(country)
                .text(source)
                .integer(counts.events)
                .integer(counts.page_views)
                .integer(counts.cart_adds)
                .integer(counts.purchases);
        }
        Ok(())
    }
}

export_cleaner!(CleanSessions);

#[cfg(test)]
mod tests;
