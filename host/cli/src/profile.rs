//! The flag `--profile`, and the profile of a run as a table or as JSON.

use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use crate::table::{render, thousands};
use smelt_common::profile;
use smelt_common::profile::{Stage, Summary};

/// The flag `--profile`.
#[derive(Debug, Default, Clone, Copy, Args)]
pub(crate) struct Profile {
    /// Show at the end how much time each stage and each plugin took
    #[arg(long)]
    profile: bool,
}

impl Profile {
    /// Returns whether the flag is given.
    pub(crate) fn is_wanted(self) -> bool {
        self.profile
    }

    /// Begins to measure, if the flag is given. Time that passes before the call is not counted.
    pub(crate) fn start(self) {
        if self.profile {
            profile::start();
        }
    }
}

/// Returns the profile as a table; empty without `--profile`.
pub(crate) fn as_text() -> String {
    let Some(Summary { time, peak_bytes, stages }) = profile::summary() else { return String::new() };
    let busy: Duration = stages.iter().map(|stage| stage.sum.time.busy).sum();
    let row = |Stage { stage, of, sum }: &Stage| {
        vec![
            (*stage).to_owned(),
            of.clone(),
            thousands(sum.calls),
            millis(sum.time.busy),
            millis(sum.time.cpu),
            format!("{:.1}", 100.0 * sum.time.busy.as_secs_f64() / busy.as_secs_f64().max(f64::MIN_POSITIVE)),
            thousands(sum.rows),
            thousands(sum.bytes),
        ]
    };
    let heading = ["stage", "of", "calls", "busy ms", "CPU ms", "share %", "rows", "bytes"];
    let mut text = String::from("\n");
    text.push_str(&render(&heading, &stages.iter().map(row).collect::<Vec<_>>()));
    text.push_str(&format!(
        "  busy {} ms, summed over threads; the process: wall {} ms, CPU {} ms, peak {} MiB\n",
        millis(busy),
        millis(time.busy),
        millis(time.cpu),
        peak_bytes >> 20,
    ));
    text
}

/// Adds the profile to JSON, if `--profile` is given.
pub(crate) fn add_to(json: &mut Value) {
    if let Some(summary) = profile::summary() {
        json["profile"] = json!(summary);
    }
}

fn millis(time: Duration) -> String {
    format!("{:.1}", time.as_secs_f64() * 1000.0)
}
