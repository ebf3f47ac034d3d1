//! `smelt plugin`: what authors of plugins need.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Map, Value};

use super::diff::Compare;
use super::inspect::Inspect;
use super::list::List;
use super::lock::Pinning;
use super::new::New;
use super::promote::{Promote, Rollback};
use super::{Common, cache_directory, print, print_json};
use smelt_common::error::Result;
use smelt_common::text::json_object;
use smelt_common::{Error, files};
use smelt_conformance::{Engines, Options, Outcome};
use smelt_engine::manifest::LimitsSection;

#[derive(Debug, Args)]
pub(super) struct Plugin {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Make a small project that builds to a component
    New(New),
    /// Check a component against the contract
    Check(Check),
    /// Show what a component is, what it says of itself and what it may use
    Inspect(Inspect),
    /// Show the plugins that the pipeline could use, and what uses them
    List(List),
    /// Show what another component of a plugin would change; changes nothing
    Diff(Compare),
    /// Make another component of a plugin current, with all that it makes, in one commit
    Promote(Promote),
    /// Bring back the component that ran before the last promotion, and what it made
    Rollback(Rollback),
    /// Pin the components that the pipeline uses, in a lock beside its manifest
    Lock(Pinning),
}

#[derive(Debug, Args)]
#[command(after_help = "Exit status: 0 all passed, 1 something failed, 2 something could not run.")]
struct Check {
    /// The component; its file is named as the plugin
    component: PathBuf,
    /// The plugin's parameters: a JSON object, or a file with one
    #[arg(long, value_name = "JSON|FILE", default_value = "{}")]
    parameters: String,
    /// What it may use where that is not as by default: some keys of the manifest's `[limits.plugin]`
    #[arg(long, value_name = "JSON|FILE", default_value = "{}")]
    limits: String,
    /// Golden cases: a directory with a directory for each
    #[arg(long, value_name = "DIR")]
    fixtures: Option<PathBuf>,
    /// Write what the golden cases give as what is expected of them
    #[arg(long, requires = "fixtures")]
    bless: bool,
    /// The first seed for the random series of calls
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// How many seeds are tried, however long it takes [default: 6, and none begins after some seconds]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    rounds: Option<u32>,
    /// Write JUnit XML to standard output
    #[arg(long, conflicts_with = "json")]
    junit: bool,
}

impl Plugin {
    pub(super) fn run(&self, common: &Common) -> Result<ExitCode> {
        match &self.verb {
            Verb::New(new) => new.run(common),
            Verb::Check(check) => check.run(common),
            Verb::Inspect(inspect) => inspect.run(common),
            Verb::List(list) => list.run(common),
            Verb::Diff(compare) => compare.run(common),
            Verb::Promote(promote) => promote.run(common),
            Verb::Rollback(rollback) => rollback.run(common),
            Verb::Lock(pinning) => pinning.run(common),
        }
    }
}

impl Check {
    fn run(&self, common: &Common) -> Result<ExitCode> {
        let options = Options {
            parameters: object("--parameters", &self.parameters)?,
            limits: LimitsSection::default().of_plugin(&object("--limits", &self.limits)?)?,
            fixtures: self.fixtures.clone(),
            bless: self.bless,
            seed: self.seed,
            rounds: self.rounds,
        };
        let engines = Engines::new(cache_directory().as_deref())?;
        let report = smelt_conformance::test(&engines, &self.component, &options)?;
        match (common.json, self.junit) {
            (true, _) => print_json(&report)?,
            (false, true) => print(&report.junit()),
            (false, false) => print(&report.text()),
        }
        Ok(match report.outcome() {
            Outcome::Passed => ExitCode::SUCCESS,
            Outcome::Failed => ExitCode::from(1),
            Outcome::CouldNotRun => ExitCode::from(2),
        })
    }
}

fn object(flag: &str, given: &str) -> Result<Map<String, Value>> {
    let wrong = |what: String| Error::config(format!("{flag}: {what}"));
    let text = match given.trim_start().starts_with('{') {
        true => given.to_owned(),
        false => files::read_text(Path::new(given), files::TEXT_BYTES)
            .map_err(|error| wrong(format!("cannot read `{given}`: {error}")))?,
    };
    json_object(&text).map_err(|error| wrong(format!("{error}; a JSON object would be right")))
}
