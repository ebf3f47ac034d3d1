//! A pipeline that cannot run is refused at the start, with exit code 2 and what would have been right.

use std::path::Path;

use crate::support::ended::{Ended, fixtures};
use crate::support::{Lake, root};

fn weather() -> String {
    std::fs::read_to_string(root().join("tests/pipelines/weather/smelt.toml")).expect("the pipeline has a manifest")
}

/// Returns what smelt says of the weather pipeline with a text of its manifest replaced, and components found there too.
fn refused_with(components: &Path, from: &str, to: &str) -> String {
    let text = |path: &Path| path.to_str().expect("a UTF-8 path").to_owned();
    let directories = format!("plugins = [\"{}\", \"{}\"]", text(&fixtures()), text(components));
    let manifest = weather();
    assert_eq!(manifest.matches(from).count(), 1, "`{from}` in the manifest");
    let manifest =
        manifest.replace(from, to).replace("plugins = [\"../../../target/components/fixtures\"]", &directories);
    let lake = Lake::with_manifest(&manifest);
    lake.bronze("readings_1.csv", "station,taken_at,revision\nA,2001-01-01T00:00:00Z,1\n");
    let Ended { code, stdout, stderr } = lake.end(&["run"]);
    assert_eq!((code, stdout.as_str()), (Some(2), ""), "{stderr}");
    assert!(lake.files("").keys().all(|name| name.starts_with("bronze/")), "nothing was begun");
    stderr
}

#[track_caller]
fn says(said: &str, words: &[&str]) {
    for word in words {
        assert!(said.contains(word), "`{word}` is not in: {said}");
    }
}

/// The manifest with a text replaced is refused in these words.
#[track_caller]
fn refuses(from: &str, to: &str, words: &[&str]) {
    says(&refused_with(Path::new("/nowhere"), from, to), words);
}

/// A cleaner made of these bytes is refused in these words.
#[track_caller]
fn refuses_component(bytes: impl AsRef<[u8]>, words: &[&str]) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    std::fs::write(directory.path().join("odd.wasm"), bytes).expect("a component can be written");
    let readings = "format = \"csv\"\nplugin = \"clean-readings\"\nparameters = { coldest = -60.5 }";
    says(&refused_with(directory.path(), readings, "format = \"csv\"\nplugin = \"odd\""), words);
}

fn component(text: &str) -> Vec<u8> {
    wat::parse_str(text).expect("the component's text is right")
}

#[test]
fn unknown_keys_are_refused_with_those_there_are() {
    refuses("[pipeline]", "colour = \"red\"\n[pipeline]", &["line 3", "unknown field `colour`", "`dataset`", "`kpi`"]);
    refuses(
        "name = \"weather\"",
        "name = \"weather\"\nnmae = \"x\"",
        &["`nmae`", "expected one of `name`, `plugins`, `trusted_keys`, `locked`"],
    );
    refuses(
        "parameters = { limit = 2 }",
        "parameters = { limit = 2 }\ninput = { readings = \"sightings\" }",
        &["unknown field `input`", "`plugin`", "`inputs`", "`parameters`"],
    );
    refuses(
        "parameters = { coldest = -60.5 }",
        "parameters = { coldest = -60.5 }\ninclude = \"*\"",
        &["unknown field `include`", "`objects`", "`format`"],
    );
    for (section, key, known) in [
        ("schedule", "each", "`every`"),
        ("output", "bronze", "`gold`"),
        ("privacy", "key", "`key_file`"),
        ("limits", "memory", "`plugin`"),
        ("limits.plugin", "memory", "`memory_bytes`"),
        ("limits.decode", "rows", "`batch_rows`"),
        ("source.made_up", "sead", "`seed`"),
    ] {
        let wrong = format!("[{section}]\n{key} = 1\n[pipeline]");
        refuses("[pipeline]", &wrong, &[&format!("unknown field `{key}`"), known]);
    }
}

#[test]
fn missing_keys_are_named() {
    refuses("objects = \"readings_*.csv\"\n", "", &["missing field `objects`"]);
    refuses("plugin = \"stale-stations\"", "", &["missing field `plugin`"]);
    refuses("name = \"weather\"", "", &["missing field `name`"]);
}

#[test]
fn a_manifest_that_is_no_toml_is_refused_with_its_line() {
    refuses("[pipeline]", "[pipeline", &["smelt.toml", "line 3"]);
    refuses("format = \"csv\"", "format = \"xml\"", &["unknown variant `xml`", "`csv`", "`json`", "`jsonl`"]);
    refuses("[pipeline]", "[output]\nsilver = \"orc\"\n[pipeline]", &["unknown variant `orc`", "`csv`", "`parquet`"]);
    refuses("parameters = { limit = 2 }", "parameters = 2", &["invalid type", "map"]);
}

#[test]
fn a_manifest_that_is_not_there_is_named() {
    let lake = Lake::with_pipeline("/nowhere/at/all");
    let Ended { code, stderr, .. } = lake.end(&["run"]);
    assert_eq!(code, Some(2));
    says(&stderr, &["cannot read the manifest `/nowhere/at/all`"]);
}

#[test]
fn a_missing_plugin_is_refused_with_those_found() {
    refuses(
        "plugin = \"stale-stations\"",
        "plugin = \"stale-station\"",
        &["[kpi.stale_stations]", "no plugin `stale-station`", "found there: clean-readings, echo, "],
    );
    refuses(
        "plugins = [\"../../../target/components/fixtures\"]",
        "plugins = [\"/nowhere\"]",
        &["no plugin `clean-readings` in /nowhere", "found there: none"],
    );
}

#[test]
fn a_relation_that_the_manifest_lacks_is_refused_with_those_it_has() {
    refuses(
        "inputs = { readings = \"sightings\" }",
        "inputs = { readings = \"sighting\" }",
        &[
            "[kpi.hottest_seen]",
            "`hottest` reads `sighting`",
            "it has hottest, hottest_seen, readings, sightings, smelt.bronze, smelt.checks, smelt.objects, smelt.one, smelt.rules, stale_stations",
        ],
    );
    // By default an input is the relation of its name.
    refuses(
        "[dataset.readings]",
        "[dataset.measurements]",
        &[
            "[kpi.hottest]",
            "reads `readings`",
            "it has hottest, hottest_seen, measurements, sightings, smelt.bronze, smelt.checks, smelt.objects",
        ],
    );
}

#[test]
fn an_input_that_the_plugin_lacks_is_refused_with_those_it_has() {
    refuses(
        "inputs = { readings = \"sightings\" }",
        "inputs = { reading = \"sightings\" }",
        &["[kpi.hottest_seen]", "plugin `hottest` has no input `reading`", "it has readings"],
    );
}

/// The KPI on a dataset that the cleaner writes is refused in these words.
#[track_caller]
fn refuses_kpi_on(cleaner: &str, kpi: &str, words: &[&str]) {
    let dataset = format!("[dataset.odd]\nobjects = \"odd-*.csv\"\nformat = \"csv\"\nplugin = \"{cleaner}\"");
    refuses("[kpi.stale_stations]\nplugin = \"stale-stations\"", &format!("{dataset}\n[kpi.oddest]\n{kpi}"), words);
}

#[test]
fn a_kpi_on_a_dataset_without_its_columns_is_refused() {
    refuses_kpi_on(
        "liar",
        "plugin = \"stale-stations\"\ninputs = { readings = \"odd\" }",
        &[
            "[kpi.oddest]: plugin `stale-stations` reads column (taken_at: timestamp) of dataset `odd`",
            "whose cleaner `liar` writes (a: utf8, id: int64?)",
        ],
    );
}

#[test]
fn a_kpi_on_a_column_of_another_type_is_refused() {
    refuses_kpi_on(
        "liar",
        "plugin = \"sinful-count\"\ninputs = { rows = \"odd\" }",
        &[
            "[kpi.oddest]: plugin `sinful-count` reads column (id: utf8) of dataset `odd`",
            "writes (a: utf8, id: int64?)",
        ],
    );
}

#[test]
fn a_kpi_that_needs_values_on_a_column_that_may_lack_them_is_refused() {
    refuses_kpi_on(
        "sinner",
        "plugin = \"stale-stations\"\ninputs = { readings = \"odd\" }",
        &[
            "[kpi.oddest]: plugin `stale-stations` reads column (taken_at: timestamp) of dataset `odd`",
            "writes (id: utf8, taken_at: timestamp?, day: date32?, price: decimal128(38,2)?)",
        ],
    );
}

#[test]
fn a_pattern_is_a_name_that_an_object_can_have() {
    let name = "a pattern is a name such as `orders_*.csv`, without `/` at its ends or two in a row";
    let alone = "`**` stands for directories, and so alone between two `/`: `**/orders_*.csv`";
    for (pattern, what) in [("readings**", alone), ("", name), ("/readings_*.csv", name), ("a//b_*.csv", name)] {
        let to = format!("objects = \"{pattern}\"");
        refuses(
            "objects = \"readings_*.csv\"",
            &to,
            &["[dataset.readings]", &format!("objects = \"{pattern}\""), what],
        );
    }
}

#[test]
fn names_are_words() {
    for name in ["Readings", "read-ings", "\"re ad\"", "\"../up\"", "\"\"", "\"é\""] {
        let plain = name.trim_matches('"');
        let what = "a name is lower-case letters, digits and `_`";
        refuses("[dataset.readings]", &format!("[dataset.{name}]"), &[&format!("[dataset.{plain}]"), what]);
        refuses("[kpi.stale_stations]", &format!("[kpi.{name}]"), &[&format!("[kpi.{plain}]"), what]);
    }
}

#[test]
fn a_dataset_and_a_kpi_have_names_of_their_own() {
    refuses("[kpi.stale_stations]", "[kpi.readings]", &["[kpi.readings] and [dataset.readings]", "a name of its own"]);
}

#[test]
fn durations_have_a_unit() {
    for every in ["\"5\"", "\"five seconds\"", "5", "\"-5s\"", "\"\""] {
        refuses("[pipeline]", &format!("[schedule]\nevery = {every}\n[pipeline]"), &["every = ", "line 4"]);
    }
}

#[test]
fn a_plugin_of_another_kind_is_refused_with_what_it_exports() {
    refuses(
        "plugin = \"stale-stations\"",
        "plugin = \"clean-readings\"",
        &[
            "[kpi.stale_stations]",
            "`smelt:plugin/cleaning@0.3.0`",
            "a kpi exports `smelt:plugin/aggregation@0.1.0` or `smelt:plugin/aggregation@0.2.0` or `smelt:plugin/aggregation@0.3.0`",
        ],
    );
    refuses(
        "plugin = \"clean-readings\"\nparameters = { coldest = -60.5 }",
        "plugin = \"hottest\"",
        &[
            "[dataset.readings]",
            "exports `smelt:plugin/aggregation@0.3.0`",
            "a cleaner exports `smelt:plugin/cleaning@0.1.0`",
        ],
    );
}

#[test]
fn a_file_that_is_no_component_is_refused() {
    let words = ["[dataset.readings]", "odd.wasm` is not a WebAssembly component"];
    refuses_component("", &words);
    refuses_component("fn main() {}", &words);
    refuses_component(component("(module (func (export \"describe\")))"), &words);
    let whole = std::fs::read(fixtures().join("clean-readings.wasm")).expect("it is built");
    refuses_component(&whole[..7], &words);
    refuses_component(&whole[..whole.len() / 2], &["[dataset.readings]", "odd.wasm` does not compile"]);
}

#[test]
fn an_import_that_the_contract_lacks_is_refused_by_name() {
    let only =
        "a cleaner may import only `smelt:plugin/types@0.3.0`, `smelt:plugin/log@0.3.0`, `smelt:plugin/privacy@0.3.0`";
    refuses_component(
        component(
            "(component (import \"wasi:clocks/wall-clock@0.2.0\" (instance (export \"now\" (func (result u64))))))",
        ),
        &["[dataset.readings]", "plugin `odd` imports `wasi:clocks/wall-clock@0.2.0`", only],
    );
    refuses_component(
        component(
            "(component (import \"wasi:random/random@0.2.0\" (instance)) (import \"smelt:plugin/log@0.4.0\" (instance)))",
        ),
        &["imports `wasi:random/random@0.2.0`, `smelt:plugin/log@0.4.0`", only],
    );
    refuses_component(component("(component (import \"run\" (func)))"), &["imports `run`", only]);
}

#[test]
fn a_component_of_no_world_is_refused_with_what_it_exports() {
    let wanted = "a cleaner exports `smelt:plugin/cleaning@0.1.0`";
    refuses_component(component("(component)"), &["[dataset.readings]", "plugin `odd` exports nothing", wanted]);
    refuses_component(
        component("(component (instance $none) (export \"wasi:cli/run@0.2.0\" (instance $none)))"),
        &["plugin `odd` exports `wasi:cli/run@0.2.0`", wanted],
    );
    // A later contract.
    refuses_component(
        component("(component (instance $none) (export \"smelt:plugin/cleaning@0.4.0\" (instance $none)))"),
        &["plugin `odd` is of contract 0.4.0; this smelt knows 0.1.0, 0.2.0 and 0.3.0"],
    );
}

#[test]
fn a_component_whose_interface_is_not_the_contracts_is_refused() {
    for (version, call) in [("0.1.0", "describe"), ("0.2.0", "describe"), ("0.3.0", "identify")] {
        let export = format!("(export \"smelt:plugin/cleaning@{version}\" (instance $none))");
        refuses_component(
            component(&format!("(component (instance $none) {export})")),
            &["[dataset.readings]", &format!("plugin `odd` does not fit contract {version}"), call],
        );
    }
}

#[test]
fn a_component_under_another_name_is_refused_with_its_own() {
    refuses_component(
        std::fs::read(fixtures().join("clean-readings.wasm")).expect("it is built"),
        &["[dataset.readings]", "the component found as plugin `odd` calls itself `clean-readings`"],
    );
}

#[test]
fn a_plugin_that_cannot_even_start_within_its_limits_is_refused() {
    refuses(
        "[pipeline]",
        "[limits.plugin]\nmemory_bytes = 65536\n[pipeline]",
        &["[dataset.readings]", "plugin `clean-readings` failed to start", "more than 65536 bytes of memory"],
    );
}

#[test]
fn every_command_that_needs_the_pipeline_refuses_it() {
    let lake = Lake::with_manifest("[pipeline]\n");
    for command in [&["run"][..], &["clean"], &["aggregate"], &["plan"], &["generate"], &["up", "--every", "1s"]] {
        let Ended { code, stderr, .. } = lake.end(command);
        assert_eq!(code, Some(2), "{command:?}: {stderr}");
        says(&stderr, &["smelt.toml", "missing field"]);
    }
}
