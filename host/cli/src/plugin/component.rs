//! Looks at a component from the command line: the limits it gets, and the version that it gives itself.

use std::path::Path;

use serde_json::{Map, Value};

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

/// Returns the parameters that the first section of the manifest that uses the plugin gives it, as a JSON object. Without
/// such a section, it has none.
pub(super) fn parameters(pipeline: &Path, plugin: &str) -> Result<String> {
    let mut given = Map::new();
    if pipeline.exists() {
        let manifest = Manifest::read(pipeline)?;
        let sources: Vec<_> = manifest.generators().map(|(_, it)| (it.plugin.clone(), it.parameters.clone())).collect();
        let Manifest { dataset, kpi, .. } = manifest;
        let datasets = dataset.into_values().map(|section| (section.plugin, section.parameters));
        let kpis = kpi.into_values().map(|section| (section.plugin, section.parameters));
        let first = sources.into_iter().chain(datasets).chain(kpis).find(|(used, _)| used == plugin);
        given = first.map(|(_, parameters)| parameters).unwrap_or_default();
    }
    Ok(Value::Object(given).to_string())
}

/// Loads the component and returns the version that it gives itself.
pub(super) fn version(world: World, engine: &Engine, name: &str, binary: &Binary, limits: &Limits) -> Result<String> {
    let key = Pseudonyms::default();
    Ok(match world {
        World::Source => Generator::identify(engine, name, binary, limits, &key)?.identity().version.clone(),
        World::Cleaner => Cleaner::identify(engine, name, binary, limits, &key)?.identity().version.clone(),
        World::Kpi => Kpi::identify(engine, name, binary, limits, &key)?.identity().version.clone(),
    })
}
