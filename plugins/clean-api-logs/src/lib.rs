//! Cleaner: requests of an API. IP address, referer, agent and query string never leave bronze, and ids in a path do so only
//! where they are those of products.

use smelt_sdk::prelude::*;
use smelt_sdk_schema::{Columns, Number, round};

mod path;

const INVALID_TIME: Rule = Rule::reject("invalid_time", "The time is missing, or not written as the schema says.");
const INVALID_STATUS: Rule = Rule::reject("invalid_status", "The status is missing, or no number from 100 to 599.");
const INVALID_LATENCY: Rule = Rule::reject("invalid_latency", "The latency is missing, no number or negative.");
const MISSING_BYTES: Rule =
    Rule::repair("missing_bytes", "The size is missing, no whole number or negative; it becomes 0.");

const SCHEMA: &str = r#"{"columns": {
  "user": {"type": "text", "missing": ["-"]},
  "time": {"type": "timestamp", "format": "clf"},
  "method": {"type": "text"},
  "path": {"type": "text", "personal": true},
  "status": {"type": "integer"},
  "bytes": {"type": "integer", "missing": ["-"]},
  "latency": {"type": "decimal", "missing": ["-"]}
}}"#;

struct CleanApiLogs(Columns);

impl Cleaner for CleanApiLogs {
    fn describe() -> CleanerDescription {
        describe_cleaner(identity!())
            .parameters(Columns::declare(Parameters::none(), SCHEMA))
            .input(["user", "time", "method", "path", "status", "bytes", "latency"])
            .output([
                timestamp("ts"),
                nullable(text("user_id")),
                nullable(text("method")),
                text("endpoint"),
                nullable(text("product_id")),
                int64("status"),
                int64("bytes"),
                int64("latency_ms"),
            ])
            .rules([&INVALID_TIME, &INVALID_STATUS, &INVALID_LATENCY, &MISSING_BYTES])
    }

    fn open(config: &Config) -> Result<Self> {
        Columns::open(config, SCHEMA).map(Self)
    }

    fn clean(&mut self, rows: &Batch, out: &mut Cleaned) -> Result<()> {
        let cells = |name| self.0.cells(rows, name);
        let (user, time, method, path) = (cells("user")?, cells("time")?, cells("method")?, cells("path")?);
        let (status, bytes, latency) = (cells("status")?, cells("bytes")?, cells("latency")?);

        for row in rows.rows() {
            let Some(time) = time.instant(row) else {
                out.reject(row, &INVALID_TIME);
                continue;
            };
            let Some(status) = status.integer(row).filter(|status| (100..=599).contains(status)) else {
                out.reject(row, &INVALID_STATUS);
                continue;
            };
            let Some(latency) = latency.number(row).and_then(milliseconds) else {
                out.reject(row, &INVALID_LATENCY);
                continue;
            };
            let bytes = bytes.integer(row).filter(|&bytes| bytes >= 0).unwrap_or_else(|| {
                out.repair(&MISSING_BYTES);
                0
            });
            let path = path::without_query(path.text(row).unwrap_or_default());
            out.keep(row)
                .timestamp(time)
                .text(user.text(row))
                .text(method.text(row))
                .text(&*path::endpoint(path))
                .text(path::product(path))
                .integer(status)
                .integer(bytes)
                .integer(latency);
        }
        Ok(())
    }
}

/// Returns seconds as milliseconds, rounded half away from zero, unless they are negative or exceed 64 bits.
fn milliseconds(seconds: Number) -> Option<i64> {
    if seconds.is_negative() { None } else { i64::try_from(round::<3>(seconds).units()).ok() }
}

export_cleaner!(CleanApiLogs);

#[cfg(test)]
mod tests;
