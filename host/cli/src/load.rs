//! From the flags to a host, or to what makes things again.

use std::io::{ErrorKind, IsTerminal as _};
use std::path::PathBuf;
use std::sync::Arc;

use super::bar::Bar;
use super::current::Current;
use super::{Common, cache_directory, variable};
use smelt_catalog::PLAIN;
use smelt_common::binary::Binary;
use smelt_common::clock::Clock;
use smelt_common::error::{Kind, Result};
use smelt_common::progress::Progress;
use smelt_engine::ATTEMPTS;
use smelt_engine::inspect::Reproduction;
use smelt_engine::manifest::Manifest;
use smelt_engine::pipeline::{Lock, Pipeline};
use smelt_engine::run::Host;
use smelt_runtime::Engine;
use smelt_runtime::privacy::{KEY_VARIABLE, Pseudonyms};
use smelt_storage::lake::Lake;

/// Does it, and again where another component is promoted meanwhile, so that the pipeline must be loaded again.
pub(super) fn again_if_stale<T>(mut work: impl FnMut() -> Result<T>) -> Result<T> {
    for _ in 1..ATTEMPTS {
        match work() {
            Err(error) if error.kind() == Kind::Stale => {}
            done => return done,
        }
    }
    work()
}

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

    /// Does something with a host on a lake that must be there; and again with another one where another component is
    /// promoted meanwhile.
    pub(super) fn with_host<T>(&self, mut work: impl FnMut(&mut Host) -> Result<T>) -> Result<T> {
        again_if_stale(|| work(&mut self.host_on_lake()?))
    }

    /// The same with another component of a plugin than runs now.
    pub(super) fn load(&self, other: Option<(&str, &Binary)>) -> Result<(Host, Current)> {
        let mut manifest = Manifest::read(&self.pipeline)?;
        manifest.pipeline.locked |= self.locked;
        let lake = self.lake()?;
        let pseudonyms = self.pseudonyms(&manifest, &lake)?;
        let engine = Engine::new(cache_directory().as_deref())?;
        let current = Current::of(self, &manifest)?;
        let mut lock = Lock::of(&manifest)?;
        // Whoever brings another component accepts it.
        for pin in lock.iter_mut().flat_map(|lock| &mut lock.plugin) {
            if let Some((_, binary)) = other.filter(|(plugin, _)| *plugin == pin.name) {
                pin.sha256 = binary.sha256().to_owned();
            }
        }
        let pipeline = Pipeline::load(&manifest, engine, &pseudonyms, lock.as_ref(), &|plugin, limits| match other {
            Some((name, other)) if name == plugin => current.check(plugin, other).map(|()| other.clone()),
            _ => current.read(plugin, limits.component_bytes),
        })?;
        let of_lake = current.state.pseudonym_key.as_ref();
        if pseudonyms.key_id().is_none() && pipeline.pseudonymises() && of_lake.is_none() {
            tracing::warn!(
                "no pseudonym key: pseudonyms are plain SHA-256, which can be guessed back. \
                 `smelt init` makes `{}`; or set {KEY_VARIABLE}",
                lake.key_file(&variable)?.display()
            );
        }
        let plain =
            current.state.datasets.values().any(|dataset| dataset.relation.fingerprint.key.as_deref() == Some(PLAIN));
        if let Some(key) = pseudonyms.key_id().filter(|_| pipeline.pseudonymises() && of_lake.is_none() && plain) {
            tracing::warn!(
                "the pseudonyms in this lake were made without a key: what has them is made anew with key `{key}`, which is \
                 needed from then on"
            );
        }
        let host = Host::new(lake.open()?, pipeline, Clock::System, self.progress())
            .as_of_commit(&current.state, current.known.clone());
        Ok((host, current))
    }

    /// Does something that makes things again, beside the lake.
    pub(super) fn reproduction<T>(&self, work: impl FnOnce(&Reproduction<'_>) -> Result<T>) -> Result<T> {
        let (manifest, lake) = (Manifest::read(&self.pipeline)?, self.lake()?);
        lake.expect()?;
        let pseudonyms = self.pseudonyms(&manifest, &lake)?;
        let engine = Engine::new(cache_directory().as_deref())?;
        work(&Reproduction {
            lake: &lake,
            manifest: &manifest,
            own: &|plugin, most| Current::of(self, &manifest)?.read(plugin, most),
            engine: &engine,
            pseudonyms: &pseudonyms,
            progress: &self.progress(),
        })
    }

    fn progress(&self) -> Arc<dyn Progress> {
        Arc::new(Bar::new(!self.json && std::io::stderr().is_terminal()))
    }

    /// The key for the pseudonyms of that pipeline on that lake.
    fn pseudonyms(&self, manifest: &Manifest, lake: &Lake) -> Result<Pseudonyms> {
        match &manifest.privacy.key_file {
            Some(path) => Pseudonyms::find(Some(&manifest.directory.join(path))),
            None => {
                let beside = lake.key_file(&variable)?;
                // A link that leads nowhere, or what cannot be looked at, is a key that cannot be read.
                let none = std::fs::symlink_metadata(&beside).is_err_and(|error| error.kind() == ErrorKind::NotFound);
                Pseudonyms::find(Some(&beside).filter(|_| !none).map(PathBuf::as_path))
            }
        }
    }
}
