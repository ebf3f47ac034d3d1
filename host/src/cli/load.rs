//! From the flags to a host, or to what makes things again.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io::IsTerminal as _;
use std::path::PathBuf;

use super::{Common, cache_directory, variable};
use crate::catalog::{Catalog, State, kept_component};
use crate::clock::Clock;
use crate::components::Components;
use crate::config::Manifest;
use crate::error::{Kind, Result};
use crate::lake::Lake;
use crate::pipeline::{Lock, Pipeline};
use crate::privacy::{KEY_VARIABLE, Pseudonyms};
use crate::progress::Progress;
use crate::provenance::Remaking;
use crate::run::Host;
use crate::store::Store;
use crate::wasm::{Binary, Engine};

/// A host, and the sha256 of the components that the pipeline has by itself, by plugin.
pub(super) type Loaded = (Host, HashMap<String, String>);

impl Common {
    /// The host that the flags describe.
    pub(super) fn host(&self) -> Result<Host> {
        Ok(self.load(None)?.0)
    }

    /// The same on a lake that must be there.
    pub(super) fn host_on_lake(&self) -> Result<Host> {
        self.lake()?.expect()?;
        self.host()
    }

    /// The same with another component of a plugin than runs now.
    pub(super) fn load(&self, other: Option<(&str, &Binary)>) -> Result<Loaded> {
        let mut manifest = Manifest::read(&self.pipeline)?;
        manifest.pipeline.locked |= self.locked;
        let lake = self.lake()?;
        let store = lake.open()?;
        let pseudonyms = self.pseudonyms(&manifest, &lake)?;
        let engine = Engine::new(cache_directory().as_deref())?;
        let state = match Catalog::load(&*store) {
            // Whoever needs the lake is told so, and perhaps tries again.
            Err(error) if error.kind() == Kind::Unavailable => State::default(),
            loaded => loaded?.state().clone(),
        };
        let mut lock = Lock::of(&manifest)?;
        // Whoever brings another component accepts it.
        for pin in lock.iter_mut().flat_map(|lock| &mut lock.plugin) {
            if let Some((_, binary)) = other.filter(|(plugin, _)| *plugin == pin.name) {
                pin.sha256 = binary.sha256().to_owned();
            }
        }
        let components = Components::of(&manifest, &variable)?;
        let own = RefCell::new(HashMap::new());
        let pipeline = Pipeline::load(&manifest, engine, &pseudonyms, lock.as_ref(), &|plugin, limits| {
            let binary = components.read(plugin, limits.component_bytes)?;
            own.borrow_mut().insert(plugin.to_owned(), binary.sha256().to_owned());
            let binary = match other {
                Some((name, other)) if name == plugin => other.clone(),
                _ => promoted(&*store, &state, plugin, binary)?,
            };
            components.keys().check(plugin, &binary)?;
            Ok(binary)
        })?;
        if pseudonyms.key_id().is_none() && pipeline.datasets.iter().any(|step| step.plugin.identity().pseudonymises) {
            tracing::warn!(
                "no pseudonym key: pseudonyms are plain SHA-256, which can be guessed back. \
                 `smelt init` makes `{}`; or set {KEY_VARIABLE}",
                lake.key_file(&variable)?.display()
            );
        }
        let host = Host::new(store, pipeline, Clock::System, self.progress()).as_of_commit(&state);
        Ok((host, own.into_inner()))
    }

    /// Does something that makes things again, beside the lake.
    pub(super) fn remaking<T>(&self, work: impl FnOnce(&Remaking<'_>) -> Result<T>) -> Result<T> {
        let (manifest, lake) = (Manifest::read(&self.pipeline)?, self.lake()?);
        lake.expect()?;
        let pseudonyms = self.pseudonyms(&manifest, &lake)?;
        let engine = Engine::new(cache_directory().as_deref())?;
        work(&Remaking {
            lake: &lake,
            manifest: &manifest,
            engine: &engine,
            pseudonyms: &pseudonyms,
            progress: &self.progress(),
        })
    }

    fn progress(&self) -> Progress {
        Progress::new(!self.json && std::io::stderr().is_terminal())
    }

    /// The key for the pseudonyms of that pipeline on that lake.
    fn pseudonyms(&self, manifest: &Manifest, lake: &Lake) -> Result<Pseudonyms> {
        match &manifest.privacy.key_file {
            Some(path) => Pseudonyms::find(Some(&manifest.directory.join(path))),
            None => {
                let beside = lake.key_file(&variable)?;
                Pseudonyms::find(Some(&beside).filter(|path| path.exists()).map(PathBuf::as_path))
            }
        }
    }
}

/// The component that is to run where the pipeline has this one.
pub(super) fn promoted(store: &dyn Store, state: &State, plugin: &str, own: Binary) -> Result<Binary> {
    match state.promoted.get(plugin).filter(|promotion| promotion.from == own.sha256()) {
        Some(promotion) => kept_component(store, &promotion.to),
        None => Ok(own),
    }
}
