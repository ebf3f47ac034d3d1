//! `smelt graph`: shows which dataset and table is made from which.

use std::fmt::Write as _;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde_json::json;

use crate::common::Common;
use crate::output::{print, print_json};
use crate::table::render;
use smelt_common::error::Result;
use smelt_engine::pipeline::{Pipeline, Relation};

#[derive(Debug, Args)]
pub(crate) struct Graph {
    /// Only these datasets and tables, separated by commas; `+a` is also all that a is made from, `a+` all that is made of it
    #[arg(long, value_name = "NAMES")]
    select: Option<String>,
    /// The form of the graph
    #[arg(long, value_enum, default_value = "text")]
    format: Form,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Form {
    /// A table, in the order in which everything is made
    Text,
    /// The language of Graphviz
    Dot,
    /// The language of Mermaid, which many sites for code show as a picture
    Mermaid,
}

impl Graph {
    pub(crate) fn run(self, common: &Common) -> Result<ExitCode> {
        let host = common.host()?;
        let pipeline = host.pipeline();
        let selected = self.select.as_deref().map(|names| pipeline.select(names)).transpose()?;
        let is_selected = |name: &str| selected.as_ref().is_none_or(|selected| selected.contains(name));
        let relations: Vec<_> = pipeline.relations().into_iter().filter(|it| is_selected(it.name)).collect();
        match (common.json, self.format) {
            (true, _) => print_json(&json!({ "relations": relations }))?,
            (false, Form::Text) => print(&text(&relations)),
            (false, Form::Dot) => print(&dot(pipeline, &relations)),
            (false, Form::Mermaid) => print(&mermaid(pipeline, &relations)),
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn text(relations: &[Relation<'_>]) -> String {
    let row =
        |it: &Relation<'_>| vec![it.kind.to_owned(), it.name.to_owned(), it.plugin.to_owned(), it.reads.join(", ")];
    render(&["", "name", "plugin", "reads"], &relations.iter().map(row).collect::<Vec<_>>())
}

/// Returns the edges between the relations, from what is read to what reads it. Bronze is no relation.
fn edges<'r>(pipeline: &'r Pipeline, relations: &'r [Relation<'r>]) -> impl Iterator<Item = (&'r str, &'r str)> {
    let tables = relations.iter().filter(|it| pipeline.table(it.name).is_some());
    let edges = tables.flat_map(|it| it.reads.iter().map(move |read| (read.as_str(), it.name)));
    edges.filter(|(read, _)| relations.iter().any(|it| it.name == *read))
}

/// Names are words, so they need no quoting.
fn dot(pipeline: &Pipeline, relations: &[Relation<'_>]) -> String {
    let mut text = String::from("digraph pipeline {\n  rankdir=LR;\n  node [shape=box, fontname=\"monospace\"];\n");
    for Relation { kind, name, plugin, .. } in relations {
        let shape = if *kind == "dataset" { ", shape=folder" } else { "" };
        let _ = writeln!(text, "  {name} [label=\"{name}\\n{kind} by {plugin}\"{shape}];");
    }
    for (read, by) in edges(pipeline, relations) {
        let _ = writeln!(text, "  {read} -> {by};");
    }
    text + "}\n"
}

fn mermaid(pipeline: &Pipeline, relations: &[Relation<'_>]) -> String {
    let mut text = String::from("graph LR\n");
    for Relation { kind, name, plugin, .. } in relations {
        let (open, close) = if *kind == "dataset" { ("[(", ")]") } else { ("[", "]") };
        let _ = writeln!(text, "  {name}{open}\"{name}<br/>{kind} by {plugin}\"{close}");
    }
    for (read, by) in edges(pipeline, relations) {
        let _ = writeln!(text, "  {read} --> {by}");
    }
    text
}
