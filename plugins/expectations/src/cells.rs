//! The records of an object, row by row: cells that are missing or unreadable, tests, numbers and texts.

use std::cmp::Ordering;

use regex::Regex;
use smelt_sdk::prelude::*;
use smelt_sdk::{Batch, Field, Gather};
use smelt_sdk_schema::{Cell, Column, Value};

use crate::condition::{Condition, Row};
use crate::part::{self, COMPLETENESS, Cells, PARSE, Test, WrittenColumn};
use crate::pattern;
use crate::rows::{BLOCK, Bits, OfObject};

/// Returns the columns of the records of a dataset that a part reads.
pub(crate) fn fields(columns: &[WrittenColumn]) -> Vec<Field> {
    let own =
        [text("smelt.object"), nullable(timestamp("smelt.stamp")), int64("smelt.row"), boolean("smelt.malformed")];
    own.into_iter().chain(columns.iter().map(|column| nullable(text(&column.name)))).collect()
}

/// The part that reads cells.
pub(crate) struct CellTests {
    columns: Vec<Column>,
    /// For each column, the tests of its cells alone.
    of_column: Vec<Vec<(usize, CellTest)>>,
    /// Tests of whole rows.
    of_row: Vec<(usize, RowTest)>,
    complete: Vec<usize>,
    texts: Vec<usize>,
    sums: Vec<usize>,
    extremes: Vec<usize>,
    object: String,
    counts: Vec<Count>,
    parse: Count,
    completeness: Count,
    cells: Vec<CellCount>,
    totals: Vec<Total>,
}

enum CellTest {
    Required,
    Type,
    In,
    Range,
    Match(Regex),
}

struct RowTest {
    when: Option<Condition>,
    what: RowWord,
}

enum RowWord {
    That(Condition),
    Unique(Vec<usize>),
    Keyed(Vec<usize>),
    Share(Condition),
}

/// The rows that a test evaluated and found failing. The last block of failing ones is still open.
#[derive(Default, Clone)]
struct Count {
    evaluated: i64,
    failing: i64,
    block: i64,
    bits: i128,
}

#[derive(Default, Clone)]
struct CellCount {
    missing: i64,
    unreadable: i64,
    present: i64,
}

#[derive(Default, Clone)]
struct Total {
    count: i64,
    whole: i128,
    part: i128,
}

impl CellTests {
    pub(crate) fn open(part: &Cells) -> Result<Self> {
        let columns = part::read(&part.columns)?;
        let mut of_column: Vec<Vec<_>> = columns.iter().map(|_| vec![]).collect();
        let mut of_row = vec![];
        let condition = |text: &str| Condition::parse(text, &columns).map_err(Fault::internal);
        for (index, test) in part.tests.iter().enumerate() {
            let (column, test) = match test {
                Test::Required(column) => (column, CellTest::Required),
                Test::Type(column) => (column, CellTest::Type),
                Test::In(column) => (column, CellTest::In),
                Test::Range(column) => (column, CellTest::Range),
                Test::Match(column) => {
                    let pattern = columns[*column].pattern.as_deref().unwrap_or_default();
                    (column, CellTest::Match(pattern::compile(pattern).map_err(Fault::internal)?))
                }
                Test::Rule { that, when } => {
                    let when = when.as_deref().map(condition).transpose()?;
                    of_row.push((index, RowTest { when, what: RowWord::That(condition(that)?) }));
                    continue;
                }
                Test::Unique { columns, when } => {
                    let when = when.as_deref().map(condition).transpose()?;
                    of_row.push((index, RowTest { when, what: RowWord::Unique(columns.clone()) }));
                    continue;
                }
                Test::Keyed { columns, when } => {
                    let when = when.as_deref().map(condition).transpose()?;
                    of_row.push((index, RowTest { when, what: RowWord::Keyed(columns.clone()) }));
                    continue;
                }
                Test::Share(share) => {
                    of_row.push((index, RowTest { when: None, what: RowWord::Share(condition(share)?) }));
                    continue;
                }
            };
            of_column[*column].push((index, test));
        }
        Ok(Self {
            of_column,
            of_row,
            complete: part.complete.clone().unwrap_or_default(),
            texts: part.texts.clone(),
            sums: part.sums.clone(),
            extremes: part.extremes.clone(),
            object: String::new(),
            counts: vec![Count::default(); part.tests.len()],
            parse: Count::default(),
            completeness: Count::default(),
            cells: vec![CellCount::default(); columns.len()],
            totals: vec![Total::default(); part.sums.len()],
            columns,
        })
    }
}

impl Gather<OfObject<'static>> for CellTests {
    fn update(&mut self, rows: &Batch<'_>, out: &mut Out<OfObject<'static>>) -> Result<()> {
        let (objects, stamps) = (rows.text("smelt.object")?, rows.timestamps("smelt.stamp")?);
        let (numbers, malformed) = (rows.integers("smelt.row")?, rows.booleans("smelt.malformed")?);
        let views = self.columns.iter().map(|column| rows.text(&column.name)).collect::<Result<Vec<_>>>()?;
        for row in rows.rows() {
            let object = objects.value(row);
            if object != self.object {
                self.state(out)?;
                object.clone_into(&mut self.object);
            }
            let number = numbers.value(row);
            let Self { columns, of_column, of_row, object, counts, parse, cells: counted, .. } = self;
            if malformed.value(row) {
                parse.fail(number, PARSE, object, out)?;
                continue;
            }
            parse.evaluated += 1;
            let stamp = stamps.get(row);
            let mut cells = Vec::with_capacity(columns.len());
            for (((column, view), tests), counted) in columns.iter().zip(&views).zip(&*of_column).zip(counted) {
                let raw = view.get(row);
                counted.present += i64::from(raw.is_some());
                let cell = column.read(raw);
                match &cell {
                    Cell::Missing => counted.missing += 1,
                    Cell::Unreadable(_) => counted.unreadable += 1,
                    Cell::Value(..) => {}
                }
                for (index, test) in tests {
                    let Some(passes) = test.passes(&cell, column, stamp) else { continue };
                    let count = &mut counts[*index];
                    if passes {
                        count.evaluated += 1;
                    } else {
                        let of = *index as i64;
                        count.fail(number, of, object, out)?;
                        if let Some(text) = cell.text() {
                            out.add(OfObject::Sample { object, of, text: Some(text), rows: 1 })?;
                        }
                    }
                }
                cells.push(cell);
            }
            let cells = Row { cells: &cells, stamp };
            for (index, test) in of_row {
                test.take(&cells, number, *index as i64, &mut counts[*index], object, out)?;
            }
            self.take(cells.cells, number, out)?;
        }
        Ok(())
    }

    fn state(&mut self, out: &mut Out<OfObject<'static>>) -> Result<()> {
        let object = self.object.as_str();
        self.parse.give(PARSE, object, out)?;
        self.completeness.give(COMPLETENESS, object, out)?;
        for (of, count) in (0..).zip(&mut self.counts) {
            count.give(of, object, out)?;
        }
        for (of, count) in (0..).zip(&mut self.cells) {
            let CellCount { missing, unreadable, present } = std::mem::take(count);
            if (missing, unreadable, present) != (0, 0, 0) {
                out.add(OfObject::Column { object, of, count: missing, other: unreadable, third: present, rows: 0 })?;
            }
        }
        for (&column, total) in self.sums.iter().zip(&mut self.totals) {
            let Total { count, whole, part } = std::mem::take(total);
            if count != 0 {
                let (whole, part) = (Decimal::from_units(whole), Decimal::from_units(part));
                out.add(OfObject::Total { object, of: column as i64, count, whole, part, rows: 0 })?;
            }
        }
        Ok(())
    }
}

/// The units of a number that are 1.
const ONE: i128 = 10i128.pow(18);

impl CellTests {
    /// Takes what is counted of a row beside its tests.
    fn take(&mut self, cells: &[Cell<'_>], number: i64, out: &mut Out<OfObject<'static>>) -> Result<()> {
        let object = self.object.as_str();
        if !self.complete.is_empty() {
            let missing = self.complete.iter().filter(|&&column| matches!(cells[column], Cell::Missing)).count() as i64;
            self.completeness.evaluated += self.complete.len() as i64;
            if missing > 0 {
                self.completeness.mark(number, COMPLETENESS, object, out)?;
                self.completeness.failing += missing;
            }
        }
        for &column in &self.texts {
            out.add(OfObject::Text { object, of: column as i64, text: cells[column].text(), rows: 1 })?;
        }
        for (&column, total) in self.sums.iter().zip(&mut self.totals) {
            if let Some(value) = cells[column].value().and_then(Value::number) {
                total.count += 1;
                total.whole += value.units() / ONE;
                total.part += value.units() % ONE;
            }
        }
        for &column in &self.extremes {
            if let Some(number) = cells[column].value().and_then(Value::number) {
                out.add(OfObject::Number { object, of: column as i64, number, rows: 1 })?;
            }
        }
        Ok(())
    }
}

impl CellTest {
    /// Returns whether a cell passes, if the test is about such a cell.
    #[inline]
    fn passes(&self, cell: &Cell<'_>, column: &Column, stamp: Option<Timestamp>) -> Option<bool> {
        match (self, cell) {
            (Self::Required, cell) => Some(!matches!(cell, Cell::Missing)),
            (_, Cell::Missing) => None,
            (Self::Type, cell) => Some(matches!(cell, Cell::Value(..))),
            (Self::In, Cell::Value(_, value)) => {
                let values = column.values.as_deref().unwrap_or_default();
                Some(values.iter().any(|known| value.compare(known) == Some(Ordering::Equal)))
            }
            (Self::Range, Cell::Value(_, value)) => {
                let order = |bound: &Option<smelt_sdk_schema::Bound>| match (bound, stamp) {
                    (None, _) => Some(None),
                    (Some(smelt_sdk_schema::Bound::Stamp(_)), None) => None,
                    (Some(bound), stamp) => Some(bound.compare(value, stamp.unwrap_or_default())),
                };
                let (least, greatest) = (order(&column.min)?, order(&column.max)?);
                Some(least != Some(Ordering::Less) && greatest != Some(Ordering::Greater))
            }
            (Self::Match(pattern), Cell::Value(text, _) | Cell::Unreadable(text)) => Some(pattern.is_match(text)),
            (Self::In | Self::Range, Cell::Unreadable(_)) => None,
        }
    }
}

impl RowTest {
    fn take(
        &self,
        row: &Row<'_, '_>,
        number: i64,
        of: i64,
        count: &mut Count,
        object: &str,
        out: &mut Out<OfObject<'static>>,
    ) -> Result<()> {
        if self.when.as_ref().is_some_and(|when| when.holds(row) != Some(true)) {
            return Ok(());
        }
        match &self.what {
            RowWord::That(that) => match that.holds(row) {
                None => {}
                Some(true) => count.evaluated += 1,
                Some(false) => count.fail(number, of, object, out)?,
            },
            RowWord::Share(share) => {
                count.evaluated += 1;
                count.failing += i64::from(share.holds(row) == Some(true));
            }
            RowWord::Keyed(columns) => {
                let present = columns.iter().all(|&column| row.cells[column].text().is_some());
                count.evaluated += i64::from(present);
            }
            RowWord::Unique(columns) => {
                let mut joined = String::new();
                if let Some(text) = join(columns, row.cells, &mut joined) {
                    count.evaluated += 1;
                    let (block, bit) = place(number);
                    let whole = Bits::from_units(bit);
                    out.add(OfObject::Once { object, of, text: Some(text), block, whole, rows: 0 })?;
                }
            }
        }
        Ok(())
    }
}

/// Returns the block of a row, and its bit there.
pub(crate) fn place(number: i64) -> (i64, i128) {
    (number.div_euclid(BLOCK), 1 << number.rem_euclid(BLOCK))
}

/// Returns the texts of these columns as one, unless one is missing. Different texts give different ones: of several columns
/// each has its length before it.
pub(crate) fn join<'r>(columns: &[usize], cells: &[Cell<'r>], joined: &'r mut String) -> Option<&'r str> {
    use std::fmt::Write as _;
    if let [column] = columns {
        return cells[*column].text();
    }
    for &column in columns {
        let text = cells[column].text()?;
        write!(joined, "{}:{text}", text.len()).ok();
    }
    Some(joined)
}

impl Count {
    /// Counts a row that fails.
    #[inline]
    fn fail(&mut self, row: i64, of: i64, object: &str, out: &mut Out<OfObject<'static>>) -> Result<()> {
        self.evaluated += 1;
        self.failing += 1;
        self.mark(row, of, object, out)
    }

    /// Remembers the number of a row that fails.
    #[inline]
    fn mark(&mut self, row: i64, of: i64, object: &str, out: &mut Out<OfObject<'static>>) -> Result<()> {
        let (block, bit) = place(row);
        if block != self.block {
            self.give_block(of, object, out)?;
            self.block = block;
        }
        self.bits += bit;
        Ok(())
    }

    fn give_block(&mut self, of: i64, object: &str, out: &mut Out<OfObject<'static>>) -> Result<()> {
        match std::mem::take(&mut self.bits) {
            0 => Ok(()),
            bits => out.add(OfObject::Failed { object, of, block: self.block, whole: Bits::from_units(bits), rows: 0 }),
        }
    }

    /// Adds what was counted, and forgets it.
    fn give(&mut self, of: i64, object: &str, out: &mut Out<OfObject<'static>>) -> Result<()> {
        self.give_block(of, object, out)?;
        let Self { evaluated, failing, .. } = std::mem::take(self);
        match (evaluated, failing) {
            (0, 0) => Ok(()),
            _ => out.add(OfObject::Counted { object, of, count: evaluated, other: failing, rows: 0 }),
        }
    }
}
