//! What a set of files holds, as one number; and the pace at which they were made.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::entry::Entry;

/// What cleaning has taken, for estimates. It is no part of the account of rows, since time is not the same twice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pace {
    /// Bytes of bronze.
    pub bytes: u64,
    /// The time that the plugin spent on them, in microseconds.
    pub micros: u64,
}

impl Pace {
    /// Counts an object in.
    pub fn add(&mut self, entry: &Entry) {
        self.bytes += entry.bytes;
        self.micros += entry.cost.micros;
    }
}

/// A set of objects with what they hold, as one number: the sum modulo 2^256 of the sha256 of each. It says whether two sets
/// are the same, costs as much as what changes, and does not depend on the order of changes. Nothing is proven against someone
/// who can write the catalog, who could write another number there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Content([u64; 4]);

impl Content {
    /// Adds what became of a bronze object.
    pub fn add(&mut self, object: &str, entry: &Entry) {
        self.change(object, entry, |sum, part, carry| {
            let (sum, first) = sum.overflowing_add(part);
            let (sum, second) = sum.overflowing_add(u64::from(carry));
            (sum, first || second)
        });
    }

    /// Takes away what was added.
    pub fn subtract(&mut self, object: &str, entry: &Entry) {
        self.change(object, entry, |sum, part, borrow| {
            let (sum, first) = sum.overflowing_sub(part);
            let (sum, second) = sum.overflowing_sub(u64::from(borrow));
            (sum, first || second)
        });
    }

    /// Returns the content of one file whose bytes have that sha256.
    pub fn of_file(sha256: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update(sha256);
        let mut parts = [0; 4];
        for (part, bytes) in parts.iter_mut().zip(hash.finalize().as_chunks().0) {
            *part = u64::from_le_bytes(*bytes);
        }
        Self(parts)
    }

    fn change(&mut self, object: &str, entry: &Entry, by: impl Fn(u64, u64, bool) -> (u64, bool)) {
        let mut hash = Sha256::new();
        for part in [object, &entry.sha256, &entry.silver.sha256] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        let mut carry = false;
        for (sum, part) in self.0.iter_mut().zip(hash.finalize().as_chunks().0) {
            (*sum, carry) = by(*sum, u64::from_le_bytes(*part), carry);
        }
    }
}

impl From<Content> for String {
    fn from(Content([a, b, c, d]): Content) -> Self {
        format!("{d:016x}{c:016x}{b:016x}{a:016x}")
    }
}

impl TryFrom<String> for Content {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let wrong = || format!("`{text}` is no sum of objects, which has 64 hexadecimal digits");
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(wrong());
        }
        let part = |at: usize| u64::from_str_radix(&text[48 - 16 * at..64 - 16 * at], 16).map_err(|_| wrong());
        Ok(Self([part(0)?, part(1)?, part(2)?, part(3)?]))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::object_ref::ObjectRef;

    fn entry(number: u8) -> Entry {
        let silver = ObjectRef { sha256: format!("silver {number}"), ..ObjectRef::default() };
        Entry {
            id: 0,
            etag: String::new(),
            sha256: format!("bronze {number}"),
            bytes: 0,
            read: 0,
            rejected: BTreeMap::new(),
            repaired: BTreeMap::new(),
            superseded: vec![],
            silver,
            quarantine: None,
            rejected_at: None,
            cost: smelt_common::cost::Cost::default(),
        }
    }

    proptest! {
        /// However objects come and go, the sum is that of those that are left; and it can be written and read.
        #[test]
        fn it_is_that_of_what_is_left(objects in prop::collection::vec((0u8..20, any::<bool>()), 0..50)) {
            let mut sum = Content::default();
            let mut left = Vec::new();
            for (object, stays) in objects {
                let name = format!("{object}-{}", left.len());
                sum.add(&name, &entry(object));
                match stays {
                    true => left.push((name, object)),
                    false => sum.subtract(&name, &entry(object)),
                }
            }
            let mut other = Content::default();
            left.iter().rev().for_each(|(name, object)| other.add(name, &entry(*object)));
            prop_assert_eq!(sum, other);
            prop_assert_eq!(Content::try_from(String::from(sum)), Ok(sum));
        }
    }
}
