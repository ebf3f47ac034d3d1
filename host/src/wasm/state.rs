//! What a store holds for its guest: limits, log and pseudonyms; and how a failed call becomes an error.

use std::sync::Arc;

use wasmtime::{Store, Trap};

use super::bindings::{log, privacy, types};
use super::limits::{Limiter, Limits};
use crate::Error;
use crate::error::{Kind, Result};
use crate::privacy::Pseudonyms;
use crate::profile;

/// The longest error text taken from a guest.
const ERROR_BYTES: usize = 10_000;

/// The state of one store.
pub(super) struct State {
    pub(super) limiter: Limiter,
    plugin: Arc<str>,
    pseudonyms: Pseudonyms,
    log_left: usize,
    fatal: Option<String>,
    span: Option<profile::Span>,
}

impl State {
    pub(super) fn new(plugin: Arc<str>, limits: &Limits, pseudonyms: Pseudonyms) -> Self {
        Self { limiter: Limiter::new(limits.clone()), plugin, pseudonyms, log_left: 0, fatal: None, span: None }
    }
}

/// Text from a guest, safe for a terminal and of bounded length.
pub(super) fn guest_text(text: &str, most: usize) -> String {
    let mut safe = String::new();
    for character in text.chars() {
        if safe.len() >= most {
            safe.push('…');
            break;
        }
        match character {
            '\n' => safe.push(' '),
            // Bidirectional overrides reorder what a terminal shows.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => safe.extend(character.escape_unicode()),
            _ if character.is_control() => safe.extend(character.escape_default()),
            _ => safe.push(character),
        }
    }
    safe
}

impl types::Host for State {}

impl log::Host for State {
    fn write(&mut self, level: log::Level, message: String) {
        if level == log::Level::Fatal {
            // Why a call failed is told however much was said before.
            self.fatal = Some(guest_text(&message, ERROR_BYTES));
            return;
        }
        if self.log_left == 0 || message.is_empty() {
            return;
        }
        let message = guest_text(&message, ERROR_BYTES.min(self.log_left));
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

impl privacy::Host for State {
    fn pseudonymise(&mut self, values: Vec<String>) -> Vec<String> {
        let mut span = profile::span("pseudonymise", &self.plugin);
        span.through(values.len(), 0);
        values.iter().map(|value| self.pseudonyms.of(value)).collect()
    }
}

/// Makes the store ready for the next call, which [`outcome`] ends.
pub(super) fn arm(store: &mut Store<State>, limits: &Limits) {
    store.set_epoch_deadline(limits.call_ticks());
    store.set_hostcall_fuel(limits.output_bytes);
    let state = store.data_mut();
    state.log_left = limits.log_bytes;
    state.fatal = None;
    state.limiter.refused = None;
    state.span = Some(profile::span("call", &state.plugin));
}

/// As [`arm`], for a call that is given rows.
pub(super) fn arm_with(store: &mut Store<State>, limits: &Limits, rows: usize, stream: &[u8]) {
    arm(store, limits);
    store.data_mut().span.iter_mut().for_each(|span| span.through(rows, stream.len()));
}

/// What a call that returned a trap or a fault is to the host.
pub(super) fn outcome<T>(
    store: &mut Store<State>,
    limits: &Limits,
    doing: &'static str,
    called: wasmtime::Result<Result<T, types::Fault>>,
) -> Result<T> {
    let state = store.data_mut();
    let plugin = state.plugin.clone();
    if let Some(mut span) = state.span.take() {
        span.was(doing);
    }
    match called {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(types::Fault { kind, message })) => {
            let message = guest_text(&message, ERROR_BYTES);
            let kind = match kind {
                types::FaultKind::InvalidParameters => Kind::InvalidConfig,
                types::FaultKind::InvalidInput | types::FaultKind::Internal => Kind::Plugin,
            };
            Err(Error::new(kind, format!("plugin `{plugin}` failed to {doing}: {message}")))
        }
        Err(trap) => {
            let (kind, why) = if matches!(trap.downcast_ref::<Trap>(), Some(Trap::Interrupt)) {
                (Kind::LimitExceeded, format!("it ran longer than {} ms", limits.call_ms))
            } else if let Some(refused) = state.limiter.refused.take() {
                (Kind::LimitExceeded, format!("it wanted {refused}"))
            } else if let Some(fatal) = state.fatal.take() {
                (Kind::Plugin, fatal)
            } else {
                match guest_text(&format!("{:#}", trap.root_cause()), ERROR_BYTES) {
                    // wasmtime has no type for it.
                    fuel if fuel.contains("fuel allocated for hostcalls") => {
                        (Kind::LimitExceeded, format!("it passed more than {} bytes", limits.output_bytes))
                    }
                    other => (Kind::Plugin, other),
                }
            };
            Err(Error::new(kind, format!("plugin `{plugin}` failed to {doing}: {why}")))
        }
    }
}
