//! The state of a guest's store: its limits, log and pseudonyms. It also turns a failed call into an error.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use wasmtime::{Store, Trap};

use super::bindings::{log, types};
use super::limiter::Limiter;
use super::limits::Limits;
use super::machine;
use super::meter::{Meter, Over, Ticks};
use crate::privacy::Pseudonyms;
use smelt_common::Error;
use smelt_common::clock::thread_time;
use smelt_common::error::{Kind, Result};
use smelt_common::profile;
use smelt_common::text::guest_text;

/// The longest description in bytes, all its texts together.
const DESCRIPTION_BYTES: usize = 1 << 20;
/// How many values a guest may have pseudonymised in one call. The largest batch has a quarter of them.
const PSEUDONYMS: usize = 1 << 18;
/// How many bytes are hashed between two looks at the clock.
const PIECE: usize = 1 << 20;
/// How many bytes the work for one pseudonym counts as, besides the bytes of its value.
const PSEUDONYM: usize = 1 << 10;

/// The state of one store.
pub(super) struct State {
    pub(super) limiter: Limiter,
    pub(super) plugin: Arc<str>,
    pseudonyms: Pseudonyms,
    log_left: usize,
    error_bytes: usize,
    ticks: Ticks,
    /// The time of the current call. It is looked at while texts of the guest are borrowed, hence the cell.
    meter: Cell<Meter>,
    /// The guest's last message before it failed.
    fatal: Option<String>,
    span: Option<profile::Span>,
    /// How long all ended calls have run.
    pub(super) spent: Duration,
}

impl State {
    pub(super) fn new(plugin: Arc<str>, limits: &Limits, pseudonyms: Pseudonyms, ticks: Ticks) -> Self {
        let meter = Cell::new(Meter::begin(Duration::ZERO, thread_time(), ticks.now()));
        Self {
            limiter: Limiter::new(limits.clone()),
            plugin,
            pseudonyms,
            log_left: 0,
            error_bytes: limits.error_bytes,
            ticks,
            meter,
            fatal: None,
            span: None,
            spent: Duration::ZERO,
        }
    }
}

impl State {
    /// Returns how many bytes of a message of that level are kept. Checks the deadline too, because no code of the
    /// guest runs here that the engine could stop.
    pub(super) fn wants(&self, level: log::Level) -> wasmtime::Result<usize> {
        self.on_time()?;
        Ok(match level {
            // The reason why a call failed is kept, however much was logged before.
            log::Level::Fatal => self.error_bytes,
            _ => self.error_bytes.min(self.log_left),
        })
    }

    /// Fails once the current call has run longer than its limit, or was kept from running for too long.
    pub(super) fn on_time(&self) -> wasmtime::Result<()> {
        self.look().map_err(|_| Trap::Interrupt.into())
    }

    fn look(&self) -> Result<(), Over> {
        let mut meter = self.meter.get();
        let looked = meter.look(thread_time(), self.ticks.now());
        self.meter.set(meter);
        looked
    }

    /// Fails if so many pseudonyms are too many for one call.
    pub(super) fn may_pseudonymise(&mut self, values: usize) -> wasmtime::Result<()> {
        if values > PSEUDONYMS {
            self.limiter.refused = Some(format!("{values} pseudonyms at once; at most {PSEUDONYMS} are made"));
            wasmtime::bail!("too many values");
        }
        Ok(())
    }

    /// Returns the pseudonym of the value. `since` counts the bytes since the last look at the clock.
    pub(super) fn pseudonym(&self, value: &str, since: &mut usize) -> wasmtime::Result<String> {
        let mut look = |bytes: usize| {
            *since += bytes;
            if *since < PIECE {
                return Ok(());
            }
            *since = 0;
            self.on_time()
        };
        look(PSEUDONYM)?;
        self.pseudonyms.of_pieces(value.as_bytes().chunks(PIECE).map(|piece| look(piece.len()).map(|()| piece)))
    }

    /// Logs a message, which is safe and short already.
    pub(super) fn write(&mut self, level: log::Level, message: String) {
        if level == log::Level::Fatal {
            self.fatal = Some(message);
            return;
        }
        if message.is_empty() {
            return;
        }
        self.log_left = self.log_left.saturating_sub(message.len());
        let plugin = &*self.plugin;
        match level {
            log::Level::Debug => tracing::debug!(plugin, "{message}"),
            log::Level::Info => tracing::info!(plugin, "{message}"),
            log::Level::Warn => tracing::warn!(plugin, "{message}"),
            log::Level::Error | log::Level::Fatal => tracing::error!(plugin, "{message}"),
        }
    }
}

/// Prepares the store for the next call, which [`outcome`] ends.
pub(super) fn arm(store: &mut Store<State>, limits: &Limits) {
    arm_for(store, limits, limits.call_ms, limits.output_bytes);
}

/// As [`arm`], for the start and the description of an instance.
pub(super) fn arm_to_start(store: &mut Store<State>, limits: &Limits) {
    arm_for(store, limits, limits.start_ms, limits.output_bytes.min(DESCRIPTION_BYTES));
}

/// As [`arm_to_start`], for a description that has texts made of parameters in it. Those may be files.
pub(super) fn arm_to_describe(store: &mut Store<State>, limits: &Limits) {
    arm_for(store, limits, limits.start_ms, limits.output_bytes);
}

fn arm_for(store: &mut Store<State>, limits: &Limits, ms: u64, bytes: usize) {
    // The guest stops at every tick, and the meter decides whether the call goes on.
    store.set_epoch_deadline(1);
    store.set_hostcall_fuel(bytes);
    let state = store.data_mut();
    state.log_left = limits.log_bytes;
    state.meter.set(Meter::begin(Duration::from_millis(ms), thread_time(), state.ticks.now()));
    state.fatal = None;
    state.limiter.refused = None;
    state.limiter.lacking = None;
    state.span = Some(profile::span("call", &state.plugin));
}

/// As [`arm`], for a call that is given rows.
pub(super) fn arm_with(store: &mut Store<State>, limits: &Limits, rows: usize, stream: &[u8]) {
    arm(store, limits);
    store.data_mut().span.iter_mut().for_each(|span| span.through(rows, stream.len()));
}

/// Ends a call. Returns its result, or turns its trap or fault into an error.
pub(super) fn outcome<T>(
    store: &mut Store<State>,
    doing: &'static str,
    called: wasmtime::Result<Result<T, types::Fault>>,
) -> Result<T> {
    let bytes = store.hostcall_fuel();
    let state = store.data_mut();
    let looked = state.look();
    state.spent += state.meter.get().ran();
    if let Some(mut span) = state.span.take() {
        span.was(doing);
    }
    let (kind, why) = match called {
        Ok(Ok(value)) => return Ok(value),
        Ok(Err(types::Fault { kind, message })) => {
            let kind = match kind {
                types::FaultKind::InvalidParameters => Kind::InvalidConfig,
                types::FaultKind::InvalidInput | types::FaultKind::Internal => Kind::Plugin,
            };
            (kind, Why::Words(guest_text(&message, state.error_bytes)))
        }
        Err(trap) => state.why(&trap, looked, bytes),
    };
    let failed = format!("plugin `{}` failed to {doing}", state.plugin);
    Err(match why {
        Why::Words(words) => Error::new(kind, failed).in_words(words),
        Why::Known(why) => Error::new(kind, format!("{failed}: {why}")),
    })
}

/// Ends a call of `describe`. Its fault is about the parameters, whatever its kind, so the manifest must change. A
/// plugin has seen no rows then, so its words are shown like the host's.
pub(super) fn described<T>(store: &mut Store<State>, called: wasmtime::Result<Result<T, types::Fault>>) -> Result<T> {
    let is_fault = matches!(called, Ok(Err(_)));
    outcome(store, "describe itself", called)
        .map_err(|error| if is_fault { Error::config(error.to_string()) } else { error })
}

/// The reason why a call failed.
enum Why {
    /// In words of the host or of the engine, which see no cells of the data.
    Known(String),
    /// In words of the guest, which sees cells of the data.
    Words(String),
}

impl State {
    /// Returns why a call trapped: the limit that it exceeded, the last words of the guest, or the words of the engine.
    fn why(&mut self, trap: &wasmtime::Error, looked: Result<(), Over>, bytes: usize) -> (Kind, Why) {
        let exceeded = |why| (Kind::LimitExceeded, Why::Known(why));
        if matches!(trap.downcast_ref::<Trap>(), Some(Trap::Interrupt)) {
            let (meter, kept) = (self.meter.get(), "the machine kept it from running");
            return match looked {
                Err(Over::Starved) => {
                    (Kind::Unavailable, Why::Known(format!("{kept}: it had {} ms in all", meter.ran().as_millis())))
                }
                _ => exceeded(format!("it ran longer than {} ms", meter.allowed_ms())),
            };
        }
        if let Some(lack) = machine::lacks(trap).or_else(|| self.limiter.lacking.take()) {
            return (Kind::Unavailable, Why::Known(format!("the machine lacks resources: {lack}")));
        }
        // wasmtime has no types for these errors, so their words decide.
        let told = format!("{:#}", trap.root_cause());
        if told.contains("fuel allocated for hostcalls") {
            return exceeded(format!("it passed more than {bytes} bytes"));
        }
        if told.starts_with("resource limit exceeded") || told.contains("store handle limit exceeded") {
            return exceeded(guest_text(&told, self.error_bytes));
        }
        if let Some(refused) = self.limiter.refused.take() {
            return exceeded(format!("it wanted {refused}"));
        }
        let known = trap.downcast_ref::<Trap>().is_some();
        let why = match self.fatal.take() {
            Some(fatal) => Why::Words(fatal),
            None if known => Why::Known(guest_text(&told, self.error_bytes)),
            None => Why::Words(guest_text(&told, self.error_bytes)),
        };
        (Kind::Plugin, why)
    }
}

#[cfg(test)]
mod tests {
    use wasmtime::ResourceLimiter as _;

    use super::*;

    fn state() -> State {
        let pseudonyms = Pseudonyms::from_hex(None).expect("no key is a key");
        State::new("p".into(), &Limits::default(), pseudonyms, Ticks::default())
    }

    fn why(state: &mut State, trap: wasmtime::Error, looked: Result<(), Over>) -> (Kind, String) {
        let (kind, Why::Known(why) | Why::Words(why)) = state.why(&trap, looked, 0);
        (kind, why)
    }

    #[test]
    fn a_guest_that_gives_up_without_memory_is_at_fault_only_where_it_wanted_too_much() {
        let mut state = state();
        let unreachable = || wasmtime::Error::from(Trap::UnreachableCodeReached);
        state.limiter.memory_grow_failed(wasmtime::format_err!("Memory maximum size exceeded")).expect("it is noted");
        assert_eq!(why(&mut state, unreachable(), Ok(())).0, Kind::Plugin, "it had said itself what it needs at most");
        assert!(state.limiter.memory_growing(0, 1 << 40, None).is_ok_and(|granted| !granted));
        assert_eq!(why(&mut state, unreachable(), Ok(())).0, Kind::LimitExceeded);
        state.limiter.memory_grow_failed(rustix::io::Errno::NOMEM.into()).expect("it is noted");
        let (kind, told) = why(&mut state, unreachable(), Ok(()));
        assert_eq!(kind, Kind::Unavailable);
        assert!(told.starts_with("the machine lacks resources: "), "{told}");
    }

    #[test]
    fn a_call_that_was_kept_from_running_did_not_run_too_long() {
        let interrupt = || wasmtime::Error::from(Trap::Interrupt);
        assert_eq!(why(&mut state(), interrupt(), Err(Over::Ran)).0, Kind::LimitExceeded);
        assert_eq!(why(&mut state(), interrupt(), Err(Over::Starved)).0, Kind::Unavailable);
    }
}
