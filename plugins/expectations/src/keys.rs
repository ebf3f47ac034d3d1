//! Texts of cells that are compared with other objects or with the values of silver columns.
//!
//! A group is a text. Of a text that one file alone has, nothing is passed on but the rows that repeat it: so the walk over
//! the objects remembers shared texts alone.

use sha2::{Digest as _, Sha256};
use smelt_sdk::prelude::*;
use smelt_sdk::{Batch, Field, Gather};
use smelt_sdk_schema::{Cell, Column};

use crate::cells::{join, place};
use crate::condition::{Condition, Row};
use crate::part::{self, KEYED, Keys, SAME_CONTENT};
use crate::rows::{Bits, Keyed, OfObject, numbers, revision};

/// The part that reads the cells.
pub(crate) struct KeyCells {
    columns: Vec<Column>,
    rules: Vec<KeyedRule>,
}

struct KeyedRule {
    columns: Vec<usize>,
    when: Option<Condition>,
    target: Option<usize>,
}

impl KeyCells {
    pub(crate) fn open(part: &Keys) -> Result<Self> {
        let columns = part::read(&part.columns)?;
        let rules = part.rules.iter().map(|rule| {
            let when = rule.when.as_deref().map(|when| Condition::parse(when, &columns).map_err(Fault::internal));
            Ok(KeyedRule { columns: rule.columns.clone(), when: when.transpose()?, target: rule.target })
        });
        let rules = rules.collect::<Result<Vec<_>>>()?;
        Ok(Self { rules, columns })
    }
}

impl Gather<Keyed<'static>> for KeyCells {
    fn update(&mut self, rows: &Batch<'_>, out: &mut Out<Keyed<'static>>) -> Result<()> {
        let (objects, stamps) = (rows.text("smelt.object")?, rows.timestamps("smelt.stamp")?);
        let (row_numbers, malformed) = (rows.integers("smelt.row")?, rows.booleans("smelt.malformed")?);
        let views = self.columns.iter().map(|column| rows.text(&column.name)).collect::<Result<Vec<_>>>()?;
        let mut cells: Vec<Cell<'_>> = Vec::with_capacity(views.len());
        for row in rows.rows().filter(|&row| !malformed.value(row)) {
            cells.clear();
            cells.extend(self.columns.iter().zip(&views).map(|(column, view)| column.read(view.get(row))));
            let (object, (block, bit)) = (objects.value(row), place(row_numbers.value(row)));
            let found = Row { cells: &cells, stamp: stamps.get(row) };
            for (rule, KeyedRule { columns, when, target }) in (0..).zip(&self.rules) {
                let in_scope = when.as_ref().is_none_or(|when| when.holds(&found) == Some(true));
                // A row out of scope does not refer, but a later object must not repeat its text.
                if !in_scope && target.is_some() {
                    continue;
                }
                let what = target.map_or(KEYED + rule, |target| target as i64);
                let mut joined = String::new();
                let Some(text) = join(columns, &cells, &mut joined) else { continue };
                out.add(Keyed::Used { what, text, rule, object, in_scope, block, bits: Bits::from_units(bit) })?;
            }
        }
        Ok(())
    }
}

/// The part that reads the values of a silver column.
pub(crate) struct Known {
    pub(crate) target: i64,
    pub(crate) column: String,
}

impl Known {
    pub(crate) fn fields(&self) -> Vec<Field> {
        vec![nullable(text(&self.column))]
    }
}

impl Gather<Keyed<'static>> for Known {
    fn update(&mut self, rows: &Batch<'_>, out: &mut Out<Keyed<'static>>) -> Result<()> {
        let texts = rows.text(&self.column)?;
        rows.rows()
            .filter_map(|row| texts.get(row))
            .try_for_each(|text| out.add(Keyed::Known { what: self.target, text }))
    }
}

/// The memory of a walk through the uses of a text.
#[derive(Default, Saved)]
pub(crate) struct Holders {
    what: i64,
    text: String,
    is_known: bool,
    /// The first file that has the text.
    file: String,
    /// Objects that have it, while no second file does, and of each the first row in scope.
    held: Vec<(String, Option<i64>)>,
    is_shared: bool,
}

impl Holders {
    /// Takes a row of the group of a text.
    pub(crate) fn take(&mut self, row: Keyed<'_>, out: &mut Out<OfObject<'static>>) -> Result<()> {
        let Keyed::Used { what, text, rule, object, in_scope, block, bits } = row else {
            self.is_known = true;
            return Ok(());
        };
        if (0..KEYED).contains(&what) {
            return if self.is_known { Ok(()) } else { orphan(text, rule, object, block, bits, out) };
        }
        let is_new = self.held.last().is_none_or(|(last, _)| last != object);
        if is_new {
            let (file, _) = revision(object);
            if self.held.is_empty() {
                self.what = what;
                text.clone_into(&mut self.text);
                file.clone_into(&mut self.file);
            }
            if file != self.file {
                self.is_shared = true;
            }
            self.give(out)?;
            self.held.push((object.to_owned(), None));
        }
        let Some((_, first)) = self.held.last_mut() else { return Ok(()) };
        if what == SAME_CONTENT || !in_scope {
            return Ok(());
        }
        let mut rest = bits.units();
        if first.is_none() {
            *first = numbers(block, bits).next();
            rest &= rest - 1;
        }
        match rest {
            0 => Ok(()),
            rest => failing(KEYED + rule, object, block, Bits::from_units(rest), out),
        }
    }

    /// Passes on the objects so far, once a second file has the text.
    fn give(&mut self, out: &mut Out<OfObject<'static>>) -> Result<()> {
        if !self.is_shared {
            return Ok(());
        }
        let (of, digest) = (self.what, digest(&self.text));
        self.held.drain(..).try_for_each(|(object, row)| {
            out.add(OfObject::Shared { object: &object, of, text: Some(&digest), first: row, rows: 1 })
        })
    }

    /// Passes on what is left of the group.
    pub(crate) fn end(mut self, out: &mut Out<OfObject<'static>>) -> Result<()> {
        self.give(out)
    }
}

fn orphan(text: &str, rule: i64, object: &str, block: i64, bits: Bits, out: &mut Out<OfObject<'static>>) -> Result<()> {
    let rows = i64::from(bits.units().count_ones());
    out.add(OfObject::Sample { object, of: KEYED + rule, text: Some(text), rows })?;
    failing(KEYED + rule, object, block, bits, out)
}

fn failing(of: i64, object: &str, block: i64, bits: Bits, out: &mut Out<OfObject<'static>>) -> Result<()> {
    let other = i64::from(bits.units().count_ones());
    out.add(OfObject::Counted { object, of, count: 0, other, rows: 0 })?;
    out.add(OfObject::Failed { object, of, block, whole: bits, rows: 0 })
}

/// Returns what tells a text from all others, in 32 characters.
fn digest(text: &str) -> String {
    Sha256::digest(text).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
