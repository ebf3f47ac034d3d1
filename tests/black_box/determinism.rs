//! The results of a shipped plugin depend on nothing but its parameters and rows: not on the engine's settings, the processor's
//! features, the cut of batches, or what was run before.

use std::collections::BTreeMap;
use std::sync::Arc;

use smelt::components::Components;
use smelt_common::clock::{Clock, parse_stamp};
use smelt_common::digest;
use smelt_common::progress::Unwatched;
use smelt_engine::manifest::Manifest;
use smelt_engine::pipeline::Pipeline;
use smelt_engine::run::{Generation, Host};
use smelt_runtime::Engine;
use smelt_runtime::privacy::Pseudonyms;
use smelt_storage::DirStore;

use crate::support::{Lake, root, tables};

/// Of each plugin the sha256 of all that it made in a lake of its own.
fn made(plain: bool, batch_rows: usize) -> BTreeMap<String, String> {
    let lake = Lake::new();
    let cache = root().join("target/components/cache");
    let engine = if plain { Engine::plain(Some(&cache)) } else { Engine::new(Some(&cache)) };
    let mut manifest = Manifest::read(&root().join("pipelines/ecommerce")).expect("it is a manifest");
    manifest.limits.decode.batch_rows = batch_rows;
    tables::ask(&mut manifest);
    // Unoptimised code on a busy machine.
    manifest.limits.plugin.call_ms = 60_000;
    manifest.limits.plugin.start_ms = 60_000;
    let pseudonyms = Pseudonyms::from_hex(Some(&"5a".repeat(32))).expect("it is a key");
    let components = Components::of(&manifest, &|_| None).expect("its places");
    let pipeline =
        Pipeline::load(&manifest, engine.expect("the engine starts"), &pseudonyms, None, &|plugin, limits| {
            components.read(plugin, limits.component_bytes)
        })
        .expect("it loads");
    let now = parse_stamp("20250101T120000").expect("it is a stamp");
    let host = Host::new(Box::new(DirStore::new(lake.path())), pipeline, Clock::Fixed(now), Arc::new(Unwatched));
    let ticks = Generation { ticks: 3, ..Generation::default() };
    let generated = host.generate(&ticks).expect("it generates");
    assert!(generated.failures.is_empty(), "{:?}", generated.failures);
    let report = host.run().expect("it runs");
    assert!(report.failures.is_empty(), "{:?}", report.failures);

    let mut made: BTreeMap<_, Vec<u8>> = BTreeMap::new();
    for (layer, source) in [("bronze", true), ("silver", false), ("gold", false)] {
        for (path, body) in lake.files(layer) {
            let plugin = if source { "source" } else { path.split('/').next().unwrap_or_default() };
            let all = made.entry(plugin.to_owned()).or_default();
            all.extend(path.as_bytes());
            all.extend((body.len() as u64).to_le_bytes());
            all.extend(body);
        }
    }
    made.into_iter().map(|(plugin, all)| (plugin, digest::hex(all))).collect()
}

#[test]
fn every_run_of_a_shipped_plugin_makes_the_same_bytes() {
    let runs = std::env::var("SMELT_RUNS").ok().map_or(6, |runs| runs.parse::<usize>().expect("it is a number"));
    let first = made(false, 16_384);
    assert_eq!(first.len(), 9, "a source, three cleaners and five KPIs: {first:?}");
    let cuts = [16_384, 1, 7, 100, 1000];
    for run in 1..runs {
        let (plain, rows) = (run % 2 == 1, cuts[run / 2 % cuts.len()]);
        assert_eq!(made(plain, rows), first, "run {run}, plain: {plain}, batches of {rows} rows");
    }
    println!("{runs} runs on two engines, in batches of {cuts:?} rows: one sha256 for each of {} plugins", first.len());
}
