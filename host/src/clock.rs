//! The only place that asks what time it is. Everything else is handed a [`Clock`].

use chrono::{DateTime, NaiveDateTime, Utc};

/// Tells the time.
#[derive(Debug, Clone, Copy, Default)]
pub enum Clock {
    /// The machine's clock.
    #[default]
    System,
    /// Always the same instant: for tests and for repeating a run.
    Fixed(DateTime<Utc>),
}

impl Clock {
    /// The time now, to the microsecond.
    pub fn now(self) -> DateTime<Utc> {
        match self {
            #[expect(clippy::disallowed_methods, reason = "this is the clock that everything else must ask")]
            Self::System => Utc::now(),
            Self::Fixed(instant) => instant,
        }
    }
}

const STAMP: &str = "%Y%m%dT%H%M%S";

/// `YYYYMMDDTHHMMSS`, UTC: the stamp in object names.
pub fn stamp(instant: DateTime<Utc>) -> String {
    instant.format(STAMP).to_string()
}

/// The instant that a stamp names.
pub fn parse_stamp(stamp: &str) -> Option<DateTime<Utc>> {
    NaiveDateTime::parse_from_str(stamp, STAMP).ok().map(|instant| instant.and_utc())
}
