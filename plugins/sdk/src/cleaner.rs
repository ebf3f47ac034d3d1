//! Cleaners: they keep each row of a batch, perhaps repaired, or reject it under the name of a rule.

use std::mem::take;

use crate::bindings::types;
use crate::{Batch, CleanerDescription, Config, Fault, Result, Row, Rule, Table};

/// Turns bronze rows into silver rows.
///
/// ```
/// use smelt_sdk::prelude::*;
///
/// const INVALID_DAY: Rule = Rule::reject("invalid_day", "The day is missing or does not exist.");
///
/// struct CleanReadings;
///
/// impl Cleaner for CleanReadings {
///     fn describe() -> CleanerDescription {
///         describe_cleaner(identity!())
///             .input(["station", "day"])
///             .output([nullable(text("station")), date("day")])
///             .rules([&INVALID_DAY])
///     }
///
///     fn open(_: &Config) -> Result<Self> {
///         Ok(Self)
///     }
///
///     fn clean(&mut self, rows: &Batch, out: &mut Cleaned) -> Result<()> {
///         let (stations, days) = (rows.text("station")?, rows.text("day")?);
///         for row in rows.rows() {
///             let Some(day) = days.trimmed(row).and_then(Date::parse) else {
///                 out.reject(row, &INVALID_DAY);
///                 continue;
///             };
///             out.keep(row).text(stations.trimmed(row)).date(day);
///         }
///         Ok(())
///     }
/// }
///
/// export_cleaner!(CleanReadings);
/// ```
pub trait Cleaner: Sized {
    /// Describes the cleaner: the columns that it reads and writes, the key of its rows, and its rules.
    fn describe() -> CleanerDescription;

    /// Opens a session that cleans the batches of objects.
    fn open(config: &Config) -> Result<Self>;

    /// Cleans one batch. Every row, in order, goes to [`Cleaned::keep`] or to [`Cleaned::reject`]. The result for a row
    /// depends on that row alone.
    fn clean(&mut self, rows: &Batch, out: &mut Cleaned) -> Result<()>;
}

/// The result of cleaning a batch: the rows kept, the rows rejected, and the repairs.
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

    /// Reserves room for `rows` rows.
    pub(crate) fn reserve(&mut self, rows: usize) {
        self.table.reserve(rows);
        self.kept.reserve(rows);
    }

    /// Keeps the row. The caller writes its cells to the returned [`Row`], in the order of the output columns.
    #[inline]
    pub fn keep(&mut self, row: usize) -> Row<'_> {
        self.kept.push(row as u32);
        self.table.row()
    }

    /// Rejects the row under the rule, which the description must list.
    pub fn reject(&mut self, row: usize, rule: &Rule) {
        if let Some(rule) = self.index(rule) {
            self.rejected.push(types::Rejection { row: row as u32, rule });
        }
    }

    /// Counts one row that is kept with a value that the rule changed.
    pub fn repair(&mut self, rule: &Rule) {
        if let Some(rule) = self.index(rule) {
            self.repaired[rule as usize] += 1;
        }
    }

    /// Returns the index of the rule in the description. A rule that is not there fails the batch.
    fn index(&mut self, rule: &Rule) -> Option<u32> {
        let index = self.rules.iter().position(|known| known.name == rule.name);
        if index.is_none() {
            let name = rule.name;
            self.error
                .get_or_insert_with(|| Fault::internal(format!("rule `{name}` is not in the description's rules")));
        }
        index.map(|index| index as u32)
    }

    /// Returns the result for the batch, and empties this one for the next batch, which uses the same memory.
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
