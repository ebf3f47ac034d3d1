//! The catalog: what the lake holds, as of its newest commit. A reader sees all of a commit or none of it.

mod commit;
mod entries;
mod state;
#[cfg(test)]
mod tests;
mod totals;

pub use commit::{Change, Commit, DatasetChange, LogEntry, Removed};
pub use entries::{Entries, Listed, NameSet};
pub use state::{Dataset, Entry, Gold, GoldInput, State, Stored};
pub use totals::{DatasetTotals, Totals};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::de::DeserializeOwned;

use crate::error::{Kind, Result};
use crate::store::{Durability, Store, read};
use crate::{Error, profile};

/// The layer of raw objects, as they arrived.
pub const BRONZE: &str = "bronze/";
/// The layer of clean objects.
pub const SILVER: &str = "silver/";
/// The layer of KPI tables.
pub const GOLD: &str = "gold/";
/// Rejected rows.
pub const QUARANTINE: &str = "quarantine/";
/// The catalog's own prefix.
pub const CATALOG: &str = "catalog/";

/// What is known of each bronze object, by dataset.
pub const ENTRIES: &str = "catalog/entries/";
/// Indexes of keys, by dataset.
pub const INDEX: &str = "catalog/index/";
/// What each commit changed, by dataset.
pub const CHANGES: &str = "catalog/changes/";
/// Sums, by KPI.
pub const SUMS: &str = "catalog/sums/";

const COMMITS: &str = "catalog/commits/";

/// The catalog of one lake, as of the newest commit that was read.
pub struct Catalog<'s> {
    store: &'s dyn Store,
    state: State,
}

fn commit_key(sequence: u64) -> String {
    format!("{COMMITS}{sequence:020}.json")
}

/// The commit of that number.
pub fn read_commit(store: &dyn Store, sequence: u64) -> Result<Commit> {
    let key = commit_key(sequence);
    parse(&key, &read(store, &key)?)
}

fn parse<T: DeserializeOwned>(key: &str, body: &[u8]) -> Result<T> {
    serde_json::from_slice(body).map_err(|error| {
        Error::new(Kind::InvalidInput, format!("`{key}` is not what this version of smelt writes: {error}"))
    })
}

impl<'s> Catalog<'s> {
    /// Reads the newest commit.
    pub fn load(store: &'s dyn Store) -> Result<Self> {
        let _span = profile::span("load the catalog", "");
        let mut catalog = Self { store, state: State::default() };
        catalog.refresh()?;
        Ok(catalog)
    }

    /// Reads the newest commit if it came since.
    pub fn refresh(&mut self) -> Result<()> {
        let newest = self.newest()?;
        if newest > self.state.sequence {
            self.state = read_commit(self.store, newest)?.state;
        }
        Ok(())
    }

    /// The number of the newest commit. Commits are numbered without gaps and never deleted, so it is found in a few steps
    /// however many there are, and a listing that is a moment old cannot mislead.
    fn newest(&self) -> Result<u64> {
        let exists = |sequence| self.store.exists(&commit_key(sequence));
        let mut held = self.state.sequence;
        let mut step = 1;
        while exists(held + step)? {
            held += step;
            step *= 2;
        }
        // There is `held`, and there is no `held + step`.
        while step > 1 {
            step /= 2;
            if exists(held + step)? {
                held += step;
            }
        }
        Ok(held)
    }

    /// Fails if a commit is missing, so that newer ones are out of sight.
    pub fn check_gaps(&self) -> Result<()> {
        match self.store.list(COMMITS, &commit_key(self.state.sequence))?.first() {
            // One that was made since.
            Some(meta) if meta.key == commit_key(self.state.sequence + 1) => Ok(()),
            Some(meta) => {
                let (next, found) = (commit_key(self.state.sequence + 1), &meta.key);
                Err(Error::new(Kind::InvalidInput, format!("the catalog lacks `{next}`, but has `{found}`")))
            }
            None => Ok(()),
        }
    }

    /// What the lake holds.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Makes the change part of the lake, or fails with [`Kind::Conflict`] if another host committed since this catalog
    /// was read and touched the same datasets or KPIs; then nothing of it happened.
    pub fn commit(&mut self, change: &Change, now: DateTime<Utc>) -> Result<()> {
        let id = unique_id();
        let at = now.to_rfc3339_opts(SecondsFormat::Micros, true);
        loop {
            let commit = change.on(&self.state, &id, &at);
            let key = commit_key(commit.sequence);
            let body = serde_json::to_vec(&commit).map_err(|error| Error::internal(error.to_string()))?;
            if self.store.put_if_absent(&key, &body, Durability::Durable)? {
                self.state = commit.state;
                return Ok(());
            }
            // Taken: by another host, or by ourselves in a try whose answer was lost.
            let winner: Commit = parse(&key, &read(self.store, &key)?)?;
            let (ours, clash) = (winner.id == id, winner.touches_what(&commit));
            if clash && !ours {
                return Err(Error::new(Kind::Conflict, format!("another host committed `{key}` first")));
            }
            self.state = winner.state;
            if ours {
                return Ok(());
            }
        }
    }

    /// All commits, oldest first.
    pub fn history(&self) -> Result<Vec<Commit>> {
        (1..=self.state.sequence).map(|sequence| read_commit(self.store, sequence)).collect()
    }
}

/// Differs from that of every other commit.
fn unique_id() -> String {
    format!("{:016x}{:016x}", crate::random(), crate::random())
}
