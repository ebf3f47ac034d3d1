//! Reads the newest commit of a lake, and makes the next one.

use std::thread;
use std::time::{Duration, Instant};

use chrono::{DateTime, SecondsFormat, Utc};
use smelt_common::error::{Kind, Result};
use smelt_common::{Error, profile, workers};
use smelt_storage::{Durability, Store};

use crate::commit::{Change, Commit};
use crate::file::{self, read_commit};
use crate::keys::{COMMITS, commit_key};
use crate::state::State;

/// How long the catalog goes on sending a commit whose outcome is unknown.
const INSIST: Duration = Duration::from_secs(30);
/// How long the catalog waits before it sends a commit for the second time. Later waits double.
const PAUSE: Duration = Duration::from_millis(50);

/// The catalog of a lake, as of the newest commit that was read.
pub struct Catalog<'s> {
    pub(crate) store: &'s dyn Store,
    pub(crate) state: State,
    /// The id of the commit that made the state.
    pub(crate) id: String,
}

/// A commit that this process has read. If the lake no longer has it, the lake was replaced or lost.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// The commit's number; 0 if none was read.
    pub sequence: u64,
    id: String,
}

impl<'s> Catalog<'s> {
    /// Reads the newest commit.
    ///
    /// # Errors
    /// [`Kind::Damaged`] if the commit is damaged, does not follow the commit before it, or if a commit is missing. The
    /// message says what to do.
    pub fn load(store: &'s dyn Store) -> Result<Self> {
        let catalog = Self::load_from(store, &Known::default())?;
        catalog.check_gaps()?;
        Ok(catalog)
    }

    /// Reads the newest commit with fewer requests, given a commit that was read before.
    ///
    /// # Errors
    /// Those of [`Self::load`]; and [`Kind::Unavailable`] if the known commit is gone. The lake may come back, so it is
    /// never taken for a new one.
    pub fn load_from(store: &'s dyn Store, known: &Known) -> Result<Self> {
        let _span = profile::span("load the catalog", "");
        if known.sequence > 0 {
            Self::expect(store, known.sequence)?;
        }
        let mut catalog = Self { store, state: State::default(), id: String::new() };
        let newest = catalog.newest(known.sequence)?;
        if newest > 0 {
            catalog.read(newest, known)?;
        }
        Ok(catalog)
    }

    /// Fails with [`Kind::Unavailable`] if the commit with this number, which the process has read, is gone.
    pub fn expect(store: &dyn Store, sequence: u64) -> Result<()> {
        if store.exists(&commit_key(sequence))? { Ok(()) } else { Err(is_gone(store, sequence)) }
    }

    /// Reads the newest commit that is not damaged. Also returns the keys and errors of the damaged commits after it.
    /// The search for damage uses this.
    pub fn load_readable(store: &'s dyn Store) -> Result<(Self, Vec<(String, Error)>)> {
        let mut catalog = Self { store, state: State::default(), id: String::new() };
        let mut damaged = Vec::new();
        let newest = catalog.newest(0)?;
        for sequence in (1..=newest).rev() {
            match catalog.read(sequence, &Known::default()) {
                Ok(()) => break,
                Err(error) if error.kind() == Kind::Damaged => damaged.push((commit_key(sequence), error)),
                // If the store does not answer, earlier commits cannot be read either.
                Err(error) => return Err(error),
            }
        }
        Ok((catalog, damaged))
    }

    /// Reads the newest commit, if there is one after the current one.
    pub fn refresh(&mut self) -> Result<()> {
        let newest = self.newest(self.state.sequence)?;
        if newest > self.state.sequence {
            self.read(newest, &self.known())?;
        }
        Ok(())
    }

    /// Returns whether there is no newer commit than the one that the catalog was read from.
    pub fn is_newest(&self) -> Result<bool> {
        Ok(!self.store.exists(&commit_key(self.state.sequence + 1))?)
    }

    /// Returns the number and id of the commit that the catalog was read from.
    pub fn known(&self) -> Known {
        Known { sequence: self.state.sequence, id: self.id.clone() }
    }

    /// Reads the newest commit, whose number is `newest`. Checks that it is the known commit or comes after it.
    fn read(&mut self, newest: u64, known: &Known) -> Result<()> {
        let commit = read_commit(self.store, newest).and_then(|commit| {
            self.check_past(&commit, known)?;
            Ok(commit)
        });
        let commit = commit.map_err(|error| match error.kind() {
            Kind::Damaged => error
                .and("put back an undamaged copy of it; or remove it, and the next `smelt run` does its work again"),
            _ => error,
        })?;
        (self.state, self.id) = (commit.state, commit.id);
        Ok(())
    }

    /// Checks that the commit is the known one or comes after it, as far as one or two reads can tell.
    fn check_past(&self, commit: &Commit, known: &Known) -> Result<()> {
        let id_of = |sequence: u64| match sequence {
            0 => Ok(Some(String::new())),
            sequence if sequence == known.sequence => Ok(Some(known.id.clone())),
            sequence => match file::find(self.store, sequence) {
                Ok(found) => Ok(found.map(|commit| commit.id)),
                // A damaged commit has no known id. The check passes, because the newer commit has the whole state.
                Err(error) if error.kind() != Kind::Unavailable => Ok(None),
                Err(error) => Err(error),
            },
        };
        if commit.sequence == known.sequence {
            return if commit.id == known.id { Ok(()) } else { Err(is_gone(self.store, known.sequence)) };
        }
        if id_of(commit.sequence - 1)?.is_some_and(|id| id != commit.previous) {
            return Err(does_not_follow(commit.sequence));
        }
        if known.sequence > 0 && known.sequence + 1 < commit.sequence {
            let found = file::find(self.store, known.sequence)?;
            if found.is_none_or(|commit| commit.id != known.id) {
                return Err(is_gone(self.store, known.sequence));
            }
        }
        Ok(())
    }

    /// Returns the number of the newest commit of a lake that has the commit `held`.
    pub fn newest_after(store: &dyn Store, held: u64) -> Result<u64> {
        Catalog { store, state: State::default(), id: String::new() }.newest(held)
    }

    /// Returns the number of the newest commit, given that the commit `held` exists. Commits are numbered without gaps
    /// and never deleted, so a binary search finds the newest one in a few steps. Unlike a listing, the search cannot
    /// return outdated results.
    pub(crate) fn newest(&self, mut held: u64) -> Result<u64> {
        let exists = |sequence| self.store.exists(&commit_key(sequence));
        let mut step = 1;
        while exists(held + step)? {
            held += step;
            step *= 2;
        }
        // Invariant: the commit `held` exists, and the commit `held + step` does not.
        while step > 1 {
            step /= 2;
            if exists(held + step)? {
                held += step;
            }
        }
        Ok(held)
    }

    /// Fails with [`Kind::Damaged`] if a commit is missing, so that newer commits cannot be found.
    pub fn check_gaps(&self) -> Result<()> {
        let newest = commit_key(self.state.sequence);
        match self.store.list(COMMITS, &newest)?.first() {
            // Another host made this commit since the catalog was read.
            Some(meta) if meta.key == commit_key(self.state.sequence + 1) => Ok(()),
            Some(meta) => {
                let (next, found) = (commit_key(self.state.sequence + 1), &meta.key);
                let why = format!("the catalog lacks `{next}`, but has `{found}`");
                Err(Error::new(Kind::Damaged, why).and(
                    "put it back; or, if it is lost, remove the commits after it, and the next `smelt run` does their work \
                     again",
                ))
            }
            None => Ok(()),
        }
    }

    /// Returns the state of the lake after the commit that was read.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Commits the change.
    ///
    /// # Errors
    /// - [`Kind::Conflict`] if another host committed since this catalog was read, and changed the same datasets or
    ///   KPIs or retired an object that the change references. Then nothing was committed.
    /// - [`Kind::Unavailable`] if the outcome is unknown. A request that is still on its way may even make the commit
    ///   later. So the caller must not delete any object that the change references.
    pub fn commit(&mut self, change: &Change, now: DateTime<Utc>) -> Result<()> {
        let id = unique_id();
        let at = now.to_rfc3339_opts(SecondsFormat::Micros, true);
        loop {
            let commit = change.on(&self.state, &self.id, &id, &at);
            let winner = self.put(&commit)?;
            let (ours, clash) =
                (winner.id == id, winner.conflicts_with(&commit) || winner.has_retired(change, &self.state));
            if clash && !ours {
                let key = commit_key(commit.sequence);
                return Err(Error::new(Kind::Conflict, format!("another host committed `{key}` first")));
            }
            if winner.previous != self.id {
                return Err(does_not_follow(winner.sequence));
            }
            (self.state, self.id) = (winner.state, winner.id);
            if ours {
                return Ok(());
            }
        }
    }

    /// Writes the commit, and returns the commit that has its number in the end. Whatever the store answers, the key
    /// decides: if it holds a commit, that one is the winner. If it does not, the same commit is sent again.
    fn put(&self, commit: &Commit) -> Result<Commit> {
        if commit.sequence > 1 && !self.store.is_remote() {
            // If the directory of the lake is gone (unmounted, say), this commit would begin another lake in its place.
            Self::expect(self.store, commit.sequence - 1)?;
        }
        let (key, body) = (commit_key(commit.sequence), file::write(commit)?);
        let (began, mut pause) = (Instant::now(), PAUSE);
        loop {
            let put = self.store.put_if_absent(&key, &body, Durability::Durable);
            if matches!(put, Ok(true)) {
                return Ok(commit.clone());
            }
            let unknown = match (file::find(self.store, commit.sequence), put) {
                (Ok(Some(winner)), _) => return Ok(winner),
                // The commit under the key is damaged or of another version. Sending ours again would not help.
                (Err(error), _) if error.kind() != Kind::Unavailable => return Err(error),
                (_, Err(error)) if error.kind() != Kind::Unavailable => return Err(error),
                (Err(error), _) | (Ok(None), Err(error)) => error,
                (Ok(None), Ok(_)) => Error::new(
                    Kind::Unavailable,
                    format!("the store says both that `{key}` exists and that it does not"),
                ),
            };
            // A directory's answer is certain, so it is not asked again.
            if !self.store.is_remote() || began.elapsed() + pause > INSIST {
                return Err(
                    unknown.context(format!("smelt cannot tell whether `{key}` was committed, so it deleted nothing"))
                );
            }
            tracing::warn!("sending `{key}` again: {unknown}");
            wait(pause);
            pause = pause.saturating_mul(2);
        }
    }

    /// Returns the undamaged commits up to the number `newest`, oldest first, and the errors of the damaged ones.
    ///
    /// # Errors
    /// [`Kind::Unavailable`] if the store does not answer.
    pub fn history(store: &dyn Store, newest: u64) -> Result<(Vec<Commit>, Vec<Error>)> {
        let (mut commits, mut damaged): (Vec<Commit>, _) = (Vec::new(), Vec::new());
        for (sequence, commit) in Self::commits(store, 1..=newest) {
            match commit {
                Ok(commit) => commits.push(commit),
                Err(error) if error.kind() == Kind::Unavailable => return Err(error),
                Err(error) => damaged.push(error.and(format_args!(
                    "the lake's data does not depend on it, because newer commits have the whole state; put back an \
                     undamaged copy of `{}`, or do without this part of the history",
                    commit_key(sequence)
                ))),
            }
        }
        Ok((commits, damaged))
    }

    /// Reads the commits with these numbers. A commit that is damaged, or does not follow the one before it, is an
    /// error.
    pub fn commits(store: &dyn Store, sequences: std::ops::RangeInclusive<u64>) -> Vec<(u64, Result<Commit>)> {
        let mut commits = workers::map(sequences.collect(), |sequence| (sequence, read_commit(store, sequence)));
        let mut before: Option<(u64, String)> = None;
        for (sequence, commit) in &mut commits {
            let Ok(found) = commit else { continue };
            let follows = match &before {
                Some((number, id)) if number + 1 == *sequence => found.previous == *id,
                _ => true,
            };
            before = Some((*sequence, found.id.clone()));
            if !follows {
                *commit = Err(does_not_follow(*sequence));
            }
        }
        commits
    }
}

/// Returns the error for a commit that this process has read and that is gone.
fn is_gone(store: &dyn Store, sequence: u64) -> Error {
    let (lake, key) = (store.describe(), commit_key(sequence));
    Error::new(
        Kind::Unavailable,
        format!(
            "the lake at {lake} no longer has `{key}`, which this process has read: the lake is gone, or was replaced by \
             another or an older one. Put it back (is it mounted?); or, if the lake that is there now is the right one, start \
             smelt again"
        ),
    )
}

/// Returns the error for a commit that does not follow the commit before it.
fn does_not_follow(sequence: u64) -> Error {
    let before = commit_key(sequence.saturating_sub(1));
    file::damaged(
        &commit_key(sequence),
        format_args!(
            "it does not follow `{before}`: one of the two belongs to another lake, or to another history of this one"
        ),
    )
}

#[expect(clippy::disallowed_methods, reason = "the server needs time, and there is no event to wait for")]
fn wait(time: Duration) {
    thread::sleep(time);
}

/// Returns a random id of 128 bits, so that no two commits have the same id.
fn unique_id() -> String {
    format!("{:016x}{:016x}", smelt_common::random(), smelt_common::random())
}
