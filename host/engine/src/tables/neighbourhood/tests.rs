//! Reduces neighbourhoods with reducers of several kinds, and compares them with whole groups.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::Int64Type;
use arrow_array::{Int64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use smelt_runtime::{Reduced, Setting};
use smelt_storage::DirStore;
use smelt_storage::sorted_runs::{AdditiveRuns, SortedRuns};
use tempfile::TempDir;

use super::*;
use crate::tables::kept::{append, reduce_all, reduce_whole};
use crate::tables::saves::Saves;
use smelt_runtime::sums::Sums;

/// Walks through numbers with values. Its table has rows of two numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    /// The sum so far of each.
    Running,
    /// The value before each.
    Previous,
    /// The beginning of each stretch of numbers that lie at most 3 apart, and the sum of their values.
    Stretches,
    /// The first numbers until their values exceed 20, after which there is enough.
    Enough,
    /// The sum so far, of which nothing is saved.
    Unsaved,
    /// Each as it is, and a row at the end. Nothing is remembered.
    Alone,
}

const KINDS: [Kind; 6] = [Kind::Running, Kind::Previous, Kind::Stretches, Kind::Enough, Kind::Unsaved, Kind::Alone];

struct Walker<'w> {
    kind: Kind,
    /// The sum or value that it remembers, and the last and the first number of a stretch.
    state: [i64; 3],
    given: &'w Cell<usize>,
}

impl<'w> Walker<'w> {
    fn open(kind: Kind, saved: Option<&[u8]>, given: &'w Cell<usize>) -> Self {
        let number =
            |at: usize| saved.map_or(0, |saved| i64::from_le_bytes(*saved[8 * at..].first_chunk().expect("8 bytes")));
        Self { kind, state: [0, 1, 2].map(number), given }
    }

    fn row(&mut self, number: i64, value: i64, out: &mut Vec<(i64, i64)>) -> bool {
        let [sum, last, first] = &mut self.state;
        match self.kind {
            Kind::Running | Kind::Unsaved | Kind::Enough => {
                *sum += value;
                out.push((number, *sum));
                return self.kind == Kind::Enough && *sum > 20;
            }
            Kind::Alone => out.push((number, value)),
            Kind::Previous => out.push((number, std::mem::replace(sum, value))),
            Kind::Stretches => {
                if *last != 0 && number > *last + 3 {
                    out.push((*first, std::mem::take(sum)));
                    *last = 0;
                }
                if *last == 0 {
                    *first = number;
                }
                (*sum, *last) = (*sum + value, number);
            }
        }
        false
    }

    fn end(&mut self, out: &mut Vec<(i64, i64)>) {
        let [sum, _, first] = std::mem::take(&mut self.state);
        if matches!(self.kind, Kind::Stretches | Kind::Alone) {
            out.push((first, sum));
        }
    }
}

impl Reduce for Walker<'_> {
    fn reduce(&mut self, rows: &RecordBatch, ends: &[u32]) -> Result<Reduced> {
        self.given.set(self.given.get() + rows.num_rows());
        let columns = [1, 2].map(|at| rows.column(at).as_primitive::<Int64Type>());
        let (mut out, mut ends, mut over) = (Vec::new(), ends.iter().peekable(), false);
        for row in 0..=rows.num_rows() {
            while ends.next_if(|&&end| end as usize == row).is_some() {
                match std::mem::take(&mut over) {
                    true => self.state = [0; 3],
                    false => self.end(&mut out),
                }
            }
            if row < rows.num_rows() && !over {
                over = self.row(columns[0].value(row), columns[1].value(row), &mut out);
            }
        }
        if over {
            self.state = [0; 3];
        }
        let column = |of: fn(&(i64, i64)) -> i64| Arc::new(Int64Array::from_iter_values(out.iter().map(of))) as _;
        let rows = RecordBatch::try_from_iter([("a", column(|row| row.0)), ("b", column(|row| row.1))]);
        Ok(Reduced { rows: rows.expect("a batch"), enough: over })
    }

    fn save(&mut self) -> Result<Option<Vec<u8>>> {
        Ok((self.kind != Kind::Unsaved).then(|| self.state.iter().flat_map(|number| number.to_le_bytes()).collect()))
    }

    fn cost(&self) -> Cost {
        Cost::default()
    }
}

fn stage(group: usize) -> StageSpec {
    let column = |name, kind| Field::new(name, kind, false);
    let columns = [("of", DataType::Utf8), ("number", DataType::Int64), ("value", DataType::Int64)];
    let schema = Schema::new(columns.map(|(name, kind)| column(name, kind)).to_vec());
    StageSpec { schema: Arc::new(schema), keys: 2, group, reducer: Setting::default() }
}

/// Values by group and number.
type Values = BTreeMap<(u8, i64), i64>;
/// The rows that came of a reducer, and how often.
type Made = BTreeMap<(i64, i64), i64>;

fn sums(stage: &StageSpec, values: &Values) -> Sums {
    let of = StringArray::from_iter_values(values.keys().map(|(of, _)| format!("g{of}")));
    let numbers = Int64Array::from_iter_values(values.keys().map(|(_, number)| *number));
    let added = Int64Array::from_iter_values(values.values().copied());
    let columns = vec![Arc::new(of) as _, Arc::new(numbers) as _, Arc::new(added) as _];
    Sums::of(stage, &RecordBatch::try_new(Arc::clone(&stage.schema), columns).expect("a batch"))
}

fn note(made: &mut Made, rows: &RecordBatch, sign: Sign) {
    let columns = [0, 1].map(|at| rows.column(at).as_primitive::<Int64Type>().values());
    for (&a, &b) in columns[0].iter().zip(columns[1]) {
        let count = made.entry((a, b)).or_default();
        *count += if sign == Sign::Plus { 1 } else { -1 };
        if *count == 0 {
            made.remove(&(a, b));
        }
    }
}

/// A stage with the points of its large groups.
struct Kept {
    stage: StageSpec,
    _directory: TempDir,
    store: DirStore,
    runs: AdditiveRuns,
    points: SortedRuns,
    kind: Kind,
    every: usize,
    written: usize,
}

impl Kept {
    fn new(kind: Kind, group: usize, every: usize, values: &Values) -> (Self, Made) {
        let directory = TempDir::new().expect("a directory");
        let store = DirStore::new(directory.path());
        let (stage, runs, points) = (stage(group), AdditiveRuns::default(), SortedRuns::default());
        let mut kept = Self { stage, _directory: directory, store, runs, points, kind, every, written: 0 };
        kept.append(&sums(&kept.stage, values));
        let made = kept.all(Some(every));
        (kept, made)
    }

    fn append(&mut self, changed: &Sums) {
        self.written += 1;
        let stem = format!("sums/{}", self.written);
        append(&self.store, &mut self.runs, &stem, changed, &mut vec![]).expect("it is written");
    }

    /// Returns what all groups give, and perhaps notes where they are saved.
    fn all(&mut self, every: Option<usize>) -> Made {
        let (made, given) = (RefCell::new(Made::new()), Cell::new(0));
        let give = |rows: RecordBatch| {
            note(&mut made.borrow_mut(), &rows, Sign::Plus);
            Ok(())
        };
        let mut walker = Walker::open(self.kind, None, &given);
        let mut feed = Feed::new(&mut walker, &self.stage, every, &give);
        let rows = self.runs.open(&self.store).expect("it opens");
        let saves = Saves::open(&self.store, &SortedRuns::default()).expect("there are none");
        match self.stage.group {
            0 => {
                reduce_whole(&mut feed, &rows).expect("it reduces");
                saves.set(&[], &feed.take_points());
            }
            _ => reduce_all(&mut feed, &rows, &saves).expect("it reduces"),
        }
        if every.is_some() {
            saves.write(&self.store, &mut self.points, "sums/points", &mut vec![]).expect("they are written");
        }
        made.into_inner()
    }

    /// Adds to the rows. Returns how what they give changes, as far as groups were saved, and how many rows were given to
    /// reducers for that. Checks the points that there are then.
    fn change(&mut self, changes: &Values) -> (Made, usize, usize) {
        let (made, given) = (RefCell::new(Made::new()), Cell::new(0));
        let before = self.runs.open(&self.store).expect("it opens");
        let saves = Saves::open(&self.store, &self.points).expect("they are there");
        let mut large = 0;
        let groups: Vec<Vec<u8>> = {
            let changed = sums(&self.stage, changes);
            changed.sorted_by_hash(before.key_hash()).groups().map(|group| group.key().to_vec()).collect()
        };
        let points = saves.of(groups.iter().map(Vec::as_slice)).expect("they are there");
        let mut by_group: BTreeMap<Vec<u8>, Vec<Stored>> = BTreeMap::new();
        let changed = sums(&self.stage, changes);
        let sorted = changed.sorted_by_hash(before.key_hash());
        let sort = |_, key: &[u8], numbers: &[u8]| {
            let (group, _) = stored_row::split_key(key).expect("a key");
            by_group.entry(group.to_vec()).or_default().push((key.to_vec(), numbers.to_vec()));
            Ok(())
        };
        sorted.stored(before.key_hash(), sort).expect("they are rows");
        for (group, changes) in &by_group {
            let Some(points) = points.get(group.as_slice()) else { continue };
            large += 1;
            let mut shared = Vec::new();
            stored_row::write_key(group, &[], &mut shared);
            let (stage, points, every) = (&self.stage, points.clone(), self.every);
            let of = Large { stage, before: &before, shared: &shared, changes, points, every };
            let open = |saved: Option<&[u8]>| Ok(Walker::open(self.kind, saved, &given));
            let give = |rows: RecordBatch, sign: Sign| {
                note(&mut made.borrow_mut(), &rows, sign);
                Ok(())
            };
            let points = of.reduce(&open, &give, &mut Cost::default()).expect("it reduces");
            saves.set(group, &points);
        }
        let stem = format!("sums/points{}", self.written);
        saves.write(&self.store, &mut self.points, &stem, &mut vec![]).expect("they are written");
        self.append(&changed);
        (made.into_inner(), given.get(), large)
    }

    /// Asserts that at every point of these groups was saved what a walk from the beginning remembers there.
    fn check_points(&self, groups: impl Iterator<Item = u8>) {
        let (rows, given) = (self.runs.open(&self.store).expect("it opens"), Cell::new(0));
        let saves = Saves::open(&self.store, &self.points).expect("they are there");
        let keys: Vec<Vec<u8>> = groups
            .map(|of| {
                let values = Values::from([((of, 1), 1)]);
                let sums = sums(&self.stage, &values);
                sums.sorted().groups().map(|group| group.key().to_vec()).next().expect("a group")
            })
            .collect();
        let points = saves.of(keys.iter().map(Vec::as_slice)).expect("they are there");
        for (group, points) in points {
            let mut shared = Vec::new();
            stored_row::write_key(group, &[], &mut shared);
            let (mut walker, mut out, mut left) =
                (Walker::open(self.kind, None, &given), vec![], points.iter().peekable());
            let mut seen = 0;
            let visit = |key: &[u8], numbers: &[u8]| {
                while let Some(point) = left.next_if(|point| point.key.as_slice() < key) {
                    assert!(seen > 0, "there is a row before each point");
                    assert_eq!(walker.save().expect("it saves").as_ref(), Some(&point.saved));
                }
                let mut rows = smelt_runtime::sums::OrderedRows::new(&self.stage);
                rows.push(key, numbers).expect("a row");
                let row = rows.take().expect("a batch");
                let cell = |at: usize| row.column(at).as_primitive::<Int64Type>().value(0);
                walker.row(cell(1), cell(2), &mut out);
                seen += 1;
                Ok(ControlFlow::Continue(()))
            };
            rows.scan_group(&shared, None, visit).expect("a scan");
        }
    }
}

fn difference(before: &Made, after: &Made) -> Made {
    let mut difference = after.clone();
    for (row, count) in before {
        *difference.entry(*row).or_default() -= count;
    }
    difference.retain(|_, count| *count != 0);
    difference
}

fn values(most: usize) -> impl Strategy<Value = Values> {
    btree_map((0_u8..2, 1_i64..200), 1_i64..5, 0..most)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn neighbourhoods_give_what_whole_groups_do(
        kind in prop::sample::select(&KINDS[..]),
        group in 0_usize..2,
        every in 1_usize..9,
        start in values(120),
        rounds in vec((values(12), vec(any::<prop::sample::Index>(), 0..12), any::<Option<(u8, bool)>>()), 1..4),
    ) {
        let mut now = start.clone();
        let (mut kept, mut made) = Kept::new(kind, group, every, &start);
        for (added, removed, all) in rounds {
            // Some rows come, some leave, and now and then nearly all of a group do.
            let mut changes = added;
            let leave = |changes: &mut Values, key: (u8, i64)| {
                changes.remove(&key);
                changes.insert(key, -now[&key]);
            };
            let known: Vec<_> = now.keys().copied().collect();
            for index in removed.iter().filter(|_| !known.is_empty()) {
                leave(&mut changes, *index.get(&known));
            }
            if let Some((of, but_one)) = all {
                let of: Vec<_> = known.iter().filter(|(group, _)| *group == of % 2).copied().collect();
                of.into_iter().skip(but_one.into()).for_each(|key| leave(&mut changes, key));
            }
            for (key, value) in &changes {
                *now.entry(*key).or_default() += value;
            }
            now.retain(|_, value| *value != 0);
            let had_points = !kept.points.runs().is_empty();
            let (changed, _, large) = kept.change(&changes);
            // Without points, groups are reduced whole, which is another part's work.
            let all = kept.all(None);
            let is_all = match group {
                0 => large == 1,
                _ => large == changes.keys().map(|(of, _)| of).collect::<std::collections::BTreeSet<_>>().len(),
            };
            if is_all {
                prop_assert_eq!(changed, difference(&made, &all));
            }
            prop_assert!(had_points || large == 0);
            kept.check_points(0..2);
            if !is_all {
                // The other groups are saved as they are now.
                kept.points = SortedRuns::default();
                kept.all(Some(every));
            }
            made = all;
        }
    }
}

#[test]
fn a_change_costs_the_rows_between_two_points() {
    let values: Values = (1..10_000).map(|number| ((0, 2 * number + 10 * (number / 20)), 1)).collect();
    for (kind, most) in [(Kind::Previous, 500), (Kind::Stretches, 500), (Kind::Running, 25_000)] {
        let (mut kept, made) = Kept::new(kind, 1, 100, &values);
        let (changed, given, large) = kept.change(&Values::from([((0, 7777), 5), ((0, 15_001), 1)]));
        assert_eq!(large, 1);
        assert_eq!(changed, difference(&made, &kept.all(None)));
        assert!(given <= most, "{given} rows for {kind:?}");
    }
}
