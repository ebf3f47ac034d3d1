//! A progress bar on a terminal.

use std::io::IsTerminal as _;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use smelt_common::progress::Progress;
use smelt_common::workers;

/// Shows on standard error how far a long piece of work has come.
#[derive(Debug, Clone)]
pub(crate) struct Bar {
    bar: ProgressBar,
}

impl Bar {
    /// Returns a bar. It is hidden if standard output gets JSON, or if standard error is no terminal.
    pub(crate) fn new(json: bool) -> Self {
        let shown = !json && std::io::stderr().is_terminal();
        let target = if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        Self { bar: ProgressBar::with_draw_target(Some(0), target) }
    }
}

impl Progress for Bar {
    fn begin(&self, what: &'static str, units: u64) {
        if let Ok(style) = ProgressStyle::with_template("{msg:12} {bar:32} {bytes}/{total_bytes} {elapsed}") {
            self.bar.set_style(style);
        }
        self.bar.reset();
        self.bar.set_message(what);
        self.bar.set_length(units);
        // indicatif ticks in a thread of its own, and panics if it gets none. Without it, the bar moves with the work.
        if !self.bar.is_hidden() && workers::can_start(1).is_ok() {
            self.bar.enable_steady_tick(Duration::from_millis(100));
        }
    }

    fn advance(&self, units: u64) {
        self.bar.inc(units);
    }

    fn end(&self) {
        self.bar.disable_steady_tick();
        self.bar.finish_and_clear();
    }
}
