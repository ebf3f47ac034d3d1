//! The judgements of checks, and the decisions of people in spite of them.

use serde::{Deserialize, Serialize};

use crate::content::Content;

/// Something that keeps tables from being published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Verdict {
    /// An expectation of severity `fail` is not met.
    Failed {
        /// The expectation.
        expectation: String,
        /// The whole row of the check's table: each column with its text.
        row: Vec<(String, String)>,
    },
    /// Further expectations of severity `fail` that are not met, where a check has very many.
    More {
        /// The number of these expectations.
        rows: u64,
        /// A checksum over their rows.
        content: Content,
    },
    /// The check was to judge and could not, so what it thinks of the tables is unknown.
    Missing {
        /// The reason.
        why: String,
    },
}

/// The judgement of a check.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Judgement {
    /// The checksum of the table that says it.
    pub content: Content,
    /// The verdicts that keep tables from being published.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<Verdict>,
    /// Set if a person has decided to publish in spite of some verdicts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub despite: Option<Despite>,
}

/// The decision of a person to publish in spite of verdicts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Despite {
    /// The reason, in the person's words.
    pub why: String,
    /// The time, in RFC 3339.
    pub at: String,
    /// The verdicts. The decision is about these as they are, and about no other.
    pub verdicts: Vec<Verdict>,
}

impl Verdict {
    /// Returns the expectation that is not met, if it is known.
    fn expectation(&self) -> Option<&str> {
        match self {
            Self::Failed { expectation, .. } => Some(expectation),
            Self::More { .. } | Self::Missing { .. } => None,
        }
    }
}

impl Judgement {
    /// Returns what keeps tables from being published, unless a person has decided otherwise.
    pub fn holds(&self) -> impl Iterator<Item = &Verdict> {
        let is_decided =
            |verdict: &&Verdict| self.despite.as_ref().is_some_and(|despite| despite.verdicts.contains(verdict));
        self.failed.iter().filter(move |verdict| !is_decided(verdict))
    }

    /// Returns the judgement that follows this one. A decision about a verdict ends when its expectation is met. A check
    /// that could not judge leaves it open whether it is.
    pub fn then(&self, content: Content, failed: Vec<Verdict>) -> Self {
        let is_open = failed.iter().any(|verdict| matches!(verdict, Verdict::Missing { .. }));
        let goes_on = |verdict: &Verdict| match verdict.expectation() {
            Some(expectation) => failed.iter().any(|failed| failed.expectation() == Some(expectation)),
            None => failed.contains(verdict),
        };
        let mut despite = self.despite.clone();
        if let Some(despite) = despite.as_mut().filter(|_| !is_open) {
            despite.verdicts.retain(goes_on);
        }
        Self { content, failed, despite: despite.filter(|despite| !despite.verdicts.is_empty()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(observed: &str) -> Verdict {
        Verdict::Failed { expectation: "e".to_owned(), row: vec![("observed".to_owned(), observed.to_owned())] }
    }

    fn decided(verdicts: Vec<Verdict>) -> Judgement {
        let despite = Despite { why: "known".to_owned(), at: String::new(), verdicts: verdicts.clone() };
        Judgement { failed: verdicts, despite: Some(despite), ..Judgement::default() }
    }

    #[test]
    fn a_decision_is_about_the_rows_as_they_are() {
        let before = decided(vec![failed("1"), failed("2")]);
        assert_eq!(before.holds().count(), 0);
        let fewer = before.then(Content::default(), vec![failed("2")]);
        assert_eq!(fewer.holds().count(), 0, "one of them is met now");
        let other = fewer.then(Content::default(), vec![failed("3")]);
        assert_eq!(other.holds().collect::<Vec<_>>(), [&failed("3")]);
        let again = other.then(Content::default(), vec![failed("2")]);
        assert_eq!(again.holds().count(), 0, "the expectation was never met");
    }

    #[test]
    fn a_decision_ends_when_the_expectation_is_met() {
        let met = decided(vec![failed("1")]).then(Content::default(), vec![]);
        assert_eq!(met.despite, None);
        assert_eq!(met.then(Content::default(), vec![failed("1")]).holds().count(), 1, "it fails anew");
    }

    #[test]
    fn a_check_that_could_not_judge_ends_no_decision() {
        let missing = Verdict::Missing { why: "it failed".to_owned() };
        let unknown = decided(vec![failed("1")]).then(Content::default(), vec![missing.clone()]);
        assert_eq!(unknown.holds().collect::<Vec<_>>(), [&missing]);
        assert_eq!(unknown.then(Content::default(), vec![failed("1")]).holds().count(), 0);
    }
}
