//! `smelt lineage`: shows what a table, a row of it or an object was made from, down to bronze.

mod graph;
mod row;
mod tree;

use std::process::ExitCode;

use clap::{Args, ValueEnum};

use crate::common::Common;
use crate::output::{print, print_json, print_json_lines};
use smelt_common::error::Result;
use smelt_engine::inspect::lineage;

#[derive(Debug, Args)]
#[command(after_help = "\
With --row, smelt computes the table without each object that it was made from. The row came from an object if, without this object, \
the row would be another one or there would be none.")]
pub(crate) struct Lineage {
    /// A table or KPI, or the key of an object: gold/…, silver/…, quarantine/… or bronze/…
    object: String,
    /// Show which objects a row of the table came from. The cells tell the row from others; a table of one row needs none
    #[arg(long, value_name = "COLUMN=VALUE", num_args = 0.., conflicts_with = "format")]
    row: Option<Vec<String>>,
    /// The format of the output; --json writes the tree as JSON
    #[arg(long, value_enum, default_value_t = Format::Text, conflicts_with = "json")]
    format: Format,
    /// Show all objects, however many there are
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
    /// Reads only the lake, and needs no pipeline, except for a row.
    pub(crate) fn run(&self, common: &Common) -> Result<ExitCode> {
        if let Some(cells) = &self.row {
            return row::run(common, &self.object, cells, self.all);
        }
        let store = common.existing_lake()?.open()?;
        let root = lineage(&*store, &self.object)?;
        match self.format {
            _ if common.json => print_json(&root)?,
            Format::Text => print(&tree::text(&root, self.all)),
            Format::Dot => print(&graph::dot(&root)),
            Format::Openlineage => print_json_lines(&graph::open_lineage(&root, &*store)),
        }
        Ok(ExitCode::SUCCESS)
    }
}
