//! The profile: how much time the process spends, by stage and by the plugin or dataset that it spends it on.
//!
//! Nothing is counted before [`start`]; until then a [`span`] costs one atomic load. A span counts its own time only, without
//! the time of the spans within it. So nothing is counted twice, and the sum over all is the time that is accounted for.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::clock::thread_time;

static PROFILE: OnceLock<Profile> = OnceLock::new();

thread_local! {
    /// The time of the spans that ended within the one that is open.
    static WITHIN: Cell<Time> = const { Cell::new(Time { busy: Duration::ZERO, cpu: Duration::ZERO }) };
}

struct Profile {
    began: Instant,
    /// Reads both clocks: the time since it began, and the processor time of the thread that asks.
    clocks: fn(Instant) -> Time,
    sums: Mutex<BTreeMap<(&'static str, String), Sum>>,
}

/// The sum over all spans of one kind, on all threads.
#[derive(Debug, Default, Clone, Copy, Serialize)]
pub struct Sum {
    /// The number of spans.
    pub calls: u64,
    /// The time of the spans.
    #[serde(flatten)]
    pub time: Time,
    /// Rows that went in, where that was told.
    pub rows: u64,
    /// Bytes that went in or came out, where that was told.
    pub bytes: u64,
}

/// A time on both clocks, without the part that is counted elsewhere.
#[derive(Debug, Default, Clone, Copy, Serialize)]
pub struct Time {
    /// The time on the wall clock.
    #[serde(rename = "seconds", serialize_with = "seconds")]
    pub busy: Duration,
    /// The time on a processor. The rest was spent waiting, for the disk or for a processor.
    #[serde(rename = "cpu_seconds", serialize_with = "seconds")]
    pub cpu: Duration,
}

/// Everything that was counted.
#[derive(Debug, Serialize)]
pub struct Summary {
    /// The time that the process has taken so far.
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
    /// The work.
    pub stage: &'static str,
    /// The plugin or dataset that it was done for, or nothing.
    pub of: String,
    /// The sum over its spans.
    #[serde(flatten)]
    pub sum: Sum,
}

/// Starts to count.
pub fn start() {
    PROFILE.get_or_init(|| Profile::new(|began| Time { busy: began.elapsed(), cpu: thread_time() }));
}

/// A stretch of work. Its time is counted when it is dropped.
#[must_use = "it counts until it is dropped"]
pub struct Span(Option<Open>);

struct Open {
    profile: &'static Profile,
    stage: &'static str,
    of: String,
    rows: usize,
    bytes: usize,
    began: Time,
    /// The time of the spans that ended within the span around this one before it began.
    before: Time,
}

/// Begins a span: work on `stage` for the plugin or dataset `of`.
#[inline]
pub fn span(stage: &'static str, of: &str) -> Span {
    Span(PROFILE.get().map(|profile| profile.open(stage, of)))
}

/// Counts something whose time belongs to another span.
#[inline]
pub fn count(what: &'static str, of: &str, bytes: u64) {
    let Some(profile) = PROFILE.get() else { return };
    let mut sums = profile.sums.lock().expect("no one panics while holding it");
    let sum = sums.entry((what, of.to_owned())).or_default();
    sum.calls += 1;
    sum.bytes += bytes;
}

impl Profile {
    fn new(clocks: fn(Instant) -> Time) -> Self {
        Self { began: Instant::now(), clocks, sums: Mutex::default() }
    }

    /// Reads both clocks.
    fn now(&self) -> Time {
        (self.clocks)(self.began)
    }

    fn open(&'static self, stage: &'static str, of: &str) -> Open {
        let (of, before) = (of.to_owned(), WITHIN.take());
        Open { profile: self, stage, of, rows: 0, bytes: 0, began: self.now(), before }
    }

    /// Returns what was counted so far, the longest first.
    fn stages(&self) -> Vec<Stage> {
        let sums = self.sums.lock().expect("no one panics while holding it");
        let stages = sums.iter().map(|((stage, of), sum)| Stage { stage, of: of.clone(), sum: *sum });
        let mut stages: Vec<_> = stages.collect();
        stages.sort_by_key(|stage| std::cmp::Reverse(stage.sum.time.busy));
        stages
    }
}

impl Time {
    /// Returns the time from `began` to this one.
    fn since(self, began: Self) -> Self {
        Self { busy: self.busy.saturating_sub(began.busy), cpu: self.cpu.saturating_sub(began.cpu) }
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

    /// Renames the stage, where only the end shows what the work was.
    #[inline]
    pub fn was(&mut self, stage: &'static str) {
        if let Some(open) = &mut self.0 {
            open.stage = stage;
        }
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        let Some(Open { profile, stage, of, rows, bytes, began, before }) = self.0.take() else { return };
        let whole = profile.now().since(began);
        let within = WITHIN.replace(Time { busy: before.busy + whole.busy, cpu: before.cpu + whole.cpu });
        let own = whole.since(within);
        let mut sums = profile.sums.lock().expect("no one panics while holding it");
        let Sum { calls, time, rows: all_rows, bytes: all_bytes } = sums.entry((stage, of)).or_default();
        *calls += 1;
        time.busy += own.busy;
        time.cpu += own.cpu;
        *all_rows += rows as u64;
        *all_bytes += bytes as u64;
    }
}

/// Returns what was counted so far, or nothing before [`start`].
pub fn summary() -> Option<Summary> {
    let profile = PROFILE.get()?;
    let (cpu, peak_bytes) = usage();
    Some(Summary { time: Time { busy: profile.now().busy, cpu }, peak_bytes, stages: profile.stages() })
}

fn seconds<S: serde::Serializer>(time: &Duration, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_f64(time.as_secs_f64())
}

/// Returns processor time and peak memory, in bytes, of the process.
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

/// Returns the peak memory in bytes as Linux knows it. `ru_maxrss` would include what the process that started this one held then.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    thread_local! {
        /// The time on both clocks of the test.
        static NOW: Cell<Time> = const { Cell::new(Time { busy: Duration::ZERO, cpu: Duration::ZERO }) };
    }

    /// Lets time pass, half of it on a processor.
    fn pass(milliseconds: u64) {
        let Time { busy, cpu } = NOW.get();
        let more = Duration::from_millis(milliseconds);
        NOW.set(Time { busy: busy + more, cpu: cpu + more / 2 });
    }

    #[test]
    fn a_span_counts_what_went_through_it_but_not_the_time_of_those_within() {
        let profile: &Profile = Box::leak(Box::new(Profile::new(|_| NOW.get())));
        let span = |stage, of| Span(Some(profile.open(stage, of)));
        let mut outer = span("outer", "a plugin");
        pass(3);
        {
            let mut inner = span("inner", "");
            inner.through(2, 30);
            pass(20);
        }
        pass(4);
        {
            let _inner = span("inner", "");
            pass(10);
        }
        outer.was("renamed");
        drop(outer);

        let stages = profile.stages();
        assert_eq!(
            stages.iter().map(|stage| stage.stage).collect::<Vec<_>>(),
            ["inner", "renamed"],
            "the longest first"
        );
        let [inner, outer] = &stages[..] else { panic!("there were two kinds of spans") };
        let Sum { calls, time, rows, bytes } = inner.sum;
        assert_eq!((calls, rows, bytes), (2, 2, 30));
        assert_eq!((time.busy, time.cpu), (Duration::from_millis(30), Duration::from_millis(15)));
        assert_eq!(outer.of, "a plugin");
        let Sum { time, .. } = outer.sum;
        assert_eq!((time.busy, time.cpu), (Duration::from_millis(7), Duration::from_micros(3500)));
    }
}
