//! Where the time goes, by stage and by what it is spent on: a plugin, a dataset, or nothing in particular.
//!
//! Off unless [`start`] was called; a [`span`] then costs one atomic load. A span counts its own time only: that of the
//! spans within it is theirs, so that nothing is counted twice and the sum over all is the time that is accounted for.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use serde::Serialize;

static PROFILE: OnceLock<Profile> = OnceLock::new();

thread_local! {
    /// The time of the spans that ended within the one that is open.
    static WITHIN: Cell<Time> = const { Cell::new(Time { busy: Duration::ZERO, cpu: Duration::ZERO }) };
}

struct Profile {
    began: Instant,
    sums: Mutex<BTreeMap<(&'static str, String), Sum>>,
}

/// What all spans of one kind come to, over all threads.
#[derive(Debug, Default, Clone, Copy, Serialize)]
pub struct Sum {
    /// How many there were.
    pub calls: u64,
    /// How long they lasted.
    #[serde(flatten)]
    pub time: Time,
    /// Rows that went in, where that was told.
    pub rows: u64,
    /// Bytes that went in or came out, where that was told.
    pub bytes: u64,
}

/// How long something lasted, without what is counted elsewhere.
#[derive(Debug, Default, Clone, Copy, Serialize)]
pub struct Time {
    /// On the clock.
    #[serde(rename = "seconds", serialize_with = "seconds")]
    pub busy: Duration,
    /// On a processor: the rest was spent waiting, for the disk or for a processor.
    #[serde(rename = "cpu_seconds", serialize_with = "seconds")]
    pub cpu: Duration,
}

/// All there is to tell.
#[derive(Debug, Serialize)]
pub struct Summary {
    /// What the process has taken so far.
    #[serde(flatten)]
    pub time: Time,
    /// The most memory that was resident at once, in bytes.
    pub peak_bytes: u64,
    /// The longest first.
    pub stages: Vec<Stage>,
}

/// One line of a [`Summary`].
#[derive(Debug, Serialize)]
pub struct Stage {
    /// What was done.
    pub stage: &'static str,
    /// For whom: a plugin or a dataset; may be empty.
    pub of: String,
    /// What it came to.
    #[serde(flatten)]
    pub sum: Sum,
}

/// Counts from now on.
pub fn start() {
    PROFILE.get_or_init(|| Profile { began: Instant::now(), sums: Mutex::default() });
}

/// Counts until it is dropped.
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
    /// What was within the span around this one before it.
    before: Time,
}

/// Begins to count time spent on `stage` for the plugin or dataset `of`.
#[inline]
pub fn span(stage: &'static str, of: &str) -> Span {
    Span(PROFILE.get().map(|profile| Open {
        profile,
        stage,
        of: of.to_owned(),
        rows: 0,
        bytes: 0,
        began: Instant::now(),
        cpu: thread_time(),
        before: WITHIN.take(),
    }))
}

/// Counts something of which the time is another span's.
#[inline]
pub fn count(what: &'static str, of: &str, bytes: u64) {
    let Some(profile) = PROFILE.get() else { return };
    let mut sums = profile.sums.lock().expect("no one panics while holding it");
    let sum = sums.entry((what, of.to_owned())).or_default();
    sum.calls += 1;
    sum.bytes += bytes;
}

impl Span {
    /// Tells how much went through.
    #[inline]
    pub fn through(&mut self, rows: usize, bytes: usize) {
        if let Some(open) = &mut self.0 {
            open.rows += rows;
            open.bytes += bytes;
        }
    }

    /// Tells what it was, where that shows only at the end.
    #[inline]
    pub fn was(&mut self, stage: &'static str) {
        if let Some(open) = &mut self.0 {
            open.stage = stage;
        }
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        let Some(Open { profile, stage, of, rows, bytes, began, cpu, before }) = self.0.take() else { return };
        let whole = Time { busy: began.elapsed(), cpu: thread_time().saturating_sub(cpu) };
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

/// What was counted so far; nothing if [`start`] was not called.
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

/// Processor time of this thread.
fn thread_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is valid for writes for the length of the call.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs() as u32)
}

/// Processor time and peak memory of the process.
fn usage() -> (Duration, u64) {
    // SAFETY: all zeros are a valid `rusage`, and it is valid for writes for the length of the call.
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

/// Peak memory as Linux knows it. `ru_maxrss` counts what whoever started this process held at that moment.
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
        let mut outer = span("test outer", "a plugin");
        let since = Instant::now();
        {
            let mut inner = span("test inner", "");
            inner.through(2, 30);
            while since.elapsed() < Duration::from_millis(20) {}
        }
        drop(span("test inner", ""));
        outer.was("test renamed");
        drop(outer);
        let stages = summary().expect("it was started").stages;
        let of = |stage: &str| stages.iter().find(|found| found.stage == stage).expect("it was counted");
        let inner = of("test inner").sum;
        assert_eq!((inner.calls, inner.rows, inner.bytes), (2, 2, 30));
        assert!(inner.time.busy >= Duration::from_millis(20));
        assert_eq!(of("test renamed").of, "a plugin");
        assert!(of("test renamed").sum.time.busy < inner.time.busy);
    }
}
