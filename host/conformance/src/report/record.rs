//! The record of a report, as `--json` writes it.

use std::path::Path;

use serde::Serialize;

/// The outcome of a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The plugin keeps this part of the contract, as far as the test tried.
    Passed,
    /// The plugin breaks this part of the contract.
    Failed,
    /// The test needs another test that did not pass, or something that is not there.
    CouldNotRun,
}

/// One way in which the plugin broke the contract.
#[derive(Debug, Clone, Serialize)]
pub struct Failure {
    /// The input that was sent, as small as it could be made.
    pub sent: String,
    /// The output or the error that came back.
    pub came_back: String,
    /// The sentence of the contract.
    pub contract: String,
}

/// One test and its result.
#[derive(Debug, Clone, Serialize)]
pub struct Test {
    /// The name of the test.
    pub name: String,
    /// The outcome of the test.
    pub outcome: Outcome,
    /// A summary of a test that passed, or the reason why it could not run.
    pub detail: String,
    /// Remarks for the author that are no failures.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// The ways in which the contract was broken; empty unless the test failed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<Failure>,
    /// The time that the test took, in seconds.
    pub seconds: f64,
}

/// The identity of a plugin.
#[derive(Debug, Clone, Serialize)]
pub struct About {
    /// The name that the plugin gives itself.
    pub name: String,
    /// The version that the plugin gives itself.
    pub version: String,
    /// The world of the plugin: `source`, `cleaner` or `kpi`.
    pub world: &'static str,
    /// The version of the contract.
    pub contract: &'static str,
    /// The sha256 of the component.
    pub sha256: String,
}

/// The cost of many rows.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Cost {
    /// The number of rows that were sent, or of objects that a source gave.
    pub rows: usize,
    /// Nanoseconds for each of them, including encoding and the host's checks of the output.
    pub nanoseconds_per_row: f64,
    /// WebAssembly instructions for each of them, about. The number is the same on every machine.
    pub instructions_per_row: f64,
    /// The most bytes of guest memory.
    pub memory_bytes: u64,
}

/// The result of testing a component.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The file of the component.
    pub component: String,
    /// The identity of the plugin, if it could be asked.
    pub plugin: Option<About>,
    /// The tests, in the order in which they ran.
    pub tests: Vec<Test>,
    /// The cost of many rows, if the plugin could take them.
    pub cost: Option<Cost>,
}

impl Report {
    /// Begins the report on the component in that file.
    pub(crate) fn new(component: &Path) -> Self {
        Self { component: component.display().to_string(), plugin: None, tests: vec![], cost: None }
    }

    /// Returns whether the test of that name has passed.
    pub(crate) fn has_passed(&self, name: &str) -> bool {
        self.tests.iter().any(|test| test.name == name && test.outcome == Outcome::Passed)
    }

    /// Returns the worst outcome: a failure, or else a test that could not run.
    pub fn outcome(&self) -> Outcome {
        let any = |outcome| self.tests.iter().any(|test| test.outcome == outcome);
        match (any(Outcome::Failed), any(Outcome::CouldNotRun)) {
            (true, _) => Outcome::Failed,
            (false, true) => Outcome::CouldNotRun,
            (false, false) => Outcome::Passed,
        }
    }

    /// Returns the names of the tests with this outcome.
    pub fn names(&self, outcome: Outcome) -> Vec<&str> {
        self.tests.iter().filter(|test| test.outcome == outcome).map(|test| test.name.as_str()).collect()
    }
}
