//! A checksum over a set of files, and the time that cleaning them took.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::entry::Entry;

/// The cost of cleaning so far, for estimates. It is kept apart from the account of rows, because two runs never take
/// the same time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pace {
    /// The bytes of bronze that were cleaned.
    pub bytes: u64,
    /// The time that the plugin spent on these bytes, in microseconds.
    pub micros: u64,
}

impl Pace {
    /// Adds the object's size and time.
    pub fn add(&mut self, entry: &Entry) {
        self.bytes += entry.bytes;
        self.micros += entry.cost.micros;
    }
}

/// A checksum over a set of objects and their bytes, or over a set of rows: the sum modulo 2^256 of one sha256 for each.
/// Equal sets have equal sums, whatever the order of changes, and an update costs only as much as the change.
///
/// The sum does not protect against people who can write the catalog: they can write another sum as well.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Content([u64; 4]);

impl Content {
    /// Adds a bronze object and its silver. An object that is held adds nothing, since it has no row.
    pub fn add(&mut self, object: &str, entry: &Entry) {
        if !entry.is_held() {
            self.plus(of_parts(&parts(object, entry)));
        }
    }

    /// Subtracts a bronze object and its silver, which were added before.
    pub fn subtract(&mut self, object: &str, entry: &Entry) {
        if !entry.is_held() {
            self.minus(of_parts(&parts(object, entry)));
        }
    }

    /// Adds a row, given as bytes.
    pub fn add_row(&mut self, row: &[u8]) {
        self.plus(of_parts(&[row]));
    }

    /// Subtracts a row that was added before.
    pub fn subtract_row(&mut self, row: &[u8]) {
        self.minus(of_parts(&[row]));
    }

    /// Adds what another sum has.
    pub fn merge(&mut self, other: Self) {
        self.plus(other.0);
    }

    /// Returns the sum for one file with this sha256.
    pub fn of_file(sha256: &str) -> Self {
        Self(numbers(Sha256::digest(sha256)))
    }

    fn plus(&mut self, parts: [u64; 4]) {
        let mut carry = false;
        for (sum, part) in self.0.iter_mut().zip(parts) {
            let (first, over) = sum.overflowing_add(part);
            let (second, over_again) = first.overflowing_add(u64::from(carry));
            (*sum, carry) = (second, over || over_again);
        }
    }

    fn minus(&mut self, parts: [u64; 4]) {
        let mut borrow = false;
        for (sum, part) in self.0.iter_mut().zip(parts) {
            let (first, under) = sum.overflowing_sub(part);
            let (second, under_again) = first.overflowing_sub(u64::from(borrow));
            (*sum, borrow) = (second, under || under_again);
        }
    }
}

fn parts<'e>(object: &'e str, entry: &'e Entry) -> [&'e [u8]; 3] {
    [object, &entry.sha256, &entry.silver.sha256].map(str::as_bytes)
}

fn of_parts(parts: &[&[u8]]) -> [u64; 4] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    numbers(hash.finalize())
}

fn numbers(digest: impl AsRef<[u8]>) -> [u64; 4] {
    let mut numbers = [0; 4];
    for (number, bytes) in numbers.iter_mut().zip(digest.as_ref().as_chunks().0) {
        *number = u64::from_le_bytes(*bytes);
    }
    numbers
}

impl From<Content> for String {
    fn from(Content([a, b, c, d]): Content) -> Self {
        format!("{d:016x}{c:016x}{b:016x}{a:016x}")
    }
}

impl TryFrom<String> for Content {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let wrong = || format!("`{text}` is not a sum of objects, which has 64 hexadecimal digits");
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(wrong());
        }
        let part = |at: usize| u64::from_str_radix(&text[48 - 16 * at..64 - 16 * at], 16).map_err(|_| wrong());
        Ok(Self([part(0)?, part(1)?, part(2)?, part(3)?]))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::object_ref::ObjectRef;

    fn entry(number: u8) -> Entry {
        let silver = ObjectRef { sha256: format!("silver {number}"), ..ObjectRef::default() };
        Entry { sha256: format!("bronze {number}"), silver, ..Entry::some() }
    }

    proptest! {
        /// Adds and removes objects in any order. The sum is that of the remaining objects, and it can be written and
        /// read.
        #[test]
        fn the_sum_is_that_of_the_remaining_objects(objects in prop::collection::vec((0u8..20, any::<bool>()), 0..50)) {
            let mut sum = Content::default();
            let mut remaining = Vec::new();
            for (object, stays) in objects {
                let name = format!("{object}-{}", remaining.len());
                sum.add(&name, &entry(object));
                match stays {
                    true => remaining.push((name, object)),
                    false => sum.subtract(&name, &entry(object)),
                }
            }
            let mut other = Content::default();
            remaining.iter().rev().for_each(|(name, object)| other.add(name, &entry(*object)));
            prop_assert_eq!(sum, other);
            prop_assert_eq!(Content::try_from(String::from(sum)), Ok(sum));
        }
    }
}
