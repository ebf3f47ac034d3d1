//! `smelt quality release`, `withhold` and `undo`: decisions of people about one object.

use std::process::ExitCode;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use serde_json::json;

use crate::common::Common;
use crate::output::{print, print_json};
use smelt_catalog::{Decision, Verb};
use smelt_common::clock::Clock;
use smelt_common::error::Result;

#[derive(Debug, Args)]
pub(super) struct Decide {
    /// The object's name in bronze
    object: String,
    /// The reason, for those who ask later
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    why: String,
}

#[derive(Debug, Args)]
pub(super) struct Undo {
    /// The object's name in bronze
    object: String,
}

impl Decide {
    pub(super) fn run(&self, common: &Common, verb: Verb) -> Result<ExitCode> {
        let at = Clock::System.now().timestamp_micros();
        let decision = Decision { verb, why: self.why.clone(), who: who(), at };
        let datasets = common.with_host(|host| host.decide_on(&self.object, Some(&decision)))?;
        let done = match verb {
            Verb::Release => "is to be let in",
            Verb::Withhold => "is to be kept out",
        };
        tell(common, &self.object, &datasets, verb.name(), done)
    }
}

impl Undo {
    pub(super) fn run(&self, common: &Common) -> Result<ExitCode> {
        let datasets = common.with_host(|host| host.decide_on(&self.object, None))?;
        tell(common, &self.object, &datasets, "undo", "is what its expectations say again")
    }
}

fn tell(common: &Common, object: &str, datasets: &[String], verb: &str, done: &str) -> Result<ExitCode> {
    if common.json {
        print_json(&json!({"object": object, "datasets": datasets, "decision": verb}))?;
    } else {
        let (object, datasets) = (smelt_common::text::one_line(object), datasets.join(", "));
        print(&format!("{object} ({datasets}) {done}; the next `smelt run` does it\n"));
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns the name of the person who runs the command, as the system knows it.
fn who() -> String {
    let named =
        ["USER", "LOGNAME"].into_iter().find_map(|name| std::env::var(name).ok().filter(|name| !name.is_empty()));
    named.unwrap_or_else(|| "unknown".to_owned())
}
