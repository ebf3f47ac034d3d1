//! Measures where the time of a run goes, by stage and by the plugin or dataset that it is spent on.
//!
//! It is off unless [`start`] was called; a [`span`] then costs one atomic load. A span counts only its own time, not
//! that of the spans within it. So nothing is counted twice, and the sum over all spans is the time that is accounted
//! for.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::clock::thread_time;

static PROFILE: OnceLock<Profile> = OnceLock::new();

thread_local! {
    /// The time of the spans that ended within the open one.
    static WITHIN: Cell<Time> = const { Cell::new(Time { busy: Duration::ZERO, cpu: Duration::ZERO }) };
}

struct Profile {
    began: Instant,
    sums: Mutex<BTreeMap<(&'static str, String), Sum>>,
}

/// The sum of all spans of one kind, over all threads.
#[derive(Debug, Default, Clone, Copy, Serialize)]
pub struct Sum {
    /// The number of spans.
    pub calls: u64,
    /// The time of the spans.
    #[serde(flatten)]
    pub time: Time,
    /// The rows that went in, where they were counted.
    pub rows: u64,
    /// The bytes that went in or came out, where they were counted.
    pub bytes: u64,
}

/// A length of time, without the part that is counted elsewhere.
#[derive(Debug, Default, Clone, Copy, Serialize)]
pub struct Time {
    /// The time on the clock.
    #[serde(rename = "seconds", serialize_with = "seconds")]
    pub busy: Duration,
    /// The time on a processor. The rest was spent waiting, for the disk or for a processor.
    #[serde(rename = "cpu_seconds", serialize_with = "seconds")]
    pub cpu: Duration,
}

/// All that was measured.
#[derive(Debug, Serialize)]
pub struct Summary {
    /// The time of the process so far.
    #[serde(flatten)]
    pub time: Time,
    /// The most memory that was resident at once, in bytes.
    pub peak_bytes: u64,
    /// The stages, the longest first.
    pub stages: Vec<Stage>,
}

/// One line of a [`Summary`].
#[derive(Debug, Serialize)]
pub struct Stage {
    /// The work that was done.
    pub stage: &'static str,
    /// The plugin or dataset for which it was done; may be empty.
    pub of: String,
    /// The sum of its spans.
    #[serde(flatten)]
    pub sum: Sum,
}

/// Turns counting on.
pub fn start() {
    PROFILE.get_or_init(|| Profile { began: Instant::now(), sums: Mutex::default() });
}

/// Counts time until it is dropped.
#[must_use = "it counts until it is dropped"]
pub struct Span(Option<Open>);

struct Open {
    profile: &'static Profile,
    stage: &'static str,
    of: String,
    rows: usize,
    bytes: usize,
    began: Instant,
    cpu: Duration,
    /// The time that was spent within the surrounding span before this one began.
    before: Time,
}

/// Begins to count the time that is spent on `stage` for the plugin or dataset `of`.
#[inline]
pub fn span(stage: &'static str, of: &str) -> Span {
    Span(PROFILE.get().map(|profile| Open::begin(profile, stage, of)))
}

/// Counts bytes of something whose time another span counts.
#[inline]
pub fn count(what: &'static str, of: &str, bytes: u64) {
    if let Some(profile) = PROFILE.get() {
        profile.count(what, of, bytes);
    }
}

impl Profile {
    #[cold]
    fn count(&self, what: &'static str, of: &str, bytes: u64) {
        let mut sums = self.sums.lock().expect("no one panics while holding it");
        let sum = sums.entry((what, of.to_owned())).or_default();
        sum.calls += 1;
        sum.bytes += bytes;
    }
}

impl Span {
    /// Adds rows and bytes that went through.
    #[inline]
    pub fn through(&mut self, rows: usize, bytes: usize) {
        if let Some(open) = &mut self.0 {
            open.rows += rows;
            open.bytes += bytes;
        }
    }

    /// Renames the stage, for work whose kind is known only at the end.
    #[inline]
    pub fn was(&mut self, stage: &'static str) {
        if let Some(open) = &mut self.0 {
            open.stage = stage;
        }
    }
}

impl Drop for Span {
    #[inline]
    fn drop(&mut self) {
        if let Some(open) = self.0.take() {
            open.end();
        }
    }
}

impl Open {
    #[cold]
    fn begin(profile: &'static Profile, stage: &'static str, of: &str) -> Self {
        let (began, cpu, before) = (Instant::now(), thread_time(), WITHIN.take());
        Self { profile, stage, of: of.to_owned(), rows: 0, bytes: 0, began, cpu, before }
    }

    #[cold]
    fn end(self) {
        let whole = Time { busy: self.began.elapsed(), cpu: thread_time().saturating_sub(self.cpu) };
        self.end_after(whole);
    }

    /// Counts the span, which lasted for `whole`, spans within it included.
    fn end_after(self, whole: Time) {
        let Self { profile, stage, of, rows, bytes, began: _, cpu: _, before } = self;
        let within = WITHIN.replace(Time { busy: before.busy + whole.busy, cpu: before.cpu + whole.cpu });
        let mut sums = profile.sums.lock().expect("no one panics while holding it");
        let Sum { calls, time, rows: all_rows, bytes: all_bytes } = sums.entry((stage, of)).or_default();
        *calls += 1;
        time.busy += whole.busy.saturating_sub(within.busy);
        time.cpu += whole.cpu.saturating_sub(within.cpu);
        *all_rows += rows as u64;
        *all_bytes += bytes as u64;
    }
}

/// Returns all that was counted so far, or `None` if [`start`] was not called.
pub fn summary() -> Option<Summary> {
    let profile = PROFILE.get()?;
    let sums = profile.sums.lock().expect("no one panics while holding it");
    let stages = sums.iter().map(|((stage, of), sum)| Stage { stage, of: of.clone(), sum: *sum });
    let mut stages: Vec<_> = stages.collect();
    stages.sort_by_key(|stage| std::cmp::Reverse(stage.sum.time.busy));
    let (cpu, peak_bytes) = usage();
    Some(Summary { time: Time { busy: profile.began.elapsed(), cpu }, peak_bytes, stages })
}

fn seconds<S: serde::Serializer>(time: &Duration, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_f64(time.as_secs_f64())
}

/// Returns the processor time and the peak memory of the process.
fn usage() -> (Duration, u64) {
    // SAFETY: all zeros are a valid `rusage`, which is valid for writes during the call.
    let usage = unsafe {
        let mut usage = std::mem::zeroed::<libc::rusage>();
        libc::getrusage(libc::RUSAGE_SELF, &raw mut usage);
        usage
    };
    let time =
        |time: libc::timeval| Duration::new(time.tv_sec.unsigned_abs(), time.tv_usec.unsigned_abs() as u32 * 1000);
    let peak = peak().unwrap_or(usage.ru_maxrss.unsigned_abs() * 1024);
    (time(usage.ru_utime) + time(usage.ru_stime), peak)
}

/// Returns the peak memory in bytes, as Linux counts it for this process. (`ru_maxrss` begins with the memory of the
/// process that started this one.)
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_counts_what_went_through_it_but_not_the_time_of_those_within() {
        start();
        let lasts = |mut span: Span, busy| {
            let time = Time { busy: Duration::from_millis(busy), cpu: Duration::from_millis(busy / 2) };
            span.0.take().expect("it was started").end_after(time);
        };
        let mut outer = span("test outer", "a plugin");
        let mut inner = span("test inner", "");
        inner.through(2, 30);
        lasts(inner, 20);
        lasts(span("test inner", ""), 10);
        outer.was("test renamed");
        lasts(outer, 50);
        let stages = summary().expect("it was started").stages;
        let of = |stage: &str| stages.iter().find(|found| found.stage == stage).expect("it was counted");
        let inner = of("test inner").sum;
        assert_eq!((inner.calls, inner.rows, inner.bytes), (2, 2, 30));
        assert_eq!((inner.time.busy, inner.time.cpu), (Duration::from_millis(30), Duration::from_millis(15)));
        let outer = of("test renamed");
        assert_eq!((outer.of.as_str(), outer.sum.calls), ("a plugin", 1));
        assert_eq!((outer.sum.time.busy, outer.sum.time.cpu), (Duration::from_millis(20), Duration::from_millis(10)));
    }
}
