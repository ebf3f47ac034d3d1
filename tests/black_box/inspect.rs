//! `smelt plugin inspect` shows what a component is, says of itself and may use.

use crate::support::ended::fixtures;
use crate::support::{Lake, root};

#[test]
fn a_component_is_shown_with_the_limits_that_apply_to_it() {
    let lake = Lake::with_manifest(&format!(
        "[pipeline]\nname = \"x\"\nplugins = [{:?}]\n[limits.plugin]\noutput_rows = 5\n\
         [dataset.a]\nobjects = \"a-*\"\nformat = \"csv\"\nplugin = \"clean-readings\"\nlimits = {{ call_ms = 77 }}\n\
         [dataset.b]\nobjects = \"b-*\"\nformat = \"csv\"\nplugin = \"clean-readings\"\n",
        fixtures()
    ));
    let component = fixtures().join("clean-readings.wasm");
    let component = component.to_str().expect("a UTF-8 path");
    let about = lake.json(&["plugin", "inspect", component]);
    assert_eq!(about["world"], "cleaner, contract 0.3.0");
    assert_eq!(about["key"], serde_json::json!(["station", "taken_at"]));
    assert_eq!(about["sha256"], smelt_common::digest::hex(std::fs::read(component).expect("it is there")));
    assert!(about["parameters"]["properties"]["coldest"].is_object(), "{about}");
    assert!(about["rules"]["fahrenheit"].as_str().is_some_and(|rule| rule.starts_with("repairs: ")), "{about}");
    let limits = |of: &str, key: &str| about["limits"][of][key].as_u64();
    assert_eq!([limits("dataset.a", "call_ms"), limits("dataset.b", "call_ms")], [Some(77), Some(10_000)]);
    assert_eq!(limits("dataset.a", "output_rows"), Some(5));

    let text = lake.smelt(&["plugin", "inspect", component]);
    for words in
        ["station: utf8, taken_at: timestamp", "smelt:plugin/log@0.3.0", "call_ms = 77", "stack_bytes = 524288"]
    {
        assert!(text.contains(words), "`{words}` is not in: {text}");
    }
}

#[test]
fn a_kpi_and_a_source_are_shown_too() {
    let lake = Lake::new();
    let about = |name: &str| {
        let path = root().join("target/components").join(name);
        lake.json(&["plugin", "inspect", path.to_str().expect("a UTF-8 path")])
    };
    assert_eq!(about("aov.wasm")["sums"].as_array().map(Vec::len), Some(1));
    assert_eq!(about("aov.wasm")["key"], serde_json::json!([]));
    assert_eq!(about("sales-by-day.wasm")["key"], serde_json::json!(["order_date"]));
    assert!(about("shop-source.wasm")["objects"].as_array().is_some_and(|objects| !objects.is_empty()));
}

#[test]
fn what_would_be_refused_is_shown_as_far_as_it_goes() {
    let lake = Lake::new();
    let path = lake.beside("odd.wasm");
    let text = "(component (import \"wasi:random/random@0.2.0\" (instance)))";
    std::fs::write(&path, wat::parse_str(text).expect("it is a component")).expect("it can be written");
    let ended = lake.end(&["plugin", "inspect", path.to_str().expect("a UTF-8 path"), "--json"]);
    assert_eq!(ended.code, Some(1));
    assert_eq!(ended.json()["imports"][0], "wasi:random/random@0.2.0");
    assert!(ended.json()["refused"].as_str().is_some_and(|why| why.contains("no world")));
}

#[test]
fn limits_that_cannot_be_kept_are_refused() {
    let refused = |limits: &str| {
        let manifest = format!(
            "[pipeline]\nname = \"x\"\nplugins = [{:?}]\n[dataset.a]\nobjects = \"a-*\"\nformat = \"csv\"\n\
             plugin = \"clean-readings\"\n[dataset.a.limits]\n{limits}\n",
            fixtures()
        );
        let ended = Lake::with_manifest(&manifest).end(&["run"]);
        assert_eq!(ended.code, Some(2), "{}", ended.stderr);
        ended.stderr
    };
    assert!(refused("instances = 1000").contains("[dataset.a]: limits: instances must be at most 128, not 1000"));
    assert!(refused("memory_bytes = 0").contains("[dataset.a]: limits: memory_bytes must not be zero"));
    assert!(refused("memory = 1").contains("[dataset.a]: limits: unknown field `memory`, expected"));
}
