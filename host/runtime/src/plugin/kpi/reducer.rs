//! Reducers: they take the groups of a stage one after the other, and give rows of the next stage or of the table.

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use arrow_select::concat::concat_batches;
use wasmtime::Store;
use wasmtime::component::ResourceAny;

use super::earlier::EarlierAccumulator;
use super::loaded_kpi::Kpi;
use crate::bindings::{types, v0_3_0};
use crate::plugin::loaded::cost;
use crate::state::{State, arm, arm_with, outcome};
use crate::{ipc, native};
use smelt_common::Error;
use smelt_common::cost::Cost;
use smelt_common::error::Result;

/// The most rows that are sent in one call, and about the most bytes.
const MOST_ROWS: usize = 65_536;
const MOST_BYTES: usize = 8 << 20;
/// The most bytes that a reducer saves; more count as none.
pub(super) const MOST_SAVED: usize = 1 << 20;

/// A KPI at work on the groups of one stage, in a store of its own. After an error it must be dropped.
pub struct Reducer<'p> {
    guest: Guest<'p>,
    schema: &'p SchemaRef,
    /// Set if a group has begun that has not ended.
    is_within: bool,
}

/// The result of reducing a batch.
#[derive(Debug, Clone)]
pub struct Reduced {
    /// Rows of the next stage or, from the last stage, of the table.
    pub rows: RecordBatch,
    /// Set if the group that did not end in the batch is over, because it needs no more rows. What is sent next is
    /// another group, and the end of this one is not sent.
    pub enough: bool,
}

enum Guest<'p> {
    Current(Box<Current<'p>>),
    Earlier(Gatherer<'p>),
}

impl Kpi {
    /// Opens a reducer of a stage, which has seen no group. If its setting asks for a time, it is told `as_of`, in
    /// microseconds since the epoch.
    pub fn reducer(&self, stage: usize, as_of: i64) -> Result<Reducer<'_>> {
        Reducer::open(self, stage, as_of, None)
    }

    /// Opens a reducer that goes on in the middle of a group, where the one was that gave these [saved](Reducer::save) bytes.
    pub fn reducer_from(&self, stage: usize, as_of: i64, saved: &[u8]) -> Result<Reducer<'_>> {
        Reducer::open(self, stage, as_of, Some(saved))
    }
}

impl<'p> Reducer<'p> {
    pub(super) fn open(plugin: &'p Kpi, stage: usize, as_of: i64, saved: Option<&[u8]>) -> Result<Self> {
        let schema = plugin.spec.reduced_schema(stage);
        let guest = match plugin.is_current() {
            true => Guest::Current(Box::new(Current::open(plugin, stage, as_of, saved)?)),
            false if saved.is_some() => {
                return Err(Error::internal("a component before 0.3.0 has saved nothing"));
            }
            false => {
                let by = Box::new(EarlierAccumulator::open(plugin, as_of)?);
                let is_last = stage + 1 == plugin.spec.stages.len();
                Guest::Earlier(Gatherer { by, stage, is_last, gathered: vec![] })
            }
        };
        Ok(Self { guest, schema, is_within: saved.is_some() })
    }

    /// Takes the next rows of the stage, which are sorted by key. `ends` has for each group that ends in them the number
    /// of rows up to its end; rows after the last end belong to a group that goes on in the next call. A batch may be of
    /// any size: the guest gets it in pieces of the size that the contract promises.
    ///
    /// # Errors
    /// Fails if the call fails, or if the plugin breaks the contract with its result.
    pub fn reduce(&mut self, rows: &RecordBatch, ends: &[u32]) -> Result<Reduced> {
        self.reduce_in_pieces(rows, ends, most_rows(rows))
    }

    /// As [`reduce`](Self::reduce), in pieces of at most `most` rows, to test that it makes no difference where rows are
    /// cut. A component before 0.3.0 gets whole groups even so.
    pub fn reduce_in_pieces(&mut self, rows: &RecordBatch, ends: &[u32], most: usize) -> Result<Reduced> {
        let Self { guest, schema, is_within } = self;
        let is_sorted = ends.is_sorted() && ends.last().is_none_or(|&end| end as usize <= rows.num_rows());
        if !is_sorted {
            return Err(Error::internal("the ends of groups are out of order, or lie behind the rows"));
        }
        let (parts, enough) = match guest {
            Guest::Current(current) => in_pieces(rows, ends, most, is_within, |rows, ends| current.reduce(rows, ends))?,
            Guest::Earlier(gatherer) => (gatherer.reduce(rows, ends)?, false),
        };
        let rows = match <[RecordBatch; 1]>::try_from(parts) {
            Ok([rows]) => rows,
            Err(parts) => concat_batches(schema, &parts)
                .map_err(|error| Error::internal(format!("batches of one schema cannot be joined: {error}")))?,
        };
        Ok(Reduced { rows, enough })
    }

    /// Returns all that it remembers of the group that has begun and not ended; `None` if it does not offer that here.
    ///
    /// # Errors
    /// Fails if the call fails.
    pub fn save(&mut self) -> Result<Option<Vec<u8>>> {
        match &mut self.guest {
            Guest::Current(current) => Ok(current.save()?.filter(|saved| saved.len() <= MOST_SAVED)),
            Guest::Earlier(_) => Ok(None),
        }
    }

    /// Returns what it has used since it was opened.
    pub fn cost(&self) -> Cost {
        match &self.guest {
            Guest::Current(current) => cost(&current.store),
            Guest::Earlier(gatherer) => gatherer.by.cost(),
        }
    }
}

/// Returns how many of the rows a guest gets in one call.
fn most_rows(rows: &RecordBatch) -> usize {
    let bytes = (rows.get_array_memory_size() / rows.num_rows().max(1)).max(1);
    (MOST_BYTES / bytes).clamp(1, MOST_ROWS)
}

/// Sends rows in pieces of at most `most` rows. Where the guest has enough of a group, the rest of the group is left out.
/// `is_within` says whether a group goes on from former rows, and then whether one goes on in later rows. Returns the
/// answers, and whether the guest has enough of the group that does not end in the rows.
fn in_pieces<T>(
    rows: &RecordBatch,
    ends: &[u32],
    most: usize,
    is_within: &mut bool,
    mut send: impl FnMut(&RecordBatch, &[u32]) -> Result<(T, bool)>,
) -> Result<(Vec<T>, bool)> {
    let (mut answers, mut from, mut left) = (Vec::new(), 0, ends);
    while from < rows.num_rows() || !left.is_empty() {
        let to = rows.num_rows().min(from + most);
        let (here, later) = left.split_at(left.partition_point(|&end| end as usize <= to));
        left = later;
        *is_within = here.last().map_or(*is_within || from < to, |&end| (end as usize) < to);
        let here: Vec<u32> = here.iter().map(|&end| end - from as u32).collect();
        let (answer, enough) = match (from, to) {
            (0, to) if to == rows.num_rows() => send(rows, &here)?,
            _ => send(&rows.slice(from, to - from), &here)?,
        };
        answers.push(answer);
        from = to;
        if enough && *is_within {
            *is_within = false;
            let Some((&end, later)) = left.split_first() else { return Ok((answers, true)) };
            (from, left) = (end as usize, later);
        }
    }
    Ok((answers, false))
}

/// A reducer of a component of 0.3.0.
struct Current<'p> {
    plugin: &'p Kpi,
    stage: usize,
    store: Store<State>,
    instance: v0_3_0::kpi::Kpi,
    reducer: ResourceAny,
    /// The current batch as it is sent to the guest.
    stream: Vec<u8>,
    native: Option<native::Instance>,
}

impl<'p> Current<'p> {
    fn open(plugin: &'p Kpi, stage: usize, as_of: i64, saved: Option<&[u8]>) -> Result<Self> {
        let mut store = plugin.loaded.store();
        let instance = plugin.current(&mut store)?;
        let setting = &plugin.spec.stages[stage].reducer;
        let (number, params, as_of) = (stage as u32, setting.params.as_str(), setting.as_of(as_of));
        arm(&mut store, &plugin.loaded.limits);
        let opening = instance.smelt_plugin_aggregation().reducer();
        let called = opening.call_open(&mut store, number, params, as_of, saved);
        let reducer = outcome(&mut store, "open", called)?;
        let native = plugin.loaded.native(Some(native::Part::Reducer(number, saved)), params, as_of)?;
        Ok(Self { plugin, stage, store, instance, reducer, stream: vec![], native })
    }

    /// Makes one call.
    fn reduce(&mut self, rows: &RecordBatch, ends: &[u32]) -> Result<(RecordBatch, bool)> {
        let Self { plugin, stage, store, instance, reducer, stream, native } = self;
        ipc::encode_into(rows, stream)?;
        arm_with(store, &plugin.loaded.limits, rows.num_rows(), stream);
        let called = match native {
            None => instance.smelt_plugin_aggregation().reducer().call_reduce(&mut *store, *reducer, stream, ends),
            Some(native) => Ok(native.reduce(stream, ends)),
        };
        let types::Reduced { rows, enough } = outcome(store, "reduce groups", called)?;
        Ok((plugin.decode("reduce", rows, plugin.spec.reduced_schema(*stage))?, enough))
    }

    fn save(&mut self) -> Result<Option<Vec<u8>>> {
        let Self { plugin, store, instance, reducer, native, .. } = self;
        arm(store, &plugin.loaded.limits);
        let called = match native {
            None => instance.smelt_plugin_aggregation().reducer().call_save(&mut *store, *reducer),
            Some(native) => Ok(native.save()),
        };
        outcome(store, "save what it remembers", called)
    }
}

/// A reducer of a component before 0.3.0, which is given whole groups only: many at once by `fold`, and all rows of the
/// last stage by `evaluate`.
struct Gatherer<'p> {
    by: Box<EarlierAccumulator<'p>>,
    stage: usize,
    is_last: bool,
    /// The rows of the group that has not ended.
    gathered: Vec<RecordBatch>,
}

impl Gatherer<'_> {
    fn reduce(&mut self, rows: &RecordBatch, ends: &[u32]) -> Result<Vec<RecordBatch>> {
        let Self { by, stage, is_last, gathered } = self;
        whole_groups(gathered, rows, ends, *is_last, |groups| match *is_last {
            true => by.evaluate(groups),
            false => by.fold(*stage, groups),
        })
    }
}

/// Sends the groups that end in the rows whole. A group that began in former rows is joined from `gathered`, and all
/// others are sent together, without copying them. Keeps the rows of the group that does not end. Returns the answers.
/// An empty group is sent if `sends_empty`.
fn whole_groups<T>(
    gathered: &mut Vec<RecordBatch>,
    rows: &RecordBatch,
    ends: &[u32],
    sends_empty: bool,
    mut send: impl FnMut(&RecordBatch) -> Result<T>,
) -> Result<Vec<T>> {
    let (mut answers, mut from) = (Vec::new(), 0);
    if let (Some(&first), false) = (ends.first(), gathered.is_empty()) {
        from = first as usize;
        gathered.push(rows.slice(0, from));
        let group = concat_batches(rows.schema_ref(), gathered.iter())
            .map_err(|error| Error::internal(format!("batches of one stage cannot be joined: {error}")))?;
        gathered.clear();
        answers.push(send(&group)?);
    }
    if let Some(&last) = ends.last() {
        let to = last as usize;
        if from < to || sends_empty && answers.is_empty() {
            answers.push(match (from, to) {
                (0, to) if to == rows.num_rows() => send(rows)?,
                _ => send(&rows.slice(from, to - from))?,
            });
        }
        from = to;
    }
    if from < rows.num_rows() {
        gathered.push(rows.slice(from, rows.num_rows() - from));
    }
    Ok(answers)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::cast::AsArray as _;
    use arrow_array::types::Int64Type;
    use arrow_array::{Int64Array, RecordBatch};

    use super::*;

    fn rows(numbers: impl IntoIterator<Item = i64>) -> RecordBatch {
        let column = Arc::new(Int64Array::from_iter_values(numbers)) as _;
        RecordBatch::try_from_iter([("n", column)]).expect("it is a batch")
    }

    fn numbers(rows: &RecordBatch) -> Vec<i64> {
        rows.column(0).as_primitive::<Int64Type>().values().to_vec()
    }

    /// The numbers of the rows of a piece, and the ends of its groups.
    type Sent = (Vec<i64>, Vec<u32>);

    /// Returns what was sent, in pieces of two rows, to a guest that has enough of a group after a row of these numbers.
    fn sent(all: &RecordBatch, ends: &[u32], is_within: &mut bool, last: &[i64]) -> (Vec<Sent>, bool) {
        in_pieces(all, ends, 2, is_within, |rows, ends| {
            let numbers = numbers(rows);
            let enough = numbers.last().is_some_and(|number| last.contains(number));
            Ok(((numbers, ends.to_vec()), enough))
        })
        .expect("nothing fails")
    }

    #[test]
    fn a_large_batch_is_sent_in_pieces_with_the_ends_that_lie_in_each() {
        let mut is_within = false;
        let (pieces, enough) = sent(&rows(0..5), &[1, 4], &mut is_within, &[]);
        assert_eq!(pieces, [(vec![0, 1], vec![1]), (vec![2, 3], vec![2]), (vec![4], vec![])]);
        assert!(!enough && is_within, "the last group goes on");
        let (pieces, _) = sent(&rows([]), &[0], &mut is_within, &[]);
        assert_eq!(pieces, [(vec![], vec![0])]);
        assert!(!is_within, "it has ended without further rows");
        assert_eq!(sent(&rows([]), &[], &mut is_within, &[]).0, []);
    }

    #[test]
    fn a_group_of_which_there_is_enough_is_left_out_up_to_its_end() {
        let mut is_within = false;
        // Rows 2 to 5 belong to the group that began with row 1, and so does its end.
        let (pieces, enough) = sent(&rows(0..8), &[1, 6, 7], &mut is_within, &[1]);
        assert_eq!(pieces, [(vec![0, 1], vec![1]), (vec![6, 7], vec![1])]);
        assert!(!enough && is_within, "the group of the last row goes on");
        let (pieces, enough) = sent(&rows(0..8), &[], &mut is_within, &[3]);
        assert_eq!(pieces, [(vec![0, 1], vec![]), (vec![2, 3], vec![])]);
        assert!(enough && !is_within);
    }

    #[test]
    fn enough_says_nothing_about_a_group_that_has_ended() {
        let mut is_within = false;
        let (pieces, enough) = sent(&rows(0..4), &[2, 4], &mut is_within, &[1, 3]);
        assert_eq!(pieces.len(), 2, "the next group is another one");
        assert!(!enough && !is_within);
    }

    #[test]
    fn rows_that_are_large_are_sent_few_at_a_time() {
        assert_eq!(most_rows(&rows(0..10)), MOST_ROWS);
        assert_eq!(most_rows(&rows([])), MOST_ROWS);
        let texts = arrow_array::StringArray::from(vec!["x".repeat(1 << 20); 16]);
        let texts = RecordBatch::try_from_iter([("t", Arc::new(texts) as _)]).expect("it is a batch");
        assert!((4..=8).contains(&most_rows(&texts)), "{}", most_rows(&texts));
    }

    /// Returns the calls that each of the batches leads to.
    fn calls(batches: &[(RecordBatch, &[u32])], sends_empty: bool) -> Vec<Vec<Vec<i64>>> {
        let mut gathered = vec![];
        let mut call = |(rows, ends): &(RecordBatch, &[u32])| {
            whole_groups(&mut gathered, rows, ends, sends_empty, |groups| Ok(numbers(groups))).expect("nothing fails")
        };
        batches.iter().map(&mut call).collect()
    }

    #[test]
    fn groups_that_come_whole_are_sent_together_as_they_came() {
        let all = rows(0..4);
        let pointer = |rows: &RecordBatch| rows.column(0).as_primitive::<Int64Type>().values().as_ptr();
        let mut same = vec![];
        let answers = whole_groups(&mut vec![], &all, &[1, 3, 4], false, |groups| {
            same.push(pointer(groups) == pointer(&all));
            Ok(numbers(groups))
        });
        assert_eq!(answers.expect("nothing fails"), [vec![0, 1, 2, 3]]);
        assert_eq!(same, [true], "nothing is copied");
    }

    #[test]
    fn a_group_over_several_batches_is_gathered_until_it_ends() {
        let batches = [(rows([1]), &[][..]), (rows([2, 3]), &[]), (rows([4, 5, 6, 7]), &[1, 3]), (rows([]), &[0])];
        let expected = [vec![], vec![], vec![vec![1, 2, 3, 4], vec![5, 6]], vec![vec![7]]];
        assert_eq!(calls(&batches, false), expected);
    }

    #[test]
    fn an_empty_group_is_sent_where_all_rows_are_one() {
        assert_eq!(calls(&[(rows([]), &[0])], true), [[Vec::<i64>::new()]]);
        assert_eq!(calls(&[(rows([]), &[0])], false), [Vec::<Vec<i64>>::new()]);
        assert_eq!(calls(&[(rows([1]), &[]), (rows([]), &[0])], true), [vec![], vec![vec![1]]], "it is not sent twice");
    }
}
