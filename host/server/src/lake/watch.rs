//! Follows the lake's commits.

use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use smelt_catalog::Catalog;
use smelt_common::error::{Kind, Result};
use smelt_storage::Store;

use super::snapshot::Snapshot;
use super::tables::{Tables, unknown};
use crate::frame::Frame;

/// The time between two looks for a new commit.
const LOCAL: Duration = Duration::from_millis(250);
/// The same where each look is a request.
const REMOTE: Duration = Duration::from_secs(2);
/// The most times that a reader begins again because hosts commit.
const LOOKS: usize = 8;

/// A lake that is served.
pub struct Lake {
    store: Box<dyn Store>,
    now: RwLock<Arc<Snapshot>>,
    tables: Tables,
    /// The last error of a look at the lake; `None` if it went well.
    trouble: Mutex<Option<String>>,
    /// Held while a look goes on. Of two at a time the slower one might put back an older commit.
    looking: Mutex<()>,
}

/// The lake as of one commit, for one reader.
#[derive(Clone)]
pub struct Seen {
    lake: Arc<Lake>,
    snapshot: Arc<Snapshot>,
    /// Set if no newer commit explains what is gone, so that it is damaged.
    is_settled: bool,
}

impl Lake {
    /// Opens a lake and reads its newest commit.
    pub fn open(store: Box<dyn Store>) -> Result<Arc<Self>> {
        let lake = Self {
            store,
            now: RwLock::new(Arc::new(Snapshot::empty())),
            tables: Tables::default(),
            trouble: Mutex::default(),
            looking: Mutex::default(),
        };
        lake.look()?;
        Ok(Arc::new(lake))
    }

    /// Looks for a newer commit. Tables that were asked for are read before others see it, so that nobody waits for them.
    /// Returns whether there was one.
    pub fn look(&self) -> Result<bool> {
        let _looking = self.looking.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.now();
        let looked = self.look_after(&before);
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        *trouble = looked.as_ref().err().map(ToString::to_string);
        looked
    }

    fn look_after(&self, before: &Arc<Snapshot>) -> Result<bool> {
        let store = &*self.store;
        store.check_place()?;
        // The lake may have been replaced by another one, with fewer commits, as many or more.
        let is_same = before.is_still_in(store)?;
        if is_same && before.commit() > 0 && Catalog::newest_after(store, before.commit())? == before.commit() {
            return Ok(false);
        }
        let state = Catalog::load(store)?.state().clone();
        if is_same && state.sequence == before.commit() {
            return Ok(false);
        }
        let empty = Snapshot::empty();
        let next = Arc::new(Snapshot::after(if is_same { before } else { &empty }, store, state)?);
        next.warm_up(store);
        for name in self.tables.names() {
            // Whoever asks for it again is told the error.
            let _ = self.tables.get(store, &next.state, &name);
        }
        *self.now.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&next);
        self.tables.forget_others(&next.state);
        Ok(true)
    }

    /// Reads what pages need of the newest commit, so that the first readers do not wait for it: these tables, and what the
    /// commits did that made all tables.
    pub fn warm_up(&self, tables: &[String]) {
        let now = self.now();
        now.warm_up(&*self.store);
        for name in tables {
            // Whoever asks for it is told the error.
            let _ = self.tables.get(&*self.store, &now.state, name);
        }
    }

    /// Returns the time to wait before the next look.
    pub fn pause(&self) -> Duration {
        if self.store.is_remote() { REMOTE } else { LOCAL }
    }

    /// Returns the last error of a look at the lake; `None` if it went well.
    pub fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns the newest commit that was seen.
    pub fn now(&self) -> Arc<Snapshot> {
        Arc::clone(&self.now.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns the result of `read`, for one commit. If a host deletes meanwhile what it reads, it is called again for the
    /// newest one.
    pub fn see<T>(self: &Arc<Self>, read: impl FnMut(&Seen) -> Result<T>) -> Result<T> {
        self.look_until(false, read)
    }

    /// Returns the result of `read` as [`see`](Self::see) does. If something is damaged, `read` is called a last time, so that
    /// it may show [the rest](Seen::settled).
    pub fn see_the_rest<T>(self: &Arc<Self>, read: impl FnMut(&Seen) -> Result<T>) -> Result<T> {
        self.look_until(true, read)
    }

    fn look_until<T>(self: &Arc<Self>, settles: bool, mut read: impl FnMut(&Seen) -> Result<T>) -> Result<T> {
        let mut left = LOOKS;
        let mut seen = Seen { lake: Arc::clone(self), snapshot: self.now(), is_settled: false };
        loop {
            match read(&seen) {
                Err(error) if error.kind() == Kind::Damaged && !seen.is_settled => {
                    left -= 1;
                    self.look()?;
                    let now = self.now();
                    seen.is_settled = left == 0 || Arc::ptr_eq(&now, &seen.snapshot);
                    if seen.is_settled && !settles {
                        return Err(error);
                    }
                    seen.snapshot = now;
                }
                result => return result,
            }
        }
    }
}

impl Seen {
    /// Returns the commit and the state after it.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Returns a result that a part of a page can show as it is.
    ///
    /// # Errors
    /// Something is gone that a newer commit may explain: the whole page is to be read again.
    pub fn settled<T>(&self, result: Result<T>) -> Result<Result<T>> {
        match result {
            Err(error) if error.kind() == Kind::Damaged && !self.is_settled => Err(error),
            result => Ok(result),
        }
    }

    /// Returns the store of the lake.
    pub fn store(&self) -> &dyn Store {
        &*self.lake.store
    }

    /// Returns the rows of the relation of that name.
    ///
    /// # Errors
    /// There is no such relation, or its rows cannot be read.
    pub fn table(&self, name: &str) -> Result<Arc<Frame>> {
        let state = &self.snapshot.state;
        self.lake.tables.get(self.store(), state, name)?.ok_or_else(|| unknown(state, name))
    }
}
