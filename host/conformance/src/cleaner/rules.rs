//! Counts how often the rules of a cleaner were applied.

use std::collections::BTreeMap;

use crate::report::Verdict;
use smelt_runtime::{Cleaned, Cleaner, RuleAction};

/// The number of rows to which each rule was applied, by the rule's index.
pub(super) type Rules = BTreeMap<u32, u64>;

/// Adds the rows to which rules were applied.
pub(super) fn count(cleaned: &Cleaned, rules: &mut Rules) {
    cleaned.rejected.iter().for_each(|rejection| *rules.entry(rejection.rule).or_default() += 1);
    cleaned.repaired.iter().for_each(|repair| *rules.entry(repair.rule).or_default() += u64::from(repair.rows));
}

/// Passes, and notes the rules that no row met.
pub(super) fn exercised(plugin: &Cleaner, rules: &Rules) -> Verdict {
    let declared = &plugin.spec().rules;
    let unused = declared.iter().zip(0..).filter(|(_, at)| rules.get(at).is_none_or(|&rows| rows == 0));
    let unused: Vec<_> = unused.map(|(rule, _)| format!("`{}`", rule.name)).collect();
    let note = format!("no row that was sent met {}; a fixture could have one that does", unused.join(", "));
    let notes = if unused.is_empty() { vec![] } else { vec![note] };
    Verdict::Passed { detail: format!("{} of {} exercised", declared.len() - unused.len(), declared.len()), notes }
}

/// Returns whether the cleaner has rules with this action.
pub(super) fn has_rules(plugin: &Cleaner, action: RuleAction) -> bool {
    plugin.spec().rules.iter().any(|rule| rule.action == action)
}
