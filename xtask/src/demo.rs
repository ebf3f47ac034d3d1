//! `cargo xtask demo`: from a fresh clone to KPIs.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::args::Args;
use crate::process::{cargo, run as run_command, say, tool};
use crate::toolchain::Toolchain;
use crate::{beside, paths, plugins};

pub(crate) const HELP: &str = "\
Builds the host and the components of pipelines/ecommerce side by side, generates a few ticks of raw e-commerce files, and takes
them through bronze, silver and gold. If you run it again, it adds ticks to the same lake.

Usage: cargo xtask demo [--lake DIR] [--ticks N]

Options:
  --lake DIR   the directory of the lake, which is made if it does not exist [default: ./lake]
  --ticks N    the number of ticks to generate [default: 6]
";

pub(crate) fn run(args: &mut Args) -> Result<()> {
    let lake = args.option("--lake")?.unwrap_or_else(|| "./lake".to_owned());
    let ticks = args.option("--ticks")?.unwrap_or(6_u32).to_string();
    args.finish()?;
    // The path is relative to the user's directory, but xtask's commands run in the root.
    let lake = if Path::new(&lake).is_absolute() { lake.into() } else { std::env::current_dir()?.join(lake) };
    let lake = lake.components().collect::<std::path::PathBuf>();

    // This comes first because it may ask for packages, and should not do so after ten minutes of building.
    let toolchain = Toolchain::find()?;
    // Each build has a target directory of its own, so neither waits for the other's. While one is down to a single
    // crate, the other has the cores.
    beside::all(vec![
        ("host", Box::new(build_demo)),
        ("components", Box::new(|| plugins::build_of(&toolchain, "ecommerce"))),
    ])?;
    if !lake.exists() {
        run_command("making the lake", &mut smelt("init", &lake))?;
    }
    run_command(&format!("generating {ticks} ticks"), smelt("generate", &lake).args(["--ticks", &ticks]))?;
    run_command("bronze to gold", &mut smelt("run", &lake))
}

/// Builds `target/demo/smelt`: without clients for buckets and registries, and optimised so little that it takes half the time
/// of a release.
fn build_demo() -> Result<()> {
    if !paths::demo_smelt().exists() {
        say("compiling wasmtime takes a few minutes the first time");
    }
    let mut build = cargo();
    build.args(["build", "--profile", "demo", "--package", "smelt", "--no-default-features", "--target-dir"]);
    run_command("building the host", build.arg(paths::target()))
}

/// Builds `target/release/smelt`.
pub(crate) fn build_host() -> Result<()> {
    if !paths::smelt().exists() {
        say("compiling wasmtime takes a few minutes the first time");
    }
    let mut build = cargo();
    build.args(["build", "--release", "-p", "smelt", "--target-dir"]).arg(paths::target());
    run_command("building the host", &mut build)
}

fn smelt(verb: &str, lake: &Path) -> Command {
    let mut command = tool(paths::demo_smelt());
    command.arg(verb).arg("--lake").arg(paths::shown(lake));
    command
}
