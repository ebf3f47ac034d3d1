//! `cargo xtask faults`: what can go wrong between a host and its lake, for as long as is asked.

use anyhow::Result;

use crate::args::Args;
use crate::paths;
use crate::process::{cargo, run as run_command};

pub(crate) const HELP: &str = "\
Kills hosts at random, and loses, delays and fails their requests at random, one host and three; then
everything must be as if nothing had happened. And takes lakes through whatever happens to lakes (files that
are replaced, cut and removed, clocks that move, keys that are lost, promotions, purges, backups): after every
step a lake must be what a fresh one makes of the same bronze. Prints the seed of every round.

Usage: cargo xtask faults [--long | --seed N]

Options:
  --long     40 rounds of each kind of fault, 360 kills, and 200 lakes of 50 steps; without it what CI does
  --seed N   that round again, and that lake
";

pub(crate) fn run(args: &mut Args) -> Result<()> {
    let long = args.flag("--long");
    let seed = args.option::<u64>("--seed")?;
    args.finish()?;
    let mut command = cargo();
    command.args(["test", "--workspace", "--test", "black_box", "--locked", "random::", "--", "--nocapture"]);
    if long {
        // As it is shipped, and several times as fast.
        let mut build = cargo();
        build.args(["build", "--release", "--package", "smelt", "--locked"]);
        run_command("building the host", &mut build)?;
        command.env("SMELT_COMMAND", paths::root().join("target/release/smelt"));
        command.envs([("SMELT_FAULTS", "40"), ("SMELT_SEEDS", "200"), ("SMELT_STEPS", "50")]);
    }
    if let Some(seed) = seed {
        command.env("SMELT_SEED", seed.to_string());
    }
    run_command("killing and disturbing", &mut command)
}
