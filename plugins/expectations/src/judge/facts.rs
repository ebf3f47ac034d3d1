//! One object and its summary.

use std::collections::BTreeMap;

use smelt_sdk::prelude::*;
use smelt_sdk_schema::Json;

use crate::config::Metric;
use crate::number::{Amount, Fraction};
use crate::part::{JudgedColumn, Judging};
use crate::rows::InOrder;

/// An object and its summary.
#[derive(Default, Saved)]
pub(crate) struct Facts {
    pub(crate) object: String,
    pub(crate) file: String,
    pub(crate) revision: i64,
    pub(crate) stamp: Option<Timestamp>,
    pub(crate) sha256: String,
    pub(crate) bytes: i64,
    pub(crate) unreadable: Option<String>,
    pub(crate) content_bytes: Option<i64>,
    pub(crate) header: Option<String>,
    pub(crate) records: i64,
    pub(crate) malformed: i64,
    pub(crate) decision: Option<String>,
    pub(crate) why: Option<String>,
    pub(crate) columns: BTreeMap<i64, ColumnFacts>,
    pub(crate) tests: BTreeMap<i64, TestFacts>,
    /// By column: how many numbers, and their sum.
    pub(crate) totals: BTreeMap<i64, (i64, String)>,
    pub(crate) extremes: BTreeMap<i64, (String, String)>,
    pub(crate) distinct: BTreeMap<i64, i64>,
    /// By column: its texts in order, and how many rows have each.
    pub(crate) values: BTreeMap<i64, Shares>,
    /// By rule: texts that another file has too, and the first row that has each.
    pub(crate) shared: BTreeMap<i64, Vec<(String, Option<i64>)>>,
}

/// The texts of a column, each with its rows. Missing ones are first.
pub(crate) type Shares = Vec<(Option<String>, i64)>;

#[derive(Default, Clone, Copy, Saved)]
pub(crate) struct ColumnFacts {
    pub(crate) missing: i64,
    pub(crate) unreadable: i64,
    /// Records that have it, even if blank.
    pub(crate) present: i64,
}

#[derive(Default, Clone, Saved)]
pub(crate) struct TestFacts {
    pub(crate) evaluated: i64,
    pub(crate) failing: i64,
    pub(crate) rows: String,
    pub(crate) samples: String,
}

impl Facts {
    /// Begins an object with its first row.
    #[rustfmt::skip]
    pub(crate) fn begin(row: InOrder<'_>) -> Option<Self> {
        let InOrder::Object {
            file, revision, object, stamp, sha256, bytes, unreadable, content_bytes, header, records, malformed,
            decision, why,
        } = row else { return None };
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Some(Self {
            object: object.to_owned(), file: file.to_owned(), revision, stamp, sha256: sha256.to_owned(), bytes,
            unreadable: owned(unreadable), content_bytes, header: owned(header), records, malformed,
            decision: owned(decision), why: owned(why), ..Self::default()
        })
    }

    /// Takes a further row of the object.
    pub(crate) fn take(&mut self, row: InOrder<'_>) {
        match row {
            InOrder::Object { .. } => {}
            InOrder::Column { of, missing, unreadable_cells: unreadable, present, .. } => {
                self.columns.insert(of, ColumnFacts { missing, unreadable, present });
            }
            InOrder::Counted { of, evaluated, failing, failing_rows, samples, .. } => {
                let (rows, samples) = (failing_rows.to_owned(), samples.to_owned());
                self.tests.insert(of, TestFacts { evaluated, failing, rows, samples });
            }
            InOrder::Total { of, count, total, .. } => {
                self.totals.insert(of, (count, total.to_owned()));
            }
            InOrder::Extremes { of, least, greatest, .. } => {
                self.extremes.insert(of, (least.to_owned(), greatest.to_owned()));
            }
            InOrder::Distinct { of, texts, .. } => {
                self.distinct.insert(of, texts);
            }
            InOrder::Value { of, text, rows, .. } => {
                self.values.entry(of).or_default().push((text.map(str::to_owned), rows));
            }
            InOrder::Shared { of, text, first, .. } => {
                self.shared.entry(of).or_default().push((text.unwrap_or_default().to_owned(), first));
            }
        }
    }

    /// Returns the number of decoded rows.
    pub(crate) fn rows(&self) -> i64 {
        self.records - self.malformed
    }

    /// Returns the cells of these columns that are not missing, and all of them.
    pub(crate) fn present(&self, columns: impl Iterator<Item = usize>) -> (i64, i64) {
        columns.fold((0, 0), |(present, cells), column| {
            (present + self.rows() - self.column(column).missing, cells + self.rows())
        })
    }

    pub(crate) fn column(&self, column: usize) -> ColumnFacts {
        self.columns.get(&(column as i64)).copied().unwrap_or_default()
    }

    /// Returns the names of the header, if the format has one.
    fn header(&self) -> Option<Vec<String>> {
        let Ok(Json::Array(names)) = Json::parse(self.header.as_deref()?) else { return None };
        Some(names.iter().filter_map(|name| name.text().map(str::to_owned)).collect())
    }

    /// Returns the columns of the schema that the object lacks: those that are not in its header or, without one, required
    /// ones that no record has.
    pub(crate) fn lacking(&self, judging: &Judging) -> Vec<String> {
        let header = self.header();
        let lacks = |index: usize, column: &JudgedColumn| match &header {
            Some(header) => !header.contains(&column.name),
            None => column.required && self.rows() > 0 && self.column(index).present == 0,
        };
        let columns = judging.columns.iter().enumerate().filter(|&(index, column)| lacks(index, column));
        columns.map(|(_, column)| column.name.clone()).collect()
    }

    /// Returns the names of the header that the schema lacks.
    pub(crate) fn extra(&self, judging: &Judging) -> Vec<String> {
        let mut names = self.header().unwrap_or_default();
        names.retain(|name| !judging.columns.iter().any(|column| column.name == *name));
        names
    }

    /// Returns a metric, if the object has it. Ratios and means have four places.
    pub(crate) fn metric(&self, metric: &Metric, share: i64) -> Option<Amount> {
        let ratio = |over, under| Fraction::of(over, under).map(|ratio| Amount::new(ratio.rounded(4), 4));
        let whole = |number: i64| Some(Amount::new(number.into(), 0));
        let of = |column: &usize| *column as i64;
        match metric {
            Metric::Rows => whole(self.rows()),
            Metric::Bytes => whole(self.content_bytes?),
            Metric::Malformed => whole(self.malformed),
            Metric::Missing(column) => ratio(self.column(*column).missing, self.rows()),
            Metric::Share(_) => ratio(self.tests.get(&share).map_or(0, |test| test.failing), self.rows()),
            Metric::Distinct(column) => whole(self.distinct.get(&of(column)).copied().unwrap_or_default()),
            Metric::Sum(column) => Amount::of_digits(&self.totals.get(&of(column))?.1),
            Metric::Mean(column) => {
                let (count, total) = self.totals.get(&of(column))?;
                let mean = Amount::of_digits(total)?.fraction().divided_by(*count)?;
                Some(Amount::new(mean.rounded(4), 4))
            }
            Metric::Min(column) => Amount::of_digits(&self.extremes.get(&of(column))?.0),
            Metric::Max(column) => Amount::of_digits(&self.extremes.get(&of(column))?.1),
        }
    }
}
