//! Looking at the lake while others commit: what a reader may say of an object that it does not find.
//!
//! A host deletes what a commit named only after a newer commit has listed it as retired. So if an object that commit n names is
//! gone, some commit since n lists it, and whoever reads these after having missed the object finds it there; or it is
//! missing indeed. Objects that a commit names were written before it, so nothing that the newest commit names is yet to come.

use std::collections::HashSet;
use std::thread;
use std::time::Duration;

use crate::catalog::Catalog;
use crate::file::read_commit;
use crate::state::State;
use smelt_common::Error;
use smelt_common::error::{Kind, Result};
use smelt_storage::Store;

/// How often something is looked at anew because others commit.
pub const LOOKS: usize = 16;

/// How long a reader waits for a commit that a host at work is about to make, and how long between two questions.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(20);

/// The lake as of one commit, and what was retired since.
pub struct Look<'s> {
    store: &'s dyn Store,
    catalog: Catalog<'s>,
    /// The commit up to which is known what was retired.
    seen: u64,
    retired: HashSet<String>,
}

impl<'s> Look<'s> {
    /// Looks at the newest commit.
    pub fn begin(store: &'s dyn Store) -> Result<Self> {
        Catalog::load(store).map(Self::at)
    }

    /// Looks at the commit that the catalog was read from.
    pub fn at(catalog: Catalog<'s>) -> Self {
        Self { store: catalog.store, seen: catalog.state().sequence, catalog, retired: HashSet::new() }
    }

    /// The store of the lake.
    pub fn store(&self) -> &'s dyn Store {
        self.store
    }

    /// Returns the catalog as of the commit that is looked at.
    pub fn catalog(&mut self) -> &mut Catalog<'s> {
        &mut self.catalog
    }

    /// Returns the state after the commit that is looked at.
    pub fn state(&self) -> &State {
        self.catalog.state()
    }

    /// Returns whether a commit since then has retired the object. If so, the object may be gone or changed without damage.
    /// Callers ask after they found it gone or changed, never before.
    pub fn has_retired(&mut self, key: &str) -> Result<bool> {
        if self.retired.contains(key) {
            return Ok(true);
        }
        let newest = self.catalog.newest(self.seen)?;
        for sequence in self.seen + 1..=newest {
            match read_commit(self.store, sequence) {
                // It retired nothing that was deleted: who cannot read it makes no commit after it.
                Err(error) if error.kind() == Kind::Damaged => {}
                commit => self.retired.extend(commit?.state.retired),
            }
            self.seen = sequence;
        }
        Ok(self.retired.contains(key))
    }

    /// Looks at the newest commit from now on.
    pub fn renew(&mut self) -> Result<()> {
        self.catalog.refresh()
    }
}

/// Returns what `at` finds in the newest commit. Another host may commit meanwhile and delete what `at` was about to read:
/// then `at` is called again with the newest commit. The same damage in two commits, one after the other, is real: the second
/// commit would not name an object that was only retired.
///
/// With [`Kind::Conflict`] `at` says that it needs a commit that is yet to come; it is waited for, for a while, if someone may
/// be at work.
///
/// # Errors
/// Fails with the error of `at`, and with [`Kind::Unavailable`] if others commit faster than `at` reads.
pub fn look<T>(store: &dyn Store, mut at: impl FnMut(&State) -> Result<T>) -> Result<T> {
    let mut catalog = Catalog::load(store)?;
    let mut before = None;
    for _ in 0..LOOKS {
        let sequence = catalog.state().sequence;
        let error = match at(catalog.state()) {
            Err(error) if matches!(error.kind(), Kind::Damaged | Kind::Conflict) => error,
            found => return found,
        };
        catalog.refresh()?;
        if error.kind() == Kind::Conflict {
            let mut left = PATIENCE;
            while catalog.state().sequence == sequence {
                if left.is_zero() || !store.may_be_written()? {
                    return Err(Error::new(Kind::Unavailable, error.to_string()));
                }
                pause();
                left = left.saturating_sub(PAUSE);
                catalog.refresh()?;
            }
        }
        let why = error.to_string();
        let is_so = error.kind() == Kind::Damaged && before.as_ref() == Some(&why);
        if catalog.state().sequence == sequence || is_so {
            return Err(error);
        }
        before = Some(why);
    }
    Err(busy(before.unwrap_or_default()))
}

/// That a reader did not keep up with writers.
pub fn busy(why: impl std::fmt::Display) -> Error {
    let error = Error::new(Kind::Unavailable, format!("the last time: {why}"));
    error
        .context(format!("other hosts commit faster than this can be read, {LOOKS} times; try again when they do less"))
}

#[expect(clippy::disallowed_methods, reason = "another host is given time, which nothing here could wait on")]
fn pause() {
    thread::sleep(PAUSE);
}
