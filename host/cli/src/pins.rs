//! The pins of the components that run now, as a lock beside the manifest has them.

use std::collections::BTreeMap;

use crate::common::Common;
use crate::current::Current;
use crate::environment::cache_directory;
use smelt_common::error::Result;
use smelt_engine::manifest::Manifest;
use smelt_engine::pipeline::{Lock, Pin, Pipeline};
use smelt_runtime::privacy::Pseudonyms;
use smelt_runtime::{Engine, Identity};

/// Returns the lock that pins the components that run now.
pub(crate) fn of_current(common: &Common, manifest: &Manifest) -> Result<Lock> {
    let current = Current::of(common, manifest)?;
    let engine = Engine::new(cache_directory().as_deref())?;
    let mut imports = BTreeMap::new();
    let mut limits: BTreeMap<String, BTreeMap<_, _>> = BTreeMap::new();
    for (section, plugin, own) in manifest.uses() {
        let granted = manifest.limits.of_plugin(own)?;
        let binary = current.read(plugin, granted.component_bytes)?;
        imports.insert(plugin.to_owned(), engine.inspect(&binary, &granted)?.imports);
        let granted = granted.list().into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        limits.entry(plugin.to_owned()).or_default().insert(section, granted);
    }
    let pipeline = Pipeline::load(manifest, engine, &Pseudonyms::default(), None, &|plugin, limits| {
        current.read(plugin, limits.component_bytes)
    })?;
    let mut pins = BTreeMap::new();
    for Identity { name, version, binary, contract, .. } in pipeline.identities() {
        let name = name.to_string();
        let pin = Pin {
            version: version.clone(),
            sha256: binary.sha256().to_owned(),
            contract: contract.version().to_owned(),
            imports: imports.get(&name).cloned().unwrap_or_default(),
            limits: limits.get(&name).cloned().unwrap_or_default(),
            name: name.clone(),
        };
        pins.insert(name, pin);
    }
    Ok(Lock { plugin: pins.into_values().collect() })
}

/// Pins in the lock the component of the plugin that runs now. Without a lock, does nothing.
pub(crate) fn repin(common: &Common, plugin: &str) -> Result<()> {
    let manifest = Manifest::read(&common.pipeline)?;
    let Some(mut lock) = Lock::read(&manifest.lock)? else { return Ok(()) };
    let now = of_current(common, &manifest)?;
    for pin in &mut lock.plugin {
        if let Some(now) = now.pin(plugin).filter(|_| pin.name == plugin) {
            pin.clone_from(now);
        }
    }
    lock.write(&manifest)
}
