//! `smelt plugin lock`.

use std::collections::BTreeMap;
use std::process::ExitCode;

use clap::Args;

use super::current::Current;
use super::table::render;
use super::{Common, cache_directory, print, print_json};
use smelt_common::Error;
use smelt_common::error::Result;
use smelt_engine::manifest::Manifest;
use smelt_engine::pipeline::{Lock, Pin, Pipeline};
use smelt_runtime::privacy::Pseudonyms;
use smelt_runtime::{Engine, Identity};

/// What to pin.
#[derive(Debug, Args)]
#[command(after_help = "Without --update, what is pinned stays so, and a component that differs is refused.")]
pub(super) struct Pinning {
    /// Pin anew what differs: these plugins, or all
    #[arg(long, value_name = "NAME", num_args = 0..)]
    update: Option<Vec<String>>,
}

impl Pinning {
    pub(super) fn run(&self, common: &Common) -> Result<ExitCode> {
        let manifest = Manifest::read(&common.pipeline)?;
        let before = Lock::read(&manifest.lock)?.unwrap_or_default();
        let mut lock = now(common, &manifest)?;
        let known: Vec<_> = lock.plugin.iter().map(|pin| pin.name.as_str()).collect();
        if let Some(other) = self.update.iter().flatten().find(|name| !known.contains(&name.as_str())) {
            return Err(Error::config(format!("the pipeline uses no plugin `{other}`; it uses {}", known.join(", "))));
        }
        let mut rows = Vec::new();
        for pin in &mut lock.plugin {
            let old = before.pin(&pin.name);
            let updated = self.update.as_ref().is_some_and(|names| names.is_empty() || names.contains(&pin.name));
            let what = match old {
                None => "new".to_owned(),
                Some(old) if old == pin => "as it was".to_owned(),
                Some(old) if updated => format!("was {} {}", old.version, short(&old.sha256)),
                Some(old) => {
                    // Of another component, or of other limits, which a run tells of.
                    if self.update.is_none() {
                        old.expect(&pin.sha256)?;
                    }
                    *pin = old.clone();
                    "kept; --update would change it".to_owned()
                }
            };
            rows.push(vec![pin.name.clone(), pin.version.clone(), short(&pin.sha256).to_owned(), what]);
        }
        lock.write(&manifest)?;
        match common.json {
            true => print_json(&lock)?,
            false => {
                print(&render(&["plugin", "version", "sha256", ""], &rows));
                print(&format!("\n{}\n", manifest.lock.display()));
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Pins what runs now of the plugin, where there is a lock.
pub(super) fn repin(common: &Common, plugin: &str) -> Result<()> {
    let manifest = Manifest::read(&common.pipeline)?;
    let Some(mut lock) = Lock::read(&manifest.lock)? else { return Ok(()) };
    let now = now(common, &manifest)?;
    for pin in &mut lock.plugin {
        if let Some(now) = now.pin(plugin).filter(|_| pin.name == plugin) {
            pin.clone_from(now);
        }
    }
    lock.write(&manifest)
}

/// Enough of a digest to tell it by.
pub(super) fn short(sha256: &str) -> &str {
    sha256.get(..12).unwrap_or(sha256)
}

/// What a lock of the components that run would pin.
fn now(common: &Common, manifest: &Manifest) -> Result<Lock> {
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
