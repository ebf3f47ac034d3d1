//! Builds a host, or what reproduces objects of the lake, from the flags.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::Arc;

use crate::bar::Bar;
use crate::common::Common;
use crate::current::Current;
use crate::environment::{cache_directory, variable};
use smelt_catalog::PLAIN;
use smelt_common::binary::Binary;
use smelt_common::clock::Clock;
use smelt_common::error::{Kind, Result};
use smelt_common::progress::Progress;
use smelt_connectors::Surroundings;
use smelt_engine::ATTEMPTS;
use smelt_engine::inspect::Reproduction;
use smelt_engine::manifest::Manifest;
use smelt_engine::pipeline::{Lock, Pipeline};
use smelt_engine::run::Host;
use smelt_engine::{sinks, sources};
use smelt_runtime::Engine;
use smelt_runtime::privacy::{KEY_VARIABLE, Pseudonyms};
use smelt_storage::lake::Lake;

/// Does the work, and again if another process promoted a component meanwhile, so that the pipeline must be loaded again.
pub(crate) fn again_if_stale<T>(mut work: impl FnMut() -> Result<T>) -> Result<T> {
    for _ in 1..ATTEMPTS {
        match work() {
            Err(error) if error.kind() == Kind::Stale => {}
            done => return done,
        }
    }
    work()
}

impl Common {
    /// Returns the host that the flags describe.
    pub(crate) fn host(&self) -> Result<Host> {
        Ok(self.load(None)?.0)
    }

    /// Returns the host that the flags describe, once its lake is known to exist.
    pub(crate) fn host_on_lake(&self) -> Result<Host> {
        self.existing_lake()?;
        self.host()
    }

    /// Does the work with a host on a lake that exists. If another process promotes a component meanwhile, does it again with
    /// another host.
    pub(crate) fn with_host<T>(&self, mut work: impl FnMut(&mut Host) -> Result<T>) -> Result<T> {
        again_if_stale(|| work(&mut self.host_on_lake()?))
    }

    /// Returns the host that the flags describe. `other` is a component that it loads in place of the one that runs now.
    pub(crate) fn load(&self, other: Option<(&str, &Binary)>) -> Result<(Host, Current)> {
        let mut manifest = Manifest::read(&self.pipeline)?;
        manifest.pipeline.locked |= self.locked;
        let lake = self.lake()?;
        let pseudonyms = pseudonyms(&manifest, &lake)?;
        let engine = Engine::new(cache_directory().as_deref())?;
        let current = Current::of(self, &manifest)?;
        let mut lock = Lock::of(&manifest)?;
        // The user named this component on the command line, so the lock need not pin it.
        for pin in lock.iter_mut().flat_map(|lock| &mut lock.plugin) {
            if let Some((_, binary)) = other.filter(|(plugin, _)| *plugin == pin.name) {
                pin.sha256 = binary.sha256().to_owned();
            }
        }
        let pipeline = Pipeline::load(&manifest, engine, &pseudonyms, lock.as_ref(), &|plugin, limits| match other {
            Some((name, other)) if name == plugin => current.expect_signature(plugin, other).map(|()| other.clone()),
            _ => current.read(plugin, limits.component_bytes),
        })?;
        warn_of_pseudonyms(&pseudonyms, &pipeline, &current, &lake)?;
        let around = Surroundings { lake: &lake, section: &manifest.lake, variable: &variable };
        let (sources, sinks) = (sources::open(&manifest, around)?, sinks::open(&manifest, &pipeline, around)?);
        let mut host = Host::new(lake.open()?, pipeline, Clock::System, self.progress())
            .as_of_commit(&current.state, current.known.clone());
        (host.sources, host.sinks) = (sources, sinks);
        Ok((host, current))
    }

    /// Does work that rebuilds something beside the lake, to compare it or to see what it came from.
    pub(crate) fn reproduction<T>(&self, work: impl FnOnce(&Reproduction<'_>) -> Result<T>) -> Result<T> {
        let (manifest, lake) = (Manifest::read(&self.pipeline)?, self.existing_lake()?);
        let pseudonyms = pseudonyms(&manifest, &lake)?;
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
        Arc::new(Bar::new(self.json))
    }
}

/// Reads the key for the pseudonyms: the manifest's key file, or else the one that belongs to the lake.
fn pseudonyms(manifest: &Manifest, lake: &Lake) -> Result<Pseudonyms> {
    match &manifest.privacy.key_file {
        Some(path) => Pseudonyms::find(Some(&manifest.directory.join(path))),
        None => {
            let beside = lake.key_file(&variable)?;
            // A dangling link or a file that cannot be looked at exists, so reading it must fail.
            let none = std::fs::symlink_metadata(&beside).is_err_and(|error| error.kind() == ErrorKind::NotFound);
            Pseudonyms::find(Some(&beside).filter(|_| !none).map(PathBuf::as_path))
        }
    }
}

/// Warns if a pipeline makes pseudonyms without a key, or gives a lake its first key.
fn warn_of_pseudonyms(pseudonyms: &Pseudonyms, pipeline: &Pipeline, current: &Current, lake: &Lake) -> Result<()> {
    if !pipeline.pseudonymises() || current.state.pseudonym_key.is_some() {
        return Ok(());
    }
    let is_plain = |fingerprint: &smelt_catalog::Fingerprint| fingerprint.key.as_deref() == Some(PLAIN);
    match pseudonyms.key_id() {
        None => tracing::warn!(
            "no pseudonym key: pseudonyms are plain SHA-256, which can be guessed back. \
             `smelt init` makes `{}`; or set {KEY_VARIABLE}",
            lake.key_file(&variable)?.display()
        ),
        Some(key) if current.state.datasets.values().any(|dataset| is_plain(&dataset.relation.fingerprint)) => {
            tracing::warn!(
                "the pseudonyms in this lake were made without a key: smelt rebuilds the datasets that have them with key `{key}`, \
             and needs this key from then on"
            )
        }
        Some(_) => {}
    }
    Ok(())
}
