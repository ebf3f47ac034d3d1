//! The flags that say what part of the pipeline a command concerns, and for which day.

use chrono::{DateTime, NaiveDate, NaiveTime};
use clap::Args;

use smelt_common::error::Result;
use smelt_engine::run::Host;

/// The part of the pipeline, and the day.
#[derive(Debug, Default, Clone, Args)]
pub(crate) struct Scope {
    /// Only these datasets and tables, separated by commas; `+a` is also all that a is made from, `a+` all that is made of it
    #[arg(long, value_name = "NAMES")]
    select: Option<String>,
    #[command(flatten)]
    day: Day,
}

/// The day that plugins are told.
#[derive(Debug, Default, Clone, Copy, Args)]
pub(crate) struct Day {
    /// The day that plugins are told in place of today, such as 2025-11-18, or an instant in RFC 3339
    #[arg(long, value_name = "DAY", value_parser = instant)]
    pub(crate) as_of: Option<i64>,
}

impl Scope {
    /// Sets the host's scope.
    pub(crate) fn apply_to(&self, host: &mut Host) -> Result<()> {
        if let Some(told) = self.day.as_of {
            host.tell(told);
        }
        host.selected = self.select.as_deref().map(|names| host.pipeline().select(names)).transpose()?;
        Ok(())
    }
}

/// Returns the instant in microseconds since the epoch.
fn instant(text: &str) -> Result<i64, String> {
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().filter(|_| text.len() == 10);
    let instant = day.map(|day| day.and_time(NaiveTime::MIN).and_utc());
    let parsed = DateTime::parse_from_rfc3339(text).or_else(|_| DateTime::parse_from_str(text, "%F %T%.f%#z"));
    let instant = instant.or_else(|| parsed.ok().map(|instant| instant.to_utc()));
    let wrong = "write a day such as 2025-11-18, or an instant such as 2025-11-18T12:00:00Z";
    instant.map(|instant| instant.timestamp_micros()).ok_or_else(|| wrong.to_owned())
}
