//! `smelt plugin list` and `smelt plugin lock`: with a lock, the pinned components run and no others.

use std::path::PathBuf;

use smelt::components::Components;
use smelt_engine::manifest::Manifest;
use smelt_engine::pipeline::{Lock, Pipeline};
use smelt_runtime::privacy::Pseudonyms;
use smelt_runtime::{Engine, Limits};

use crate::support::ended::{Ended, fixtures};
use crate::support::{Lake, root};

const PLUGINS: [&str; 3] = ["clean-readings", "hottest", "stale-stations"];

/// A pipeline with plugins of its own, in `plugins` beside the lake.
fn lake() -> Lake {
    let lake = Lake::with_manifest(&manifest(""));
    std::fs::create_dir(lake.beside("plugins")).expect("a directory can be made");
    for name in PLUGINS {
        std::fs::copy(fixtures().join(format!("{name}.wasm")), component(&lake, name)).expect("it is built");
    }
    lake.bronze("readings_1.csv", "station,taken_at,revision,celsius\nA,2001-01-01T00:00:00Z,1,3\n");
    lake
}

fn manifest(more: &str) -> String {
    format!(
        "[pipeline]\nname = \"x\"\nplugins = [\"plugins\"]\n{more}\n\
         [dataset.readings]\nobjects = \"readings_*.csv\"\nformat = \"csv\"\nplugin = \"clean-readings\"\n\
         [kpi.hot]\nplugin = \"hottest\"\n[kpi.old]\nplugin = \"stale-stations\"\n"
    )
}

fn component(lake: &Lake, name: &str) -> PathBuf {
    lake.beside("plugins").join(format!("{name}.wasm"))
}

/// Puts another component in its place, which does the same; gives both digests, that of the former first.
fn swap(lake: &Lake, name: &str) -> [String; 2] {
    let path = component(lake, name);
    let before = std::fs::read(&path).expect("it is there");
    // A custom section without content, called `x`.
    let after = [&before[..], &[0, 2, 1, b'x']].concat();
    std::fs::write(&path, &after).expect("it can be written");
    [before, after].map(smelt_common::digest::hex)
}

#[track_caller]
fn refused(lake: &Lake, arguments: &[&str], words: &[&str]) {
    let Ended { code, stderr, .. } = lake.end(arguments);
    assert_eq!(code, Some(2), "{arguments:?}: {stderr}");
    for word in words {
        assert!(stderr.contains(word), "`{word}` is not in: {stderr}");
    }
}

#[test]
fn without_a_lock_any_component_runs() {
    let lake = lake();
    lake.smelt(&["run"]);
    swap(&lake, "hottest");
    lake.smelt(&["run"]);
    assert!(!lake.beside("smelt.lock").exists());
}

#[test]
fn another_component_than_the_pinned_one_is_refused_until_it_is_pinned() {
    let lake = lake();
    lake.smelt(&["plugin", "lock"]);
    lake.smelt(&["run", "--locked"]);
    let [was, is] = swap(&lake, "hottest");
    let both = ["`hottest`", was.as_str(), is.as_str(), "`smelt plugin lock --update hottest`"];
    for command in [&["run"][..], &["clean"], &["aggregate"], &["plan"], &["generate"], &["up", "--every", "1s"]] {
        refused(&lake, command, &[&both[..], &["[kpi.hot]"]].concat());
    }
    refused(&lake, &["plugin", "lock"], &both);
    // Not even its description is asked for.
    std::fs::write(component(&lake, "hottest"), "no component at all").expect("it can be written");
    refused(&lake, &["run"], &["`hottest` has sha256 ", &was]);

    std::fs::copy(fixtures().join("hottest.wasm"), component(&lake, "hottest")).expect("it is built");
    swap(&lake, "hottest");
    let [was, _] = swap(&lake, "stale-stations");
    lake.smelt(&["plugin", "lock", "--update", "hottest"]);
    refused(&lake, &["run"], &["`stale-stations`", &was]);
    lake.smelt(&["plugin", "lock", "--update"]);
    lake.smelt(&["run"]);
}

#[test]
fn a_component_swapped_after_it_was_read_is_not_what_runs() {
    let lake = lake();
    lake.smelt(&["plugin", "lock"]);
    let manifest = Manifest::read(&lake.beside("smelt.toml")).expect("it is a manifest");
    let lock = Lock::of(&manifest).expect("it can be read");
    let engine = || Engine::new(Some(&root().join("target/components/cache"))).expect("the engine starts");
    let pseudonyms = Pseudonyms::from_hex(None).expect("no key is a key");
    let load = |between: &dyn Fn(&str)| {
        let components = Components::of(&manifest, &|_| None).expect("its places");
        let find = |plugin: &str, limits: &Limits| {
            let own = components.read(plugin, limits.component_bytes)?;
            between(plugin);
            Ok(own)
        };
        Pipeline::load(&manifest, engine(), &pseudonyms, lock.as_ref(), &find)
    };
    // Between the reading of each component and all that is done with it.
    let swapped =
        load(&|_| PLUGINS.iter().for_each(|name| std::fs::write(component(&lake, name), "").expect("it is ours")));
    assert!(swapped.is_err(), "what is read later is refused");
    PLUGINS
        .iter()
        .for_each(|name| drop(std::fs::copy(fixtures().join(format!("{name}.wasm")), component(&lake, name))));
    let pipeline = load(&|read| drop((read == "clean-readings").then(|| swap(&lake, read))))
        .expect("the pinned bytes are there when they are read");
    let pin = lock.as_ref().and_then(|lock| lock.pin("clean-readings")).expect("it is pinned");
    assert_eq!(pipeline.identity("clean-readings").expect("it runs").sha256(), pin.sha256);
    let now = std::fs::read(component(&lake, "clean-readings")).expect("it is there");
    assert_ne!(smelt_common::digest::hex(now), pin.sha256);
    let error = load(&|_| {}).err().expect("it is refused");
    assert!(error.to_string().contains(&pin.sha256), "{error}");
}

#[test]
fn a_lock_pins_what_a_plugin_is_and_may_use() {
    let mut lake = lake();
    let lock = lake.json(&["plugin", "lock"]);
    let names: Vec<_> = lock["plugin"].as_array().into_iter().flatten().map(|pin| pin["name"].clone()).collect();
    assert_eq!(names, PLUGINS);
    let pin = &lock["plugin"][1];
    assert_eq!(
        pin["sha256"],
        smelt_common::digest::hex(std::fs::read(component(&lake, "hottest")).expect("it is there"))
    );
    assert_eq!((&pin["version"], &pin["contract"]), (&"1.0.0".into(), &"0.3.0".into()));
    assert!(pin["imports"].as_array().is_some_and(|all| all.contains(&"smelt:plugin/log@0.3.0".into())), "{pin}");
    assert_eq!(pin["limits"]["kpi.hot"]["call_ms"], 10_000);
    let text = std::fs::read_to_string(lake.beside("smelt.lock")).expect("it was written");
    lake.smelt(&["plugin", "lock"]);
    assert_eq!(std::fs::read_to_string(lake.beside("smelt.lock")).expect("it is there"), text);

    lake.set_manifest(&(manifest("") + "limits = { call_ms = 20000 }\n"));
    refused(&lake, &["run"], &["[kpi.old]", "call_ms is 20000, and 10000 in the lock"]);
    lake.smelt(&["plugin", "lock", "--update", "stale-stations"]);
    lake.smelt(&["run"]);

    lake.set_manifest(&(manifest("") + "[kpi.hotter]\nplugin = \"hottest\"\n"));
    refused(&lake, &["run"], &["[kpi.hotter]", "has no limits of plugin `hottest`", "--update hottest"]);
    lake.smelt(&["plugin", "lock", "--update"]);
    lake.smelt(&["run"]);
    refused(&lake, &["plugin", "lock", "--update", "hotest"], &["no plugin `hotest`; it uses clean-readings, hottest"]);

    std::fs::write(lake.beside("smelt.lock"), "plugins = 1").expect("it can be written");
    refused(&lake, &["run"], &["smelt.lock", "unknown field `plugins`"]);
}

#[test]
fn a_lock_can_be_required() {
    let mut lake = lake();
    refused(&lake, &["run", "--locked"], &["there is no lock", "smelt.lock", "`smelt plugin lock` writes it"]);
    lake.set_manifest(&manifest("locked = true"));
    refused(&lake, &["plan"], &["there is no lock"]);
    lake.smelt(&["plugin", "lock"]);
    lake.smelt(&["run"]);
}

#[test]
fn what_could_be_used_is_listed_with_what_uses_it() {
    let lake = lake();
    std::fs::write(component(&lake, "odd"), "nothing").expect("it can be written");
    let list = lake.json(&["plugin", "list"]);
    let row = |name: &str| {
        let rows = list.as_array().into_iter().flatten();
        rows.into_iter().find(|row| row["name"] == name).expect("it is listed").clone()
    };
    assert_eq!(list.as_array().map(Vec::len), Some(4));
    let hottest = row("hottest");
    assert_eq!((&hottest["kind"], &hottest["version"]), (&"kpi".into(), &"1.0.0".into()));
    assert_eq!(hottest["used_by"], serde_json::json!(["kpi.hot"]));
    assert!(hottest["locked"].is_null());
    assert!(row("odd")["refused"].as_str().is_some_and(|why| why.contains("is not a WebAssembly component")));
    std::fs::remove_file(component(&lake, "odd")).expect("it is there");

    lake.smelt(&["plugin", "lock"]);
    swap(&lake, "hottest");
    let text = lake.smelt(&["plugin", "list"]);
    let line = |name: &str| text.lines().find(|line| line.contains(name)).expect("it is listed").to_owned();
    assert!(line("hottest").ends_with("differs") && line("stale-stations").ends_with("yes"), "{text}");
}
