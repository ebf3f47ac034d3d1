//! The components that run now: the pipeline's own, or those that were promoted in their place.

use std::cell::RefCell;
use std::collections::HashMap;

use super::{Common, variable};
use crate::components::Components;
use smelt_catalog::{Catalog, Known, State, kept_component};
use smelt_common::binary::Binary;
use smelt_common::error::{Kind, Result};
use smelt_engine::manifest::Manifest;
use smelt_storage::Store;

/// A manifest's components on a lake as it was when this was made.
pub(super) struct Current {
    /// The lake.
    pub(super) store: Box<dyn Store>,
    /// What the lake holds; nothing if it cannot be had: whoever needs the lake is told so, and perhaps tries again.
    pub(super) state: State,
    /// The commit that says so.
    pub(super) known: Known,
    components: Components,
    /// Those that were read, by plugin: what a section is loaded with is what another one is.
    own: RefCell<HashMap<String, Binary>>,
}

impl Current {
    pub(super) fn of(common: &Common, manifest: &Manifest) -> Result<Self> {
        let store = common.lake()?.open()?;
        let (state, known) = match Catalog::load(&*store) {
            Err(error) if error.kind() == Kind::Unavailable => Default::default(),
            loaded => loaded.map(|catalog| (catalog.state().clone(), catalog.known()))?,
        };
        let components = Components::of(manifest, &variable)?;
        Ok(Self { store, state, known, components, own: RefCell::default() })
    }

    /// The plugins that the pipeline could use, as far as its places tell.
    pub(super) fn names(&self) -> Vec<String> {
        self.components.names()
    }

    /// The component that the pipeline has by itself; it may have so many bytes.
    pub(super) fn own(&self, plugin: &str, most: u64) -> Result<Binary> {
        if let Some(binary) = self.own.borrow().get(plugin).filter(|binary| binary.bytes().len() as u64 <= most) {
            return Ok(binary.clone());
        }
        // One that has more bytes is refused here.
        let binary = self.components.read(plugin, most)?;
        self.own.borrow_mut().insert(plugin.to_owned(), binary.clone());
        Ok(binary)
    }

    /// The sha256 of the component that was promoted in place of this one.
    pub(super) fn promoted(&self, plugin: &str, own: &Binary) -> Option<&str> {
        let promotion = self.state.promoted.get(plugin).filter(|promotion| promotion.from == own.sha256());
        promotion.map(|promotion| promotion.to.as_str())
    }

    /// The component that runs, signed as the manifest requires.
    pub(super) fn read(&self, plugin: &str, most: u64) -> Result<Binary> {
        let own = self.own(plugin, most)?;
        let binary = match self.promoted(plugin, &own) {
            Some(sha256) => kept_component(&*self.store, sha256)?,
            None => own,
        };
        self.check(plugin, &binary)?;
        Ok(binary)
    }

    /// Refuses a component that is not signed as the manifest requires.
    pub(super) fn check(&self, plugin: &str, binary: &Binary) -> Result<()> {
        self.components.keys().check(plugin, binary)
    }
}
