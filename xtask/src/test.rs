//! `cargo xtask test`: everything that must hold before a change goes in.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::args::Args;
use crate::process::{cargo, run as run_command, say, seconds};
use crate::toolchain::Toolchain;
use crate::workspace::Workspace;
use crate::{browser, circles, debian, paths, plugins, prometheus, python, servers, times};

pub(crate) const HELP: &str = "\
Runs all that CI runs, in this order, up to the first failure:
  packages of the system, format, circles of files, components, lints, each crate alone, documentation, servers (MinIO,
  a registry and Prometheus), Python clients, browser, tests
At the end it prints how long each step took, and the ten slowest tests.

Usage: cargo xtask test [filter]

With a filter, it builds only the components, and then runs the tests whose names contain the filter.
";

type Step = (&'static str, Box<dyn Fn() -> Result<()>>);

pub(crate) fn run(args: &mut Args) -> Result<()> {
    let filter = args.positional();
    args.finish()?;
    let filtered = filter.is_some();
    let mut times = Vec::new();
    // This comes first because it may ask for packages, and should not do so after minutes of building.
    let start = Instant::now();
    let toolchain = Toolchain::find()?;
    if !filtered {
        move_clocks();
    }
    times.push(("packages", start.elapsed()));
    let mut steps: Vec<Step> = vec![
        ("format", Box::new(|| run_command("checking the format", cargo().args(["fmt", "--all", "--check"])))),
        // This comes before everything that builds, because it takes less than a second.
        ("circles", Box::new(circles::check)),
        ("components", Box::new(move || plugins::build_with(&toolchain, true, true))),
        ("lints", Box::new(|| run_command("running clippy", &mut clippy()))),
        ("each crate alone", Box::new(each_alone)),
        ("documentation", Box::new(|| run_command("building the documentation", &mut doc()))),
        ("servers", Box::new(real_servers)),
        ("Python clients", Box::new(clients)),
        ("browser", Box::new(chromium)),
        ("tests", Box::new(move || tests(filter.as_deref()))),
    ];
    if filtered {
        steps.retain(|(name, _)| ["components", "tests"].contains(name));
    }

    for (at, (name, step)) in steps.iter().enumerate() {
        say(&format!("[{}/{}] {name}", at + 1, steps.len()));
        let start = Instant::now();
        let result = step().with_context(|| format!("step `{name}` failed"));
        times.push((*name, start.elapsed()));
        if result.is_err() {
            say(&format!("times: {}", summary(&times)));
            return result;
        }
    }
    say(&format!("all passed: {}", summary(&times)));
    Ok(())
}

/// Finds or builds the real servers, where that is possible. The tests find them by themselves, and skip what needs a
/// missing one.
fn real_servers() -> Result<()> {
    for server in [servers::MINIO, servers::REGISTRY] {
        match server.find() {
            Ok(found) => say(&format!("the tests use {}", paths::shown(&found))),
            Err(reason) => say(&format!("tests with a real {} are skipped: {reason:#}", server.title)),
        }
    }
    match prometheus::find() {
        Ok(found) => say(&format!("the tests use Prometheus in {}", paths::shown(&found))),
        Err(reason) => say(&format!("tests with a real Prometheus are skipped: {reason:#}")),
    }
    Ok(())
}

/// Installs libfaketime, which shows a process another time, where that is possible.
fn move_clocks() {
    match debian::faketime() {
        Ok(found) => say(&format!("the tests move clocks with {}", found.display())),
        Err(reason) => say(&format!("no clock is moved in `random::`: {reason:#}")),
    }
}

/// Installs the Python clients with which people read lakes, where that is possible.
fn clients() -> Result<()> {
    match python::environment(&paths::clients(), &paths::root().join("tests/clients/requirements.txt")) {
        Ok(_) => say("the tests use boto3, Polars and Grafana's types"),
        Err(reason) => say(&format!("tests with boto3, Polars and Grafana's types are skipped: {reason:#}")),
    }
    Ok(())
}

/// Installs Chromium and what drives it, where that is possible.
fn chromium() -> Result<()> {
    match browser::install() {
        Ok(found) => say(&format!("the tests use {}", found.display())),
        Err(reason) => say(&format!("tests in a browser are skipped: {reason:#}")),
    }
    Ok(())
}

fn clippy() -> Command {
    let mut command = cargo();
    command.args(["clippy", "--workspace", "--all-targets", "--all-features", "--locked", "--", "-D", "warnings"]);
    command
}

/// Compiles each crate of the host with the features that it asks for itself, and the command without any. In a build of the
/// whole workspace a crate also has what others ask for, and so does not show that it lacks something.
fn each_alone() -> Result<()> {
    let workspace = Workspace::read()?;
    for package in workspace.host() {
        let mut check = cargo();
        check.args(["check", "--locked", "--no-default-features", "--package", &package.name]);
        run_command(&format!("compiling {} alone", package.name), &mut check)?;
    }
    Ok(())
}

fn doc() -> Command {
    let mut command = cargo();
    command.args(["doc", "--workspace", "--all-features", "--no-deps", "--locked"]).env("RUSTDOCFLAGS", "-Dwarnings");
    command
}

fn tests(filter: Option<&str>) -> Result<()> {
    let of = |what| {
        let mut command = cargo();
        command.args(["test", "--workspace", "--locked", what]).env("SMELT_COMPONENTS", paths::components());
        command
    };
    let mut tests = of("--tests");
    times::keep(&mut tests)?;
    let result = run_command("running the tests", tests.args(filter));
    say(&format!("the slowest tests:{}", times::slowest()));
    result?;
    run_command("running what the documentation shows", of("--doc").args(filter))
}

fn summary(times: &[(&str, Duration)]) -> String {
    let total = times.iter().map(|(_, time)| *time).sum();
    let steps: Vec<_> = times.iter().map(|(name, time)| format!("{name} {}", seconds(*time))).collect();
    format!("{}; {} in all", steps.join(", "), seconds(total))
}
