//! Objects that cannot be read at all.

use crate::batch::rule;

/// The reason why nothing of an object counts, not even what was decoded of it before the reason was found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unreadable {
    /// One of [`rule::UNREADABLE`].
    pub rule: &'static str,
    /// The mistake; never the content of a cell.
    pub detail: String,
}

impl Unreadable {
    /// Returns the reason, if the rule is one that makes an object unreadable.
    pub(super) fn of(rule: &'static str, detail: &str) -> Option<Self> {
        rule::UNREADABLE.contains(&rule).then(|| Self { rule, detail: detail.to_owned() })
    }

    /// Returns whether the bytes are damaged, so that no setting would help.
    pub(super) fn is_damage(&self) -> bool {
        matches!(self.rule, rule::DAMAGED_STREAM | rule::INFLATES_TOO_MUCH)
    }

    /// Returns the reason of an object without bytes. It has no record that could be rejected.
    pub(super) fn empty() -> Self {
        Self { rule: rule::EMPTY, detail: "it has no bytes".to_owned() }
    }
}
