//! The only place that asks the machine for the time. All other code is given a [`Clock`].

use std::time::Duration;

use chrono::{DateTime, NaiveDateTime, Utc};

/// A source of the time.
#[derive(Debug, Clone, Copy, Default)]
pub enum Clock {
    /// The machine's clock.
    #[default]
    System,
    /// Always the same instant, for tests and for repeating a run.
    Fixed(DateTime<Utc>),
}

impl Clock {
    /// Returns the time now.
    pub fn now(self) -> DateTime<Utc> {
        match self {
            #[expect(clippy::disallowed_methods, reason = "this is the clock that everything else must ask")]
            Self::System => Utc::now(),
            Self::Fixed(instant) => instant,
        }
    }
}

/// Returns how far apart two times are, which are in microseconds since the epoch, whichever comes first.
///
/// A time in the future was written by a clock that was ahead and has been put right. The true age is unknown. Its
/// distance from now is taken as the age, so that nothing waits longer for it than for anything else.
#[inline]
pub fn apart(one: i64, other: i64) -> Duration {
    Duration::from_micros(one.abs_diff(other))
}

/// The times so long ago that objects written then may be deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LongAgo {
    until: i64,
    from: i64,
}

impl LongAgo {
    /// Returns the times at least `age` before `now`, which is in microseconds since the epoch, or as long after it
    /// (see [`apart`]).
    pub fn at(now: i64, age: Duration) -> Self {
        let age = i64::try_from(age.as_micros()).unwrap_or(i64::MAX);
        Self { until: now.saturating_sub(age), from: now.saturating_add(age) }
    }

    /// Returns those of the times that were long ago already at the time `earlier`. So a clock that was put ahead in
    /// between makes nothing old.
    pub fn and_at(self, earlier: i64, age: Duration) -> Self {
        Self { until: self.until.min(Self::at(earlier, age).until), ..self }
    }

    /// Returns whether the time is one of them.
    #[inline]
    pub fn has(self, time: i64) -> bool {
        time <= self.until || time >= self.from
    }
}

/// Returns the CPU time that the calling thread has used so far, in the kernel too. It does not grow while the thread
/// waits or is stopped.
pub fn thread_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is valid for writes during the call.
    let read = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    assert_eq!(read, 0, "every thread has a clock");
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs() as u32)
}

const STAMP: &str = "%Y%m%dT%H%M%S";

/// Returns the stamp of names of objects: `YYYYMMDDTHHMMSS` in UTC.
pub fn stamp(instant: DateTime<Utc>) -> String {
    instant.format(STAMP).to_string()
}

/// Returns the instant of a stamp.
pub fn parse_stamp(stamp: &str) -> Option<DateTime<Utc>> {
    NaiveDateTime::parse_from_str(stamp, STAMP).ok().map(|instant| instant.and_utc())
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
        // A clock that shows the later time twice is believed.
        assert!(LongAgo::at(4000 * MICROS, 30 * DAY).and_at(3999 * MICROS, 30 * DAY).has(100 * MICROS));
    }

    #[test]
    fn a_thread_that_waits_takes_no_time() {
        let began = thread_time();
        let worked = std::thread::spawn(|| {
            let began = thread_time();
            while thread_time() - began < Duration::from_millis(100) {}
            thread_time() - began
        });
        let worked = worked.join().expect("it only works");
        assert!(thread_time() - began < worked);
    }
}
