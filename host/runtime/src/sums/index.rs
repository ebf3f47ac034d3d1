//! Finds rows by their keys.

use std::hash::BuildHasher as _;
use std::sync::OnceLock;

use hashbrown::hash_table::Entry;
use hashbrown::{DefaultHashBuilder, HashTable};

/// Returns the hasher of this process. It has a random seed, so that nobody can choose keys that collide. Nothing that
/// is stored depends on it.
fn hasher() -> &'static DefaultHashBuilder {
    static HASHER: OnceLock<DefaultHashBuilder> = OnceLock::new();
    HASHER.get_or_init(DefaultHashBuilder::default)
}

/// Keys as bytes, one after the other.
#[derive(Default)]
pub(super) struct Keys {
    bytes: Vec<u8>,
    keys: Vec<Key>,
}

#[derive(Clone, Copy)]
struct Key {
    /// Its hash, so that tables grow and are added up without hashing keys again.
    hash: u64,
    start: usize,
    bytes: u32,
    /// How many of the bytes are the group's.
    group: u32,
}

/// Some keys of many.
#[derive(Clone, Copy)]
pub(super) struct KeySlice<'k> {
    bytes: &'k [u8],
    keys: &'k [Key],
}

impl Key {
    fn of<'b>(&self, bytes: &'b [u8]) -> &'b [u8] {
        &bytes[self.start..][..self.bytes as usize]
    }
}

impl Keys {
    /// Appends a key that begins with those group columns. `rest` writes the other columns.
    #[inline]
    pub(super) fn push(&mut self, group: &[u8], rest: impl FnOnce(&mut Vec<u8>)) {
        let Self { bytes, keys } = self;
        let start = bytes.len();
        bytes.extend_from_slice(group);
        let group = group.len() as u32;
        rest(bytes);
        let hash = hasher().hash_one(&bytes[start..]);
        keys.push(Key { hash, start, bytes: (bytes.len() - start) as u32, group });
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.keys.clear();
    }

    pub(super) fn len(&self) -> u32 {
        self.keys.len() as u32
    }

    /// Returns the number of bytes of all keys.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn get(&self, at: u32) -> &[u8] {
        self.keys[at as usize].of(&self.bytes)
    }

    /// Returns the group columns of that key.
    pub(super) fn group(&self, at: u32) -> &[u8] {
        &self.get(at)[..self.keys[at as usize].group as usize]
    }

    pub(super) fn all(&self) -> KeySlice<'_> {
        KeySlice { bytes: &self.bytes, keys: &self.keys }
    }

    /// Returns all keys in chunks of at most `most`.
    pub(super) fn chunks(&self, most: usize) -> impl Iterator<Item = KeySlice<'_>> {
        self.keys.chunks(most).map(|keys| KeySlice { bytes: &self.bytes, keys })
    }
}

/// Keys, and a table that finds them.
#[derive(Default)]
pub(super) struct Index {
    pub(super) keys: Keys,
    table: HashTable<Slot>,
}

/// A key that the table may find.
struct Slot {
    /// Some bits of the key's hash.
    tag: u32,
    /// The key's position among all keys.
    at: u32,
}

/// Returns bits of the hash that the table itself does not use.
fn tag(hash: u64) -> u32 {
    (hash >> 25) as u32
}

/// Marks that no key was found.
const NONE: u32 = u32::MAX;

impl Index {
    /// Returns the positions of those keys. Appends the keys that are new.
    ///
    /// Each step runs over all keys, so that the processor waits for many places in memory at once and not for one
    /// after the other.
    pub(super) fn find(&mut self, wanted: KeySlice<'_>) -> Vec<u32> {
        let alike =
            |key: &Key| self.table.find(key.hash, |slot| slot.tag == tag(key.hash)).map_or(NONE, |slot| slot.at);
        let mut found: Vec<_> = wanted.keys.iter().map(alike).collect();
        for (at, key) in found.iter_mut().zip(wanted.keys) {
            let bytes = key.of(wanted.bytes);
            if *at == NONE || self.keys.get(*at) != bytes {
                *at = self.find_one(key, bytes);
            }
        }
        found
    }

    /// Returns the position of one key, which may be new or may collide with another.
    fn find_one(&mut self, wanted: &Key, bytes: &[u8]) -> u32 {
        let Self { keys, table } = self;
        let is_it = |slot: &Slot| slot.tag == tag(wanted.hash) && keys.get(slot.at) == bytes;
        match table.entry(wanted.hash, is_it, |slot| keys.keys[slot.at as usize].hash) {
            Entry::Occupied(found) => found.get().at,
            Entry::Vacant(vacant) => {
                let at = keys.len();
                vacant.insert(Slot { tag: tag(wanted.hash), at });
                keys.keys.push(Key { start: keys.bytes.len(), ..*wanted });
                keys.bytes.extend_from_slice(bytes);
                at
            }
        }
    }
}
