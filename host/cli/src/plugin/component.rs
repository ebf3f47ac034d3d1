//! Looks at a component from the command line: the limits it gets, and the version that it gives itself.

use std::path::Path;

use smelt_common::binary::Binary;
use smelt_common::error::Result;
use smelt_engine::manifest::Manifest;
use smelt_runtime::privacy::Pseudonyms;
use smelt_runtime::{Cleaner, Engine, Generator, Kpi, Limits, World};

/// Returns the limits of a plugin for each section of the manifest that uses it. Without such a section, returns the defaults.
pub(super) fn limits(pipeline: &Path, plugin: &str) -> Result<Vec<(String, Limits)>> {
    let mut limits = Vec::new();
    if pipeline.exists() {
        let manifest = Manifest::read(pipeline)?;
        for (section, _, own) in manifest.uses().filter(|(_, used, _)| *used == plugin) {
            limits.push((section, manifest.limits.of_plugin(own)?));
        }
    }
    if limits.is_empty() {
        limits.push(("by default".to_owned(), Limits::default()));
    }
    Ok(limits)
}

/// Returns the limits of the first section that uses the plugin.
pub(super) fn first_limits(limits: &[(String, Limits)]) -> Limits {
    limits.first().map(|(_, limits)| limits.clone()).unwrap_or_default()
}

/// Loads the component and returns the version that it gives itself.
pub(super) fn version(world: World, engine: &Engine, name: &str, binary: &Binary, limits: &Limits) -> Result<String> {
    let key = Pseudonyms::default();
    Ok(match world {
        World::Source => Generator::load(engine, name, binary, limits, &key)?.identity().version.clone(),
        World::Cleaner => Cleaner::load(engine, name, binary, limits, &key)?.identity().version.clone(),
        World::Kpi => Kpi::load(engine, name, binary, limits, &key)?.identity().version.clone(),
    })
}
