//! The report as text for people.

use std::fmt::Write as _;

use super::record::{About, Failure, Outcome, Report, Test};
use crate::text;

impl Report {
    /// Returns the report as text: a line for each test, and then what failed and why.
    pub fn text(&self) -> String {
        let mut text = match &self.plugin {
            Some(About { name, version, world, contract, sha256 }) => {
                format!("{name} {version}: {world}, contract {contract}, sha256 {}\n", &sha256[..16.min(sha256.len())])
            }
            None => format!("{}\n", self.component),
        };
        let width = self.tests.iter().map(|test| test.name.chars().count()).max().unwrap_or(0);
        for Test { name, outcome, detail, notes, .. } in &self.tests {
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
        for Test { name, failures, .. } in &self.tests {
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
}
