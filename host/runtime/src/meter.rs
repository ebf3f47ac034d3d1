//! Measures how long a call has run, and tells that from how long the machine kept it waiting. A guest is not at fault
//! for time that the machine takes from it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How often deadlines are checked.
pub(super) const TICK: Duration = Duration::from_millis(10);
/// The most that one look at the clocks can add to the time that a call has run. When a stopped virtual machine goes
/// on, its threads may be charged for the time of the stop.
const MOST_AT_ONCE: Duration = Duration::from_millis(100);
/// How many times longer than its limit a call may take, as on a core that so many threads share.
const SHARED_BY: u64 = 20;
/// How much longer than that a call may take, because a machine that lacks memory can stand still for a while.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often the engine's ticker has run. While its process is stopped the ticker does not run, and it does not catch
/// up.
#[derive(Debug, Clone, Default)]
pub(super) struct Ticks(Arc<AtomicU64>);

impl Ticks {
    pub(super) fn count(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn now(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The time that the current call has run on a processor. A guest cannot sleep, so the rest of the time on the clock
/// was taken from it: by a signal, a frozen container, other processes or a disk.
#[derive(Debug, Clone, Copy)]
pub(super) struct Meter {
    allowed: Duration,
    ran: Duration,
    /// The CPU time of the thread at the last look.
    seen: Duration,
    /// The tick at which the call ends however little it ran.
    last_tick: u64,
}

/// The reason why a call must end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Over {
    /// It ran longer than its limit.
    Ran,
    /// The machine kept it from running.
    Starved,
}

impl Meter {
    /// Begins to measure a call, at that CPU time of its thread and that tick.
    pub(super) fn begin(allowed: Duration, thread: Duration, tick: u64) -> Self {
        let most = allowed.as_millis() as u64 / TICK.as_millis() as u64 * SHARED_BY;
        let last_tick = tick + most + (PATIENCE.as_millis() / TICK.as_millis()) as u64;
        Self { allowed, ran: Duration::ZERO, seen: thread, last_tick }
    }

    /// Returns why the call must end, if it must, at that CPU time of its thread and that tick.
    pub(super) fn look(&mut self, thread: Duration, tick: u64) -> Result<(), Over> {
        self.ran += thread.saturating_sub(self.seen).min(MOST_AT_ONCE);
        self.seen = thread;
        match () {
            () if self.ran > self.allowed => Err(Over::Ran),
            () if tick > self.last_tick => Err(Over::Starved),
            () => Ok(()),
        }
    }

    /// Returns how long the call has run.
    pub(super) fn ran(&self) -> Duration {
        self.ran
    }

    /// Returns how long the call may run, in milliseconds.
    pub(super) fn allowed_ms(&self) -> u128 {
        self.allowed.as_millis()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALLOWED: Duration = Duration::from_secs(1);

    /// Returns the result for a call that may run for a second, after so many looks. Between two looks its thread runs
    /// for `ran`, and `ticks` ticks pass.
    fn over(looks: u64, ran: Duration, ticks: u64) -> Result<(), Over> {
        let mut meter = Meter::begin(ALLOWED, Duration::from_secs(7), 3);
        (1..=looks).try_for_each(|at| meter.look(Duration::from_secs(7) + ran * at as u32, 3 + ticks * at))
    }

    #[test]
    fn a_call_is_ended_by_what_it_runs() {
        assert_eq!(over(100, TICK, 1), Ok(()));
        assert_eq!(over(101, TICK, 1), Err(Over::Ran));
        assert_eq!(over(101, TICK, 0), Err(Over::Ran), "a ticker that is late makes it no longer");
        assert_eq!(over(100, Duration::from_millis(5), 2), Ok(()), "it had half of a core");
    }

    #[test]
    fn a_call_that_is_stopped_loses_none_of_its_time() {
        let mut meter = Meter::begin(ALLOWED, Duration::ZERO, 0);
        assert_eq!(meter.look(Duration::from_millis(900), 90), Ok(()));
        // The call was stopped for a day, with its ticker. A virtual machine even charges the thread for that time.
        assert_eq!(meter.look(Duration::from_secs(86_400), 91), Ok(()));
        assert_eq!(meter.ran(), 2 * MOST_AT_ONCE);
    }

    #[test]
    fn a_call_that_cannot_run_ends_for_another_reason() {
        assert_eq!(over(79, Duration::ZERO, 100), Ok(()));
        assert_eq!(over(81, Duration::ZERO, 100), Err(Over::Starved));
    }
}
