//! The catalog: what the lake holds, as of its newest commit. A reader sees all of a commit or none of it.

mod commit;
mod components;
mod entries;
mod file;
mod former;
mod names;
mod provenance;
mod state;
#[cfg(test)]
mod tests;
mod totals;

pub use commit::{Change, Commit, DatasetChange, LogEntry, Promoted, Removed};
pub use components::{component_key, keep_component, kept_component};
pub use entries::Entries;
pub use file::read_commit;
pub use former::{FORMER, Former};
pub use names::{Listed, NameSet};
pub use provenance::{Content, Cost, Pace};
pub use state::{Dataset, Entry, Failing, Failure, Gold, GoldInput, Promotion, State, Stored};
pub use totals::{DatasetTotals, Totals};

use std::thread;
use std::time::{Duration, Instant};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Deserialize;

use crate::error::{Kind, Result};
use crate::store::{Durability, Store};
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

/// Components, by their sha256.
pub const COMPONENTS: &str = "catalog/components/";

/// The commits.
pub const COMMITS: &str = "catalog/commits/";

/// The role that removes what is left over.
pub const GC: &str = "gc";

/// How long a commit whose outcome is unknown is sent again, and how long we wait before the first time.
const INSIST: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(50);

/// The catalog of one lake, as of the newest commit that was read.
pub struct Catalog<'s> {
    store: &'s dyn Store,
    state: State,
}

/// Where the commit of that number lies.
pub fn commit_key(sequence: u64) -> String {
    format!("{COMMITS}{sequence:020}.json")
}

fn parse<'b, T: Deserialize<'b>>(key: &str, body: &'b [u8]) -> Result<T> {
    serde_json::from_slice(body).map_err(|error| {
        Error::new(Kind::InvalidInput, format!("`{key}` is not what this version of smelt writes: {error}"))
    })
}

impl<'s> Catalog<'s> {
    /// Reads the newest commit.
    pub fn load(store: &'s dyn Store) -> Result<Self> {
        Self::load_from(store, 0)
    }

    /// The same in fewer questions where a commit is known that there was.
    pub fn load_from(store: &'s dyn Store, known: u64) -> Result<Self> {
        let _span = profile::span("load the catalog", "");
        let mut catalog = Self { store, state: State::default() };
        // Someone may have put another lake in its place.
        let known = if known > 0 && store.exists(&commit_key(known))? { known } else { 0 };
        let newest = catalog.newest(known)?;
        if newest > 0 {
            catalog.state = read_commit(store, newest)?.state;
        }
        Ok(catalog)
    }

    /// Reads the newest commit if it came since.
    pub fn refresh(&mut self) -> Result<()> {
        let newest = self.newest(self.state.sequence)?;
        if newest > self.state.sequence {
            self.state = read_commit(self.store, newest)?.state;
        }
        Ok(())
    }

    /// The number of the newest commit, where there is `held`. Commits are numbered without gaps and never deleted, so it is found in a few steps
    /// however many there are, and a listing that is a moment old cannot mislead.
    fn newest(&self, mut held: u64) -> Result<u64> {
        let exists = |sequence| self.store.exists(&commit_key(sequence));
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
    /// was read and touched the same datasets or KPIs, or retired what the change names; then nothing of it happened.
    ///
    /// [`Kind::Unavailable`] means that no one knows: the commit may even be made later, by a request still on its way. So
    /// nothing that it names may be deleted.
    pub fn commit(&mut self, change: &Change, now: DateTime<Utc>) -> Result<()> {
        let id = unique_id();
        let at = now.to_rfc3339_opts(SecondsFormat::Micros, true);
        loop {
            let commit = change.on(&self.state, &id, &at);
            let winner = self.put(&commit)?;
            let (ours, clash) =
                (winner.id == id, winner.touches_what(&commit) || winner.has_retired(change, &self.state));
            if clash && !ours {
                let key = commit_key(commit.sequence);
                return Err(Error::new(Kind::Conflict, format!("another host committed `{key}` first")));
            }
            self.state = winner.state;
            if ours {
                return Ok(());
            }
        }
    }

    /// The commit that has its number in the end. Whatever the store answers, the key tells: if it holds a commit that is
    /// the winner; if it does not, the same commit is sent again.
    fn put(&self, commit: &Commit) -> Result<Commit> {
        let (key, body) = (commit_key(commit.sequence), file::write(commit)?);
        let (began, mut pause) = (Instant::now(), PAUSE);
        loop {
            let put = self.store.put_if_absent(&key, &body, Durability::Durable);
            if matches!(put, Ok(true)) {
                return Ok(commit.clone());
            }
            let unknown = match (file::find(self.store, &key), put) {
                (Ok(Some(winner)), _) => return Ok(winner),
                // Damaged, or of another version: nothing that sending again would help.
                (Err(error), _) if error.kind() != Kind::Unavailable => return Err(error),
                (_, Err(error)) if error.kind() != Kind::Unavailable => return Err(error),
                (Err(error), _) | (Ok(None), Err(error)) => error,
                (Ok(None), Ok(_)) => Error::new(
                    Kind::Unavailable,
                    format!("the store says both that `{key}` is there and that it is not"),
                ),
            };
            // A directory does what it says.
            if !self.store.is_remote() || began.elapsed() + pause > INSIST {
                return Err(
                    unknown.context(format!("whether `{key}` was committed is unknown, so nothing was deleted"))
                );
            }
            tracing::warn!("`{key}` is sent again: {unknown}");
            wait(pause);
            pause = pause.saturating_mul(2);
        }
    }

    /// All commits, oldest first.
    pub fn history(&self) -> Result<Vec<Commit>> {
        (1..=self.state.sequence).map(|sequence| read_commit(self.store, sequence)).collect()
    }
}

#[expect(clippy::disallowed_methods, reason = "a server is given time, which nothing here could wait on")]
fn wait(time: Duration) {
    thread::sleep(time);
}

/// Differs from that of every other commit.
fn unique_id() -> String {
    format!("{:016x}{:016x}", crate::random(), crate::random())
}
