//! `smelt generate`: writes raw test data to bronze with the pipeline's sources.

use std::process::ExitCode;

use chrono::{DateTime, TimeDelta, Utc};
use clap::Args;
use serde_json::{Map, Value, json};

use crate::common::Common;
use crate::output::{print, print_json};
use crate::report::{complain_of, failures_json};
use smelt_common::Error;
use smelt_common::error::Result;
use smelt_common::text::{duration, instant, json_value, number};
use smelt_engine::run::{Generated, Generation};

#[derive(Debug, Args)]
pub(crate) struct Generate {
    /// The number of ticks; each tick writes the objects of every source once
    #[arg(long, default_value_t = 1, value_parser = number::<u64>)]
    ticks: u64,
    /// The number of the first tick; by default the one after the last that bronze has
    #[arg(long, value_parser = number::<u64>)]
    first: Option<u64>,
    /// The time of the first tick, such as 2025-01-01T00:00:00Z; by default the last tick is now
    #[arg(long, value_name = "RFC 3339", value_parser = instant)]
    start: Option<DateTime<Utc>>,
    /// The time from one tick to the next, such as 5s or 1h
    #[arg(long, default_value = "5s", value_parser = duration)]
    interval: std::time::Duration,
    /// The number from which the sources derive their randomness, instead of the manifest's
    #[arg(long, value_parser = number::<u64>)]
    seed: Option<u64>,
    /// A parameter of the sources, added to the manifest's; can be given several times
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = parameter)]
    parameters: Vec<(String, Value)>,
}

/// Parses `name=value`. A value that is JSON, without white space around it, is read as JSON, and any other as text.
fn parameter(text: &str) -> Result<(String, Value), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    let json = if value.trim() == value { json_value(value).ok() } else { None };
    Ok((name.to_owned(), json.unwrap_or_else(|| Value::String(value.to_owned()))))
}

impl Generate {
    pub(crate) fn run(self, common: &Common) -> Result<ExitCode> {
        let Self { ticks, first, start, interval, seed, parameters } = self;
        let host = common.host()?;
        if host.pipeline().sources.is_empty() {
            return Err(Error::config("the manifest has no [source.<name>]"));
        }
        let interval = TimeDelta::from_std(interval).map_err(|_| Error::config("--interval is too long"))?;
        let (given, parameters) = (parameters.len(), parameters.into_iter().collect::<Map<_, _>>());
        if parameters.len() < given {
            return Err(Error::config("--param: a name is given twice"));
        }
        let Generated { keys, places, failures } =
            host.generate(&Generation { ticks, first, start, interval, seed, parameters })?;
        if common.json {
            print_json(&json!({ "objects": keys, "failures": failures_json(&failures) }))?;
        } else {
            let places: Vec<String> = places.into_iter().collect();
            print(&format!("{} objects in {}\n", keys.len(), places.join(", ")));
        }
        Ok(complain_of(&failures))
    }
}
