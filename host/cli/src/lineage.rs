//! `smelt lineage`.

use std::fmt::Write as _;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::lock::short;
use super::table::{rules, thousands};
use super::{Common, print, print_json, print_json_lines};
use smelt_common::error::Result;
use smelt_common::text::one_line;
use smelt_engine::inspect::{Account, Layer, Made, Node, events, lineage};
use smelt_storage::Store;

/// How many objects of a dataset are shown to people.
const SHOWN: usize = 10;

/// Of what to show the lineage, and how.
#[derive(Debug, Args)]
pub(super) struct Lineage {
    /// A KPI, or the key of an object: gold/…, silver/…, quarantine/… or bronze/…
    object: String,
    /// How to write it; --json writes the tree
    #[arg(long, value_enum, default_value_t = Format::Text, conflicts_with = "json")]
    format: Format,
    /// Show all objects, however many
    #[arg(long)]
    all: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A tree for people
    Text,
    /// A graph for Graphviz
    Dot,
    /// OpenLineage run events, one a line
    Openlineage,
}

impl Lineage {
    /// Needs the lake alone, not the pipeline.
    pub(super) fn run(&self, common: &Common) -> Result<ExitCode> {
        let lake = common.lake()?;
        lake.expect()?;
        let store = lake.open()?;
        let root = lineage(&*store, &self.object)?;
        if common.json {
            print_json(&root)?;
            return Ok(ExitCode::SUCCESS);
        }
        match self.format {
            Format::Text => print(&self.text(&root)),
            Format::Dot => print(&dot(&root)),
            Format::Openlineage => print_json_lines(&open_lineage(&root, &*store)),
        }
        Ok(ExitCode::SUCCESS)
    }

    fn text(&self, root: &Node) -> String {
        let mut text = String::new();
        self.branch(root, "", "", &mut text);
        text
    }

    /// A node and what is below it. `own` is what stands before its first line, `below` before the others.
    fn branch(&self, node: &Node, own: &str, below: &str, text: &mut String) {
        let _ = writeln!(text, "{own}{}", one_line(&label(node)));
        let bar = if node.from.is_empty() { "  " } else { "│ " };
        for line in details(node) {
            let _ = writeln!(text, "{below}{bar}  {}", one_line(&line));
        }
        let shown = if self.all || node.layer != Layer::Dataset { usize::MAX } else { SHOWN };
        let hidden = node.from.len().saturating_sub(shown);
        for (at, child) in node.from.iter().take(shown).enumerate() {
            let last = hidden == 0 && at + 1 == node.from.len();
            let (own, next) = if last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
            self.branch(child, &format!("{below}{own}"), &format!("{below}{next}"), text);
        }
        if hidden > 0 {
            let _ = writeln!(text, "{below}└─ … and {} more; --all shows them", thousands(hidden as u64));
        }
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
    if let Some(Made { by, commit, at }) = &node.made {
        let as_of = by.as_of.and_then(chrono::DateTime::from_timestamp_micros);
        let as_of = as_of.map(|time| format!(" as of {}", time.format("%F"))).unwrap_or_default();
        let smelt_catalog::Fingerprint { plugin, version, component, contract, parameters, host, key, as_of: _ } = by;
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

fn dot(root: &Node) -> String {
    let mut text = String::from("digraph lineage {\n  rankdir=LR;\n  node [shape=box, fontname=\"monospace\"];\n");
    // Text between quotes stays in one line.
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

fn open_lineage(root: &Node, store: &dyn Store) -> String {
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
