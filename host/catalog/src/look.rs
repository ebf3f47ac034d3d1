//! Reads the lake while other hosts commit, and tells a retired object from a lost one.
//!
//! A host deletes an object only after a commit has listed it as retired. So if commit n references an object that is
//! gone, either a commit after n lists it as retired, or the object is lost. A reader must look for that commit after
//! it found the object gone. All objects that a commit references were written before it, so none of them is still to
//! come.

use std::collections::HashSet;
use std::thread;
use std::time::Duration;

use crate::catalog::Catalog;
use crate::file::read_commit;
use crate::state::State;
use smelt_common::Error;
use smelt_common::error::{Kind, Result};
use smelt_storage::Store;

/// The most times that a reader begins again because other hosts commit.
pub const LOOKS: usize = 16;

/// How long a reader waits for a commit that another host may be about to make.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a reader waits before it asks for the newest commit again.
const PAUSE: Duration = Duration::from_millis(20);

/// The lake as of one commit, and the objects that were retired since.
pub struct Look<'s> {
    store: &'s dyn Store,
    catalog: Catalog<'s>,
    /// The last commit whose retired objects are known.
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

    /// Returns the store of the lake.
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

    /// Returns whether a commit since then has retired the object. If so, the object may be gone or changed without
    /// damage. Callers ask after they found it gone or changed, never before.
    pub fn has_retired(&mut self, key: &str) -> Result<bool> {
        if self.retired.contains(key) {
            return Ok(true);
        }
        let newest = self.catalog.newest(self.seen)?;
        for sequence in self.seen + 1..=newest {
            match read_commit(self.store, sequence) {
                // No object that a damaged commit retired has been deleted: a host that cannot read the commit makes
                // none after it.
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

/// Returns the result of `at` for the newest commit. Another host may commit meanwhile and delete objects that `at` was
/// about to read. Then `at` is called again with the newest commit. If it reports the same damage for two commits in a
/// row, the damage is real: the second commit would not reference a retired object.
///
/// If `at` returns [`Kind::Conflict`], it needs a commit that another host is about to make. The function waits for
/// that commit for up to 10 s, as long as another host may be at work.
///
/// # Errors
/// The error of `at`; [`Kind::Unavailable`] if other hosts commit faster than `at` reads.
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
        let is_real = error.kind() == Kind::Damaged && before.as_ref() == Some(&why);
        if catalog.state().sequence == sequence || is_real {
            return Err(error);
        }
        before = Some(why);
    }
    Err(busy(before.unwrap_or_default()))
}

/// Returns the error for a reader that did not keep up with the commits of other hosts.
pub fn busy(why: impl std::fmt::Display) -> Error {
    let error = Error::new(Kind::Unavailable, format!("the last error was: {why}"));
    error.context(format!(
        "other hosts commit faster than this reads, {LOOKS} times in a row; try again when they do less"
    ))
}

#[expect(clippy::disallowed_methods, reason = "the other host needs time, and there is no event to wait for")]
fn pause() {
    thread::sleep(PAUSE);
}
