//! Committing: what a host does before and after a change becomes a commit.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use super::host::Host;
use crate::attempt::Committer;
use smelt_catalog::{Catalog, Change, State, component_key, keep_component};
use smelt_common::binary::Binary;
use smelt_common::error::Result;
use smelt_common::{profile, workers};
use smelt_storage::Durability;

impl Committer for Host {
    /// Reads the catalog.
    ///
    /// # Errors
    /// [`Kind::Stale`](smelt_common::error::Kind::Stale) if another component was promoted since the pipeline was loaded.
    fn read(&self) -> Result<Catalog<'_>> {
        self.catalog()
    }

    /// Commits the change, and then deletes what it and earlier ones retired.
    fn commit(&self, catalog: &mut Catalog<'_>, mut change: Change) -> Result<()> {
        if change.is_empty() {
            return Ok(());
        }
        let _span = profile::span("commit", "");
        if catalog.state().reconciled.is_none() && change.arrivals.is_empty() {
            // All of bronze was just read.
            change.reconciled = Some(self.clock.now().timestamp_micros());
        }
        self.keep_components(catalog.state(), &mut change)?;
        let retired = catalog.state().retired.iter();
        change.orphans_checked = self.orphans_checked.load(Ordering::Relaxed);
        change.deleted = self.delete_all(retired.filter(|key| !change.referenced.contains(*key)))?;
        self.rejoin(&change)?;
        catalog.commit(&change, self.clock.now())?;
        self.know(catalog);
        self.delete_retired(catalog.state())
    }

    /// Keeps the mark of this host in the lake, so that the next one removes the orphans.
    fn leaves_orphans(&self) {
        self.orphaned.store(true, Ordering::Relaxed);
    }

    /// Waits until no one else is writing, and lets no one begin until this host is done.
    fn begin_again(&self) -> Result<()> {
        self.insist()
    }
}

impl Host {
    /// Puts into the lake the components that made the parts of the change, if the lake lacks them.
    pub(super) fn keep_components(&self, state: &State, change: &mut Change) -> Result<()> {
        let datasets = change.datasets.values().map(|(_, dataset)| &dataset.relation.fingerprint);
        let made_by = datasets.chain(change.gold.values().map(|gold| &gold.relation.fingerprint));
        let missing: BTreeSet<&str> = made_by
            .map(|fingerprint| fingerprint.component.as_str())
            .filter(|sha256| !state.components.contains_key(*sha256))
            .collect();
        let missing: Vec<_> = self.pipeline.binaries().filter(|binary| missing.contains(binary.sha256())).collect();
        // If the lake loses a component, the place that it was loaded from still has it.
        self.keep(missing, Durability::Rebuildable, change)
    }

    /// Puts those components into the lake.
    pub(super) fn keep(&self, components: Vec<&Binary>, durability: Durability, change: &mut Change) -> Result<()> {
        for kept in workers::map(components, |binary| keep_component(self.store(), binary, durability).map(|()| binary))
        {
            let binary = kept?;
            change.referenced.insert(component_key(binary.sha256()));
            change.components.insert(binary.sha256().to_owned(), binary.bytes().len() as u64);
        }
        Ok(())
    }

    /// Deletes the objects that the state lists as retired.
    pub(super) fn delete_retired(&self, state: &State) -> Result<()> {
        self.delete_all(&state.retired).map(drop)
    }

    /// Deletes the objects and returns those that are gone now. An object that cannot be deleted stays retired, and
    /// does not stop the run.
    pub(super) fn delete_all<'k>(&self, keys: impl IntoIterator<Item = &'k String>) -> Result<Vec<String>> {
        let mut gone = Vec::new();
        for key in keys {
            match self.store.delete(key) {
                Ok(()) => gone.push(key.clone()),
                // Otherwise the host would wait for a server that does not answer at each object.
                Err(error) if self.store.is_remote() => return Err(error),
                Err(error) => tracing::warn!("{error}; the lake no longer needs it, and the next run tries again"),
            }
        }
        Ok(gone)
    }
}
