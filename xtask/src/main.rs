//! `cargo xtask <verb>`: the only build logic of the repository. Parses the verb and calls the file of that name.

mod args;
mod bench;
mod beside;
mod browser;
mod circles;
mod debian;
mod demo;
#[cfg(test)]
mod directions;
mod faults;
mod fuzz;
mod map;
mod paths;
mod plugins;
mod process;
mod prometheus;
mod python;
mod servers;
mod test;
mod times;
mod toolchain;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use args::{Args, Usage};

const HELP: &str = "\
Builds, tests, demonstrates and measures smelt.

Usage: cargo xtask <verb> [options]

Verbs:
  demo        build everything, then take a few ticks of raw files to KPIs in ./lake
  test        run all that CI runs: format, lints, documentation, tests native and through WebAssembly
  plugins     build the components into target/components
  circles     find files that import each other
  map         draw the crates of the host into docs/crates.svg
  faults      kill and disturb smelt on S3 at random
  fuzz        damage streams and objects at random, and measure the sandbox
  bench       time smelt against pandas, Polars and DuckDB on the same files
  minio       find or build a real MinIO server for the tests
  registry    find or build a real OCI registry for the tests
  prometheus  find or fetch a real Prometheus for the tests
  browser     show the pages of `smelt serve` in a real browser, and test what they promise

`cargo xtask <verb> --help` says more about a verb.
";

type Verb = (fn(&mut Args) -> Result<()>, &'static str);

fn verb(name: &str) -> Result<Verb> {
    match name {
        "bench" => Ok((bench::run, bench::HELP)),
        // `bench` calls this verb itself.
        "bench-limit" => Ok((bench::limit::run, "")),
        "browser" => Ok((browser::run, browser::HELP)),
        "circles" => Ok((circles::run, circles::HELP)),
        "demo" => Ok((demo::run, demo::HELP)),
        "faults" => Ok((faults::run, faults::HELP)),
        "fuzz" => Ok((fuzz::run, fuzz::HELP)),
        "map" => Ok((map::run, map::HELP)),
        "minio" => Ok((servers::minio, servers::MINIO_HELP)),
        "registry" => Ok((servers::registry, servers::REGISTRY_HELP)),
        "plugins" => Ok((plugins::run, plugins::HELP)),
        "prometheus" => Ok((prometheus::run, prometheus::HELP)),
        "test" => Ok((test::run, test::HELP)),
        _ => Err(Usage(format!(
            "no verb `{name}`; known: bench, browser, circles, demo, faults, fuzz, map, minio, plugins, prometheus, registry, test"
        ))
        .into()),
    }
}

fn run() -> Result<ExitCode> {
    let mut words = std::env::args_os().skip(1);
    if words.next().is_some_and(|verb| verb == "time-tests") {
        // cargo calls this verb, with arguments that are not for xtask.
        return times::run(words);
    }
    let mut args = Args::from_env();
    let name = match args.positional() {
        Some(name) if name != "help" => name,
        _ => {
            print!("{HELP}");
            return Ok(ExitCode::SUCCESS);
        }
    };
    let (run, help) = verb(&name)?;
    if args.wants_help() {
        print!("{help}");
        return Ok(ExitCode::SUCCESS);
    }
    run(&mut args)?;
    Ok(ExitCode::SUCCESS)
}

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::from(if error.is::<Usage>() { 2 } else { 1 })
        }
    }
}
