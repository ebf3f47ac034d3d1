//! The command line: one file a verb. Flags become a [`Host`]; what comes back is shown as text or JSON.

mod gc;
mod generate;
mod history;
mod init;
mod inspect;
mod list;
mod lock;
mod new;
mod plan;
mod plugin;
mod profile;
mod roles;
mod table;
mod up;
mod verify;

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::Error;
use crate::catalog::{BRONZE, CATALOG, GOLD, QUARANTINE, SILVER};
use crate::clock::Clock;
use crate::config::Manifest;
use crate::error::Result;
use crate::pipeline::Pipeline;
use crate::privacy::{KEY_VARIABLE, Pseudonyms};
use crate::progress::Progress;
use crate::run::Host;
use crate::store::DirStore;
use crate::wasm::Engine;

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
  smelt plan                         what would run, and why
  smelt history --objects            every commit, and what became of every row
  smelt run --pipeline my/smelt.toml --lake /data/lake --json
  smelt plugin check target/components/aov.wasm   does the component keep the contract?
  smelt plugin lock                  pin the components that the pipeline runs

Exit status: 0 done, 1 something failed, 2 the command line or the manifest is wrong.";

#[derive(Debug, Args)]
struct Common {
    /// The pipeline: a manifest, or a directory with a smelt.toml
    #[arg(long, global = true, value_name = "PATH", default_value = "pipelines/ecommerce")]
    pipeline: PathBuf,
    /// The lake: a directory
    #[arg(long, global = true, value_name = "DIR", default_value = "./lake")]
    lake: PathBuf,
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
    /// Make the lake's directories and, beside it, the key for its pseudonyms
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
    /// Show what would run, and why; changes nothing
    Plan(plan::Show),
    /// Show the commits, and what became of every row
    History(history::History),
    /// Read again everything that the catalog names, and say what is missing, damaged or foreign
    Verify(verify::Verify),
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
        Verb::Plan(show) => show.run(&common),
        Verb::History(history) => history.run(&common),
        Verb::Verify(verify) => verify.run(&common),
        Verb::Gc(gc) => gc.run(&common),
        Verb::Plugin(plugin) => plugin.run(&common),
    }
}

fn log_to_stderr(verbose: u8) {
    use tracing_subscriber::filter::LevelFilter;
    let level = match verbose {
        0 => LevelFilter::WARN,
        1 => LevelFilter::INFO,
        _ => LevelFilter::DEBUG,
    };
    // Fails only where a test has set one before.
    let _ = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .try_init();
}

impl Common {
    /// The lake must be there: a mistyped path is not an empty lake.
    fn expect_lake(&self) -> Result<()> {
        match self.lake.is_dir() {
            true => Ok(()),
            false => Err(Error::config(format!(
                "there is no lake at `{0}`: `smelt init --lake {0}` makes one, or put raw files into `{0}/bronze`",
                self.lake.display()
            ))),
        }
    }

    /// The host that the flags describe.
    fn host(&self) -> Result<Host> {
        if self.lake.exists() && !self.lake.is_dir() {
            return Err(Error::config(format!("the lake `{}` is not a directory", self.lake.display())));
        }
        let mut manifest = Manifest::read(&self.pipeline)?;
        manifest.pipeline.locked |= self.locked;
        let store = DirStore::new(&self.lake);
        let beside = key_file(&self.lake)?;
        let pseudonyms = match &manifest.privacy.key_file {
            Some(path) => Pseudonyms::find(Some(&manifest.directory.join(path)))?,
            None => Pseudonyms::find(Some(&beside).filter(|path| path.exists()).map(PathBuf::as_path))?,
        };
        let engine = Engine::new(cache_directory().as_deref())?;
        let pipeline = Pipeline::load(&manifest, engine, &pseudonyms)?;
        if pseudonyms.key_id().is_none() && pipeline.datasets.iter().any(|step| step.plugin.identity().pseudonymises) {
            tracing::warn!(
                "no pseudonym key: pseudonyms are plain SHA-256, which can be guessed back. \
                 `smelt init` makes `{}`; or set {KEY_VARIABLE}",
                beside.display()
            );
        }
        let progress = Progress::new(!self.json && std::io::stderr().is_terminal());
        Ok(Host::new(Box::new(store), pipeline, Clock::System, progress))
    }
}

/// The directories of a lake.
const LAYERS: [&str; 5] = [BRONZE, SILVER, GOLD, QUARANTINE, CATALOG];

/// Beside the lake, never in it: whoever reads the lake must not be able to guess the pseudonyms back. The same however the
/// lake's path is spelt.
fn key_file(lake: &Path) -> Result<PathBuf> {
    let unusable = |error: std::io::Error| Error::config(format!("the lake `{}`: {error}", lake.display()));
    let lake = std::fs::canonicalize(lake).or_else(|_| std::path::absolute(lake)).map_err(unusable)?;
    let Some(name) = lake.file_name() else { return Err(Error::config("the lake cannot be the root directory")) };
    let mut name = name.to_owned();
    name.push(".key");
    Ok(lake.with_file_name(name))
}

/// Where compiled components are kept.
fn cache_directory() -> Option<PathBuf> {
    let set = |variable: &str| std::env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache")));
    set("SMELT_CACHE_DIR").or_else(|| cache.map(|cache| cache.join("smelt")))
}

/// Writes to standard output; a reader that has gone away is no error.
fn print(text: &str) {
    use std::io::Write as _;
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}

fn print_json(value: &impl serde::Serialize) -> Result<()> {
    let mut text = serde_json::to_string_pretty(value).map_err(|error| Error::internal(error.to_string()))?;
    text.push('\n');
    print(&text);
    Ok(())
}
