//! The one loop that changes the lake: it reads the catalog, works and commits. If another host committed in between,
//! it begins again.

use smelt_catalog::{Catalog, Change, State};
use smelt_common::Error;
use smelt_common::error::{Kind, Result};

use crate::outcome::Outcome;

/// The most attempts at a piece of work, if other hosts commit first each time.
pub const ATTEMPTS: usize = 16;

/// Reads the newest commit and makes the next one. A host implements it, and so does a tool that has a store but no
/// pipeline.
pub(crate) trait Committer {
    /// Reads the catalog for the next attempt.
    fn read(&self) -> Result<Catalog<'_>>;

    /// Commits the change, and does the work that follows a commit.
    ///
    /// # Errors
    /// [`Kind::Conflict`] if another host first committed a change of the same parts of the lake.
    fn commit(&self, catalog: &mut Catalog<'_>, change: Change) -> Result<()>;

    /// Notes that objects were written which no commit references.
    fn leaves_orphans(&self);

    /// Prepares another attempt.
    fn begin_again(&self) -> Result<()>;
}

/// One attempt at a step.
pub(crate) struct Attempt<'c, 's> {
    /// The catalog that the step works on.
    pub(crate) catalog: &'c Catalog<'s>,
    is_last: bool,
}

impl<'c> Attempt<'c, '_> {
    /// Returns the state that the step works on.
    pub(crate) fn state(&self) -> &'c State {
        self.catalog.state()
    }

    /// Returns whether another host has committed since the catalog was read, and a further attempt is allowed. An
    /// object that seems damaged then may only have been retired by the newer commit.
    pub(crate) fn is_outdated(&self) -> Result<bool> {
        Ok(!self.is_last && !self.catalog.is_newest()?)
    }
}

/// The number of attempts at a piece of work that another host's commit has made void.
#[derive(Debug, Default)]
pub(crate) struct Attempts(usize);

impl Attempts {
    /// Does a step and commits its change. If another host committed in between, the step begins again on the newer
    /// commit.
    ///
    /// A commit of another host shows in three ways. It may change the same parts of the lake. The step may fail at an
    /// object that seems damaged, because the newer commit retired it. Or the outcome may report such objects as
    /// damaged.
    ///
    /// # Errors
    /// The error of the step; [`Kind::Conflict`] after [`ATTEMPTS`] attempts. Then the change of this step was not
    /// committed.
    pub(crate) fn at<T>(
        &mut self,
        lake: &impl Committer,
        mut step: impl FnMut(&Attempt<'_, '_>) -> Result<Outcome<T>>,
    ) -> Result<Outcome<T>> {
        loop {
            let mut catalog = lake.read()?;
            let attempt = Attempt { catalog: &catalog, is_last: self.0 + 1 >= ATTEMPTS };
            let conflict = match step(&attempt) {
                Ok(outcome) if !outcome.damaged.is_empty() && attempt.is_outdated()? => None,
                Ok(mut outcome) => {
                    if outcome.orphans {
                        lake.leaves_orphans();
                    }
                    match lake.commit(&mut catalog, std::mem::take(&mut outcome.change)) {
                        Err(error) if error.kind() == Kind::Conflict => Some(error),
                        committed => return committed.map(|()| outcome),
                    }
                }
                Err(error) if error.kind() == Kind::Conflict => Some(error),
                Err(error) if error.kind() == Kind::Damaged && attempt.is_outdated()? => Some(error),
                Err(error) => return Err(error),
            };
            self.0 += 1;
            lake.leaves_orphans();
            if let Some(error) = conflict.filter(|_| self.0 >= ATTEMPTS) {
                return Err(Error::new(
                    Kind::Conflict,
                    format!("{error}; this was attempt {ATTEMPTS}, the last one, and the change was not committed"),
                ));
            }
            lake.begin_again()?;
        }
    }
}
