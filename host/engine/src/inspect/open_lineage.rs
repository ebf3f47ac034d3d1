//! Writes a lineage as [OpenLineage](https://openlineage.io) run events, for catalogs and monitors that collect them.

use serde_json::{Map, Value, json};

use super::layer::Layer;
use super::lineage::{Node, Origin};

const SCHEMA: &str = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent";
const FACETS: &str = "https://openlineage.io/spec/facets";
/// The producer of the events. The standard wants a URL, so this names the program and its version as one.
const PRODUCER: &str = concat!("https://crates.io/crates/smelt/", env!("CARGO_PKG_VERSION"));

/// Returns one event for each step that led to the object, from bronze upwards. `locate` returns where an object is: a
/// path or a URL.
pub fn events(root: &Node, locate: &dyn Fn(&str) -> String) -> Vec<Value> {
    let mut events: Vec<Value> = root.from.iter().flat_map(|node| events(node, locate)).collect();
    if let Some(made) = &root.made {
        events.push(event(root, made, locate));
    }
    events
}

fn event(node: &Node, made: &Origin, locate: &dyn Fn(&str) -> String) -> Value {
    let (inputs, outputs) = match node.layer {
        // A dataset is made object by object, in one job.
        Layer::Dataset => (node.from.iter().flat_map(|silver| &silver.from).collect(), node.from.iter().collect()),
        Layer::Gold => (node.from.iter().flat_map(|dataset| &dataset.from).collect(), vec![node]),
        _ => (node.from.iter().collect::<Vec<_>>(), vec![node]),
    };
    let Origin { by, commit, at } = made;
    let facet = |schema: &str, body: Value| {
        let mut facet = json!({"_producer": PRODUCER, "_schemaURL": format!("{FACETS}/{schema}")});
        facet.as_object_mut().into_iter().for_each(|facet| facet.extend(body.as_object().cloned().unwrap_or_default()));
        facet
    };
    let name = match node.layer {
        Layer::Gold => by.plugin.clone(),
        _ => format!("{}.{}", by.plugin, owner(node)),
    };
    json!({
        "eventType": "COMPLETE",
        "eventTime": at,
        "producer": PRODUCER,
        "schemaURL": SCHEMA,
        "run": {
            "runId": run_id(*commit, &name),
            "facets": {
                "processing_engine": facet("1-1-1/ProcessingEngineRunFacet.json#/$defs/ProcessingEngineRunFacet", json!({
                    "version": env!("CARGO_PKG_VERSION"), "name": "smelt",
                })),
                // A custom facet may hold what smelt defines.
                "smelt_component": facet("#", json!(by)),
            },
        },
        "job": {
            "namespace": "smelt",
            "name": name,
            "facets": {
                "jobType": facet("2-0-3/JobTypeJobFacet.json#/$defs/JobTypeJobFacet", json!({
                    "processingType": "BATCH", "integration": "SMELT", "jobType": "PLUGIN",
                })),
            },
        },
        "inputs": inputs.iter().map(|node| dataset(node, "inputFacets", locate)).collect::<Vec<_>>(),
        "outputs": outputs.iter().map(|node| dataset(node, "outputFacets", locate)).collect::<Vec<_>>(),
    })
}

/// Returns the name of the dataset that the object belongs to.
fn owner(node: &Node) -> &str {
    match node.layer {
        Layer::Dataset => &node.name,
        _ => node.name.split('/').nth(1).unwrap_or_default(),
    }
}

fn dataset(node: &Node, facets: &str, locate: &dyn Fn(&str) -> String) -> Value {
    let place = locate(&node.name);
    // The standard's naming: a bucket is a namespace, and so is the file system.
    let (namespace, name) = match place.split_once("://") {
        Some((scheme, rest)) => {
            let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
            (format!("{scheme}://{bucket}"), key.to_owned())
        }
        None => ("file".to_owned(), place),
    };
    let statistics = match facets {
        "inputFacets" => {
            ("inputStatistics", "1-0-0/InputStatisticsInputDatasetFacet.json#/$defs/InputStatisticsInputDatasetFacet")
        }
        _ => (
            "outputStatistics",
            "1-0-2/OutputStatisticsOutputDatasetFacet.json#/$defs/OutputStatisticsOutputDatasetFacet",
        ),
    };
    let own: Map<String, Value> = [(
        statistics.0.to_owned(),
        json!({
            "_producer": PRODUCER, "_schemaURL": format!("{FACETS}/{}", statistics.1),
            "rowCount": node.rows, "size": node.bytes, "fileCount": 1,
        }),
    )]
    .into_iter()
    .collect();
    json!({
        "namespace": namespace,
        "name": name,
        "facets": {
            "version": {
                "_producer": PRODUCER,
                "_schemaURL": format!("{FACETS}/1-0-1/DatasetVersionDatasetFacet.json#/$defs/DatasetVersionDatasetFacet"),
                "datasetVersion": node.sha256,
            },
        },
        facets: own,
    })
}

/// Returns the UUID of a run. It depends on the step alone, so the same step always has the same one. Version 8 of RFC
/// 9562 is for UUIDs that an application makes in its own way.
fn run_id(commit: u64, job: &str) -> String {
    let mut digits = smelt_common::digest::of_parts([commit.to_string().as_str(), job]);
    digits.replace_range(12..13, "8");
    digits.replace_range(16..17, "8");
    let parts = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..32]];
    parts.join("-")
}
