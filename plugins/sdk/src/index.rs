//! Finds the row of a table that has a key.

/// Rows by the hash of their key, with open addressing. It keeps no keys: the caller compares those of the table.
#[derive(Default)]
pub(crate) struct Index {
    /// The high half of a slot is the row plus one, the low half the hash. A free slot is 0. There is a power of two of
    /// them.
    slots: Vec<u64>,
    rows: usize,
}

impl Index {
    /// Returns the row with that hash for which `is` holds; if there is none, adds `row`.
    #[inline]
    pub(crate) fn find_or_insert(&mut self, hash: u64, row: usize, is: impl Fn(usize) -> bool) -> Option<usize> {
        if self.rows * 2 >= self.slots.len() {
            self.grow();
        }
        let hash = (hash ^ hash >> 32) & u64::from(u32::MAX);
        let mut at = hash as usize & (self.slots.len() - 1);
        loop {
            let slot = self.slots[at];
            if slot == 0 {
                self.slots[at] = (row as u64 + 1) << 32 | hash;
                self.rows += 1;
                return None;
            }
            let known = (slot >> 32) as usize - 1;
            if slot & u64::from(u32::MAX) == hash && is(known) {
                return Some(known);
            }
            at = (at + 1) & (self.slots.len() - 1);
        }
    }

    fn grow(&mut self) {
        let slots = vec![0; (self.slots.len() * 4).max(64)];
        for slot in std::mem::replace(&mut self.slots, slots).into_iter().filter(|&slot| slot != 0) {
            let mut at = (slot & u64::from(u32::MAX)) as usize & (self.slots.len() - 1);
            while self.slots[at] != 0 {
                at = (at + 1) & (self.slots.len() - 1);
            }
            self.slots[at] = slot;
        }
    }

    /// Removes all rows and keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.slots.fill(0);
        self.rows = 0;
    }
}
