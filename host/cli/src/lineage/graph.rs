//! A lineage for other programs: Graphviz and OpenLineage.

use std::fmt::Write as _;

use smelt_common::text::one_line;
use smelt_engine::inspect::{Layer, Node, events};
use smelt_storage::Store;

/// Returns the lineage as a graph for Graphviz, with edges from bronze to gold.
pub(super) fn dot(root: &Node) -> String {
    let mut text = String::from("digraph lineage {\n  rankdir=LR;\n  node [shape=box, fontname=\"monospace\"];\n");
    // A quoted text of Graphviz stays on one line.
    let inner = |text: &str| one_line(text).replace('\\', "\\\\").replace('"', "\\\"");
    let mut nodes = vec![root];
    while let Some(node) = nodes.pop() {
        let by =
            node.made.as_ref().map(|made| format!("\\n{}", inner(&format!("{} {}", made.by.plugin, made.by.version))));
        let shape = if node.layer == Layer::Dataset { ", shape=folder" } else { "" };
        let (name, by, rows) = (inner(&node.name), by.unwrap_or_default(), node.rows);
        let _ = writeln!(text, "  \"{name}\" [label=\"{name}\\n{rows} rows{by}\"{shape}];");
        for from in &node.from {
            let _ = writeln!(text, "  \"{}\" -> \"{name}\";", inner(&from.name));
            nodes.push(from);
        }
    }
    text.push_str("}\n");
    text
}

/// Returns the lineage as [OpenLineage](https://openlineage.io) run events, one a line. Names of files are absolute paths.
pub(super) fn open_lineage(root: &Node, store: &dyn Store) -> String {
    let locate = |name: &str| {
        let place = store.locate(name);
        let path = std::path::absolute(&place).ok().filter(|_| !place.contains("://"));
        path.map_or(place, |path| path.display().to_string())
    };
    let mut text = String::new();
    for event in events(root, &locate) {
        let _ = writeln!(text, "{event}");
    }
    text
}
