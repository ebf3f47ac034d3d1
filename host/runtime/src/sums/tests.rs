//! Tests of sums against their definition: whatever the split and the order, the table has what was added and not what
//! was subtracted.

use std::collections::BTreeMap;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Decimal128Type, Int64Type};
use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow_buffer::i256;
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::StageSpec;
use smelt_common::error::Result;
use smelt_common::key_hash::KeyHash;
use smelt_common::stored_row::split_key;

const MOST: i128 = 10_i128.pow(38) - 1;

/// Returns a stage with keys of every type, of which the first two make a group, and with both kinds of sums.
fn stage() -> StageSpec {
    let utc = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let keys = [
        ("text", DataType::Utf8),
        ("float", DataType::Float64),
        ("integer", DataType::Int64),
        ("boolean", DataType::Boolean),
        ("date", DataType::Date32),
        ("instant", utc),
        ("decimal", DataType::Decimal128(38, 2)),
    ];
    let keys = keys.map(|(name, data_type)| Field::new(name, data_type, true));
    let sums = [("count", DataType::Int64), ("total", DataType::Decimal128(38, 2))];
    let sums = sums.map(|(name, data_type)| Field::new(name, data_type, false));
    let schema = Schema::new(keys.into_iter().chain(sums).collect::<Vec<_>>());
    StageSpec { schema: schema.into(), keys: 7, group: 2, reducer: crate::setting() }
}

/// A row: text, float, and a number for the other keys; then count and total.
type Line = (Option<String>, Option<f64>, Option<i64>, i64, i128);

fn line() -> impl Strategy<Value = Line> {
    let float = prop_oneof![Just(0.0), Just(-0.0), Just(f64::NAN), Just(f64::NEG_INFINITY), Just(-1.5), Just(1.5)];
    let number = prop_oneof![Just(i64::MIN), Just(-1), Just(0), Just(i64::MAX)];
    // These sums cannot leave their types, whatever their order.
    let total = prop_oneof![Just(MOST / 64), Just(-MOST / 64), -3_i128..3];
    let text = prop::option::of("[a\\x00\\x01é]{0,2}");
    (text, prop::option::of(float), prop::option::of(number), -2_i64..3, total)
}

fn batch(lines: &[Line]) -> RecordBatch {
    fn column<T, A: From<Vec<T>> + arrow_array::Array + 'static>(
        lines: &[Line],
        value: impl Fn(&Line) -> T,
    ) -> ArrayRef {
        std::sync::Arc::new(A::from(lines.iter().map(value).collect::<Vec<_>>()))
    }
    let schema: SchemaRef = stage().schema;
    let columns = vec![
        column::<_, StringArray>(lines, |line| line.0.clone()),
        column::<_, Float64Array>(lines, |line| line.1),
        column::<_, Int64Array>(lines, |line| line.2),
        column::<_, BooleanArray>(lines, |line| line.2.map(|number| number > 0)),
        column::<_, Date32Array>(lines, |line| line.2.map(|number| number as i32)),
        column::<_, TimestampMicrosecondArray>(lines, |line| line.2),
        column::<_, Decimal128Array>(lines, |line| line.2.map(|number| i128::from(number) * 10_000_000_000_000_000)),
        column::<_, Int64Array>(lines, |line| line.3),
        column::<_, Decimal128Array>(lines, |line| line.4),
    ];
    let cast = |(array, field): (ArrayRef, &std::sync::Arc<Field>)| {
        array.to_data().into_builder().data_type(field.data_type().clone()).build().map(arrow_array::make_array)
    };
    let columns = columns.into_iter().zip(schema.fields()).map(cast).collect::<Result<_, _>>().expect("they fit");
    RecordBatch::try_new(schema, columns).expect("the columns fit")
}

fn sums(lines: &[Line]) -> Sums {
    added(&stage(), &[batch(lines)])
}

fn key_hash() -> KeyHash {
    KeyHash::new("0123456789abcdef0123456789abcdef").expect("a salt")
}

/// Returns the sum of the batches in one table.
fn added(stage: &StageSpec, batches: &[RecordBatch]) -> Sums {
    let shards = Shards::new(stage, key_hash());
    batches.iter().for_each(|batch| shards.add(batch, Sign::Plus));
    assert_eq!(shards.gather().0, 1, "they are few");
    shards.take(0).expect("it is in memory")
}

/// Returns the rows of `lines` without those of `gone`.
fn sums_of(stage: &StageSpec, lines: &[Line], gone: &[Line]) -> Sums {
    let mut held = added(stage, &[batch(lines)]);
    held.add_all(&added(stage, &[batch(gone)]), Sign::Minus);
    held
}

/// A stored row: the hash of its group, its key, and its numbers.
type Stored = (u64, Vec<u8>, Vec<u8>);

fn stored(sums: &Sums) -> Vec<Stored> {
    let mut rows = Vec::new();
    let hash = key_hash();
    let push = |hash: u64, key: &[u8], numbers: &[u8]| {
        rows.push((hash, key.to_vec(), numbers.to_vec()));
        Ok(())
    };
    sums.sorted_by_hash(&hash).stored(&hash, push).expect("nothing fails");
    rows
}

fn load(sums: &mut Sums, rows: &[Stored], sign: Sign) -> Result<()> {
    let mut loader = sums.loader(sign);
    rows.iter().try_for_each(|(_, key, numbers)| loader.push(key, numbers))?;
    loader.finish();
    Ok(())
}

/// Returns the rows by definition. The order of keys is that of their values, with missing ones first.
fn expected(lines: &[Line]) -> Vec<(i64, i128)> {
    let mut rows: BTreeMap<_, (i64, i128)> = BTreeMap::new();
    for (text, float, number, count, total) in lines {
        // The float as an integer that compares as it does. NaN is the greatest.
        let float = float.map(|value| if value.is_nan() { i64::MAX } else { (value * 2.0).max(-9e9) as i64 });
        let row = rows.entry((text, float, number)).or_default();
        (row.0, row.1) = (row.0 + count, row.1 + total);
    }
    rows.into_values().filter(|&row| row != (0, 0)).collect()
}

fn values(batch: &RecordBatch) -> Vec<(i64, i128)> {
    let counts = batch.column(7).as_primitive::<Int64Type>().values();
    let totals = batch.column(8).as_primitive::<Decimal128Type>().values();
    counts.iter().copied().zip(totals.iter().copied()).collect()
}

proptest! {
    #[test]
    fn any_split_and_order_gives_the_same_rows(
        lines in vec(line(), 0..40).prop_shuffle(),
        cut in any::<prop::sample::Index>(),
        turn in any::<prop::sample::Index>(),
    ) {
        let whole = sums(&lines);
        let batch = whole.batch().expect("the sums fit");
        prop_assert_eq!(values(&batch), expected(&lines));
        prop_assert_eq!((whole.len(), whole.is_empty()), (batch.num_rows(), batch.num_rows() == 0));

        let mut turned = lines.clone();
        turned.rotate_left(turn.index(lines.len() + 1));
        let (left, right) = turned.split_at(cut.index(lines.len() + 1));
        let mut parts = sums(left);
        parts.add_all(&sums(right), Sign::Plus);
        prop_assert_eq!(&parts.batch().expect("the sums fit"), &batch);

        // The resulting rows can be added again.
        let mut again = added(&stage(), std::slice::from_ref(&batch));
        prop_assert_eq!(&again.batch().expect("the sums fit"), &batch);
        again.add_all(&parts, Sign::Minus);
        prop_assert!(again.is_empty());
        prop_assert_eq!(again.batch().expect("no rows fit").num_rows(), 0);
    }

    #[test]
    fn rows_come_back_as_they_were_stored(lines in vec(line(), 0..40), gone in vec(line(), 0..10), group in 0_usize..7) {
        let stage = StageSpec { group, ..stage() };
        let held = sums_of(&stage, &[&lines[..], &gone].concat(), &gone);
        let stored = stored(&held);
        prop_assert_eq!(stored.len(), held.len());
        prop_assert!(stored.is_sorted_by(|a, b| (a.0, &a.1) < (b.0, &b.1)), "each once, in the order of runs");
        let mut loaded = held.like();
        load(&mut loaded, &stored, Sign::Plus).expect("it was just written");
        let expected = held.batch().expect("they fit");
        prop_assert_eq!(loaded.batch().expect("they fit"), expected.clone());
        load(&mut loaded, &stored, Sign::Minus).expect("it was just written");
        prop_assert!(loaded.is_empty());

        let mut rows = OrderedRows::new(&stage);
        stored.iter().try_for_each(|(_, key, numbers)| rows.push(key, numbers)).expect("it was just written");
        let ordered = rows.take().expect("they fit");
        prop_assert_eq!((rows.len(), ordered.num_rows()), (0, stored.len()));
        prop_assert_eq!(added(&stage, std::slice::from_ref(&ordered)).batch().expect("they fit"), expected.clone());
        if group == 0 {
            prop_assert_eq!(ordered, expected, "a stage of one group lies in the order of its keys");
        }
    }

    #[test]
    fn batches_hold_whole_groups(lines in vec(line(), 0..40), about in 1_usize..8) {
        let held = sums(&lines);
        let sorted = held.sorted();
        let batches: Vec<_> = sorted.batches(about).collect::<Result<_>>().expect("they fit");
        let existing: std::collections::BTreeSet<_> =
            stored(&held).iter().map(|(_, key, _)| split_key(key).expect("a key").0.to_vec()).collect();
        let existing = existing.len();
        prop_assert_eq!(sorted.groups().filter(|group| group.has_rows()).count(), existing);
        prop_assert_eq!(batches.iter().map(|batch| batch.ends.len()).sum::<usize>(), existing);
        for Groups { rows, ends } in &batches {
            prop_assert_eq!(ends.last().copied(), Some(rows.num_rows() as u32));
            let mut start = 0;
            for &end in ends {
                prop_assert!(start < end, "no group is empty");
                let alone = added(&stage(), &[rows.slice(start as usize, (end - start) as usize)]);
                prop_assert_eq!(alone.sorted().groups().count(), 1);
                start = end;
            }
        }
        let batches: Vec<_> = batches.into_iter().map(|batch| batch.rows).collect();
        let whole = sorted.batch().expect("they fit");
        let joined = arrow_select::concat::concat_batches(whole.schema_ref(), &batches).expect("of one schema");
        prop_assert_eq!(joined, whole);
        let groups = |batch: &RecordBatch| {
            let alone = added(&stage(), std::slice::from_ref(batch));
            alone.sorted().groups().map(|group| group.key().to_vec()).collect::<Vec<_>>()
        };
        let mut seen: Vec<_> = batches.iter().flat_map(groups).collect();
        let all = seen.len();
        seen.dedup();
        prop_assert_eq!(seen.len(), all, "a group is in one batch");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn groups_are_subtracted_and_come_in_the_order_of_sorted_runs(
        rows in prop_oneof![0..20_i64, 0..12_000_i64],
        groups in prop_oneof![1..20_i64, 1..12_000_i64],
        gone in any::<prop::sample::Index>(),
        most in prop_oneof![Just(usize::MAX), 16_000..1_600_000_usize],
    ) {
        let (hash, stage) = (key_hash(), StageSpec { group: 3, ..stage() });
        // With little memory, rows go to a file in between.
        let shards = Shards::new(&stage, hash).within(most);
        let lines: Vec<Line> = (0..rows).map(|row| (None, None, Some(row % groups), 1, 2)).collect();
        shards.add(&batch(&lines), Sign::Plus);
        let (gone, kept) = lines.split_at(gone.index(lines.len() + 1));
        shards.add(&batch(gone), Sign::Minus);

        let (parts, bytes) = shards.gather();
        prop_assert_eq!(bytes == 0, lines.is_empty());
        let mut all = Sums::new(&stage);
        for number in 0..parts {
            let part = shards.take(number).expect("it can be read back");
            let sorted = part.sorted_by_hash(&hash);
            let hashes: Vec<_> = sorted.groups().map(|group| (hash.of(group.key()), group.key().to_vec())).collect();
            let shorter = |key: &Vec<u8>| key.len();
            prop_assert!(hashes.is_sorted_by_key(|(hash, key)| (*hash, shorter(key), key.clone())), "by hash");
            let first = |hash: u64| hash.checked_shr(64 - parts.trailing_zeros()).unwrap_or(0);
            prop_assert!(hashes.iter().all(|&(hash, _)| first(hash) == u64::from(number)));
            all.add_all(&part, Sign::Plus);
        }
        prop_assert_eq!(values(&all.batch().expect("they fit")), expected(kept));
    }
}

#[test]
fn a_stage_of_one_group_is_one_batch() {
    let stage = StageSpec { group: 0, ..stage() };
    let lines: Vec<Line> = (0..5).map(|row| (None, None, Some(row), 1, 2)).collect();
    let held = added(&stage, &[batch(&lines)]);
    let batches: Vec<_> = held.sorted().batches(2).collect::<Result<_>>().expect("they fit");
    assert_eq!(
        batches.iter().map(|batch| (batch.rows.num_rows(), &batch.ends[..])).collect::<Vec<_>>(),
        [(5, &[5][..])]
    );
    assert_eq!(Sums::new(&stage).sorted().batches(2).count(), 0);
}

/// Returns a table without keys that is the sum of these rows.
fn total(values: &[(i64, i128)]) -> Sums {
    let fields =
        vec![Field::new("count", DataType::Int64, false), Field::new("total", DataType::Decimal128(3, 1), false)];
    let stage = StageSpec { schema: Schema::new(fields).into(), keys: 0, group: 0, reducer: crate::setting() };
    let batches = values.iter().map(|&(count, total)| {
        let total = Decimal128Array::from(vec![total]).with_precision_and_scale(3, 1).expect("a decimal");
        let columns: Vec<ArrayRef> =
            vec![std::sync::Arc::new(Int64Array::from(vec![count])), std::sync::Arc::new(total)];
        RecordBatch::try_new(stage.schema.clone(), columns).expect("they fit")
    });
    added(&stage, &batches.collect::<Vec<_>>())
}

/// Returns totals of which few leave 128 bits together.
fn huge() -> impl Strategy<Value = i128> {
    prop_oneof![Just(MOST), Just(-MOST), Just(i128::MAX), Just(i128::MIN), Just(1 << 126), -2_i128..3]
}

/// Returns the sum of the values in 256 bits: `None` if every value is zero, an error if the sum does not fit.
fn exact<'v>(values: impl Iterator<Item = &'v i128>) -> Result<Option<i128>, ()> {
    let sum = values.fold(i256::ZERO, |sum, &value| sum.wrapping_add(i256::from_i128(value)));
    match sum.to_i128() {
        Some(0) => Ok(None),
        Some(sum) if sum.unsigned_abs() <= MOST as u128 => Ok(Some(sum)),
        _ => Err(()),
    }
}

proptest! {
    #[test]
    fn a_sum_that_leaves_its_type_on_the_way_is_exact_in_every_order_and_cutting(
        values in vec((0..2_i64, huge()), 0..12),
        gone in vec((0..2_i64, huge()), 0..6),
        order in any::<prop::sample::Index>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let lines = |values: &[(i64, i128)]| -> Vec<Line> {
            values.iter().map(|&(key, total)| (None, None, Some(key), 0, total)).collect()
        };
        let all = [&values[..], &gone].concat();
        let mut turned = all.clone();
        turned.rotate_left(order.index(all.len() + 1));
        if order.index(2) == 0 {
            turned.reverse();
        }
        let (left, right) = turned.split_at(cut.index(turned.len() + 1));
        // In one table, in two tables that are added, and with the subtraction first.
        let mut whole = sums(&lines(&all));
        whole.add_all(&sums(&lines(&gone)), Sign::Minus);
        let mut parts = sums(&lines(left));
        parts.add_all(&sums(&lines(&gone)), Sign::Minus);
        parts.add_all(&sums(&lines(right)), Sign::Plus);
        let shards = Shards::new(&stage(), key_hash());
        shards.add(&batch(&lines(&gone)), Sign::Minus);
        turned.chunks(3).for_each(|some| shards.add(&batch(&lines(some)), Sign::Plus));

        let of = |key| exact(values.iter().filter(move |value| value.0 == key).map(|value| &value.1));
        let expected: Result<Vec<_>, ()> = [of(0), of(1)].into_iter().collect();
        for sums in [whole, parts, shards.all().expect("it is in memory")] {
            let batch = sums.batch();
            match &expected {
                Ok(rows) => {
                    let rows: Vec<_> = rows.iter().flatten().map(|&total| (0, total)).collect();
                    prop_assert_eq!(values_of(&batch), rows.clone());
                    prop_assert_eq!((sums.len(), sums.is_empty()), (rows.len(), rows.is_empty()));
                }
                Err(()) => {
                    let told = batch.expect_err("a sum does not fit").to_string();
                    prop_assert!(told.contains("`total: decimal128(38,2)`"), "{}", told);
                    let mut again = sums.like();
                    load(&mut again, &stored(&sums), Sign::Plus).expect("it was just written");
                    prop_assert!(again.batch().is_err() && !sums.is_empty(), "it is not stored cut off");
                    again.add_all(&sums, Sign::Minus);
                    prop_assert!(again.is_empty());
                }
            }
        }
    }
}

fn values_of(batch: &Result<RecordBatch>) -> Vec<(i64, i128)> {
    values(batch.as_ref().expect("the sums fit"))
}

#[test]
fn without_keys_there_is_one_row_or_none() {
    let sums = total(&[(1, 999), (2, -1)]);
    assert_eq!(sums.batch().expect("they fit").num_rows(), 1);
    assert_eq!(sums.sorted().groups().map(|group| group.key().len()).collect::<Vec<_>>(), [0]);
    let none = total(&[]).batch().expect("nothing fits");
    assert_eq!((none.num_rows(), none.num_columns()), (0, 2));
}

#[test]
fn a_sum_that_its_column_cannot_hold_is_an_error_with_its_name_unless_it_comes_back() {
    let error = |values: &[(i64, i128)]| total(values).batch().err().map(|error| error.to_string()).unwrap_or_default();
    assert!(error(&[(i64::MAX, 0), (1, 0)]).contains("`count: int64`"));
    assert!(error(&[(0, 999), (0, 1)]).contains("`total: decimal128(3,1)`"));
    assert!(error(&[(0, i128::MIN), (0, i128::MIN)]).contains("`total: decimal128(3,1)`"));
    assert_eq!(error(&[(i64::MAX, 999), (1, 1), (-2, -3)]), "");
}

#[test]
fn stored_rows_that_are_not_what_was_written_are_an_error() {
    let held = sums(&[(Some("a".into()), None, Some(1), 1, 100)]);
    let (_, key, numbers) = stored(&held).pop().expect("there is a row");
    let load = |key: &[u8], numbers: &[u8]| {
        let mut sums = held.like();
        let loaded = load(&mut sums, &[(0, key.to_vec(), numbers.to_vec())], Sign::Plus).and_then(|()| sums.batch());
        let stage = stage();
        let mut rows = OrderedRows::new(&stage);
        let ordered = rows.push(key, numbers).and_then(|()| rows.take());
        assert_eq!(loaded.is_ok(), ordered.is_ok());
        loaded
    };
    assert!(load(&key, &numbers).is_ok());
    for cut in 0..numbers.len() {
        assert!(load(&key, &numbers[..cut]).is_err(), "{cut} of {}", numbers.len());
    }
    assert!(load(&key, &[&numbers[..], &[0]].concat()).is_err());
    assert!(load(&key[1..], &numbers).is_err());
    assert!(load(&key, &[0xff; 60]).is_err());
}
