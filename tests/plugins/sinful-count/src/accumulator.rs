//! Takes in ids, and says what they add.

use std::collections::HashSet;

use smelt_sdk::testing::{decode, encode};
use smelt_sdk::{Fault, text};

use crate::{Kind, Sins};

pub(crate) struct Accumulator {
    sins: Sins,
    /// The ids since the last state.
    ids: Vec<String>,
    /// The numbers of calls so far. To remember them is one of the sins.
    updates: usize,
    states: usize,
}

impl Accumulator {
    pub(crate) fn new(sins: Sins) -> Self {
        Self { sins, ids: vec![], updates: 0, states: 0 }
    }

    pub(crate) fn update(&mut self, batch: &[u8]) -> Result<(), Fault> {
        self.sins.maybe_panic("update");
        let rows: Vec<String> = decode(&[text("id")], batch)?.into_iter().flatten().collect();
        let count = rows.len();
        let has_empty = rows.iter().any(String::is_empty);
        self.updates += 1;
        for id in rows {
            if !(self.sins.breaks("distinct") && self.ids.contains(&id)) {
                self.ids.push(id);
            }
        }
        let known = |ids: &[String], id: &str| ids.iter().filter(|known| *known == id).count();
        let lost = match self.sins.breaks.as_str() {
            "seventh update" => self.updates == 7,
            "last row of many" => count >= 1000,
            "last row of 17" => count == 17,
            // Loses the third row of a long key, if it comes after the second update.
            "long keys again" => {
                self.ids.last().is_some_and(|id| id.len() > 60 && known(&self.ids, id) == 3 && self.updates > 2)
            }
            "a word again" => known(&self.ids, "jackdaw") > 1,
            _ => false,
        };
        if lost {
            self.ids.pop();
        }
        if self.sins.breaks("many keys") && count > 1 {
            let mut kept = HashSet::new();
            self.ids.retain(|id| kept.contains(id) || kept.len() < 20_000 && kept.insert(id.clone()));
        }
        assert!(!(self.sins.breaks("empty keys") && has_empty), "I need a key");
        Ok(())
    }

    pub(crate) fn state(&mut self) -> Result<Vec<u8>, Fault> {
        self.sins.maybe_panic("state");
        self.states += 1;
        let ids = match self.sins.breaks("forgetting") {
            true => self.ids.clone(),
            false => std::mem::take(&mut self.ids),
        };
        let each = match self.sins.breaks.as_str() {
            "second state" if self.states > 1 => "2",
            "eighth state" if self.states > 7 => "2",
            _ => "1",
        };
        let mut rows: Vec<(&str, &str)> = ids.iter().map(|id| (id.as_str(), each)).collect();
        if self.sins.breaks("no rows") {
            rows.push(("nothing", "1"));
        }
        // No split of the rows makes so many, but half of them do.
        if self.sins.breaks("removal") && (200..300).contains(&ids.len()) {
            rows.push(("estimated", "1"));
        }
        if self.sins.breaks("order")
            && let Some(first) = ids.first()
        {
            rows.push((first, "1"));
        }
        let cells = rows.iter().map(|&(id, count)| match self.sins.kind {
            Kind::Map => vec![Some(id)],
            Kind::Rows | Kind::Ids | Kind::Firsts => vec![Some(end(id)), Some(id), Some(count)],
        });
        let cells: Vec<_> = cells.collect();
        encode(&self.sins.first(), &cells.iter().map(Vec::as_slice).collect::<Vec<_>>())
    }
}

/// Returns the last character of an id.
fn end(id: &str) -> &str {
    id.char_indices().next_back().map_or("", |(at, _)| &id[at..])
}
