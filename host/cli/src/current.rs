//! The components that run now: those that the pipeline has, or those that were promoted in their place.

use std::cell::RefCell;
use std::collections::HashMap;

use crate::common::Common;
use crate::components::Components;
use crate::environment::variable;
use smelt_catalog::{Catalog, Known, State, kept_component};
use smelt_common::binary::Binary;
use smelt_common::error::{Kind, Result};
use smelt_engine::manifest::Manifest;
use smelt_storage::Store;

/// The components of a manifest, and the lake as of the newest commit when this was made.
pub(crate) struct Current {
    /// The lake.
    pub(crate) store: Box<dyn Store>,
    /// The state of the lake, or an empty one if the lake is out of reach. A verb that needs the lake finds that out later, and may
    /// try again.
    pub(crate) state: State,
    /// The commit that `state` is as of.
    pub(crate) known: Known,
    components: Components,
    /// The components that were read, by plugin. Thus all sections that use a plugin get the same component.
    own: RefCell<HashMap<String, Binary>>,
}

impl Current {
    /// Reads the newest commit of the lake. Components are read when they are asked for.
    pub(crate) fn of(common: &Common, manifest: &Manifest) -> Result<Self> {
        let store = common.lake()?.open()?;
        let (state, known) = match Catalog::load(&*store) {
            Err(error) if error.kind() == Kind::Unavailable => Default::default(),
            loaded => loaded.map(|catalog| (catalog.state().clone(), catalog.known()))?,
        };
        let components = Components::of(manifest, &variable)?;
        Ok(Self { store, state, known, components, own: RefCell::default() })
    }

    /// Returns the plugins that the pipeline could use. Registries do not list theirs.
    pub(crate) fn names(&self) -> Vec<String> {
        self.components.names()
    }

    /// Returns the component that the pipeline has, whatever was promoted. It may have at most `most` bytes.
    pub(crate) fn own(&self, plugin: &str, most: u64) -> Result<Binary> {
        if let Some(binary) = self.own.borrow().get(plugin).filter(|binary| binary.bytes().len() as u64 <= most) {
            return Ok(binary.clone());
        }
        // Reading again refuses a component that has more bytes than this section allows.
        let binary = self.components.read(plugin, most)?;
        self.own.borrow_mut().insert(plugin.to_owned(), binary.clone());
        Ok(binary)
    }

    /// Returns the sha256 of the component that was promoted in place of `own`, if any was.
    pub(crate) fn promoted(&self, plugin: &str, own: &Binary) -> Option<&str> {
        let promotion = self.state.promoted.get(plugin).filter(|promotion| promotion.from == own.sha256());
        promotion.map(|promotion| promotion.to.as_str())
    }

    /// Returns the component that runs, once its signature is as the manifest requires. If it is the pipeline's own, it may have at
    /// most `most` bytes.
    pub(crate) fn read(&self, plugin: &str, most: u64) -> Result<Binary> {
        let own = self.own(plugin, most)?;
        let binary = match self.promoted(plugin, &own) {
            Some(sha256) => kept_component(&*self.store, sha256)?,
            None => own,
        };
        self.expect_signature(plugin, &binary)?;
        Ok(binary)
    }

    /// Refuses a component that is not signed as the manifest requires.
    pub(crate) fn expect_signature(&self, plugin: &str, binary: &Binary) -> Result<()> {
        self.components.keys().expect_signature(plugin, binary)
    }
}
