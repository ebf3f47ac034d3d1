//! Published versions of the contract stay as they are, and components of the older ones run beside those of the newest.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use smelt_common::digest;

use crate::conformance::golden::smelt;
use crate::support::ended::Ended;
use crate::support::{Lake, root};

/// Every file below `wit/` and its sha256. Nothing of it ever changes; a new version adds a line.
const PUBLISHED: [(&str, &str); 2] = [
    ("0.1.0/smelt.wit", "e5c1b26f7fa490518819a5b822cd91c7227ebea390c316331be85d7de7e04590"),
    ("0.2.0/smelt.wit", "c63b5d44533ef2330e778452e2d5188ecb2d87eb709f21aed7d07a2908ae9e91"),
];

/// Below `wit/` and not published yet: it may change until the last pipeline runs on it.
const DRAFT: &str = "0.3.0/smelt.wit";
/// The newest version.
pub const NEWEST: &str = "0.3.0";

/// The versions before the newest, each with plugins of `plugins/` that were built when it was the newest.
const FROZEN: [(&str, [&str; 3]); 2] = [
    ("0.1.0", ["clean-customers", "revenue-by-country", "shop-source"]),
    ("0.2.0", ["clean-clicks", "revenue-by-channel", "top-products"]),
];

fn frozen_directory(version: &str) -> PathBuf {
    root().join("tests/contract").join(version)
}

fn frozen(version: &str, plugin: &str) -> PathBuf {
    frozen_directory(version).join(plugin).with_extension("wasm")
}

/// Returns a fixture of the tests that was built when 0.2.0 was the newest version.
pub fn frozen_fixture(plugin: &str) -> PathBuf {
    frozen_directory("0.2.0").join("fixtures").join(plugin).with_extension("wasm")
}

/// Returns the version of the frozen component that the plugin has; [`NEWEST`] if it has none.
fn version_of(plugin: &str) -> &'static str {
    FROZEN.iter().find(|(_, plugins)| plugins.contains(&plugin)).map_or(NEWEST, |(version, _)| version)
}

fn files(directory: &Path, prefix: &str, found: &mut BTreeMap<String, PathBuf>) {
    for entry in std::fs::read_dir(directory).expect("a directory can be read") {
        let path = entry.expect("a directory can be read").path();
        let name = format!("{prefix}{}", path.file_name().expect("it has a name").to_string_lossy());
        match path.is_dir() {
            true => files(&path, &format!("{name}/"), found),
            false => drop(found.insert(name, path)),
        }
    }
}

#[test]
fn what_was_published_never_changes() {
    let mut found = BTreeMap::new();
    files(&root().join("wit"), "", &mut found);
    for (name, sha256) in PUBLISHED {
        let path = found.remove(name).unwrap_or_else(|| panic!("wit/{name} is published and gone: `git restore` it"));
        let text = std::fs::read(path).expect("a file can be read");
        assert_eq!(
            digest::hex(&text),
            sha256,
            "wit/{name} is published, components were built from it, and it has changed: `git restore` it, and say what is \
             new in a directory of its own, wit/<the next version>"
        );
    }
    found.remove(DRAFT);
    let unknown: Vec<_> = found.keys().collect();
    assert!(
        unknown.is_empty(),
        "{unknown:?} below wit/ are in no list: once published, their sha256 belong in PUBLISHED"
    );
}

/// A lake whose pipeline finds the frozen components before those built now.
fn with_frozen() -> Lake {
    let mut lake = Lake::new();
    let built = root().join("target/components");
    let directories = [frozen_directory("0.1.0"), frozen_directory("0.2.0"), built.clone()];
    lake.change_pipeline(&[(&format!("plugins = [{built:?}]"), &format!("plugins = {directories:?}"))]);
    lake
}

/// The contracts of what the lake's plugins are, as its newest commit says.
fn contracts(lake: &Lake) -> BTreeMap<String, String> {
    let state = &lake.json(&["history"])["state"];
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let all = ["datasets", "gold"].into_iter().flat_map(|part| state[part].as_object().expect("by name").values());
    all.map(|made| &made["relation"]["fingerprint"])
        .map(|made| (text(&made["plugin"]), text(&made["contract"])))
        .collect()
}

#[test]
fn components_of_earlier_versions_run_beside_those_of_the_newest_and_come_to_the_same_bytes() {
    let (mut old, new) = (with_frozen(), Lake::new());
    for ticks in [0, 2] {
        // At the second tick rows of the first are superseded, so that what they added is subtracted.
        for lake in [&old, &new] {
            let start = format!("2025-03-01T{:02}:00:00Z", 12 + ticks);
            lake.smelt(&["generate", "--seed", "7", "--start", &start, "--first", &ticks.to_string(), "--ticks", "2"]);
            lake.smelt(&["run"]);
        }
        for layer in ["bronze", "silver"] {
            assert!(old.files(layer) == new.files(layer), "{layer} is another one");
        }
        assert_eq!(old.gold(), new.gold());
    }
    let totals = old.json(&["history"])["datasets"].as_array().expect("datasets").clone();
    let customers = totals.iter().find(|totals| totals["dataset"] == "customers").expect("they were cleaned");
    assert!(customers["superseded"].as_u64() > Some(0), "{customers}");
    assert!(old.gold()["revenue_by_country"].lines().count() > 2, "{}", old.gold()["revenue_by_country"]);
    for (plugin, contract) in contracts(&old) {
        assert_eq!(contract, version_of(&plugin), "{plugin}");
    }
    assert!(contracts(&new).values().all(|contract| contract == NEWEST), "{:?}", contracts(&new));
    assert_eq!(old.json(&["run"])["cleaned"], 0, "what an old component made stays current");
    old.change_pipeline(&[]);
    let plan = old.smelt(&["plan"]);
    for (version, _) in FROZEN {
        assert!(plan.contains(&format!("new contract {version} → {NEWEST}")), "{plan}");
    }
}

#[test]
fn components_of_earlier_versions_are_shown_and_locked_as_that() {
    let lake = with_frozen();
    lake.smelt(&["plugin", "lock"]);
    let lock = std::fs::read_to_string(lake.beside("smelt.lock")).expect("it was written");
    for (version, plugins) in [FROZEN[0], FROZEN[1], (NEWEST, [""; 3])] {
        assert_eq!(lock.matches(&format!("contract = \"{version}\"")).count(), plugins.len(), "{version}: {lock}");
    }
    lake.smelt(&["generate", "--ticks", "1"]);
    lake.smelt(&["run", "--locked"]);
    let list = lake.json(&["plugin", "list"]);
    for row in list.as_array().expect("a list") {
        assert_eq!(row["contract"], version_of(row["name"].as_str().expect("a name")), "{row}");
    }
    let kpi = frozen("0.1.0", "revenue-by-country");
    let about = lake.json(&["plugin", "inspect", kpi.to_str().expect("UTF-8")]);
    assert_eq!((&about["world"], &about["key"]), (&json!("kpi, contract 0.1.0"), &Value::Null));
}

#[test]
fn components_of_earlier_versions_keep_the_contract() {
    let mut cases = 0;
    for (version, plugin) in FROZEN.iter().flat_map(|(version, plugins)| plugins.map(|plugin| (version, plugin))) {
        // Where a rule has changed since, the cases are those of then.
        let then = frozen_directory(version).join(plugin).join("fixtures");
        let now = root().join("plugins").join(plugin).join("fixtures");
        let golden = if then.exists() { then } else { now };
        let mut arguments = vec![];
        if golden.exists() {
            arguments = vec!["--fixtures", golden.to_str().expect("a UTF-8 path")];
        }
        let Ended { code, stdout, .. } = smelt(&frozen(version, plugin), &arguments);
        assert_eq!(code, Some(0), "{stdout}");
        assert!(stdout.contains(&format!("contract {version}, sha256 ")), "{stdout}");
        cases += stdout.matches("  passed         fixture ").count();
    }
    assert!(cases >= 5, "only {cases} golden cases ran");
}

#[test]
fn a_kpi_of_0_1_0_is_compared_with_one_of_the_newest_by_the_key_that_this_declares() {
    let lake = Lake::new();
    lake.smelt(&["generate", "--ticks", "2"]);
    lake.smelt(&["run"]);
    let old = frozen("0.1.0", "revenue-by-country");
    let diff = lake.json(&["plugin", "diff", old.to_str().expect("UTF-8"), "revenue-by-country"]);
    assert_eq!(diff["kpis"][0]["key"], json!(["country"]));
    assert_eq!((&diff["kpis"][0]["changed"], &diff["kpis"][0]["added"]), (&json!([]), &json!([])));
}
