//! A lineage as a tree for people.

use std::fmt::Write as _;

use crate::table::{rules, short, thousands};
use smelt_catalog::Fingerprint;
use smelt_common::text::one_line;
use smelt_engine::inspect::{Account, Layer, Node, Origin};

/// The number of objects of a dataset that are shown without `--all`.
const SHOWN: usize = 10;

/// Returns the lineage as a tree; with `all`, every object of every dataset.
pub(super) fn text(root: &Node, all: bool) -> String {
    let mut text = String::new();
    branch(root, all, "", "", &mut text);
    text
}

/// Writes a node and the nodes below it. `own` comes before the first line of the node, `below` before all other lines.
fn branch(node: &Node, all: bool, own: &str, below: &str, text: &mut String) {
    let _ = writeln!(text, "{own}{}", one_line(&label(node)));
    let bar = if node.from.is_empty() { "  " } else { "│ " };
    for line in details(node) {
        let _ = writeln!(text, "{below}{bar}  {}", one_line(&line));
    }
    let shown = if all || node.layer != Layer::Dataset { usize::MAX } else { SHOWN };
    let hidden = node.from.len().saturating_sub(shown);
    for (at, child) in node.from.iter().take(shown).enumerate() {
        let last = hidden == 0 && at + 1 == node.from.len();
        let (own, next) = if last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        branch(child, all, &format!("{below}{own}"), &format!("{below}{next}"), text);
    }
    if hidden > 0 {
        let _ = writeln!(text, "{below}└─ … and {} more; --all shows them", thousands(hidden as u64));
    }
}

fn label(node: &Node) -> String {
    let what = if node.layer == Layer::Dataset { "dataset " } else { "" };
    format!(
        "{what}{}  {} rows, {} bytes, sha256 {}",
        node.name,
        thousands(node.rows),
        thousands(node.bytes),
        short(&node.sha256)
    )
}

fn details(node: &Node) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(Origin { by, commit, at }) = &node.made {
        let as_of = by.as_of.and_then(chrono::DateTime::from_timestamp_micros);
        let as_of = as_of.map(|time| format!(" as of {}", time.format("%F"))).unwrap_or_default();
        let Fingerprint { plugin, version, component, contract, parameters, host, key, as_of: _ } = by;
        lines.push(format!("by {plugin} {version} (component {}, contract {contract}){as_of}", short(component)));
        let key = key.as_ref().map(|key| format!("; pseudonym key {key}")).unwrap_or_default();
        lines.push(format!("with {parameters}; {host}{key}"));
        lines.push(format!("in commit {commit}, {at}"));
    }
    if let Some(Account { read, kept, superseded, rejected, repaired }) = &node.account {
        lines.push(format!(
            "read {} = kept {} + rejected {} + superseded {}; repaired {}",
            thousands(*read),
            thousands(*kept),
            rules(rejected),
            thousands(*superseded),
            rules(repaired)
        ));
    }
    if let Some(cost) = &node.cost {
        lines.push(format!(
            "in {:.1} ms of its plugin, {} instructions, {:.1} MiB of guest memory",
            cost.micros as f64 / 1e3,
            thousands(cost.fuel),
            cost.memory_bytes as f64 / f64::from(1 << 20)
        ));
    }
    lines
}
