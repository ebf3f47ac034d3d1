//! Takes groups of ids, or the counts of all groups, in pieces.

use std::collections::HashSet;

use smelt_sdk::Fault;
use smelt_sdk::bindings::types::Reduced;
use smelt_sdk::saved::{self, Saved};
use smelt_sdk::testing::{decode, encode};

use crate::{Kind, Sins};

pub(crate) struct Reducer {
    sins: Sins,
    stage: u32,
    /// The group that goes on.
    group: Group,
    /// The number of calls so far, the most groups that ended in one, and groups that came. To remember them is one of
    /// the sins.
    calls: i64,
    most: usize,
    seen: HashSet<String>,
}

/// A group as far as it is known.
#[derive(Default, Saved)]
struct Group {
    end: String,
    /// The first id; none if no row has come, or in the second stage.
    first: Option<String>,
    /// The rows of all ids or, where only the first one is wanted, of that.
    rows: i64,
}

impl Reducer {
    pub(crate) fn open(sins: Sins, stage: u32, saved: Option<&[u8]>) -> Result<Self, Fault> {
        let group = match saved {
            Some(_) if sins.breaks("resumed as new") => Group::default(),
            Some(saved) => {
                sins.maybe_panic("resume");
                // Further bytes are those of a sin.
                Group::resume(&mut &*saved)?
            }
            None => Group::default(),
        };
        Ok(Self { sins, stage, group, calls: 0, most: 0, seen: HashSet::new() })
    }

    /// Returns what it remembers of the group that goes on.
    pub(crate) fn save(&mut self) -> Option<Vec<u8>> {
        self.sins.maybe_panic("save");
        let Group { end, first, rows } = &self.group;
        let rows = if self.sins.breaks("saved without rows") { 0 } else { *rows };
        let group = Group { end: end.clone(), first: first.clone(), rows };
        let more = match self.sins.breaks.as_str() {
            "saved with calls" => self.calls as usize,
            // The host takes 1 MiB for nothing, so that is no sin.
            "saved at length" => 1 << 20,
            _ => 0,
        };
        let mut saved = saved::save(&group);
        saved.resize(saved.len() + more, 0);
        if self.sins.breaks("forgets once saved") {
            self.group.rows = 0;
        }
        Some(saved)
    }

    pub(crate) fn reduce(&mut self, rows: &[u8], ends: &[u32]) -> Result<Reduced, Fault> {
        self.sins.maybe_panic("reduce");
        let rows = decode(&self.sins.stage(self.stage), rows)?;
        self.calls += 1;
        self.most = self.most.max(ends.len());
        // Since the call before, the batch may have been cut.
        if self.sins.breaks("cuts") {
            self.group = Group::default();
        }
        let mut out = Vec::new();
        let mut start = 0;
        for &end in ends {
            self.take(&rows[start..end as usize])?;
            let group = std::mem::take(&mut self.group);
            let more = self.too_many(&group, &rows, ends);
            self.write(group, more, &mut out);
            start = end as usize;
        }
        self.take(&rows[start..])?;
        let enough = self.sins.kind == Kind::Firsts && start < rows.len();
        if enough {
            let group = match self.sins.breaks("group after enough") {
                true => Group { first: self.group.first.clone(), ..Group::default() },
                false => Group::default(),
            };
            let group = std::mem::replace(&mut self.group, group);
            self.write(group, 0, &mut out);
        }
        let rows: Vec<Vec<_>> = out.iter().map(|row| row.iter().map(|cell| Some(cell.as_str())).collect()).collect();
        let rows: Vec<_> = rows.iter().map(Vec::as_slice).collect();
        Ok(Reduced { rows: encode(&self.sins.stage(self.stage + 1), &rows)?, enough })
    }

    /// Takes rows of one group.
    fn take(&mut self, rows: &[Vec<String>]) -> Result<(), Fault> {
        for row in rows {
            let count: i64 = row.last().and_then(|cell| cell.parse().ok()).unwrap_or_default();
            let is_first = self.group.first.is_none();
            if self.stage == 0 && is_first {
                self.group.end.clone_from(&row[0]);
                self.group.first = Some(row[1].clone());
            }
            if self.sins.kind != Kind::Firsts || is_first || self.sins.breaks("rows after enough") {
                let sum = self.group.rows.checked_add(count);
                self.group.rows = sum.ok_or_else(|| Fault::invalid_input("a count exceeds 64 bits"))?;
            }
        }
        Ok(())
    }

    /// Returns by how much the group that has ended is counted wrong.
    fn too_many(&mut self, group: &Group, rows: &[Vec<String>], ends: &[u32]) -> i64 {
        let is_first_call = self.calls == 1;
        let wrong = match (self.stage, self.sins.breaks.as_str()) {
            // A group gives something else if others come with it, if some of them no longer do, or if it has come before.
            (0, "groups together") => ends.len() > 1,
            (0, "fewer groups") => (2..self.most).contains(&ends.len()),
            (0, "groups again") => ends.len() > 1 && !self.seen.insert(group.end.clone()),
            (0, "long groups again") => {
                group.first.as_ref().is_some_and(|first| first.len() > 100) && !self.seen.insert(group.end.clone())
            }
            (0, "thirtieth reduce") => self.calls > 30,
            (0, "thirteen groups") => ends.len() == 13,
            (0, "many groups") => rows.len() > 50_000,
            (1, "table again") => !is_first_call,
            _ => false,
        };
        i64::from(wrong)
    }

    fn write(&self, group: Group, more: i64, out: &mut Vec<Vec<String>>) {
        let rows = match self.sins.breaks("hash order") && self.stage == 1 {
            true => (0..1000).collect::<HashSet<_>>().into_iter().next().unwrap_or_default(),
            false => group.rows.saturating_add(more),
        };
        let is_last = self.sins.kind != Kind::Rows || self.stage == 1;
        for _ in 0..if self.sins.breaks("key") && is_last { 2 } else { 1 } {
            out.push(match self.sins.kind {
                Kind::Rows => vec![rows.to_string()],
                _ => vec![group.first.clone().unwrap_or_default(), rows.to_string()],
            });
        }
    }
}
