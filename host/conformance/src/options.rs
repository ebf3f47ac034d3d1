//! The options of a test run.

use std::path::PathBuf;

use serde_json::{Map, Value};

use smelt_runtime::Limits;

/// The options for testing a component.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The plugin's parameters.
    pub parameters: Map<String, Value>,
    /// A directory with a directory for each golden case.
    pub fixtures: Option<PathBuf>,
    /// Writes the output of the golden cases as their expected output.
    pub bless: bool,
    /// The limits of a call.
    pub limits: Limits,
    /// The first seed for random series of calls.
    pub seed: u64,
    /// The number of seeds to try, beginning with `seed`. Without it the kit tries at most six seeds, and begins no
    /// further one after a few seconds.
    pub rounds: Option<u32>,
}
