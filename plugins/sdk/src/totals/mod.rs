//! Counts and sums of money by a key, for KPIs.

mod key;
mod large;
#[cfg(test)]
mod tests;
mod wide;

use std::borrow::Borrow;
use std::collections::BTreeMap;

pub use key::Key;
pub(crate) use key::same;
use key::{Records, Sums};
use large::Large;
pub(crate) use wide::Wide;

use crate::Money;

/// A count and a sum of money for each key. A key is text (`Totals<str>`) or a value, such as a date, an integer or a
/// pair of them (`Totals<Date>`). `Totals<()>` adds up all rows.
///
/// A KPI adds a batch with `extend`, which is faster than [`add`](Self::add) for each row:
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
/// No sum overflows. So the totals depend neither on the order of the rows nor on how they are split into batches.
pub struct Totals<K: Key + ?Sized> {
    /// A hash table with open addressing by the first bits of the hash. The low half of a slot is a hash, and the high
    /// half is the position of a record plus one. A free slot is 0.
    slots: Vec<u64>,
    /// The number of bits by which a hash is shifted to give its first slot.
    shift: u32,
    keys: usize,
    /// Keys, each beside its sums, so that one look reaches both.
    records: K::Records,
    /// By position, what no longer fits the sums beside the key. Nearly every key has no entry.
    large: BTreeMap<u32, Large>,
}

/// The number of keys that `extend` looks up at a time.
const CHUNK: usize = 64;

impl<K: Key + ?Sized> Default for Totals<K> {
    fn default() -> Self {
        Self { slots: vec![0; 16], shift: 28, keys: 0, records: K::Records::default(), large: BTreeMap::new() }
    }
}

impl<K: Key + ?Sized> Totals<K> {
    /// Adds a count and an amount to those of the key.
    #[inline]
    pub fn add(&mut self, key: &K, count: i64, amount: Money) {
        let position = self.find_or_insert(key, key.hash32());
        self.add_at(position, count, amount);
    }

    /// Returns each key with its count and sum, in an arbitrary order: the rows of a state.
    ///
    /// A key comes once, unless its count exceeds 64 bits or its sum exceeds 38 digits. Then the key comes several
    /// times, with parts that do not exceed them. The host adds these parts up.
    pub fn iter(&self) -> impl Iterator<Item = (&K, i64, Money)> {
        self.records.iter().flat_map(|(position, key, sums)| {
            let large = if self.large.is_empty() { None } else { self.large.get(&position) };
            let (first, rest) = match large {
                None => ((sums.count, Money::from_units(sums.units.into())), vec![]),
                Some(large) => large.parts(sums),
            };
            std::iter::once(first).chain(rest).map(move |(count, sum)| (key, count, sum))
        })
    }

    /// Removes all keys. The hash table stays as large as it was, but for one that far exceeds what it held.
    pub(crate) fn clear(&mut self) {
        if self.keys * 16 < self.slots.len() {
            *self = Self::default();
        } else {
            self.slots.fill(0);
            self.keys = 0;
            self.records = K::Records::default();
            self.large.clear();
        }
    }

    /// Adds a count and an amount to the sums at that position.
    #[inline]
    fn add_at(&mut self, position: u32, count: i64, amount: Money) {
        let mut spilt = None;
        self.records.change(position, |sums| {
            // In wasm, an addition of 64 bits is many times cheaper than one of 128 bits, and almost every sum fits.
            let units = i64::try_from(amount.units()).ok().and_then(|amount| sums.units.checked_add(amount));
            match (sums.count.checked_add(count), units) {
                (Some(count), Some(units)) => *sums = Sums { count, units },
                _ => spilt = Some(std::mem::take(sums)),
            }
        });
        if let Some(held) = spilt {
            self.spill(position, held, count, amount);
        }
    }

    /// Moves the sums beside a key, and what did not fit them, to `large`.
    #[cold]
    fn spill(&mut self, position: u32, held: Sums, count: i64, amount: Money) {
        let large = self.large.entry(position).or_default();
        large.add(held.count, held.units.into());
        large.add(count, amount.units());
    }

    /// Returns the position of the key's record, which is added if there is none.
    #[inline(never)]
    fn find_or_insert(&mut self, key: &K, hash: u32) -> u32 {
        let mut at = (hash >> self.shift) as usize;
        loop {
            let slot = self.slots[at];
            if slot == 0 {
                return self.insert(at, key, hash);
            }
            if slot as u32 == hash && self.records.is(position_in(slot), key) {
                return position_in(slot);
            }
            at = (at + 1) & (self.slots.len() - 1);
        }
    }

    #[cold]
    fn insert(&mut self, at: usize, key: &K, hash: u32) -> u32 {
        let position = self.records.push(key);
        self.slots[at] = u64::from(position + 1) << 32 | u64::from(hash);
        self.keys += 1;
        if self.keys * 2 > self.slots.len() {
            self.grow();
        }
        position
    }

    /// Makes the hash table four times as large. The slots hold the hashes, so no key is read.
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

/// Returns the position of the record that a slot holds. For a free slot the result means nothing.
#[inline]
fn position_in(slot: u64) -> u32 {
    ((slot >> 32) as u32).wrapping_sub(1)
}

impl<K: Key + ?Sized, Q: Borrow<K>> Extend<(Q, i64, Money)> for Totals<K> {
    /// Adds each count and amount to those of its key, many keys at a time. If a processor knows early which memory it
    /// will need, it waits for all of it at once.
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
            // This loop does little, so the processor fetches many records at once.
            for ((key, ..), (hash, slot)) in chunk.iter().zip(&mut found) {
                if *slot as u32 != *hash || *slot == 0 || !self.records.may_be(position_in(*slot), key.borrow()) {
                    *slot = 0;
                }
            }
            for (&(ref key, count, amount), &(hash, slot)) in chunk.iter().zip(&found) {
                let key = key.borrow();
                let position = match slot != 0 && self.records.is(position_in(slot), key) {
                    true => position_in(slot),
                    false => self.find_or_insert(key, hash),
                };
                self.add_at(position, count, amount);
            }
        }
    }
}
