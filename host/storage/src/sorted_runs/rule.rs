//! The order of entries, and what two entries of one key come to.

use smelt_common::key_hash::KeyHash;
use smelt_common::stored_row;

/// The rule that all runs of a map follow.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rule {
    pub(super) key_hash: KeyHash,
    /// True if the entries are rows of sums, which add up and are ordered by the hash of their group. False if an entry
    /// overrides older ones, and the order is by the hash of the key.
    pub(super) adds: bool,
}

impl Rule {
    /// Returns the hash by which the key is ordered, and how many of its first bytes have this hash wherever they are the
    /// beginning of a key. `None` if it is no key.
    pub(super) fn hash(&self, key: &[u8]) -> Option<(u64, usize)> {
        match self.adds {
            true => {
                let (group, rest) = stored_row::split_key(key)?;
                Some((self.key_hash.of(group), key.len() - rest.len()))
            }
            false => Some((self.key_hash.of(key), key.len())),
        }
    }
}
