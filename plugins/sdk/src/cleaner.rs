//! Cleaners: each row of a batch is kept, perhaps repaired, or rejected under a rule's name.

use std::mem::take;

use crate::bindings::types::{self, RuleAction};
use crate::{Batch, CleanerDescription, Config, Fault, Result, Row, Table};

/// Turns bronze rows into silver rows.
pub trait Cleaner: Sized {
    /// What this cleaner is.
    fn describe() -> CleanerDescription;

    /// One that is ready for the batches of an object.
    fn open(config: &Config) -> Result<Self>;

    /// Cleans one batch: every row, in order, goes to [`Cleaned::keep`] or [`Cleaned::reject`], and depends on nothing
    /// but itself.
    fn clean(&mut self, rows: &Batch, out: &mut Cleaned) -> Result<()>;
}

/// A named rule; declare each as a `const` and list it in the description.
#[derive(Debug)]
pub struct Rule {
    name: &'static str,
    summary: &'static str,
    action: RuleAction,
}

impl Rule {
    /// A rule by which rows are rejected, and a sentence that says what is wrong with such a row.
    pub const fn reject(name: &'static str, summary: &'static str) -> Self {
        Self { name, summary, action: RuleAction::Reject }
    }

    /// A rule by which rows are repaired, and a sentence that says what was wrong and is put right.
    pub const fn repair(name: &'static str, summary: &'static str) -> Self {
        Self { name, summary, action: RuleAction::Repair }
    }

    pub(crate) fn describe(&self) -> types::Rule {
        types::Rule { name: self.name.to_owned(), summary: self.summary.to_owned(), action: self.action }
    }
}

/// What has become of the rows of a batch.
pub struct Cleaned {
    table: Table,
    rules: Vec<types::Rule>,
    kept: Vec<u32>,
    rejected: Vec<types::Rejection>,
    repaired: Vec<u32>,
    error: Option<Fault>,
}

impl Cleaned {
    pub(crate) fn new(description: &CleanerDescription) -> Self {
        Self {
            table: Table::new(&description.output),
            rules: description.rules.clone(),
            kept: Vec::new(),
            rejected: Vec::new(),
            repaired: vec![0; description.rules.len()],
            error: None,
        }
    }

    /// Makes room for so many rows.
    pub(crate) fn reserve(&mut self, rows: usize) {
        self.table.reserve(rows);
        self.kept.reserve(rows);
    }

    /// Keeps the row; its cells follow, in the order of the output columns.
    #[inline]
    pub fn keep(&mut self, row: usize) -> Row<'_> {
        self.kept.push(row as u32);
        self.table.row()
    }

    /// Rejects the row under the rule.
    pub fn reject(&mut self, row: usize, rule: &Rule) {
        if let Some(rule) = self.index(rule) {
            self.rejected.push(types::Rejection { row: row as u32, rule });
        }
    }

    /// Counts that the rule changed a row that is kept.
    pub fn repair(&mut self, rule: &Rule) {
        if let Some(rule) = self.index(rule) {
            self.repaired[rule as usize] += 1;
        }
    }

    fn index(&mut self, rule: &Rule) -> Option<u32> {
        let index = self.rules.iter().position(|known| known.name == rule.name);
        if index.is_none() {
            let name = rule.name;
            self.error
                .get_or_insert_with(|| Fault::internal(format!("rule `{name}` is not in the description's rules")));
        }
        index.map(|index| index as u32)
    }

    /// What has become of the rows; afterwards it is as new, but for the room it has.
    pub(crate) fn finish(&mut self) -> Result<types::Cleaned> {
        let Self { table, rules: _, kept, rejected, repaired, error } = self;
        if let Some(error) = error.take() {
            return Err(error);
        }
        let counts = (0u32..).zip(repaired).map(|(rule, rows)| types::Repair { rule, rows: take(rows) });
        Ok(types::Cleaned {
            kept: table.finish()?,
            kept_rows: take(kept),
            rejected: take(rejected),
            repaired: counts.filter(|repair| repair.rows > 0).collect(),
        })
    }
}
