//! The one loop in which the lake is changed: read the catalog, work, commit; and begin again if another host came between.

use smelt_catalog::{Catalog, Change};
use smelt_common::Error;
use smelt_common::error::{Kind, Result};

use crate::outcome::Outcome;

/// How often work may begin again because another host committed first.
pub const ATTEMPTS: usize = 16;

/// Reads the newest commit and makes the next one: a host, which keeps its pipeline's promises, or a tool with a store alone.
pub(crate) trait Committer {
    /// Reads the catalog that the next attempt works on.
    fn read(&self) -> Result<Catalog<'_>>;

    /// Makes the change part of the lake, and what follows from that.
    ///
    /// # Errors
    /// [`Kind::Conflict`] if another host came first with something that the change touches.
    fn commit(&self, catalog: &mut Catalog<'_>, change: Change) -> Result<()>;

    /// Prepares for another attempt: nothing that the last one wrote is wanted any more.
    fn begin_again(&self) -> Result<()>;
}

/// How many attempts a piece of work has had that came to nothing.
#[derive(Debug, Default)]
pub(crate) struct Attempts(usize);

impl Attempts {
    /// Does a step and commits what it comes to. If another host came between, the step begins again on the newer commit.
    ///
    /// That another host came between shows in three ways: its commit touches the same; an object that the step reads
    /// seems damaged, because a newer commit retired it; or the outcome names such objects.
    ///
    /// # Errors
    /// Whatever the step fails with; [`Kind::Conflict`] after [`ATTEMPTS`] attempts. Then nothing was committed.
    pub(crate) fn at<T>(
        &mut self,
        lake: &impl Committer,
        mut step: impl FnMut(&Catalog<'_>) -> Result<Outcome<T>>,
    ) -> Result<Outcome<T>> {
        loop {
            let mut catalog = lake.read()?;
            let lost = match step(&catalog) {
                Ok(outcome) if !outcome.damaged.is_empty() && self.is_outdated(&catalog)? => None,
                Ok(mut outcome) => match lake.commit(&mut catalog, std::mem::take(&mut outcome.change)) {
                    Err(error) if error.kind() == Kind::Conflict => Some(error),
                    committed => return committed.map(|()| outcome),
                },
                Err(error) if error.kind() == Kind::Conflict => Some(error),
                Err(error) if error.kind() == Kind::Damaged && self.is_outdated(&catalog)? => Some(error),
                Err(error) => return Err(error),
            };
            self.0 += 1;
            if let Some(error) = lost.filter(|_| self.0 >= ATTEMPTS) {
                return Err(Error::new(
                    Kind::Conflict,
                    format!("{error}, the last of {ATTEMPTS} times; nothing was changed"),
                ));
            }
            lake.begin_again()?;
        }
    }

    /// Returns whether another host has committed since the catalog was read, so that a further attempt would see more.
    fn is_outdated(&self, catalog: &Catalog<'_>) -> Result<bool> {
        Ok(self.0 + 1 < ATTEMPTS && !catalog.is_newest()?)
    }
}
