//! A part of the index: those keys whose hashes begin alike.

use std::cmp::Ordering;

use hashbrown::HashTable;

use super::RowId;

/// Which row holds each key of the shard.
#[derive(Default)]
pub(super) struct Shard {
    arena: Vec<u8>,
    holders: Vec<Holder>,
    table: HashTable<u32>,
}

/// The row that holds a key.
struct Holder {
    /// Of the key, so that the table grows without reading keys again.
    hash: u64,
    start: usize,
    key_bytes: u32,
    order_bytes: u32,
    row: RowId,
    /// Whether it is to be written with the next segment.
    fresh: bool,
}

impl Shard {
    /// Makes room for so many more keys.
    pub(super) fn reserve(&mut self, keys: usize) {
        let Self { arena, holders, table } = self;
        arena.reserve(keys * 24);
        holders.reserve(keys);
        table.reserve(keys, |&at| holders[at as usize].hash);
    }

    /// Makes the row the holder of the key, whoever held it.
    pub(super) fn set(&mut self, hash: u64, key: &[u8], order: &[u8], row: RowId) {
        match self.find(hash, key) {
            Some(at) => self.replace(at, key, order, row, false),
            None => self.insert(hash, key, order, row, false),
        }
    }

    /// Offers a row for a key. Returns the row that is superseded, be it the offered one or the former holder.
    pub(super) fn offer<'n>(
        &mut self,
        hash: u64,
        key: &[u8],
        order: &[u8],
        row: RowId,
        name: impl Fn(u32) -> &'n str,
    ) -> Option<RowId> {
        let Some(at) = self.find(hash, key) else {
            self.insert(hash, key, order, row, true);
            return None;
        };
        let holder = &self.holders[at as usize];
        let held = holder.row;
        let wins = order.cmp(self.order(holder)).then_with(|| match row.object == held.object {
            true => row.place.cmp(&held.place),
            false => name(row.object).cmp(name(held.object)),
        });
        if wins == Ordering::Greater {
            self.replace(at, key, order, row, true);
            Some(held)
        } else {
            Some(row)
        }
    }

    /// Appends the holders that changed since the last segment.
    pub(super) fn write_fresh(&mut self, segment: &mut Vec<u8>) {
        for holder in self.holders.iter_mut().filter(|holder| holder.fresh) {
            for number in [holder.key_bytes, holder.order_bytes, holder.row.object, holder.row.place] {
                segment.extend_from_slice(&number.to_le_bytes());
            }
            let bytes = (holder.key_bytes + holder.order_bytes) as usize;
            segment.extend_from_slice(&self.arena[holder.start..holder.start + bytes]);
            holder.fresh = false;
        }
    }

    fn key(&self, holder: &Holder) -> &[u8] {
        &self.arena[holder.start..][..holder.key_bytes as usize]
    }

    fn order(&self, holder: &Holder) -> &[u8] {
        &self.arena[holder.start + holder.key_bytes as usize..][..holder.order_bytes as usize]
    }

    fn find(&self, hash: u64, key: &[u8]) -> Option<u32> {
        let holds = |&at: &u32| {
            let holder = &self.holders[at as usize];
            holder.hash == hash && self.key(holder) == key
        };
        self.table.find(hash, holds).copied()
    }

    fn insert(&mut self, hash: u64, key: &[u8], order: &[u8], row: RowId, fresh: bool) {
        let holder = self.append(hash, key, order, row, fresh);
        let at = self.holders.len() as u32;
        self.holders.push(holder);
        let Self { holders, table, .. } = self;
        table.insert_unique(hash, at, |&at| holders[at as usize].hash);
    }

    fn replace(&mut self, at: u32, key: &[u8], order: &[u8], row: RowId, fresh: bool) {
        let holder = &mut self.holders[at as usize];
        if holder.order_bytes as usize == order.len() {
            let start = holder.start + key.len();
            self.arena[start..start + order.len()].copy_from_slice(order);
            (holder.row, holder.fresh) = (row, fresh);
        } else {
            self.holders[at as usize] = self.append(self.holders[at as usize].hash, key, order, row, fresh);
        }
    }

    fn append(&mut self, hash: u64, key: &[u8], order: &[u8], row: RowId, fresh: bool) -> Holder {
        let start = self.arena.len();
        self.arena.extend_from_slice(key);
        self.arena.extend_from_slice(order);
        Holder { hash, start, key_bytes: key.len() as u32, order_bytes: order.len() as u32, row, fresh }
    }
}
