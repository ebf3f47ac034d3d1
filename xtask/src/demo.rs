//! `cargo xtask demo`: from a fresh clone to KPIs.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::args::Args;
use crate::process::{cargo, run as run_command, say, tool};
use crate::toolchain::Toolchain;
use crate::{beside, paths, plugins};

/// The pipeline of the first look.
const DEFAULT: &str = "ecommerce";
/// The pipeline that judges files.
const JUDGED: &str = "quality";

pub(crate) const HELP: &str = "\
Builds the host and the components of a pipeline side by side, generates a few ticks of raw files, takes them through
bronze, silver and gold, and says how to look at it. If you run it again, it adds ticks to the same lake.

Usage: cargo xtask demo [--pipeline NAME] [--lake DIR] [--ticks N]

Options:
  --pipeline NAME  ecommerce, analytics or quality [default: ecommerce]
  --lake DIR       the directory of the lake, which is made if it does not exist [default: ./lake; of analytics
                   ./lake-analytics, and so on]
  --ticks N        the number of ticks to generate [default: 6]
";

pub(crate) fn run(args: &mut Args) -> Result<()> {
    let pipeline = args.option("--pipeline")?.unwrap_or_else(|| DEFAULT.to_owned());
    let own_lake = if pipeline == DEFAULT { "./lake".to_owned() } else { format!("./lake-{pipeline}") };
    let lake = args.option("--lake")?.unwrap_or(own_lake);
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
        ("host", Box::new(|| build_demo(&pipeline))),
        ("components", Box::new(|| plugins::build_of(&toolchain, &pipeline))),
    ])?;
    if !lake.exists() {
        run_command("making the lake", &mut smelt("init", &pipeline, &lake))?;
    }
    let mut generate = smelt("generate", &pipeline, &lake);
    if pipeline == JUDGED {
        // Its files are those of days.
        generate.args(["--interval", "1d"]);
    }
    run_command(&format!("generating {ticks} ticks"), generate.args(["--ticks", &ticks]))?;
    run_command("bronze to gold", &mut smelt("run", &pipeline, &lake))?;
    if pipeline == JUDGED {
        run_command("the files, and what became of them", &mut smelt("quality", &pipeline, &lake))?;
        say(
            "why a file was refused, and how a person lets it in: `smelt quality show FILE`, `smelt quality release FILE --why TEXT`",
        );
    }
    let look = smelt("serve", &pipeline, &lake);
    let words = look.get_args().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ");
    say(&format!("look at it: {} {words}", paths::shown(Path::new(look.get_program()))));
    Ok(())
}

/// Builds `target/demo/smelt`: without what the pipeline does not need of clients and formats, and optimised so little that it
/// takes half the time of a release.
fn build_demo(pipeline: &str) -> Result<()> {
    if !paths::demo_smelt().exists() {
        say("compiling wasmtime takes a few minutes the first time");
    }
    let mut build = cargo();
    build.args(["build", "--profile", "demo", "--package", "smelt", "--no-default-features", "--target-dir"]);
    build.arg(paths::target());
    let features = match pipeline {
        DEFAULT => "server",
        JUDGED => "server,xlsx",
        _ => "server,parquet",
    };
    build.args(["--features", features]);
    run_command("building the host", &mut build)
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

fn smelt(verb: &str, pipeline: &str, lake: &Path) -> Command {
    let mut command = tool(paths::demo_smelt());
    command.args([verb, "--pipeline"]).arg(Path::new("pipelines").join(pipeline)).arg("--lake").arg(paths::shown(lake));
    command
}
