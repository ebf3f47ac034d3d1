//! `cargo xtask fuzz`: runs the random tests for as long as is asked.

use anyhow::Result;

use crate::args::Args;
use crate::process::{cargo, run as run_command};

pub(crate) const HELP: &str = "\
Damages Arrow streams, CSV and JSON at random, and decodes them. Runs every shipped plugin again and again,
on two engines and in different batches. Measures what the sandbox promises.

Usage: cargo xtask fuzz [--long] [--seed N]

Options:
  --long     a million streams, 100,000 objects and 100 runs, instead of 20,000, 2,000 and 6 as in CI
  --seed N   the seed of the first damage [default: 1]
";

pub(crate) fn run(args: &mut Args) -> Result<()> {
    let long = args.flag("--long");
    let seed = args.option::<u64>("--seed")?.unwrap_or(1).to_string();
    args.finish()?;
    let of_lib = ["test", "--workspace", "--lib", "--locked", "fuzz::", "--", "--nocapture", "--test-threads=1"];
    let of_plugins = ["test", "--workspace", "--test", "black_box", "--locked", "determinism::"];
    let shown = ["--", "--nocapture", "--test-threads=1"];
    let figures = ["test", "--workspace", "--test", "black_box", "--locked", "hostile::figures"];
    let command = |words: &[&str]| {
        let mut command = cargo();
        command.args(words).env("SMELT_FUZZ_SEED", &seed);
        if long {
            command.env("SMELT_FUZZ", "1000000").env("SMELT_RUNS", "100");
        }
        command
    };
    run_command("damaging streams and objects", &mut command(&of_lib))?;
    run_command("running the plugins over and over", &mut command(&[&of_plugins[..], &shown].concat()))?;
    let measured = [&figures[..], &shown, &["--ignored"]].concat();
    run_command("measuring the sandbox", &mut command(&measured))
}
