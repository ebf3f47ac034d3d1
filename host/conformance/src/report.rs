//! What came of checking a component: a list of checks, for people and for programs.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Instant;

use serde::Serialize;

use super::text;

/// The most that is told of what was sent, and of what came back.
const LETTERS: usize = 4000;

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The plugin keeps this part of the contract, as far as was tried.
    Passed,
    /// It does not.
    Failed,
    /// What the check needs is not there, or failed itself.
    CouldNotRun,
}

/// One way in which the plugin broke the contract.
#[derive(Debug, Clone, Serialize)]
pub struct Failure {
    /// What was sent, as small as it could be made.
    pub sent: String,
    /// What came back.
    pub came_back: String,
    /// What the contract says.
    pub contract: String,
}

/// One check.
#[derive(Debug, Clone, Serialize)]
pub struct Check {
    /// Its name.
    pub name: String,
    /// How it ended.
    pub outcome: Outcome,
    /// What was found, or why it could not run.
    pub detail: String,
    /// What an author may want to know; no failure.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// How the contract was broken; only where it failed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<Failure>,
    /// How long it took.
    pub seconds: f64,
}

/// Which plugin it is.
#[derive(Debug, Clone, Serialize)]
pub struct About {
    /// As it calls itself.
    pub name: String,
    /// Likewise.
    pub version: String,
    /// `source`, `cleaner` or `kpi`.
    pub world: &'static str,
    /// Of the contract.
    pub contract: &'static str,
    /// Of the component.
    pub sha256: String,
}

/// What many rows cost.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Cost {
    /// So many rows were sent; for a source, so many objects came.
    pub rows: usize,
    /// Nanoseconds for each, encoding and checking included.
    pub nanoseconds_per_row: f64,
    /// WebAssembly instructions for each, about; the same on every machine.
    pub instructions_per_row: f64,
    /// The most guest memory.
    pub memory_bytes: u64,
}

/// What came of checking a component.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Its file.
    pub component: String,
    /// Which plugin it is, if it could say.
    pub plugin: Option<About>,
    /// In the order in which they ran.
    pub checks: Vec<Check>,
    /// What many rows cost, if it could take them.
    pub cost: Option<Cost>,
}

/// How a check ends.
pub(super) enum Verdict {
    Passed { detail: String, notes: Vec<String> },
    Failed(Vec<Failure>),
    CouldNotRun(String),
}

pub(super) fn passed(detail: impl Into<String>) -> Verdict {
    Verdict::Passed { detail: detail.into(), notes: vec![] }
}

pub(super) fn failed(sent: impl Into<String>, came_back: impl Into<String>, contract: impl Into<String>) -> Verdict {
    Verdict::Failed(vec![failure(sent, came_back, contract)])
}

pub(super) fn failure(sent: impl Into<String>, came_back: impl Into<String>, contract: impl Into<String>) -> Failure {
    Failure { sent: limited(sent.into()), came_back: limited(came_back.into()), contract: contract.into() }
}

/// A plugin may say a lot.
fn limited(text: String) -> String {
    match text.char_indices().nth(LETTERS) {
        Some((end, _)) => format!("{}… ({} bytes)", &text[..end], text.len()),
        None => text,
    }
}

impl Report {
    pub(super) fn new(component: &Path) -> Self {
        Self { component: component.display().to_string(), plugin: None, checks: vec![], cost: None }
    }

    /// Runs a check, if all that it needs has passed.
    pub(super) fn check(&mut self, name: &str, needs: &[&str], run: impl FnOnce() -> Verdict) {
        let begun = Instant::now();
        let verdict = match needs.iter().find(|needed| !self.has_passed(needed)) {
            Some(needed) => Verdict::CouldNotRun(format!("needs `{needed}`")),
            None => run(),
        };
        let (outcome, detail, notes, failures) = match verdict {
            Verdict::Passed { detail, notes } => (Outcome::Passed, detail, notes, vec![]),
            Verdict::Failed(failures) => (Outcome::Failed, String::new(), vec![], failures),
            Verdict::CouldNotRun(why) => (Outcome::CouldNotRun, why, vec![], vec![]),
        };
        let seconds = begun.elapsed().as_secs_f64();
        self.checks.push(Check { name: name.to_owned(), outcome, detail, notes, failures, seconds });
    }

    pub(super) fn has_passed(&self, name: &str) -> bool {
        self.checks.iter().any(|check| check.name == name && check.outcome == Outcome::Passed)
    }

    /// The worst that happened: a failure, else a check that could not run.
    pub fn outcome(&self) -> Outcome {
        let any = |outcome| self.checks.iter().any(|check| check.outcome == outcome);
        match (any(Outcome::Failed), any(Outcome::CouldNotRun)) {
            (true, _) => Outcome::Failed,
            (false, true) => Outcome::CouldNotRun,
            (false, false) => Outcome::Passed,
        }
    }

    /// The names of the checks that ended so.
    pub fn names(&self, outcome: Outcome) -> Vec<&str> {
        self.checks.iter().filter(|check| check.outcome == outcome).map(|check| check.name.as_str()).collect()
    }

    /// The report for people: a line for each check, then what failed and why.
    pub fn text(&self) -> String {
        let mut text = match &self.plugin {
            Some(About { name, version, world, contract, sha256 }) => {
                format!("{name} {version}: {world}, contract {contract}, sha256 {}\n", &sha256[..16.min(sha256.len())])
            }
            None => format!("{}\n", self.component),
        };
        let width = self.checks.iter().map(|check| check.name.chars().count()).max().unwrap_or(0);
        for Check { name, outcome, detail, notes, .. } in &self.checks {
            let word = match outcome {
                Outcome::Passed => "passed",
                Outcome::Failed => "FAILED",
                Outcome::CouldNotRun => "could not run",
            };
            let line = format!("  {word:<13}  {name:<width$}  {detail}");
            let _ = writeln!(text, "{}", line.trim_end());
            for note in notes {
                let _ = writeln!(text, "                 {:<width$}  note: {note}", "");
            }
        }
        for Check { name, failures, .. } in &self.checks {
            for Failure { sent, came_back, contract } in failures {
                let _ = writeln!(text, "\n{name}");
                let contract = text::wrapped(contract, 100);
                for (label, what) in [("sent", sent), ("came back", came_back), ("contract", &contract)] {
                    let _ = writeln!(text, "  {label:<9}  {}", what.trim_end().replace('\n', "\n             "));
                }
            }
        }
        let count = |outcome| self.names(outcome).len();
        let (passed, failed) = (count(Outcome::Passed), count(Outcome::Failed));
        let _ = writeln!(text, "\n{passed} passed, {failed} failed, {} could not run", count(Outcome::CouldNotRun));
        text
    }

    /// The report as JUnit XML, which CI systems read.
    pub fn junit(&self) -> String {
        super::junit::write(self)
    }
}
