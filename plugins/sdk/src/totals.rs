//! Counts and sums of money by a key: what many KPIs are made of.

use std::borrow::Borrow;
use std::hash::{BuildHasherDefault, Hash};

use hashbrown::HashMap;

use crate::Money;

/// A count and a sum of money for each key.
#[derive(Debug, Clone)]
pub struct Totals<K> {
    totals: HashMap<K, (i64, Money), BuildHasherDefault<Fx>>,
}

impl<K> Default for Totals<K> {
    fn default() -> Self {
        Self { totals: HashMap::default() }
    }
}

impl<K: Hash + Eq> Totals<K> {
    /// Adds to the key's count and sum. Panics if the sum exceeds 38 digits.
    #[inline]
    pub fn add<Q>(&mut self, key: &Q, count: i64, amount: Money)
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        match self.totals.get_mut(key) {
            Some((counted, sum)) => {
                *counted += count;
                *sum += amount;
            }
            None => {
                self.totals.insert(key.to_owned(), (count, amount));
            }
        }
    }

    /// Keys, counts and sums, in no order that means anything.
    pub fn iter(&self) -> impl Iterator<Item = (&K, i64, Money)> {
        self.totals.iter().map(|(key, &(count, sum))| (key, count, sum))
    }
}

/// The multiply-and-rotate hash of rustc: fast on short keys. A plugin runs alone on its own data within a deadline, so
/// keys chosen to collide cost only their own call.
#[derive(Default)]
struct Fx(u64);

impl std::hash::Hasher for Fx {
    #[inline]
    fn finish(&self) -> u64 {
        self.0 ^ self.0 >> 32
    }

    #[inline]
    fn write(&mut self, mut bytes: &[u8]) {
        while let Some((word, rest)) = bytes.split_first_chunk() {
            self.write_u64(u64::from_le_bytes(*word));
            bytes = rest;
        }
        if !bytes.is_empty() {
            let mut word = [0; 8];
            word[..bytes.len()].copy_from_slice(bytes);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    #[inline]
    fn write_u8(&mut self, value: u8) {
        self.write_u64(value.into());
    }

    #[inline]
    fn write_u32(&mut self, value: u32) {
        self.write_u64(value.into());
    }

    #[inline]
    fn write_u64(&mut self, value: u64) {
        self.0 = (self.0.rotate_left(5) ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}
