//! `cargo xtask faults`: what can go wrong between a host and its lake, for as long as is asked.

use anyhow::Result;

use crate::args::Args;
use crate::process::{cargo, run as run_command};

pub(crate) const HELP: &str = "\
Kills hosts at random, and loses, delays and fails their requests at random, one host and three; then
everything must be as if nothing had happened. Prints the seed of every round.

Usage: cargo xtask faults [--long | --seed N]

Options:
  --long     40 rounds of each kind, 360 kills; without it 6, as CI does
  --seed N   that round again
";

pub(crate) fn run(args: &mut Args) -> Result<()> {
    let long = args.flag("--long");
    let seed = args.option::<u64>("--seed")?;
    args.finish()?;
    let mut command = cargo();
    command.args(["test", "--workspace", "--test", "black_box", "--locked", "s3::random", "--", "--nocapture"]);
    if long {
        command.env("SMELT_FAULTS", "40");
    }
    if let Some(seed) = seed {
        command.env("SMELT_SEED", seed.to_string());
    }
    run_command("killing and disturbing", &mut command)
}
