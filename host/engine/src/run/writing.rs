//! Writing beside other hosts: a host that writes leaves a mark, and a host that finds the mark of a dead one removes
//! its orphans.

use std::sync::MutexGuard;
use std::sync::atomic::Ordering;

use super::host::Host;
use smelt_catalog::{Catalog, Change, GC, State, commit_key};
use smelt_common::Error;
use smelt_common::error::{Kind, Result};
use smelt_storage::layers::{GOLD, QUARANTINE, SILVER};
use smelt_storage::{WRITERS, Writes};

impl Host {
    /// Does the work while others can see that this host is writing. First removes the orphans of a dead host.
    pub(super) fn writing<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        self.expect_lake()?;
        let is_first = !self.proven.load(Ordering::Relaxed);
        if is_first {
            self.store.prove()?;
        }
        let mut writes = self.store.begin()?;
        self.orphans_checked.store(0, Ordering::Relaxed);
        let is_new = self.known().sequence == 0 && !self.store.exists(&commit_key(1))?;
        // If someone else is writing, a lake without commits may be one that is just being created.
        if is_new && is_first && (writes.is_alone() || self.store.is_remote()) {
            self.expect_no_catalog(writes.after_crash())?;
        }
        if writes.after_crash() || writes.after_others() && !is_new {
            let is_done = match self.remove_orphans() {
                // An object that cannot be read now holds up only what needs it. The mark stays, so the next host that
                // writes looks again.
                Err(error) if error.kind() == Kind::Unavailable => {
                    tracing::warn!("not all orphans of an earlier run were removed: {error}");
                    false
                }
                removed => removed?,
            };
            if !is_done {
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
        // If there are orphans, the mark stays, and the next host that writes removes them.
        let is_clean = !self.orphaned.swap(false, Ordering::Relaxed);
        let done = done?;
        writes.filter(|_| is_clean).map_or(Ok(()), Writes::done).map_err(cannot_lock)?;
        Ok(done)
    }

    /// Fails if the lake is gone, before anything is created in its place.
    pub(super) fn expect_lake(&self) -> Result<()> {
        let known = self.known().sequence;
        match known == 0 || self.store.is_remote() {
            // On a remote store, reading the catalog tells the same without another request.
            true => Ok(()),
            false => Catalog::expect(self.store(), known),
        }
    }

    /// Checks a lake without commits. Fails if it has an object that only a commit can have referenced, because then
    /// its catalog is lost. If the lake is to be rebuilt, removes such objects instead.
    pub(super) fn expect_no_catalog(&self, may_be_orphans: bool) -> Result<()> {
        // A host that died before the first commit leaves silver, but no gold. In buckets nothing tells whether one
        // did.
        let may_be_orphans = may_be_orphans || self.store.is_remote();
        let layers: &[&str] = if may_be_orphans { &[GOLD] } else { &[SILVER, GOLD, QUARANTINE] };
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
                "{} holds `{}`, but no commit, so its catalog is gone; put `catalog/` back, or let `smelt run --rebuild` remove \
                 this pipeline's silver, gold and quarantine and rebuild them from bronze",
                self.store.describe(),
                found.key
            )));
        }
        Ok(())
    }

    pub(super) fn writes(&self) -> MutexGuard<'_, Option<Writes>> {
        self.writes.lock().expect("no one panics while holding it")
    }

    /// Prepares another attempt after a lost race. Waits until no one else is writing, and lets no one begin until this
    /// host is done. Otherwise it might lose to the same host for ever. Nothing that it wrote so far is wanted any
    /// more.
    pub(super) fn insist(&self) -> Result<()> {
        let mut writes = self.writes();
        let Some(writes) = writes.as_mut() else { return Ok(()) };
        writes.insist().map_err(cannot_lock)?;
        if writes.is_beside() { self.announce() } else { Ok(()) }
    }

    /// Rejoins the others, if this host works beside one that keeps the lake to itself. If that one is gone, a third
    /// host may have removed as orphans what this one wrote. Nothing is committed then.
    pub(super) fn rejoin(&self, change: &Change) -> Result<()> {
        let mut writes = self.writes();
        let Some(writes) = writes.as_mut().filter(|writes| writes.is_beside()) else { return Ok(()) };
        writes.rejoin().map_err(cannot_lock)?;
        for key in &change.referenced {
            if !self.store.exists(key)? {
                return Err(Error::new(
                    Kind::Conflict,
                    format!("another host took `{key}` for an orphan and removed it"),
                ));
            }
        }
        Ok(())
    }

    /// Announces this host with a commit before it writes anything. Another process keeps the lake to itself, and may
    /// be removing orphans or be stopped while it does. It removes nothing more once anyone has committed. What this
    /// host writes then has a key with the number of its commit, which no older orphan has.
    fn announce(&self) -> Result<()> {
        tracing::warn!("another process keeps `{WRITERS}` locked and makes no progress; this one works beside it");
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
