//! Counts and sums of money by a key: what many KPIs are made of.

mod key;
mod large;
#[cfg(test)]
mod tests;
mod wide;

use std::borrow::Borrow;
use std::collections::BTreeMap;

pub use key::Key;
use key::{Records, Sums};
use large::Large;
pub(crate) use wide::Wide;

use crate::Money;

/// A count and a sum of money for each key: text (`Totals<str>`) or a value such as a date, an integer or a pair of them
/// (`Totals<Date>`). A KPI takes in a batch with `extend`, which is faster than [`add`](Self::add) row by row:
///
/// ```
/// # use smelt_sdk::{Batch, Result, Totals};
/// fn update(channels: &mut Totals<str>, orders: &Batch) -> Result<()> {
///     let (names, amounts) = (orders.text("channel")?, orders.decimals("total_amount")?);
///     channels.extend(orders.rows().map(|row| (names.get(row).unwrap_or("NA"), 1, amounts.value(row))));
///     Ok(())
/// }
/// ```
///
/// Nothing overflows on the way: what comes out depends neither on the order of the rows nor on how they were cut. Without a
/// key, `Totals<()>` adds up all rows.
///
/// Keys are copied once into one buffer, beside their sums; a table of hashes leads to them.
pub struct Totals<K: Key + ?Sized> {
    /// Open addressing by the first bits of the hash: a hash, and above it the place of a record, plus one. 0 is free.
    slots: Vec<u64>,
    /// What to shift a hash by for its first slot.
    shift: u32,
    keys: usize,
    records: K::Records,
    /// What no longer fitted the sum beside the key: for nearly every key, nothing.
    large: BTreeMap<u32, Large>,
}

/// How many keys `extend` looks up at a time.
const CHUNK: usize = 64;

impl<K: Key + ?Sized> Default for Totals<K> {
    fn default() -> Self {
        Self { slots: vec![0; 16], shift: 28, keys: 0, records: K::Records::default(), large: BTreeMap::new() }
    }
}

impl<K: Key + ?Sized> Totals<K> {
    /// Adds to the key's count and sum.
    #[inline]
    pub fn add(&mut self, key: &K, count: i64, amount: Money) {
        let place = self.place(key, key.hash32());
        self.add_at(place, count, amount);
    }

    /// Keys, counts and sums, in no order that means anything. A key comes once, unless its count exceeds 64 bits or its sum
    /// 38 digits: then it comes in several parts that do not, which are the rows of a state, since the host adds them up.
    pub fn iter(&self) -> impl Iterator<Item = (&K, i64, Money)> {
        self.records.iter().flat_map(|(place, key, sums)| {
            let large = if self.large.is_empty() { None } else { self.large.get(&place) };
            let (first, rest) = match large {
                None => ((sums.count, Money::from_units(sums.units.into())), vec![]),
                Some(large) => large.parts(sums),
            };
            std::iter::once(first).chain(rest).map(move |(count, sum)| (key, count, sum))
        })
    }

    #[inline]
    fn add_at(&mut self, place: u32, count: i64, amount: Money) {
        let mut spilt = None;
        self.records.change(place, |sums| {
            // 64 bits are many times cheaper to add than 128 in wasm, and hold almost every sum.
            let units = i64::try_from(amount.units()).ok().and_then(|amount| sums.units.checked_add(amount));
            match (sums.count.checked_add(count), units) {
                (Some(count), Some(units)) => *sums = Sums { count, units },
                _ => spilt = Some(std::mem::take(sums)),
            }
        });
        if let Some(held) = spilt {
            self.spill(place, held, count, amount);
        }
    }

    #[cold]
    fn spill(&mut self, place: u32, held: Sums, count: i64, amount: Money) {
        let large = self.large.entry(place).or_default();
        large.add(held.count, held.units.into());
        large.add(count, amount.units());
    }

    /// Where the record of the key is; it has one after this.
    #[inline(never)]
    fn place(&mut self, key: &K, hash: u32) -> u32 {
        let mut at = (hash >> self.shift) as usize;
        loop {
            let slot = self.slots[at];
            if slot == 0 {
                return self.insert(at, key, hash);
            }
            if slot as u32 == hash && self.records.is(place_in(slot), key) {
                return place_in(slot);
            }
            at = (at + 1) & (self.slots.len() - 1);
        }
    }

    #[cold]
    fn insert(&mut self, at: usize, key: &K, hash: u32) -> u32 {
        let place = self.records.push(key);
        self.slots[at] = u64::from(place + 1) << 32 | u64::from(hash);
        self.keys += 1;
        if self.keys * 2 > self.slots.len() {
            self.grow();
        }
        place
    }

    /// Hashes are in the slots, so this reads no key.
    fn grow(&mut self) {
        let slots = vec![0; self.slots.len() * 4];
        self.shift = self.shift.checked_sub(2).expect("fewer than 2^31 keys fit in memory");
        for slot in std::mem::replace(&mut self.slots, slots).into_iter().filter(|&slot| slot != 0) {
            let mut at = (slot as u32 >> self.shift) as usize;
            while self.slots[at] != 0 {
                at = (at + 1) & (self.slots.len() - 1);
            }
            self.slots[at] = slot;
        }
    }
}

#[inline]
fn place_in(slot: u64) -> u32 {
    ((slot >> 32) as u32).wrapping_sub(1)
}

impl<K: Key + ?Sized, Q: Borrow<K>> Extend<(Q, i64, Money)> for Totals<K> {
    /// Adds each count and amount to those of its key, many keys at a time: a processor waits for memory in parallel if it
    /// knows early where all of it is.
    fn extend<I: IntoIterator<Item = (Q, i64, Money)>>(&mut self, rows: I) {
        let mut rows = rows.into_iter();
        let mut chunk = Vec::with_capacity(CHUNK);
        let mut found = [(0u32, 0u64); CHUNK];
        loop {
            chunk.clear();
            for ((hash, _), row) in found.iter_mut().zip(rows.by_ref()) {
                *hash = row.0.borrow().hash32();
                chunk.push(row);
            }
            if chunk.is_empty() {
                return;
            }
            for (hash, slot) in &mut found {
                *slot = self.slots[(*hash >> self.shift) as usize];
            }
            // A loop that does little: so that many records are on their way at once.
            for ((key, ..), (hash, slot)) in chunk.iter().zip(&mut found) {
                if *slot as u32 != *hash || *slot == 0 || !self.records.may_be(place_in(*slot), key.borrow()) {
                    *slot = 0;
                }
            }
            for (&(ref key, count, amount), &(hash, slot)) in chunk.iter().zip(&found) {
                let key = key.borrow();
                let place = match slot != 0 && self.records.is(place_in(slot), key) {
                    true => place_in(slot),
                    false => self.place(key, hash),
                };
                self.add_at(place, count, amount);
            }
        }
    }
}
