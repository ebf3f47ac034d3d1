//! Relations of the host itself: what it knows of the objects of all datasets and of all checks, as rows that tables read.
//! They are functions of the lake's state, so they are written nowhere.

use std::sync::{Arc, LazyLock};

use arrow_array::builder::{Int64Builder, StringBuilder, TimestampMicrosecondBuilder};
use arrow_array::{ArrayRef, Int64Array, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};

use crate::history::changes_since;
use smelt_catalog::{
    BRONZE_PREFIX, Commit, Dataset, Entries, Entry, LogEntry, Relation, Staged, State, Status, Totals,
    file_and_revision,
};
use smelt_common::error::Result;
use smelt_common::{Error, clock};
use smelt_formats::rule;
use smelt_runtime::sums::Sign;
use smelt_storage::Store;

/// A relation of the host. The contract says what its columns mean (`wit/0.3.0`, `kpi-input`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostRelation {
    /// One row, always.
    One,
    /// Each object that was cleaned, and what became of its rows.
    Objects,
    /// The rules that applied to rows of each object.
    Rules,
    /// Every verdict of all checks. It is made from their tables, which `tables` reads.
    Checks,
    /// Each object that checks judge, as it came.
    Bronze,
}

/// All of them.
const ALL: [HostRelation; 5] =
    [HostRelation::One, HostRelation::Objects, HostRelation::Rules, HostRelation::Checks, HostRelation::Bronze];
/// The rows of a batch.
const BATCH_ROWS: usize = 65_536;

/// Rows that came to a relation or left it.
pub(crate) type Given = (RecordBatch, Sign);

impl HostRelation {
    /// Returns the relation of that name.
    pub fn named(name: &str) -> Option<Self> {
        ALL.into_iter().find(|relation| relation.name() == name)
    }

    /// Returns all of them.
    pub fn all() -> impl Iterator<Item = Self> {
        ALL.into_iter()
    }

    /// Returns the name in a manifest.
    pub fn name(self) -> &'static str {
        match self {
            Self::One => "smelt.one",
            Self::Objects => "smelt.objects",
            Self::Rules => "smelt.rules",
            Self::Checks => "smelt.checks",
            Self::Bronze => "smelt.bronze",
        }
    }

    /// Returns whether it is made from that dataset.
    fn is_made_from(self, dataset: &str) -> bool {
        match self {
            Self::Objects | Self::Rules => !is_of_bronze(dataset),
            Self::Bronze => is_of_bronze(dataset),
            Self::One | Self::Checks => false,
        }
    }

    /// Returns the datasets that it is made from, in the order of their names.
    fn datasets(self, state: &State) -> impl Iterator<Item = (&String, &Dataset)> {
        state.datasets.iter().filter(move |(name, _)| self.is_made_from(name))
    }

    /// Returns whether it depends on what the datasets hold.
    pub fn reads_datasets(self) -> bool {
        matches!(self, Self::Objects | Self::Rules)
    }

    /// Returns the columns.
    pub fn schema(self) -> SchemaRef {
        static SCHEMAS: LazyLock<[SchemaRef; 5]> = LazyLock::new(|| {
            let text = |name: &str| Field::new(name, DataType::Utf8, false);
            let int = |name: &str| Field::new(name, DataType::Int64, false);
            let utc = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
            let mut objects = vec![text("dataset"), text("object"), text("file"), int("revision")];
            objects.push(Field::new("stamp", utc.clone(), true));
            objects.extend([text("sha256"), int("bytes"), text("status")]);
            objects.extend(["read", "kept", "rejected", "superseded", "held", "repaired"].map(int));
            let rules = vec![text("dataset"), text("object"), text("rule"), text("action"), int("rows")];
            let nullable = |name: &str| Field::new(name, DataType::Utf8, true);
            let mut checks = vec![text("check"), nullable("dataset"), nullable("object")];
            checks.extend([text("expectation"), text("severity"), Field::new("passed", DataType::Boolean, false)]);
            let mut bronze = vec![text("dataset"), text("object"), text("file"), int("revision")];
            bronze.push(Field::new("stamp", utc, true));
            bronze.extend([text("sha256"), int("bytes"), nullable("unreadable"), nullable("content_sha256")]);
            bronze.extend([Field::new("content_bytes", DataType::Int64, true), nullable("header")]);
            bronze.extend([int("records"), int("malformed"), nullable("decision"), nullable("why")]);
            [vec![int("one")], objects, rules, checks, bronze].map(|fields| Arc::new(Schema::new(fields)))
        });
        Arc::clone(&SCHEMAS[self as usize])
    }

    /// Returns about how many rows the datasets lead to.
    pub(crate) fn rows(self, state: &State) -> u64 {
        match self {
            Self::One => 1,
            Self::Objects | Self::Rules | Self::Bronze => {
                self.datasets(state).map(|(_, dataset)| dataset.bronze.totals.objects).sum()
            }
            Self::Checks => state.checks.keys().filter_map(|check| Some(state.gold.get(check)?.relation.rows)).sum(),
        }
    }

    /// Returns all rows.
    pub(crate) fn all_rows(self, store: &dyn Store, state: &State) -> Result<Vec<Given>> {
        let mut rows = Rows::new(self);
        if self == Self::One {
            return Ok(vec![(one()?, Sign::Plus)]);
        }
        for (name, dataset) in self.datasets(state) {
            Entries::of(store, dataset).scan(|object, entry| rows.add(name, object, &entry, Sign::Plus))?;
        }
        rows.finish()
    }

    /// Returns the rows that came and left since a reader read the datasets as they were at these commits, in the order of
    /// their names. Returns `None` if that cannot be followed.
    pub(crate) fn since(
        self,
        store: &dyn Store,
        pending: &Commit,
        state: &State,
        revisions: &[u64],
    ) -> Result<Option<Vec<Given>>> {
        let mut rows = Rows::new(self);
        for ((name, Dataset { relation, .. }), &revision) in self.datasets(state).zip(revisions) {
            let Some(changes) = changes_since(store, pending, name, relation, revision)? else { return Ok(None) };
            for change in changes {
                for LogEntry { object, cleaned, before, was, entry } in change.read_log(store)? {
                    if let Some(before) = &before {
                        let former = Entry { status: was, staged: former(&entry), ..entry.clone() };
                        rows.add_counted(name, &object, &former, before, Sign::Minus)?;
                    }
                    if cleaned || before.is_some() {
                        rows.add(name, &object, &entry, Sign::Plus)?;
                    }
                }
            }
        }
        rows.finish().map(Some)
    }

    /// Returns the rows of one object.
    pub(crate) fn of_object(self, dataset: &str, object: &str, entry: &Entry) -> Result<Vec<Given>> {
        let mut rows = Rows::new(self);
        if self.is_made_from(dataset) {
            rows.add(dataset, object, entry, Sign::Plus)?;
        }
        rows.finish()
    }
}

/// Returns the relations that a relation of the host is made from, in the order of their names: datasets or `checks`.
/// `None` if it is no relation of the host.
pub(crate) fn made_from<'s>(
    name: &str,
    checks: &'s [String],
    state: &'s State,
) -> Option<Vec<(&'s String, &'s Relation)>> {
    let relation = HostRelation::named(name)?;
    if relation == HostRelation::Checks {
        return Some(checks.iter().filter_map(|check| Some((check, &state.gold.get(check)?.relation))).collect());
    }
    Some(relation.datasets(state).map(|(name, dataset)| (name, &dataset.relation)).collect())
}

/// Returns whether a dataset of that name has the records of bronze, by which checks judge objects.
pub(crate) fn is_of_bronze(dataset: &str) -> bool {
    dataset.starts_with(BRONZE_PREFIX)
}

/// Returns the facts about an object before a person decided something about it, or took a decision back. A decision is all
/// that changes of them, and it is kept beside the new one.
fn former(entry: &Entry) -> Option<Staged> {
    let staged = entry.staged.clone()?;
    Some(Staged { decision: staged.former.clone().map(|former| *former), former: None, ..staged })
}

fn one() -> Result<RecordBatch> {
    batch(HostRelation::One, vec![Arc::new(Int64Array::from(vec![1]))])
}

fn batch(relation: HostRelation, columns: Vec<ArrayRef>) -> Result<RecordBatch> {
    RecordBatch::try_new(relation.schema(), columns).map_err(|error| Error::internal(error.to_string()))
}

/// Rows that are being made, of both signs.
struct Rows {
    relation: HostRelation,
    signs: [Columns; 2],
    full: Vec<Given>,
}

#[derive(Default)]
struct Columns {
    texts: [StringBuilder; 9],
    stamps: TimestampMicrosecondBuilder,
    numbers: [Int64Builder; 8],
    rows: usize,
}

impl Rows {
    fn new(relation: HostRelation) -> Self {
        Self { relation, signs: Default::default(), full: vec![] }
    }

    fn add(&mut self, dataset: &str, object: &str, entry: &Entry, sign: Sign) -> Result<()> {
        let mut totals = Totals::default();
        totals.add(entry);
        self.add_counted(dataset, object, entry, &totals, sign)
    }

    /// Adds the rows of an object of which so many rows were kept, rejected and so on.
    fn add_counted(&mut self, dataset: &str, object: &str, entry: &Entry, totals: &Totals, sign: Sign) -> Result<()> {
        let columns = &mut self.signs[usize::from(sign == Sign::Minus)];
        match self.relation {
            HostRelation::One | HostRelation::Checks => {}
            HostRelation::Objects => columns.object(dataset, object, entry, totals),
            HostRelation::Rules => columns.rules(dataset, object, totals),
            HostRelation::Bronze => columns.bronze(dataset, object, entry)?,
        }
        if columns.rows >= BATCH_ROWS {
            self.full.extend(columns.take(self.relation)?.map(|rows| (rows, sign)));
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Vec<Given>> {
        for (columns, sign) in self.signs.iter_mut().zip([Sign::Plus, Sign::Minus]) {
            self.full.extend(columns.take(self.relation)?.map(|rows| (rows, sign)));
        }
        Ok(self.full)
    }
}

impl Columns {
    fn texts(&mut self, texts: &[&str]) {
        self.texts.iter_mut().zip(texts).for_each(|(column, text)| column.append_value(text));
    }

    fn numbers(&mut self, numbers: &[u64]) {
        self.numbers.iter_mut().zip(numbers).for_each(|(column, &number)| column.append_value(number as i64));
    }

    fn object(&mut self, dataset: &str, object: &str, entry: &Entry, totals: &Totals) {
        let (rejected, repaired) = (totals.rejected.values().sum(), totals.repaired.values().sum());
        let (file, revision) = file_and_revision(object);
        // Where no check judges objects, each is accepted.
        let status = entry.status.map_or("accepted", Status::name);
        self.texts(&[dataset, object, file, &entry.sha256, status]);
        self.stamps.append_option(stamp_of(object));
        let Totals { read, kept, superseded, held, .. } = *totals;
        self.numbers(&[revision, entry.bytes, read, kept, rejected, superseded, held, repaired]);
        self.rows += 1;
    }

    fn bronze(&mut self, dataset: &str, object: &str, entry: &Entry) -> Result<()> {
        let (file, revision) = file_and_revision(object);
        let Some(Staged { unreadable, content, header, malformed, decision, former: _ }) = &entry.staged else {
            return Err(Error::internal(format!("`{object}` was not looked at")));
        };
        let of_object = (entry.sha256.clone(), entry.bytes);
        let is_damaged =
            unreadable.as_deref().is_some_and(|rule| [rule::DAMAGED_STREAM, rule::INFLATES_TOO_MUCH].contains(&rule));
        let content = (!is_damaged).then(|| content.as_ref().unwrap_or(&of_object));
        let header = header.as_ref().map(serde_json::to_string).transpose();
        let header = header.map_err(|error| Error::internal(error.to_string()))?;
        let dataset = dataset.strip_prefix(BRONZE_PREFIX).unwrap_or(dataset);
        let texts = [
            Some(dataset),
            Some(object),
            Some(file),
            Some(&*entry.sha256),
            unreadable.as_deref(),
            content.map(|(sha256, _)| sha256.as_str()),
            header.as_deref(),
            decision.as_ref().map(|decision| decision.verb.name()),
            decision.as_ref().map(|decision| decision.why.as_str()),
        ];
        self.texts.iter_mut().zip(texts).for_each(|(column, text)| column.append_option(text));
        self.stamps.append_option(stamp_of(object));
        let numbers =
            [Some(revision), Some(entry.bytes), content.map(|(_, bytes)| *bytes), Some(entry.read), Some(*malformed)];
        let numbers = self.numbers.iter_mut().zip(numbers);
        numbers.for_each(|(column, number)| column.append_option(number.map(|number| number as i64)));
        self.rows += 1;
        Ok(())
    }

    fn rules(&mut self, dataset: &str, object: &str, totals: &Totals) {
        for (action, rules) in [("reject", &totals.rejected), ("repair", &totals.repaired)] {
            for (rule, &rows) in rules {
                self.texts(&[dataset, object, rule, action]);
                self.numbers(&[rows]);
                self.rows += 1;
            }
        }
    }

    fn take(&mut self, relation: HostRelation) -> Result<Option<RecordBatch>> {
        if self.rows == 0 {
            return Ok(None);
        }
        let Self { texts, stamps, numbers, .. } = std::mem::take(self);
        let mut texts = texts.into_iter().map(|mut column| Arc::new(column.finish()) as ArrayRef);
        let mut numbers = numbers.into_iter().map(|mut column| Arc::new(column.finish()) as ArrayRef);
        let mut stamps = Some(stamps);
        let schema = relation.schema();
        let columns = schema.fields().iter().map(|field| match field.data_type() {
            DataType::Utf8 => texts.next(),
            DataType::Int64 => numbers.next(),
            _ => stamps.take().map(|mut column| Arc::new(column.finish().with_timezone("UTC")) as ArrayRef),
        });
        let columns = columns.collect::<Option<Vec<_>>>().ok_or_else(|| Error::internal("a column too few"))?;
        batch(relation, columns).map(Some)
    }
}

/// Returns the time in the name of an object, such as `orders_20251113T100000.csv` or `orders_20251113.csv`, which is that
/// day's midnight, in microseconds since the epoch.
pub(crate) fn stamp_of(object: &str) -> Option<i64> {
    let stem = object.split('.').next()?;
    let stamp = clock::parse_stamp(stem.rsplit_once('_')?.1)?;
    Some(stamp.timestamp_micros())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stamp_of_an_object_is_the_time_in_its_name() {
        assert_eq!(stamp_of("a_19700101T000001.csv.gz"), Some(1_000_000));
        assert_eq!(stamp_of("a_19700102.csv.r02"), Some(86_400_000_000));
        assert_eq!(stamp_of("a.csv"), None);
        assert_eq!(stamp_of("19700102.csv"), None);
        assert_eq!(stamp_of("a_19701301.csv"), None);
        assert_eq!(stamp_of("a_19701301T000001.csv"), None);
    }

    #[test]
    fn every_relation_has_its_name_and_its_columns_in_their_order() {
        for relation in HostRelation::all() {
            assert_eq!(HostRelation::named(relation.name()), Some(relation));
        }
        let mut entry = Entry::some();
        (entry.read, entry.bytes, entry.sha256) = (3, 70, "ab".to_owned());
        entry.rejected = [("bad".to_owned(), 1)].into();
        entry.repaired = [("mended".to_owned(), 1)].into();
        entry.silver.rows = 2;
        let rows = |relation: HostRelation| {
            let given = relation.of_object("d", "d_19700101T000001.csv", &entry).expect("rows");
            given.into_iter().map(|(rows, _)| crate::cells::cells(&rows, smelt_formats::Formulas::Keep).expect("text"))
        };
        let objects: Vec<_> = rows(HostRelation::Objects).flatten().map(|row| row.join(",")).collect();
        let object = "d_19700101T000001.csv";
        assert_eq!(objects, [format!("d,{object},{object},1,1970-01-01T00:00:01Z,ab,70,accepted,3,2,1,0,0,1")]);
        let rules: Vec<_> = rows(HostRelation::Rules).flatten().map(|row| row.join(",")).collect();
        assert_eq!(rules, [format!("d,{object},bad,reject,1"), format!("d,{object},mended,repair,1")]);
        assert_eq!(rows(HostRelation::One).count(), 0, "no object leads to it");
    }
}
