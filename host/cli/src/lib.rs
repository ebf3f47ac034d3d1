//! The command line: one file a verb. Flags become a [`Host`]; what comes back is shown as text or JSON.

#![warn(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]

mod bar;
pub mod components;
mod current;
mod diff;
mod drop;
mod explain;
mod follow;
mod gc;
mod generate;
mod health;
mod history;
mod init;
mod inspect;
mod lineage;
mod list;
mod load;
mod lock;
mod new;
mod plan;
mod plugin;
mod process;
mod profile;
mod promote;
mod quarantine;
mod roles;
mod schedule;
mod table;
mod up;
mod verify;

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

pub use self::process::main;
use self::process::{print, print_json, print_json_lines};

use smelt_common::error::Result;
use smelt_common::text::one_line;
use smelt_engine::manifest::Manifest;
use smelt_engine::run::Host;
use smelt_storage::BucketUrl;
use smelt_storage::lake::Lake;
use smelt_storage::lake::LakeSection;

/// A lakehouse whose every cleaning rule and KPI is a sandboxed WebAssembly component.
#[derive(Debug, Parser)]
#[command(name = "smelt", version, arg_required_else_help = true, after_help = EXAMPLES)]
pub struct Cli {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    common: Common,
}

const EXAMPLES: &str = "\
Examples:
  smelt init                         make ./lake and the key for its pseudonyms
  smelt generate --ticks 6           write six ticks of raw test data to ./lake/bronze
  smelt run                          clean and aggregate whatever bronze holds, then exit
  smelt up --every 5s                generate, clean and aggregate every 5 s until Ctrl-C
  smelt up --role clean              one of several processes that share a lake, with a part of the work
  smelt plan                         what would run, and why
  smelt history --objects            every commit, and what became of every row
  smelt lineage aov                  what the table of a KPI was made from, down to bronze
  smelt run --pipeline my/smelt.toml --lake /data/lake --json
  smelt plugin check target/components/aov.wasm   does the component keep the contract?
  smelt plugin lock                  pin the components that the pipeline runs

Exit status: 0 done, 1 something failed, 2 the command line or the manifest is wrong.";

/// The pipeline that is meant if none is named.
const PIPELINE: &str = "pipelines/ecommerce";

#[derive(Debug, Clone, Args)]
struct Common {
    /// The pipeline: a manifest, or a directory with a smelt.toml
    #[arg(long, global = true, value_name = "PATH", default_value = PIPELINE)]
    pipeline: PathBuf,
    /// The lake: a directory, or s3://bucket[/prefix]; by default SMELT_LAKE, the manifest's, or ./lake
    // Empty is a variable of a script that was not set, not the default.
    #[arg(long, global = true, value_name = "URL", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    lake: Option<String>,
    /// Refuse a pipeline that has no lock beside its manifest
    #[arg(long, global = true)]
    locked: bool,
    /// Write JSON for programs to standard output
    #[arg(long, global = true)]
    json: bool,
    /// Say more on standard error; twice for all
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Make the lake's directories or buckets and, apart from it, the key for its pseudonyms
    Init,
    /// Write raw test data to bronze with the pipeline's sources
    Generate(generate::Generate),
    /// Turn new bronze objects into silver
    Clean(roles::Roles),
    /// Bring every KPI in gold up to date with silver
    Aggregate(profile::Profile),
    /// Clean and aggregate until nothing is left to do
    Run(roles::Roles),
    /// Generate, clean and aggregate, over and over, until Ctrl-C or SIGTERM
    Up(up::Up),
    /// Ask whether the `smelt up` beside it does its work: exits with 0 if so, for containers
    Health(health::Health),
    /// Show what would run, and why; changes nothing
    Plan(plan::Show),
    /// Show the commits, and what became of every row
    History(history::History),
    /// Show what a table or an object was made from, down to bronze, and by what
    Lineage(lineage::Lineage),
    /// Show which objects a row of gold came from
    Explain(explain::Explain),
    /// Make something again and compare, or read everything again and say what is missing, damaged or foreign
    Verify(verify::Verify),
    /// Show rejected rows, try them again, or delete them
    Quarantine(quarantine::Quarantine),
    /// Show what the lake holds of datasets and KPIs that the manifest no longer has, or delete it
    Drop(drop::Drop),
    /// Show what no commit names, or delete it
    Gc(gc::Gc),
    /// For authors of plugins
    Plugin(plugin::Plugin),
}

/// Does what the command line says.
pub fn run(Cli { verb, common }: Cli) -> Result<ExitCode> {
    log_to_stderr(common.verbose);
    match verb {
        Verb::Init => init::run(&common),
        Verb::Generate(generate) => generate.run(&common),
        Verb::Clean(roles) => roles.run(&common, Host::clean),
        Verb::Aggregate(profile) => roles::Roles::from(profile).run(&common, Host::aggregate),
        Verb::Run(roles) => roles.run(&common, Host::run),
        Verb::Up(up) => up.run(&common),
        Verb::Health(health) => health.run(),
        Verb::Plan(show) => show.run(&common),
        Verb::History(history) => history.run(&common),
        Verb::Lineage(lineage) => lineage.run(&common),
        Verb::Explain(explain) => explain.run(&common),
        Verb::Verify(verify) => verify.run(&common),
        Verb::Quarantine(quarantine) => quarantine.run(&common),
        Verb::Drop(drop) => drop.run(&common),
        Verb::Gc(gc) => gc.run(&common),
        Verb::Plugin(plugin) => plugin.run(&common),
    }
}

fn log_to_stderr(verbose: u8) {
    use tracing_subscriber::EnvFilter;
    use tracing_subscriber::field::MakeExt as _;
    use tracing_subscriber::fmt::format::debug_fn;
    // Only what we say: others could tell headers of requests.
    let filter = match verbose {
        0 => "smelt=warn",
        1 => "smelt=info",
        _ => "smelt=debug",
    };
    // One line each, whatever is quoted in it.
    let fields = debug_fn(|writer, field, value| {
        let value = format!("{value:?}");
        match field.name() {
            "message" => write!(writer, "{}", one_line(&value)),
            name => write!(writer, "{name}={}", one_line(&value)),
        }
    });
    // Fails only where a test has set one before.
    let _ = tracing_subscriber::fmt()
        .fmt_fields(fields.delimited(" "))
        .with_env_filter(EnvFilter::new(filter))
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        // It would panic where standard error cannot be written to.
        .log_internal_errors(false)
        .try_init();
}

impl Common {
    /// The lake that the flags, the environment and the manifest name.
    fn lake(&self) -> Result<Lake> {
        let url = self.lake.clone().or_else(|| variable("SMELT_LAKE"));
        let url = url.as_deref();
        let section = match url {
            // Whoever names a directory needs no manifest.
            Some(url) if !BucketUrl::is_meant(url) => LakeSection::default(),
            _ => self.lake_section()?,
        };
        Lake::find(url, &section, &variable)
    }

    /// What the manifest says; nothing if none was asked for and none is there.
    fn lake_section(&self) -> Result<LakeSection> {
        match self.pipeline.exists() || self.pipeline != Path::new(PIPELINE) {
            true => Ok(Manifest::read(&self.pipeline)?.lake),
            false => Ok(LakeSection::default()),
        }
    }
}

/// What the environment says, unless that is nothing.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Where compiled components are kept.
fn cache_directory() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache")));
    set("SMELT_CACHE_DIR").or_else(|| cache.map(|cache| cache.join("smelt")))
}
