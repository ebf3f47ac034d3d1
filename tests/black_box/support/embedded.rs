//! The host as a library, on a store of a test's own and with a clock that stands still.

use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use smelt::components::Components;
use smelt_common::clock::Clock;
use smelt_common::progress::Unwatched;
use smelt_engine::manifest::Manifest;
use smelt_engine::pipeline::Pipeline;
use smelt_engine::run::Host;
use smelt_runtime::Engine;
use smelt_runtime::privacy::Pseudonyms;
use smelt_storage::Store;

use super::root;

/// Some time in seconds since the epoch.
pub const NOW: i64 = 1_800_000_000;

/// A host of the e-commerce pipeline whose clock stands still, so many seconds after the epoch.
pub fn host(store: Box<dyn Store>, now: i64) -> Host {
    let now = DateTime::from_timestamp(now, 0).expect("an instant");
    host_of(&root().join("pipelines/ecommerce"), store, now)
}

/// The same of another pipeline.
pub fn host_of(manifest: &Path, store: Box<dyn Store>, now: DateTime<Utc>) -> Host {
    let manifest = Manifest::read(manifest).expect("it is a manifest");
    let engine = Engine::new(Some(&root().join("target/components/cache"))).expect("an engine");
    let components = Components::of(&manifest, &|_| None).expect("its places");
    let pipeline = Pipeline::load(&manifest, engine, &Pseudonyms::default(), None, &|plugin, limits| {
        components.read(plugin, limits.component_bytes)
    });
    Host::new(store, pipeline.expect("it loads"), Clock::Fixed(now), Arc::new(Unwatched))
}
