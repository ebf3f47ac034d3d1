//! The outcome of an expectation.

use std::cmp::Ordering;

use smelt_sdk::prelude::*;

use crate::config::{Bounds, Limits};
use crate::number::{Amount, Fraction};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Passed,
    Warned,
    Failed,
    Skipped,
}

impl Outcome {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Warned => "warned",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }

    /// Returns whether it speaks against the object.
    pub(crate) fn is_against(self) -> bool {
        matches!(self, Self::Warned | Self::Failed)
    }

    /// Returns the outcome of a number that is past these bounds, or not.
    pub(crate) fn of(past_warn: bool, past_fail: bool) -> Self {
        match (past_fail, past_warn) {
            (true, _) => Self::Failed,
            (_, true) => Self::Warned,
            _ => Self::Passed,
        }
    }
}

/// The reason of an expectation that has nothing to observe.
pub(crate) const NOTHING: &str = "nothing to evaluate";

/// An expectation once it was observed.
pub(crate) struct Observed {
    pub(crate) outcome: Outcome,
    pub(crate) observed: Option<String>,
    pub(crate) expected: String,
    pub(crate) evaluated: Option<i64>,
    pub(crate) failing: Option<i64>,
    pub(crate) rows: String,
    /// JSON objects with commas between them.
    pub(crate) samples: String,
    pub(crate) reason: Option<String>,
    pub(crate) z: Option<Decimal<4>>,
    pub(crate) median: Option<Decimal<4>>,
    pub(crate) mad: Option<Decimal<4>>,
    pub(crate) history: Option<i64>,
    /// The number that it adds to its dimension, if the score counts it.
    pub(crate) quality: Option<Fraction>,
}

impl Observed {
    /// Returns what was observed, compared with its bounds.
    pub(crate) fn new(observed: String, outcome: Outcome, expected: String) -> Self {
        Self {
            outcome,
            observed: Some(observed),
            expected,
            evaluated: None,
            failing: None,
            rows: String::new(),
            samples: String::new(),
            reason: None,
            z: None,
            median: None,
            mad: None,
            history: None,
            quality: match outcome {
                Outcome::Passed => Some(Fraction::whole(1)),
                Outcome::Warned => Fraction::of(1, 2),
                Outcome::Failed => Some(Fraction::whole(0)),
                Outcome::Skipped => None,
            },
        }
    }

    /// Returns an expectation that is not held against the object.
    pub(crate) fn skipped(reason: impl Into<String>, expected: String) -> Self {
        let new = Self::new(String::new(), Outcome::Skipped, expected);
        Self { observed: None, reason: Some(reason.into()), ..new }
    }

    /// Returns a count compared with its bounds.
    pub(crate) fn count(count: i64, bounds: &Bounds) -> Self {
        Self::new(count.to_string(), bounds.outcome(&Fraction::whole(count)), bounds.show())
    }

    /// Returns a quotient compared with its bounds.
    pub(crate) fn ratio(ratio: &Fraction, bounds: &Bounds) -> Self {
        Self::new(ratio.four(), bounds.outcome(ratio), bounds.show())
    }
}

impl Bounds {
    pub(crate) fn outcome(&self, observed: &Fraction) -> Outcome {
        let past = |limits: &Option<Limits>| limits.as_ref().is_some_and(|limits| limits.is_past(observed));
        Outcome::of(past(&self.warn), past(&self.fail))
    }

    /// Returns how reports write them: `warn <= 0.02, fail <= 0.1`.
    pub(crate) fn show(&self) -> String {
        let show = |(name, limits): (&str, &Option<Limits>)| limits.as_ref().map(|at| format!("{name} {}", at.show()));
        let both = [("warn", &self.warn), ("fail", &self.fail)];
        both.into_iter().filter_map(show).collect::<Vec<_>>().join(", ")
    }

    /// Returns the severity of an expectation with these bounds: that of the bound which was passed, else the worst one.
    pub(crate) fn severity(&self, outcome: Outcome) -> &'static str {
        match outcome {
            Outcome::Warned => "warn",
            Outcome::Failed => "fail",
            _ if self.fail.is_some() => "fail",
            _ => "warn",
        }
    }
}

impl Limits {
    fn is_past(&self, observed: &Fraction) -> bool {
        let order = |bound: &Option<Amount>| bound.as_ref().map(|bound| observed.compare(&bound.fraction()));
        order(&self.min) == Some(Ordering::Less) || order(&self.max) == Some(Ordering::Greater)
    }
}
