//! Runs a test and adds its result to the report.

use std::time::Instant;

use super::record::{Outcome, Report, Test};
use super::verdict::Verdict;

impl Report {
    /// Runs a test if all tests that it needs have passed, and adds its result.
    pub(crate) fn test(&mut self, name: &str, needs: &[&str], run: impl FnOnce() -> Verdict) {
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
        self.tests.push(Test { name: name.to_owned(), outcome, detail, notes, failures, seconds });
    }
}
