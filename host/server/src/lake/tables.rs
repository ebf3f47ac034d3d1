//! The tables that pages ask for, at hand.

use std::sync::{Arc, Mutex, PoisonError};

use smelt_catalog::State;
use smelt_common::Error;
use smelt_common::error::Result;
use smelt_storage::Store;

use super::facts::Facts;
use super::rows::frame_of;
use crate::frame::Frame;

/// The most tables that are kept.
const TABLES: usize = 96;
/// The most bytes of their files.
const BYTES: u64 = 4 << 30;

/// Tables by version. The ones that were asked for last are kept.
#[derive(Default)]
pub struct Tables(Mutex<Vec<Kept>>);

struct Kept {
    name: String,
    version: String,
    /// `None` until the first one who asks has read it. Others wait for that.
    frame: Arc<Mutex<Option<Arc<Frame>>>>,
}

impl Tables {
    /// Returns the rows of the relation of that name as readers see it in this state; `None` if they see none.
    ///
    /// # Errors
    /// [`Kind::Damaged`](smelt_common::error::Kind::Damaged) if some of it is gone: a host may have committed meanwhile.
    pub fn get(&self, store: &dyn Store, state: &State, name: &str) -> Result<Option<Arc<Frame>>> {
        let Some(facts) = Facts::of(state, name) else { return Ok(None) };
        let version = facts.version();
        let slot = self.slot(name, &version);
        let mut frame = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = &*frame {
            return Ok(Some(Arc::clone(found)));
        }
        let made = Arc::new(frame_of(store, &facts)?);
        *frame = Some(Arc::clone(&made));
        drop(frame);
        self.forget_some();
        Ok(Some(made))
    }

    /// Returns the names of the relations that were asked for.
    pub(super) fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = self.kept().iter().map(|kept| kept.name.clone()).collect();
        names.sort();
        names.dedup();
        names
    }

    /// Forgets the versions that a state does not have.
    pub(super) fn forget_others(&self, state: &State) {
        let is_current =
            |kept: &Kept| Facts::of(state, &kept.name).is_some_and(|facts| facts.version() == kept.version);
        self.kept().retain(is_current);
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Vec<Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn slot(&self, name: &str, version: &str) -> Arc<Mutex<Option<Arc<Frame>>>> {
        let mut kept = self.kept();
        let found = kept.iter().position(|kept| kept.version == version);
        let one = match found {
            Some(at) => kept.remove(at),
            None => Kept { name: name.to_owned(), version: version.to_owned(), frame: Arc::default() },
        };
        let slot = Arc::clone(&one.frame);
        kept.push(one);
        slot
    }

    fn forget_some(&self) {
        let mut kept = self.kept();
        let size = |kept: &Kept| match kept.frame.try_lock() {
            Ok(frame) => frame.as_ref().map_or(0, |frame| frame.bytes()),
            Err(_) => 0,
        };
        while kept.len() > 1 && (kept.len() > TABLES || kept.iter().map(size).sum::<u64>() > BYTES) {
            kept.remove(0);
        }
    }
}

/// Returns the error that there is no such relation, with the names of those that are.
pub(crate) fn unknown(state: &State, name: &str) -> Error {
    let names: Vec<_> = Facts::all(state).map(|facts| facts.name).collect();
    let known =
        if names.is_empty() { "the lake has none yet".to_owned() } else { format!("there are {}", names.join(", ")) };
    Error::config(format!("there is no dataset or table `{name}`; {known}"))
}
