//! Where a number came from: the tree down to bronze, the objects behind a row, and making anything again.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use smelt_common::digest;

use crate::support::{Lake, root};

/// A lake with several commits: silver that was written again, and KPIs that were brought up to date.
fn lake() -> Lake {
    let lake = Lake::new();
    let made = ["generate", "--seed", "11", "--start", "2025-03-01T12:00:00Z", "--ticks", "3"];
    for _ in 0..2 {
        lake.smelt(&[&made[..], &["--param", "orders=60", "--param", "late_duplicates=0.3"]].concat());
        lake.smelt(&["run"]);
    }
    lake
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

fn file(lake: &Lake, key: &str) -> Vec<u8> {
    std::fs::read(lake.path().join(key)).unwrap_or_else(|error| panic!("{key}: {error}"))
}

/// All nodes of a tree.
fn nodes(root: &Value) -> Vec<&Value> {
    let from = root["from"].as_array().expect("a list");
    std::iter::once(root).chain(from.iter().flat_map(nodes)).collect()
}

#[test]
fn a_tree_leads_from_every_table_to_all_of_its_bronze() {
    let lake = lake();
    let history = lake.json(&["history", "--objects"]);
    for kpi in ["aov", "revenue_by_country", "sales_by_day"] {
        let root = lake.json(&["lineage", kpi]);
        let mut bronze = BTreeSet::new();
        for node in nodes(&root) {
            let name = text(&node["name"]);
            if node["layer"] == "dataset" {
                continue;
            }
            // What the tree says of an object is what the object is.
            let body = file(&lake, name);
            assert_eq!(text(&node["sha256"]), digest::hex(&body), "{name}");
            assert_eq!(node["bytes"], body.len(), "{name}");
            if node["layer"] == "bronze" {
                bronze.insert(name.strip_prefix("bronze/").expect("bronze").to_owned());
            }
            if let Some(account) = node["account"].as_object() {
                let rejected: u64 =
                    account["rejected"].as_object().expect("rules").values().filter_map(Value::as_u64).sum();
                let count = |key: &str| account[key].as_u64().expect("a number");
                assert_eq!(count("read"), count("kept") + count("superseded") + rejected, "{name}");
            }
            let made = ["gold", "silver"].contains(&text(&node["layer"]));
            assert_eq!(node["cost"]["fuel"].as_u64().is_some_and(|fuel| fuel > 1000), made, "{name}: {}", node["cost"]);
            assert_eq!(node["cost"]["memory_bytes"].as_u64().is_some_and(|bytes| bytes >= 1 << 16), made, "{name}");
        }
        let datasets: Vec<_> =
            root["from"].as_array().expect("inputs").iter().map(|node| text(&node["name"])).collect();
        let all = datasets.iter().flat_map(|dataset| history["objects"][dataset].as_object().expect("objects").keys());
        assert_eq!(bronze, all.cloned().collect(), "{kpi}");
        for made in [&root["made"], &root["from"][0]["made"]] {
            let component = text(&made["component"]);
            let kept = file(&lake, &format!("catalog/components/{component}.wasm"));
            assert_eq!(digest::hex(kept), component, "the lake has what made it");
        }
    }
}

#[test]
fn the_same_tree_is_a_graph_and_events_of_open_lineage() {
    let lake = lake();
    let dot = lake.smelt(&["lineage", "aov", "--format", "dot"]);
    assert!(dot.starts_with("digraph lineage {") && dot.ends_with("}\n"), "{dot}");
    // 6 objects: an edge from each bronze to its silver, from each silver to the dataset, and to the table.
    assert_eq!(dot.matches(" -> ").count(), 13, "{dot}");
    let events = lake.smelt(&["lineage", "revenue_by_country", "--format", "openlineage"]);
    let events: Vec<Value> = events.lines().map(|line| serde_json::from_str(line).expect("an event")).collect();
    let mut made: BTreeMap<String, usize> = BTreeMap::new();
    for (number, event) in events.iter().enumerate() {
        for required in ["eventType", "eventTime", "producer", "schemaURL", "run", "job", "inputs", "outputs"] {
            assert!(!event[required].is_null(), "{required}: {event}");
        }
        let id = text(&event["run"]["runId"]);
        let lengths: Vec<_> = id.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12], "a UUID");
        for output in event["outputs"].as_array().expect("outputs") {
            assert_eq!(output["namespace"], "file");
            assert!(std::path::Path::new(text(&output["name"])).is_file(), "{output}");
            made.insert(text(&output["name"]).to_owned(), number);
        }
    }
    assert_eq!(events.len(), 3, "customers, orders, and the table");
    for input in events[2]["inputs"].as_array().expect("inputs") {
        assert!(made[text(&input["name"])] < 2, "{input} was made before");
    }
}

#[test]
fn whatever_was_made_can_be_made_again_whatever_became_of_the_plugins() {
    let mut lake = lake();
    let mut verified = 0;
    let kpis = ["aov", "revenue_by_channel", "revenue_by_country", "sales_by_day", "top_products"].map(String::from);
    let keys = |layer: &str| lake.files(layer).into_keys().map(|name| format!("{layer}/{name}")).collect::<Vec<_>>();
    let objects = [keys("silver"), keys("quarantine"), kpis.to_vec()].concat();
    // No component is where the manifest says: the lake has them.
    lake.change_pipeline(&[(root().join("target/components").to_str().expect("UTF-8"), "/nowhere")]);
    for object in objects {
        let reproduced = lake.json(&["reproduce", &object]);
        assert_eq!(reproduced["same"], true, "{object}: {reproduced}");
        verified += 1;
    }
    assert!(verified > 30, "{verified}");
}

#[test]
fn what_comes_out_different_is_named() {
    let lake = lake();
    let (name, body) = lake.files("bronze").into_iter().find(|(name, _)| name.starts_with("orders_")).expect("orders");
    let tree = lake.json(&["lineage", "aov"]);
    let all = nodes(&tree);
    let bronze = format!("bronze/{name}");
    let silver = all.iter().find(|node| node["from"][0]["name"] == bronze.as_str()).expect("its silver");
    let silver = text(&silver["name"]).to_owned();
    let body = String::from_utf8(body).expect("text").replacen("\"quantity\":", "\"quantity\":1", 1);
    std::fs::write(lake.path().join(&bronze), body).expect("a write");
    for object in ["aov", &silver] {
        let output = lake.try_smelt(&["reproduce", object]);
        let said = String::from_utf8(output.stdout).expect("UTF-8");
        assert_eq!(output.status.code(), Some(1), "{said}");
        let line = said.lines().find(|line| line.contains(&bronze)).expect("the object is named");
        assert!(!line.contains("the same"), "{line}");
    }
}

/// A row came from just the objects without which the pipeline, run on all others, has another row.
#[test]
fn the_lineage_of_a_row_is_the_objects_without_which_it_would_be_another() {
    let lake = Lake::new();
    let made = ["generate", "--seed", "5", "--start", "2025-03-01T22:00:00Z", "--interval", "1h", "--ticks", "4"];
    // No row supersedes one of another object: a row does not come from what only kept others away.
    let few =
        ["orders=30", "customers=20", "late_duplicates=0", "returning_customers=0"].map(|it| ["--param", it]).concat();
    lake.smelt(&[&made[..], &few].concat());
    lake.smelt(&["run"]);
    let bronze: Vec<_> = lake.files("bronze").into_iter().filter(|(name, _)| !name.starts_with("clicks")).collect();
    let rows =
        |lake: &Lake, kpi: &str| -> Vec<String> { lake.gold()[kpi].lines().skip(1).map(ToOwned::to_owned).collect() };
    for (kpi, column) in [("revenue_by_country", "country"), ("sales_by_day", "order_date")] {
        let before = rows(&lake, kpi);
        let without: BTreeMap<_, _> = bronze
            .iter()
            .map(|(left_out, _)| {
                let other = Lake::new();
                bronze.iter().filter(|(name, _)| name != left_out).for_each(|(name, body)| other.bronze(name, body));
                other.smelt(&["run"]);
                (format!("bronze/{left_out}"), rows(&other, kpi))
            })
            .collect();
        for row in &before {
            let value = row.split(',').next().expect("a cell");
            let explained = lake.json(&["lineage", kpi, "--row", &format!("{column}={value}")]);
            let named: BTreeMap<String, Option<String>> = explained["from"]
                .as_array()
                .expect("objects")
                .iter()
                .map(|object| {
                    let cells = object["without"].as_array();
                    let row = cells.map(|cells| cells.iter().map(text).collect::<Vec<_>>().join(","));
                    (text(&object["bronze"]).to_owned(), row)
                })
                .collect();
            let of_value = |rows: &[String]| rows.iter().find(|row| row.split(',').next() == Some(value)).cloned();
            let expected: BTreeMap<_, _> = without
                .iter()
                .map(|(key, rows)| (key.clone(), of_value(rows)))
                .filter(|(_, now)| now.as_ref() != Some(row))
                .collect();
            assert_eq!(named, expected, "{kpi} {row}");
        }
        // Asked for by a cell that is another one without an object, the row is still known by its key.
        let (value, revenue) = before[0].split_once(',').expect("two cells");
        let [by_key, by_other] = [format!("{column}={value}"), format!("revenue={revenue}")];
        let row = |cells: &str| lake.json(&["lineage", kpi, "--row", cells]);
        assert_eq!(row(&by_other), row(&by_key));
    }
    let output = lake.try_smelt(&["lineage", "sales_by_day", "--row", "date"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("column=value"), "{output:?}");
}
