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
}

/// The lake as of one commit, for one reader.
#[derive(Clone)]
pub struct Seen {
    lake: Arc<Lake>,
    snapshot: Arc<Snapshot>,
}

impl Lake {
    /// Opens a lake and reads its newest commit.
    pub fn open(store: Box<dyn Store>) -> Result<Arc<Self>> {
        let lake = Self {
            store,
            now: RwLock::new(Arc::new(Snapshot::empty())),
            tables: Tables::default(),
            trouble: Mutex::default(),
        };
        lake.look()?;
        Ok(Arc::new(lake))
    }

    /// Looks for a newer commit. Tables that were asked for are read before others see it, so that nobody waits for them.
    /// Returns whether there was one.
    pub fn look(&self) -> Result<bool> {
        let before = self.now();
        let looked = self.look_after(&before);
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        *trouble = looked.as_ref().err().map(ToString::to_string);
        looked
    }

    fn look_after(&self, before: &Arc<Snapshot>) -> Result<bool> {
        let store = &*self.store;
        store.check_place()?;
        // The lake may have been replaced by another one, with fewer commits.
        let is_there = before.commit() == 0 || Catalog::expect(store, before.commit()).is_ok();
        if is_there && before.commit() > 0 && Catalog::newest_after(store, before.commit())? == before.commit() {
            return Ok(false);
        }
        let state = Catalog::load(store)?.state().clone();
        if state.sequence == before.commit() {
            return Ok(false);
        }
        let next = Arc::new(Snapshot::after(before, store, state)?);
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
    pub fn see<T>(self: &Arc<Self>, mut read: impl FnMut(&Seen) -> Result<T>) -> Result<T> {
        let mut left = LOOKS;
        loop {
            let seen = Seen { lake: Arc::clone(self), snapshot: self.now() };
            match read(&seen) {
                Err(error) if error.kind() == Kind::Damaged && left > 0 => {
                    left -= 1;
                    if !self.look()? && self.now().commit() == seen.snapshot.commit() {
                        return Err(error);
                    }
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
