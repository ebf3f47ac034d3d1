//! The only place that asks what time it is. Everything else is handed a [`Clock`].

use std::time::Duration;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};

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

/// How far apart two times are, in microseconds since the epoch. What was written "in the future" was written by a clock that
/// was ahead and came back. How old it is cannot be told; as old as it seems young, it is waited for no longer than
/// anything else.
pub fn apart(one: i64, other: i64) -> Duration {
    Duration::from_micros(one.abs_diff(other))
}

/// The times that lie so long ago that what was written then may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LongAgo {
    until: i64,
    from: i64,
}

impl LongAgo {
    /// Longer than `age` before now, in microseconds since the epoch; or as long after it, see [`apart`].
    pub fn at(now: i64, age: Duration) -> Self {
        let age = i64::try_from(age.as_micros()).unwrap_or(i64::MAX);
        Self { until: now.saturating_sub(age), from: now.saturating_add(age) }
    }

    /// Of these, those that were long ago then already: a clock that was put ahead meanwhile makes nothing old.
    pub fn and_at(self, earlier: i64, age: Duration) -> Self {
        Self { until: self.until.min(Self::at(earlier, age).until), ..self }
    }

    /// Returns whether the time is one of them.
    pub fn has(self, time: i64) -> bool {
        time <= self.until || time >= self.from
    }
}

/// Returns the CPU time that the calling thread has used so far, in the kernel too. It stands still while the thread is
/// stopped or waits.
pub fn thread_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the time is written to where it may be.
    let read = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    assert_eq!(read, 0, "every thread has a clock");
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs() as u32)
}

const STAMP: &str = "%Y%m%dT%H%M%S";
const DATE: &str = "%Y%m%d";

/// `YYYYMMDDTHHMMSS`, UTC: the stamp in object names.
pub fn stamp(instant: DateTime<Utc>) -> String {
    instant.format(STAMP).to_string()
}

/// The instant that a stamp names: `YYYYMMDDTHHMMSS`, or `YYYYMMDD` for its midnight.
pub fn parse_stamp(stamp: &str) -> Option<DateTime<Utc>> {
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let instant = match stamp.split_once('T') {
        None if stamp.len() == 8 && is_digits(stamp) => {
            NaiveDate::parse_from_str(stamp, DATE).ok()?.and_time(NaiveTime::MIN)
        }
        Some((date, time)) if date.len() == 8 && time.len() == 6 && is_digits(date) && is_digits(time) => {
            NaiveDateTime::parse_from_str(stamp, STAMP).ok()?
        }
        _ => return None,
    };
    Some(instant.and_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);
    const MICROS: i64 = 86_400_000_000;

    #[test]
    fn what_was_written_by_a_clock_that_was_ahead_is_not_kept_until_then() {
        let old = LongAgo::at(100 * MICROS, 30 * DAY);
        assert_eq!(
            [0, 70, 71, 100, 129, 130, 4000].map(|day| old.has(day * MICROS)),
            [true, true, false, false, false, true, true]
        );
    }

    #[test]
    fn a_clock_that_is_put_ahead_makes_nothing_old() {
        let old = LongAgo::at(4000 * MICROS, 30 * DAY).and_at(100 * MICROS, 30 * DAY);
        assert_eq!([70, 71, 100, 3999].map(|day| old.has(day * MICROS)), [true, false, false, false]);
        // Seen at another time too, it is believed.
        assert!(LongAgo::at(4000 * MICROS, 30 * DAY).and_at(3999 * MICROS, 30 * DAY).has(100 * MICROS));
    }

    #[test]
    fn a_stamp_is_a_date_or_an_instant_and_nothing_else() {
        let parsed = |text| parse_stamp(text).map(|instant| instant.timestamp());
        assert_eq!(["19700102", "19700101T000001"].map(parsed), [Some(86_400), Some(1)]);
        for wrong in
            ["", "1970010", "197001021", "19701301", "19700102T", "19700102T0000", "19700102T250000", "+9700102"]
        {
            assert_eq!(parsed(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_thread_that_waits_takes_no_time() {
        const WORK: Duration = Duration::from_millis(50);
        // It is by its own time that the other thread works so long, however busy the machine is.
        let other = std::thread::spawn(|| while thread_time() < WORK {});
        let began = thread_time();
        other.join().expect("no panic");
        assert!(thread_time() - began < WORK, "the time of another thread is not this one's");
    }
}
