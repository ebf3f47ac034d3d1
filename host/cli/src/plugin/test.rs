//! `smelt plugin test`: tests whether a component keeps the contract, and shows what it costs.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde_json::{Map, Value};

use crate::common::Common;
use crate::environment::cache_directory;
use crate::output::{print, print_json};
use smelt_common::error::Result;
use smelt_common::text::json_object;
use smelt_common::{Error, files};
use smelt_conformance::{Engines, Options, Outcome};
use smelt_engine::manifest::LimitsSection;

#[derive(Debug, Args)]
#[command(after_help = "Exit status: 0 all passed, 1 something failed, 2 something could not run.")]
pub(super) struct Test {
    /// The component; the name of its file is the name of the plugin
    component: PathBuf,
    /// The plugin's parameters: a JSON object, or a file with one
    #[arg(long, value_name = "JSON|FILE", default_value = "{}")]
    parameters: String,
    /// The limits that differ from the defaults: a JSON object with keys of the manifest's `[limits.plugin]`, or a file with one
    #[arg(long, value_name = "JSON|FILE", default_value = "{}")]
    limits: String,
    /// A directory of golden cases, each in a directory of its own
    #[arg(long, value_name = "DIR")]
    fixtures: Option<PathBuf>,
    /// Write what the component gives for the golden cases as the output that is expected from now on
    #[arg(long, requires = "fixtures")]
    bless: bool,
    /// The first seed for the random series of calls
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// The number of seeds to try, however long that takes [default: 6, of which none begins after some seconds]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    rounds: Option<u32>,
    /// Write JUnit XML to standard output
    #[arg(long, conflicts_with = "json")]
    junit: bool,
}

impl Test {
    pub(super) fn run(&self, common: &Common) -> Result<ExitCode> {
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

/// Returns the JSON object that a flag gives as text, or as the name of a file that has it.
fn object(flag: &str, given: &str) -> Result<Map<String, Value>> {
    let wrong = |what: String| Error::config(format!("{flag}: {what}"));
    let text = match given.trim_start().starts_with('{') {
        true => given.to_owned(),
        false => files::read_text(Path::new(given), files::TEXT_BYTES)
            .map_err(|error| wrong(format!("cannot read `{given}`: {error}")))?,
    };
    json_object(&text).map_err(|error| wrong(format!("{error}; a JSON object would be right")))
}
