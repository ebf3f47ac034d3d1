//! Writing beside other hosts: who writes leaves a mark, and whoever finds the mark of a dead one removes its orphans.

use std::sync::MutexGuard;
use std::sync::atomic::Ordering;

use super::host::Host;
use smelt_catalog::{Catalog, Change, GC, State, commit_key};
use smelt_common::Error;
use smelt_common::error::{Kind, Result};
use smelt_storage::layers::{GOLD, QUARANTINE, SILVER};
use smelt_storage::{WRITERS, Writes};

impl Host {
    /// Does the work while others can see that this host is writing, and first removes what a dead one left behind.
    pub(super) fn writing<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        self.expect_lake()?;
        let is_first = !self.proven.load(Ordering::Relaxed);
        if is_first {
            self.store.prove()?;
        }
        let mut writes = self.store.begin()?;
        self.orphans_checked.store(0, Ordering::Relaxed);
        let is_new = self.known().sequence == 0 && !self.store.exists(&commit_key(1))?;
        // Where someone is writing, a lake without commits may be one that is just being made.
        if is_new && is_first && (writes.is_alone() || self.store.is_remote()) {
            self.expect_no_catalog(writes.after_crash())?;
        }
        if writes.after_crash() || writes.after_others() && !is_new {
            let is_tidy = match self.remove_orphans() {
                // An object that cannot be read now holds up only what needs it. The mark stays, so whoever writes next looks
                // again.
                Err(error) if error.kind() == Kind::Unavailable => {
                    tracing::warn!("what an earlier run left behind was not all removed: {error}");
                    false
                }
                orphans_checked => orphans_checked?,
            };
            if !is_tidy {
                writes.leave_marks().map_err(cannot_lock)?;
            }
        }
        self.proven.store(true, Ordering::Relaxed);
        writes.share().map_err(cannot_lock)?;
        if writes.is_beside() {
            self.announce()?;
        }
        *self.writes() = Some(writes);
        let done = work();
        let writes = self.writes().take();
        // Otherwise the mark stays, and whoever writes next tidies up.
        let tidy = !self.orphaned.swap(false, Ordering::Relaxed);
        let done = done?;
        writes.filter(|_| tidy).map_or(Ok(()), Writes::done).map_err(cannot_lock)?;
        Ok(done)
    }

    /// Fails if the lake is not there any more, before anything is made in its place.
    pub(super) fn expect_lake(&self) -> Result<()> {
        let known = self.known().sequence;
        match known == 0 || self.store.is_remote() {
            // Reading the catalog tells the same, at the price of no other request.
            true => Ok(()),
            false => Catalog::expect(self.store(), known),
        }
    }

    /// Fails if the lake, which has no commit, has what only a commit can have named, so that its catalog is lost; unless it is to
    /// be made anew: then that is removed.
    pub(super) fn expect_no_catalog(&self, may_be_left: bool) -> Result<()> {
        // A host that died before the first commit leaves silver, but no gold. In buckets nothing tells whether one did.
        let may_be_left = may_be_left || self.store.is_remote();
        let layers: &[&str] = if may_be_left { &[GOLD] } else { &[SILVER, GOLD, QUARANTINE] };
        for layer in layers {
            let listed = self.store.list(layer, "")?;
            let is_ours = |key: &str| self.is_ours(&State::default(), layer, key);
            let Some(found) = listed.iter().find(|meta| is_ours(&meta.key)) else { continue };
            if self.rebuild {
                return self.remove_orphans().map(drop);
            }
            if self.store.exists(&commit_key(1))? {
                return Ok(());
            }
            return Err(Error::config(format!(
                "{} holds `{}`, but no commit: its catalog is gone. Put `catalog/` back; or `smelt run --rebuild` removes what \
                 silver, gold and quarantine hold of this pipeline, and makes it anew from bronze",
                self.store.describe(),
                found.key
            )));
        }
        Ok(())
    }

    pub(super) fn writes(&self) -> MutexGuard<'_, Option<Writes>> {
        self.writes.lock().expect("no one panics while holding it")
    }

    /// After a lost race: begins anew when no one else is writing, and lets no one begin until this host is done, so that it
    /// does not lose to the same one for ever. Nothing that it has written is wanted any more.
    pub(super) fn insist(&self) -> Result<()> {
        let mut writes = self.writes();
        let Some(writes) = writes.as_mut() else { return Ok(()) };
        writes.insist().map_err(cannot_lock)?;
        if writes.is_beside() { self.announce() } else { Ok(()) }
    }

    /// Where this host works beside one that keeps the lake to itself: should that one be gone, a third one may have removed orphans,
    /// and removed what this one wrote. Then nothing is committed.
    pub(super) fn rejoin(&self, change: &Change) -> Result<()> {
        let mut writes = self.writes();
        let Some(writes) = writes.as_mut().filter(|writes| writes.is_beside()) else { return Ok(()) };
        writes.rejoin().map_err(cannot_lock)?;
        for key in &change.referenced {
            if !self.store.exists(key)? {
                return Err(Error::new(Kind::Conflict, format!("another host orphans_checked up and removed `{key}`")));
            }
        }
        Ok(())
    }

    /// Someone keeps the lake to itself and may be tidying up, or be stopped while it does. It removes nothing more once
    /// anyone has committed; so this commits, before anything is written. What is written then has a name with the
    /// number of its commit, which nothing has that was left over before.
    fn announce(&self) -> Result<()> {
        tracing::warn!("another process keeps `{WRITERS}` locked and does not go on; this one works beside it");
        loop {
            let mut catalog = Catalog::load_from(self.store(), &self.known())?;
            match catalog.commit(&Change::new(GC), self.clock.now()) {
                Err(error) if error.kind() == Kind::Conflict => continue,
                committed => return committed,
            }
        }
    }
}

fn cannot_lock(error: std::io::Error) -> Error {
    Error::new(Kind::Unavailable, format!("cannot lock the lake: {error}"))
}
