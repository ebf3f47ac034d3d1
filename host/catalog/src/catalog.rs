//! The catalog of a lake as of its newest commit: reading it, and making the next one.

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

/// How long a commit whose outcome is unknown is sent again, and how long we wait before the first time.
const INSIST: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(50);

/// The catalog of one lake, as of the newest commit that was read.
pub struct Catalog<'s> {
    pub(crate) store: &'s dyn Store,
    pub(crate) state: State,
    /// Of the commit that made the state.
    pub(crate) id: String,
}

/// A commit that was read: a lake that no longer has it is not the lake that it was.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// Its number; 0 if none was read.
    pub sequence: u64,
    id: String,
}

impl<'s> Catalog<'s> {
    /// Reads the newest commit.
    ///
    /// # Errors
    /// [`Kind::Damaged`] if it is damaged, or another than it should be, or if one before it is missing; says what to do.
    pub fn load(store: &'s dyn Store) -> Result<Self> {
        let catalog = Self::load_from(store, &Known::default())?;
        catalog.check_gaps()?;
        Ok(catalog)
    }

    /// The same in fewer questions where a commit was read before.
    ///
    /// # Errors
    /// [`Kind::Unavailable`] also if that commit is gone: the lake may come back. That it is a new one is never concluded.
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

    /// Fails if the commit of that number, which was read, is gone.
    pub fn expect(store: &dyn Store, sequence: u64) -> Result<()> {
        if store.exists(&commit_key(sequence))? { Ok(()) } else { Err(is_gone(store, sequence)) }
    }

    /// Reads the newest commit that can be read; also returns what is wrong with those after it, by key. For whoever looks for
    /// damage.
    pub fn load_readable(store: &'s dyn Store) -> Result<(Self, Vec<(String, Error)>)> {
        let mut catalog = Self { store, state: State::default(), id: String::new() };
        let mut wrong = Vec::new();
        let newest = catalog.newest(0)?;
        for sequence in (1..=newest).rev() {
            match catalog.read(sequence, &Known::default()) {
                Ok(()) => break,
                Err(error) if error.kind() == Kind::Damaged => wrong.push((commit_key(sequence), error)),
                // Nothing is known of those before it either.
                Err(error) => return Err(error),
            }
        }
        Ok((catalog, wrong))
    }

    /// Reads the newest commit if it came since.
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

    /// Reads the newest commit, which has that number and must be, or come after, the known one.
    fn read(&mut self, newest: u64, known: &Known) -> Result<()> {
        let commit = read_commit(self.store, newest).and_then(|commit| {
            self.check_past(&commit, known)?;
            Ok(commit)
        });
        let commit = commit.map_err(|error| match error.kind() {
            Kind::Damaged => error.and(
                "put back a copy of it that is whole, or remove it, and the next `smelt run` makes good what it held",
            ),
            _ => error,
        })?;
        (self.state, self.id) = (commit.state, commit.id);
        Ok(())
    }

    /// Checks that the commit is the known one or follows from it, as far as one or two reads tell.
    fn check_past(&self, commit: &Commit, known: &Known) -> Result<()> {
        let id_of = |sequence: u64| match sequence {
            0 => Ok(Some(String::new())),
            sequence if sequence == known.sequence => Ok(Some(known.id.clone())),
            sequence => match file::find(self.store, sequence) {
                Ok(found) => Ok(found.map(|commit| commit.id)),
                // The id of a damaged commit is unknown, and the newer commit holds all that matters.
                Err(error) if error.kind() != Kind::Unavailable => Ok(None),
                Err(error) => Err(error),
            },
        };
        if commit.sequence == known.sequence {
            return if commit.id == known.id { Ok(()) } else { Err(is_gone(self.store, known.sequence)) };
        }
        if id_of(commit.sequence - 1)?.is_some_and(|id| id != commit.previous) {
            return Err(follows_not(commit.sequence));
        }
        if known.sequence > 0 && known.sequence + 1 < commit.sequence {
            let still = file::find(self.store, known.sequence)?;
            if still.is_none_or(|commit| commit.id != known.id) {
                return Err(is_gone(self.store, known.sequence));
            }
        }
        Ok(())
    }

    /// The number of the newest commit of a lake that has the one of that number.
    pub fn newest_after(store: &dyn Store, held: u64) -> Result<u64> {
        Catalog { store, state: State::default(), id: String::new() }.newest(held)
    }

    /// The number of the newest commit, where there is `held`. Commits are numbered without gaps and never deleted, so it is found in a few steps
    /// however many there are, and a listing that is a moment old cannot mislead.
    pub(crate) fn newest(&self, mut held: u64) -> Result<u64> {
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
        let newest = commit_key(self.state.sequence);
        match self.store.list(COMMITS, &newest)?.first() {
            // One that was made since.
            Some(meta) if meta.key == commit_key(self.state.sequence + 1) => Ok(()),
            Some(meta) => {
                let (next, found) = (commit_key(self.state.sequence + 1), &meta.key);
                let why = format!("the catalog lacks `{next}`, but has `{found}`");
                Err(Error::new(Kind::Damaged, why).and(
                    "put it back; or, if it is lost, remove those after it, and the next `smelt run` makes good what they \
                     held",
                ))
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
            let commit = change.on(&self.state, &self.id, &id, &at);
            let winner = self.put(&commit)?;
            let (ours, clash) =
                (winner.id == id, winner.touches_what(&commit) || winner.has_retired(change, &self.state));
            if clash && !ours {
                let key = commit_key(commit.sequence);
                return Err(Error::new(Kind::Conflict, format!("another host committed `{key}` first")));
            }
            if winner.previous != self.id {
                return Err(follows_not(winner.sequence));
            }
            (self.state, self.id) = (winner.state, winner.id);
            if ours {
                return Ok(());
            }
        }
    }

    /// The commit that has its number in the end. Whatever the store answers, the key tells: if it holds a commit that is
    /// the winner; if it does not, the same commit is sent again.
    fn put(&self, commit: &Commit) -> Result<Commit> {
        if commit.sequence > 1 && !self.store.is_remote() {
            // The lake may have gone since it was read; a commit would begin another one in its place.
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

    /// All commits up to that number that can be read, oldest first, and what is wrong with the others.
    pub fn history(store: &dyn Store, newest: u64) -> Result<(Vec<Commit>, Vec<Error>)> {
        let (mut commits, mut wrong): (Vec<Commit>, _) = (Vec::new(), Vec::new());
        for (sequence, commit) in Self::commits(store, 1..=newest) {
            match commit {
                Ok(commit) => commits.push(commit),
                Err(error) if error.kind() == Kind::Unavailable => return Err(error),
                Err(error) => wrong.push(error.and(format_args!(
                    "what the lake holds does not depend on it, since newer ones say it all; put back a copy of \
                     `{}` that is whole, or do without what it tells",
                    commit_key(sequence)
                ))),
            }
        }
        Ok((commits, wrong))
    }

    /// The commits of those numbers, with each what is wrong with it, if something is: also that it does not follow the one
    /// before it.
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
                *commit = Err(follows_not(*sequence));
            }
        }
        commits
    }
}

/// That a commit is gone which was there.
fn is_gone(store: &dyn Store, sequence: u64) -> Error {
    let (lake, key) = (store.describe(), commit_key(sequence));
    Error::new(
        Kind::Unavailable,
        format!(
            "the lake at {lake} no longer has `{key}`, which this process has read: its place is gone, or holds another lake or \
             an older one. Put it back (is it mounted?); or, if what is there now is meant, start smelt again"
        ),
    )
}

fn follows_not(sequence: u64) -> Error {
    let before = commit_key(sequence.saturating_sub(1));
    file::damaged(
        &commit_key(sequence),
        format_args!("it does not follow `{before}`: one of them is of another lake or past"),
    )
}

#[expect(clippy::disallowed_methods, reason = "a server is given time, which nothing here could wait on")]
fn wait(time: Duration) {
    thread::sleep(time);
}

/// Differs from that of every other commit.
fn unique_id() -> String {
    format!("{:016x}{:016x}", smelt_common::random(), smelt_common::random())
}
