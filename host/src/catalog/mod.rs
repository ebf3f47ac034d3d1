//! The catalog: what the lake holds, as a fold over write-once commits. A reader sees all of a commit or none of it.

mod commit;
mod state;
#[cfg(test)]
mod tests;
mod totals;

pub use commit::{Commit, DatasetChange};
pub use state::{Dataset, Entry, Gold, Segment, State, Stored};
pub use totals::Totals;

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

/// Indexes of keys.
pub const INDEX: &str = "catalog/index/";
/// Partial aggregates; can be deleted at any time.
pub const MEMO: &str = "catalog/memo/";

const COMMITS: &str = "catalog/commits/";
const CHECKPOINTS: &str = "catalog/checkpoints/";
/// A checkpoint is written every so many commits.
const CHECKPOINT_EVERY: u64 = 32;

/// The catalog of one lake, as of the newest commit that was read.
pub struct Catalog<'s> {
    store: &'s dyn Store,
    state: State,
}

fn commit_key(sequence: u64) -> String {
    format!("{COMMITS}{sequence:020}.json")
}

fn checkpoint_key(sequence: u64) -> String {
    format!("{CHECKPOINTS}{sequence:020}.json")
}

fn parse<T: DeserializeOwned>(key: &str, body: &[u8]) -> Result<T> {
    serde_json::from_slice(body).map_err(|error| {
        Error::new(Kind::InvalidInput, format!("`{key}` is not what this version of smelt writes: {error}"))
    })
}

impl<'s> Catalog<'s> {
    /// Reads the newest checkpoint and the commits after it.
    pub fn load(store: &'s dyn Store) -> Result<Self> {
        let _span = profile::span("load the catalog", "");
        let state = match store.list(CHECKPOINTS, "")?.pop() {
            Some(checkpoint) => parse(&checkpoint.key, &read(store, &checkpoint.key)?)?,
            None => State::default(),
        };
        let mut catalog = Self { store, state };
        catalog.refresh()?;
        Ok(catalog)
    }

    /// Reads the commits that came since.
    pub fn refresh(&mut self) -> Result<()> {
        for meta in self.store.list(COMMITS, &commit_key(self.state.sequence))? {
            let commit: Commit = parse(&meta.key, &read(self.store, &meta.key)?)?;
            if commit.sequence != self.state.sequence + 1 {
                let next = commit_key(self.state.sequence + 1);
                return Err(Error::new(
                    Kind::InvalidInput,
                    format!("the catalog lacks `{next}`, but has `{}`", meta.key),
                ));
            }
            self.state.apply(commit);
        }
        Ok(())
    }

    /// What the lake holds.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Makes the change part of the lake, or fails with [`Kind::Conflict`] if another host committed since this catalog
    /// was read and touched the same datasets or KPIs; then nothing of it happened.
    pub fn commit(&mut self, mut commit: Commit, now: DateTime<Utc>) -> Result<()> {
        commit.id = unique_id();
        commit.at = now.to_rfc3339_opts(SecondsFormat::Micros, true);
        loop {
            commit.sequence = self.state.sequence + 1;
            let key = commit_key(commit.sequence);
            let body = serde_json::to_vec(&commit).map_err(|error| Error::internal(error.to_string()))?;
            if self.store.put_if_absent(&key, &body, Durability::Durable)? {
                self.state.apply(commit);
                return self.checkpoint();
            }
            // Taken: by another host, or by ourselves in a try whose answer was lost.
            let winner: Commit = parse(&key, &read(self.store, &key)?)?;
            if winner.id == commit.id {
                self.state.apply(winner);
                return self.checkpoint();
            }
            if winner.touches_what(&commit) {
                return Err(Error::new(Kind::Conflict, format!("another host committed `{key}` first")));
            }
            self.state.apply(winner);
        }
    }

    fn checkpoint(&self) -> Result<()> {
        if !self.state.sequence.is_multiple_of(CHECKPOINT_EVERY) {
            return Ok(());
        }
        let body = serde_json::to_vec(&self.state).map_err(|error| Error::internal(error.to_string()))?;
        // If there is one already it says the same: state is a function of the commits.
        self.store.put_if_absent(&checkpoint_key(self.state.sequence), &body, Durability::Durable).map(|_| ())
    }

    /// All commits, oldest first.
    pub fn history(&self) -> Result<Vec<Commit>> {
        let commits = self.store.list(COMMITS, "")?;
        commits.iter().map(|meta| parse(&meta.key, &read(self.store, &meta.key)?)).collect()
    }
}

/// Differs from that of every other commit.
fn unique_id() -> String {
    format!("{:016x}{:016x}", crate::random(), crate::random())
}
