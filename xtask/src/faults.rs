//! `cargo xtask faults`: tests what can go wrong between a host and its lake, for as long as is asked.

use anyhow::Result;

use crate::args::Args;
use crate::paths;
use crate::process::{cargo, run as run_command};

pub(crate) const HELP: &str = "\
Tests smelt against faults, in rounds with random seeds, and prints the seed of every round.
It kills hosts, and loses, delays and fails their requests, with one host and with three. Afterwards the lake must be
as if nothing had happened.
It also does to lakes what happens to lakes: files are replaced, cut and removed, clocks move, keys are lost, and there
are promotions, purges and backups. After every step the lake must be what a new lake makes of the same bronze.

Usage: cargo xtask faults [--long | --seed N]

Options:
  --long     40 rounds of each kind of fault, 360 kills, and 200 lakes of 50 steps, instead of the fewer that CI does
  --seed N   repeat the round and the lake of this seed
";

pub(crate) fn run(args: &mut Args) -> Result<()> {
    let long = args.flag("--long");
    let seed = args.option::<u64>("--seed")?;
    args.finish()?;
    let mut command = cargo();
    command.args(["test", "--workspace", "--test", "black_box", "--locked", "random::", "--", "--nocapture"]);
    if long {
        // The shipped build is several times as fast as the test build.
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
