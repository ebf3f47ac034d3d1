//! The outcome of each row: kept, and with which values, or rejected by which rule.

use std::collections::BTreeMap;

use arrow_array::RecordBatch;

use crate::text;
use smelt_common::error::Result;
use smelt_runtime::{Cleaned, Session};

/// The outcomes of rows, in the order of the rows.
#[derive(Debug, Clone, Default)]
pub(super) struct Fates {
    /// For each row its kept values as text, or the rule that rejected it.
    pub(super) rows: Vec<String>,
    /// The number of repaired rows, by rule.
    pub(super) repaired: BTreeMap<String, u64>,
}

fn rule(session: &Session<'_>, index: u32) -> String {
    session.spec().rules[index as usize].name.clone()
}

/// Cleans the batches one after the other in one session, and returns the outcomes of all rows.
pub(super) fn fates(session: &mut Session<'_>, batches: impl Iterator<Item = RecordBatch>) -> Result<Fates> {
    let mut fates = Fates::default();
    for batch in batches {
        let Cleaned { kept, kept_rows, rejected, repaired } = session.clean(&batch)?;
        let base = fates.rows.len();
        fates.rows.resize(base + batch.num_rows(), String::new());
        for (kept, &row) in text::lines(&kept, usize::MAX).iter().zip(&kept_rows) {
            fates.rows[base + row as usize] = format!("kept as {kept}");
        }
        for rejection in &rejected {
            fates.rows[base + rejection.row as usize] = format!("rejected by `{}`", rule(session, rejection.rule));
        }
        for repair in &repaired {
            *fates.repaired.entry(rule(session, repair.rule)).or_default() += u64::from(repair.rows);
        }
    }
    fates.repaired.retain(|_, rows| *rows > 0);
    Ok(fates)
}

impl Fates {
    /// Appends the outcomes of the rows that follow.
    pub(super) fn append(&mut self, others: Self) {
        self.rows.extend(others.rows);
        others.repaired.into_iter().for_each(|(rule, rows)| *self.repaired.entry(rule).or_default() += rows);
    }

    /// Returns how `other` differs: the first row that has another outcome, if there is one, and a description.
    pub(super) fn difference(&self, other: &Self) -> Option<(Option<usize>, String)> {
        if let Some(row) = (0..self.rows.len()).find(|&row| self.rows[row] != other.rows[row]) {
            return Some((Some(row), format!("first  {}\nthen   {}", self.rows[row], other.rows[row])));
        }
        let (first, then) = (&self.repaired, &other.repaired);
        (first != then).then(|| (None, format!("repairs by rule: first {first:?}, then {then:?}")))
    }
}

#[cfg(test)]
mod tests {
    use super::Fates;

    fn fates(rows: &[&str], repaired: u64) -> Fates {
        Fates {
            rows: rows.iter().map(|&row| row.to_owned()).collect(),
            repaired: [("fixed".to_owned(), repaired)].into(),
        }
    }

    #[test]
    fn fates_differ_by_a_row_or_by_repairs() {
        let first = fates(&["kept as a", "rejected by `b`"], 2);
        let told = |then: Fates| first.difference(&then);
        assert_eq!(told(fates(&["kept as a", "rejected by `b`"], 2)), None);
        let (row, words) = told(fates(&["kept as a", "rejected by `a`"], 2)).expect("a row differs");
        assert_eq!((row, words.as_str()), (Some(1), "first  rejected by `b`\nthen   rejected by `a`"));
        assert!(told(fates(&["kept as a", "rejected by `b`"], 3)).is_some_and(|(row, _)| row.is_none()));
    }
}
