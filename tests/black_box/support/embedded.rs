//! The host as a library, on a store of a test's own and with a clock that stands still.

use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use smelt::components::Components;
use smelt_common::binary::Binary;
use smelt_common::clock::Clock;
use smelt_common::progress::Unwatched;
use smelt_connectors::Surroundings;
use smelt_engine::manifest::Manifest;
use smelt_engine::pipeline::Pipeline;
use smelt_engine::run::Host;
use smelt_engine::sinks;
use smelt_runtime::Engine;
use smelt_runtime::privacy::Pseudonyms;
use smelt_storage::lake::Lake;
use smelt_storage::{DirStore, Store};

use super::{root, tables};

/// Some time in seconds since the epoch.
pub const NOW: i64 = 1_800_000_000;

/// A host of the e-commerce pipeline whose clock stands still, so many seconds after the epoch.
pub fn host(store: Box<dyn Store>, now: i64) -> Host {
    let now = DateTime::from_timestamp(now, 0).expect("an instant");
    host_of(&root().join("pipelines/ecommerce"), store, now)
}

/// The same of another pipeline.
pub fn host_of(manifest: &Path, store: Box<dyn Store>, now: DateTime<Utc>) -> Host {
    host_with(manifest, store, now, None)
}

/// The same with the sinks of the pipeline, on a lake in a directory.
pub fn host_with_sinks(manifest: &Path, lake: &Path, now: DateTime<Utc>) -> Host {
    let mut host = host_of(manifest, Box::new(DirStore::new(lake)), now);
    let (manifest, lake) = (Manifest::read(manifest).expect("it is a manifest"), Lake::Directory(lake.to_owned()));
    let around = Surroundings { lake: &lake, section: &manifest.lake, variable: &|_| None };
    host.sinks = sinks::open(&manifest, host.pipeline(), around).expect("they open");
    host
}

/// The same with another component for a plugin.
pub fn host_with(manifest: &Path, store: Box<dyn Store>, now: DateTime<Utc>, other: Option<(&str, &Path)>) -> Host {
    let mut manifest = Manifest::read(manifest).expect("it is a manifest");
    tables::ask(&mut manifest);
    let engine = Engine::new(Some(&root().join("target/components/cache"))).expect("an engine");
    let components = Components::of(&manifest, &|_| None).expect("its places");
    let pipeline = Pipeline::load(&manifest, engine, &Pseudonyms::default(), None, &|plugin, limits| match other {
        Some((name, path)) if name == plugin => Binary::read(path, limits.component_bytes),
        _ => components.read(plugin, limits.component_bytes),
    });
    Host::new(store, pipeline.expect("it loads"), Clock::Fixed(now), Arc::new(Unwatched))
}
