//! The rules of cleaners.

use crate::bindings::types::{self, RuleAction};

/// A named rule. A cleaner declares each rule as a `const`, and lists it in its description.
#[derive(Debug)]
pub struct Rule {
    pub(crate) name: &'static str,
    summary: &'static str,
    pub(crate) action: RuleAction,
}

impl Rule {
    /// Declares a rule that rejects rows. `summary` is a sentence that says what is wrong with such a row.
    pub const fn reject(name: &'static str, summary: &'static str) -> Self {
        Self { name, summary, action: RuleAction::Reject }
    }

    /// Declares a rule that repairs rows. `summary` is a sentence that says what was wrong, and what it becomes.
    pub const fn repair(name: &'static str, summary: &'static str) -> Self {
        Self { name, summary, action: RuleAction::Repair }
    }

    pub(crate) fn describe(&self) -> types::Rule {
        types::Rule { name: self.name.to_owned(), summary: self.summary.to_owned(), action: self.action }
    }
}
