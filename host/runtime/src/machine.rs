//! What the machine takes or cannot give is no one's fault but its own: how long a call has run is told from how long it
//! was kept waiting, and a lack of memory or of room from a limit that a guest exceeded.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use wasmtime::PoolConcurrencyLimitError;

use super::limits::TICK;

/// The most that one look at the clocks can add to what a call has run. A virtual machine that was stopped may be charged
/// for that time when it goes on.
const MOST_AT_ONCE: Duration = Duration::from_millis(100);
/// A call may be under way for so many times as long as it may run: that is a core shared by so many.
const SHARED_BY: u64 = 20;
/// And for so much longer, because a machine short of memory stands still for a while.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often the engine's ticker has run. A ticker that was stopped with its process has not, and does not make up for it.
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

/// The time of the call under way: what its thread has run, not what went by. A guest cannot sleep, so what it does not run
/// others have taken from it: a signal, a frozen container, other processes, a disk.
#[derive(Debug, Clone, Copy)]
pub(super) struct Meter {
    allowed: Duration,
    ran: Duration,
    /// The thread's time at the last look.
    seen: Duration,
    /// The tick at which it is ended however little it ran.
    last_tick: u64,
}

/// Why a call is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Over {
    /// It ran as long as it may.
    Ran,
    /// It was kept from running.
    Starved,
}

impl Meter {
    /// For a call that begins now, by the time of its thread and the count of ticks.
    pub(super) fn begin(allowed: Duration, thread: Duration, tick: u64) -> Self {
        let most = allowed.as_millis() as u64 / TICK.as_millis() as u64 * SHARED_BY;
        let last_tick = tick + most + (PATIENCE.as_millis() / TICK.as_millis()) as u64;
        Self { allowed, ran: Duration::ZERO, seen: thread, last_tick }
    }

    /// Returns whether the call must end, by the time of its thread and the count of ticks now.
    pub(super) fn look(&mut self, thread: Duration, tick: u64) -> Result<(), Over> {
        self.ran += thread.saturating_sub(self.seen).min(MOST_AT_ONCE);
        self.seen = thread;
        match () {
            () if self.ran > self.allowed => Err(Over::Ran),
            () if tick > self.last_tick => Err(Over::Starved),
            () => Ok(()),
        }
    }

    /// Returns the time that the call has run.
    pub(super) fn ran(&self) -> Duration {
        self.ran
    }

    /// Returns the time that the call may run, in milliseconds.
    pub(super) fn allowed_ms(&self) -> u128 {
        self.allowed.as_millis()
    }
}

/// Returns in words what the machine could not give, if the error says so. Nothing that a guest does makes such an error.
pub(super) fn lacks(error: &wasmtime::Error) -> Option<String> {
    fn has<E: std::error::Error + Send + Sync + 'static>(error: &wasmtime::Error) -> bool {
        error.is::<E>() || error.chain().any(|cause| cause.is::<E>())
    }
    let is_lack = has::<io::Error>(error)
        || has::<rustix::io::Errno>(error)
        || has::<PoolConcurrencyLimitError>(error)
        || has::<wasmtime::error::OutOfMemory>(error);
    is_lack.then(|| error.root_cause().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALLOWED: Duration = Duration::from_secs(1);

    /// What a call that may run for a second comes to at the end of so many looks: what its thread runs, and how many ticks
    /// go by, from one to the next.
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
        // Stopped for a day with its ticker; a virtual machine even charges the thread for it.
        assert_eq!(meter.look(Duration::from_secs(86_400), 91), Ok(()));
        assert_eq!(meter.ran(), 2 * MOST_AT_ONCE);
    }

    #[test]
    fn a_call_that_cannot_run_ends_for_another_reason() {
        assert_eq!(over(79, Duration::ZERO, 100), Ok(()));
        assert_eq!(over(81, Duration::ZERO, 100), Err(Over::Starved));
    }

    #[test]
    fn the_lack_of_a_machine_is_told_from_what_a_guest_does() {
        let of_machine: [wasmtime::Error; 3] = [
            rustix::io::Errno::NOMEM.into(),
            io::Error::from_raw_os_error(libc::EAGAIN).into(),
            wasmtime::Error::from(rustix::io::Errno::NOMEM).context("failed to make a memory"),
        ];
        for error in of_machine {
            assert!(lacks(&error).is_some(), "{error:?}");
        }
        for error in [wasmtime::Trap::Interrupt.into(), wasmtime::format_err!("Cannot allocate memory (os error 12)")] {
            assert_eq!(lacks(&error), None);
        }
    }
}
