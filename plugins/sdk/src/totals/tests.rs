//! `Totals` gives the same as an ordered map.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::key::same;
use super::{Key, Totals};
use crate::{Date, Money};

type Row<K> = (K, i64, i128);

/// Adds the rows up in a map. No sum may exceed 38 digits.
fn expected<K: Ord + Clone>(rows: &[Row<K>]) -> BTreeMap<K, (i64, Money)> {
    let mut totals = BTreeMap::<K, (i64, Money)>::new();
    for (key, count, units) in rows {
        let (counted, sum) = totals.entry(key.clone()).or_default();
        *counted += count;
        *sum += Money::from_units(*units);
    }
    totals
}

fn sorted<K: Key + ToOwned<Owned: Ord> + ?Sized>(totals: &Totals<K>) -> BTreeMap<K::Owned, (i64, Money)> {
    let all: Vec<_> = totals.iter().map(|(key, count, sum)| (key.to_owned(), (count, sum))).collect();
    let keys = all.len();
    let sorted = BTreeMap::from_iter(all);
    assert_eq!(sorted.len(), keys, "a key comes twice");
    sorted
}

/// Makes few keys, so that they repeat, with lengths around those of words.
fn key() -> impl Strategy<Value = String> {
    prop_oneof!["[ab]{0,4}", "a{6,9}b?", "[ab]{1}a{13,17}[ab]{0,2}", "\\PC{0,3}", "C[0-9]{2}"]
}

fn units() -> impl Strategy<Value = i128> {
    let near = |edge: i128| edge - 3..edge + 3;
    prop_oneof![-500..500i128, near(i64::MAX.into()), near(i64::MIN.into()), near(10i128.pow(30))]
}

proptest! {
    #[test]
    fn text_is_added_up_as_by_a_map(rows in prop::collection::vec((key(), -2..3i64, units()), 0..400)) {
        let (mut one_by_one, mut together) = (Totals::<str>::default(), Totals::<str>::default());
        for (key, count, units) in &rows {
            one_by_one.add(key, *count, Money::from_units(*units));
        }
        together.extend(rows.iter().map(|(key, count, units)| (key.as_str(), *count, Money::from_units(*units))));
        let expected = expected(&rows);
        prop_assert_eq!(sorted(&one_by_one), expected.clone());
        prop_assert_eq!(sorted(&together), expected);
    }

    #[test]
    fn values_are_added_up_as_by_a_map(rows in prop::collection::vec(((-9..9i32, any::<bool>()), -2..3i64, units()), 0..400)) {
        let mut totals = Totals::<(Date, bool)>::default();
        totals.extend(rows.iter().map(|&((day, flag), count, units)| ((Date(day), flag), count, Money::from_units(units))));
        let rows: Vec<_> = rows.into_iter().map(|((day, flag), count, units)| ((Date(day), flag), count, units)).collect();
        prop_assert_eq!(sorted(&totals), expected(&rows));
    }
}

#[test]
fn many_keys_are_kept_apart() {
    let key = |n: u32| format!("C{:08}-{:05}", n % 7, n / 7);
    let rows: Vec<Row<String>> = (0..60_000).map(|n| (key(n % 20_000), 1, n.into())).collect();
    let mut totals = Totals::<str>::default();
    totals.extend(rows.iter().map(|(key, count, units)| (key.as_str(), *count, Money::from_units(*units))));
    assert_eq!(sorted(&totals), expected(&rows));
}

#[test]
fn a_sum_that_exceeds_64_bits_and_comes_back_is_exact() {
    let mut totals = Totals::<str>::default();
    let large = Money::from_units(i128::from(i64::MAX) * 4);
    totals.extend([("a", 1, large), ("b", 1, Money::from_units(7)), ("a", 1, -large), ("a", 1, Money::from_units(5))]);
    let all: Vec<_> = totals.iter().collect();
    assert_eq!(all, [("a", 3, Money::from_units(5)), ("b", 1, Money::from_units(7))]);
}

/// Makes counts and units whose sums overflow their types or almost do.
fn huge() -> impl Strategy<Value = (i64, i128)> {
    let most = 10i128.pow(38) - 1;
    let count = prop_oneof![Just(i64::MAX), Just(i64::MIN), -2..3i64];
    (count, prop_oneof![Just(most), Just(-most), Just(i128::MAX), Just(i128::MIN), Just(i64::MAX.into()), -2..3i128])
}

proptest! {
    #[test]
    fn what_leaves_its_type_on_the_way_is_exact_in_every_order(
        rows in prop::collection::vec((0..3u8, huge()), 0..40).prop_shuffle(),
    ) {
        let totals = |rows: &[(u8, (i64, i128))]| {
            let mut totals = Totals::<u8>::default();
            totals.extend(rows.iter().map(|&(key, (count, units))| (key, count, Money::from_units(units))));
            totals
        };
        // Adds the rows of a state up as the host does, with digits that no sum exceeds.
        fn host<'t>(rows: impl Iterator<Item = (&'t u8, i64, Money)>) -> BTreeMap<u8, (i128, i128, i128)> {
            let mut sums = BTreeMap::<u8, (i128, i128, i128)>::new();
            for (key, count, sum) in rows {
                let (counts, high, low) = sums.entry(*key).or_default();
                *counts += i128::from(count);
                *high += sum.units() >> 64;
                *low += sum.units() & i128::from(u64::MAX);
            }
            for (_, high, low) in sums.values_mut() {
                (*high, *low) = (*high + (*low >> 64), *low & i128::from(u64::MAX));
            }
            sums
        }
        let given = rows.iter().map(|(key, (count, units))| (key, *count, Money::from_units(*units)));
        let expected = host(given);
        let whole = totals(&rows);
        prop_assert_eq!(&host(whole.iter()), &expected);
        let (left, right) = rows.split_at(rows.len() / 3);
        let (left, right) = (totals(left), totals(right));
        prop_assert_eq!(&host(left.iter().chain(right.iter())), &expected);
        for (_, _, sum) in whole.iter() {
            prop_assert!(sum.units().unsigned_abs() < 10u128.pow(38), "a column holds each part");
        }
    }
}

#[test]
fn a_sum_that_comes_back_to_38_digits_comes_in_one_part() {
    let mut totals = Totals::<()>::default();
    let most = Money::from_units(10i128.pow(38) - 1);
    totals.extend([((), i64::MAX, most), ((), i64::MAX, most)]);
    assert!(totals.iter().count() > 1);
    totals.extend([((), -i64::MAX, -most)]);
    assert_eq!(totals.iter().collect::<Vec<_>>(), [(&(), i64::MAX, most)]);
}

#[test]
fn keys_that_differ_in_a_digit_find_their_slots() {
    for key in [|n| format!("C{n:08}"), |n| format!("C00000000-{n:05}"), |n| format!("{n:07}x and much that is alike")]
    {
        let mut firsts: Vec<u32> = (0..10_000u32).map(|n| key(n).hash32() >> 17).collect();
        firsts.sort_unstable();
        firsts.dedup();
        // Random hashes would hit about 8,600 of 32,768 slots.
        assert!(firsts.len() > 7_500, "{} slots", firsts.len());
    }
}

#[test]
fn texts_that_differ_in_one_byte_are_told_apart() {
    for length in 0..70 {
        let text = vec![b'a'; length];
        assert!(same(&text, &text.clone()));
        for byte in 0..length {
            let mut other = text.clone();
            other[byte] = b'b';
            assert!(!same(&text, &other), "byte {byte} of {length}");
        }
    }
}
