//! The command line of smelt: parses the arguments and hands them to the file of the verb, one file a verb.
//!
//! A verb turns its flags into a call of a library below, and shows the result as text for people or as JSON for programs.

#![warn(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]

mod aggregate;
mod bar;
mod clean;
mod common;
pub mod components;
mod current;
mod drop;
mod environment;
#[cfg(feature = "server")]
mod export;
mod follow;
mod gc;
mod generate;
mod graph;
mod health;
mod history;
mod init;
mod lineage;
mod load;
mod log;
mod output;
mod pins;
mod plan;
mod plugin;
mod process;
mod profile;
mod promotion;
mod publish;
mod quality;
mod quarantine;
mod report;
mod reproduce;
mod run;
mod schedule;
mod scope;
#[cfg(feature = "server")]
mod serve;
mod show;
mod table;
mod up;
mod verify;
mod work;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::common::Common;
use smelt_common::error::Result;

/// A lakehouse that runs every cleaning rule and every KPI as a sandboxed WebAssembly component.
#[derive(Debug, Parser)]
#[command(name = "smelt", version, arg_required_else_help = true, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    common: Common,
}

const EXAMPLES: &str = "\
Examples:
  smelt init                         make ./lake, and the key for its pseudonyms
  smelt generate --ticks 6           write six ticks of raw test data to ./lake/bronze
  smelt run                          clean and aggregate all that bronze holds, then exit
  smelt up --every 5s                generate, clean and aggregate every 5 s until Ctrl-C
  smelt up --role clean              do one part of the work, beside other processes
  smelt plan                         show what would run, and why
  smelt plan --select +client_kpis   show it only for that table and all that it is made from
  smelt graph --format mermaid       show what is made from what, as a picture
  smelt show client_kpis             write the rows of a table
  smelt serve                        show the lake in a browser, at http://127.0.0.1:8788
  smelt export --html sales.html     write these pages as one file that needs no network
  smelt history --objects            show every commit, and what became of every row
  smelt lineage aov                  show what a table was made from, down to bronze
  smelt reproduce aov                rebuild that table, and compare it with the one in the lake
  smelt verify                       read again everything that the lake references
  smelt run --pipeline my/smelt.toml --lake /data/lake --json
  smelt plugin test target/components/aov.wasm   test whether the component keeps the contract
  smelt plugin lock                  pin the components that the pipeline runs

Exit status: 0 if all is done, 1 if something failed, 2 if the command line or the manifest is wrong.";

#[derive(Debug, Subcommand)]
enum Verb {
    /// Make the lake's directories or buckets and, outside the lake, the key for its pseudonyms
    Init,
    /// Write raw test data to bronze with the pipeline's sources
    Generate(generate::Generate),
    /// Turn new bronze objects into silver
    Clean(clean::Clean),
    /// Bring every table and KPI up to date with silver
    Aggregate(aggregate::Aggregate),
    /// Clean and aggregate until nothing is left to do
    Run(run::Run),
    /// Generate, clean and aggregate in ticks, until Ctrl-C or SIGTERM
    Up(up::Up),
    /// Exit with 0 if the `smelt up` beside this command still reaches the lake; for containers
    Health(health::Health),
    /// Show what would run, and why; changes nothing
    Plan(plan::Show),
    /// Show which dataset and table is made from which
    Graph(graph::Graph),
    /// Write the rows of a table, as CSV, in the order of its key
    Show(show::Show),
    /// Show the lake in a browser: pages, tables, and where each number comes from
    #[cfg(feature = "server")]
    Serve(serve::Serve),
    /// Write what `smelt serve` shows as static files, or as one file that needs no network
    #[cfg(feature = "server")]
    Export(export::Export),
    /// Publish the tables that a failed check holds
    Publish(publish::Publish),
    /// Show the commits, and what became of every row
    History(history::History),
    /// Show what a table, a row of it or an object was made from, down to bronze
    Lineage(lineage::Lineage),
    /// Rebuild a table or an object from what it was made from, and compare the bytes
    Reproduce(reproduce::Reproduce),
    /// Read again everything that the catalog references, and show what is missing, damaged or foreign
    Verify,
    /// Show which objects checks let in or keep out and why, and decide otherwise
    Quality(quality::Quality),
    /// Show rejected rows, try them again, or delete them
    Quarantine(quarantine::Quarantine),
    /// Show what the lake holds of datasets, tables and KPIs that the manifest no longer has, or delete it
    Drop(drop::Drop),
    /// Show orphans, which are objects that no commit references, or delete them
    Gc(gc::Gc),
    /// Make, test, compare, promote and pin plugins
    Plugin(plugin::Plugin),
}

/// Runs the command with the arguments of the process. Returns the exit status: 0, 1 or 2, whatever happens.
pub fn main() -> ExitCode {
    process::run(command)
}

fn command(arguments: &[OsString]) -> Result<ExitCode> {
    let Cli { verb, common } = match process::parse(arguments) {
        Ok(cli) => cli,
        Err(exit) => return Ok(exit),
    };
    environment::expect_utf8()?;
    log::to_stderr(common.verbose);
    match verb {
        Verb::Init => init::run(&common),
        Verb::Generate(generate) => generate.run(&common),
        Verb::Clean(clean) => clean.run(&common),
        Verb::Aggregate(aggregate) => aggregate.run(&common),
        Verb::Run(run) => run.run(&common),
        Verb::Up(up) => up.run(&common),
        Verb::Health(health) => health.run(),
        Verb::Plan(show) => show.run(&common),
        Verb::Graph(graph) => graph.run(&common),
        Verb::Show(show) => show.run(&common),
        #[cfg(feature = "server")]
        Verb::Serve(serve) => serve.run(&common),
        #[cfg(feature = "server")]
        Verb::Export(export) => export.run(&common),
        Verb::Publish(publish) => publish.run(&common),
        Verb::History(history) => history.run(&common),
        Verb::Lineage(lineage) => lineage.run(&common),
        Verb::Reproduce(reproduce) => reproduce.run(&common),
        Verb::Verify => verify::run(&common),
        Verb::Quality(quality) => quality.run(&common),
        Verb::Quarantine(quarantine) => quarantine.run(&common),
        Verb::Drop(drop) => drop.run(&common),
        Verb::Gc(gc) => gc.run(&common),
        Verb::Plugin(plugin) => plugin.run(&common),
    }
}
