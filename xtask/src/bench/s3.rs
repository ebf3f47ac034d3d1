//! Measures what S3 costs: the same bronze is taken to gold in a directory and in buckets of a server on this machine,
//! in turn.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::bronze::{self, Size};
use super::measure::{Cost, measure};
use super::report;
use super::server::Server;
use super::traffic::Traffic;
use crate::paths::{self, shown};
use crate::process::{output, run as run_command, say, tool};

const PIPELINE: &str = "pipelines/ecommerce";
/// The rows and objects that come with a tick.
const TICK: Size = Size { orders: 50, clicks: 50, customers: 50, objects: 3 };
/// The number of measured ticks for each run. There are several, because they are short.
const TICKS: u32 = 7;

/// The place of a lake.
enum Place<'s> {
    Directory(PathBuf),
    /// The server, and a manifest that has the buckets: bronze in one, and what a run writes in one of its own.
    Buckets(&'s Server, PathBuf),
}

pub(super) fn run(dir: &Path, size: &Size, runs: u32) -> Result<String> {
    let bronze = bronze::prepare(dir, size)?;
    let dir = dir.join("s3");
    fs::create_dir_all(&dir)?;
    let server = Server::start(&dir)?;
    let buckets = Place::Buckets(&server, dir.join("smelt.toml"));
    let directory = Place::Directory(dir.join("lake"));
    buckets.begin(0, &bronze)?;
    run_command(&format!("writing bronze to {}", server.name), &mut buckets.smelt(bronze::generate(size, 0)))?;

    say(&format!("one unmeasured run of each, then {runs} in turn"));
    let mut costs = [&buckets, &directory].map(|place| (place.name().to_owned(), Vec::new()));
    let mut traffic = None;
    let before = server.cpu();
    for round in 0..=runs {
        let mut kpis = Vec::new();
        for (place, (name, costs)) in [&buckets, &directory].into_iter().zip(&mut costs) {
            place.begin(round, &bronze)?;
            let profile = if round == 0 { &["--profile"][..] } else { &[] };
            let (cost, told) = place.run(&dir, profile, size.objects)?;
            kpis.push(sums(&told));
            if round == 0 {
                traffic = traffic.or_else(|| Traffic::of(&told));
                continue;
            }
            say(&format!("run {round}: {name}: {cost}"));
            costs.push(cost);
        }
        ensure!(kpis[0] == kpis[1], "the KPIs of a lake on {} differ from those in a directory", server.name);
    }
    let cpu = before.zip(server.cpu()).map(|(before, after)| (after - before) / f64::from(runs + 1));
    let traffic = traffic.context("the profile of the warm-up has no requests")?;

    say(&format!("{} ticks of each kind on each lake, in turn", TICKS * runs));
    let mut ticks = [(Vec::new(), Vec::new()), (Vec::new(), Vec::new())];
    for round in 1..=TICKS * runs {
        for (place, (idle, busy)) in [&directory, &buckets].into_iter().zip(&mut ticks) {
            idle.push(place.run(&dir, &[], 0)?.0);
            output(&mut place.smelt(bronze::generate(&TICK, round)))?;
            busy.push(place.run(&dir, &[], TICK.objects)?.0);
        }
    }
    let heading = format!("{size}; runs: {runs}; the server: {} on the same cores", server.name);
    Ok(report::heading(&heading)
        + &report::costs(&costs)
        + &report::ratios(&costs)
        + &report::traffic(&traffic, cpu)
        + &report::ticks([directory.name(), buckets.name()], &ticks))
}

impl Place<'_> {
    fn name(&self) -> &'static str {
        match self {
            Self::Directory(_) => "directory",
            Self::Buckets(..) => "S3",
        }
    }

    /// Creates a lake that is empty except for bronze.
    fn begin(&self, round: u32, bronze: &Path) -> Result<()> {
        match self {
            Self::Directory(lake) => {
                if lake.exists() {
                    fs::remove_dir_all(lake)?;
                }
                bronze::link(bronze::objects(bronze)?, &lake.join("bronze"))
            }
            Self::Buckets(server, manifest) => {
                let own = fs::read_to_string(paths::root().join(PIPELINE).join("smelt.toml"))?;
                let components = paths::components();
                let components = components.to_str().context("the repository's path is no text")?;
                let mut text =
                    own.replace("../../target/components", components) + "\n[lake]\nbronze = 's3://bronze'\n";
                for layer in ["silver", "gold", "quarantine", "catalog"] {
                    text += &format!("{layer} = 's3://run-{round}/{layer}'\n");
                }
                fs::write(manifest, text)?;
                server.init(|| self.smelt(tool(paths::smelt())))
            }
        }
    }

    /// Returns the command with the arguments that make it work on this lake.
    fn smelt(&self, mut command: Command) -> Command {
        match self {
            Self::Directory(lake) => command.args(["--pipeline", PIPELINE, "--lake"]).arg(lake),
            Self::Buckets(server, manifest) => server.reach(command.arg("--pipeline").arg(manifest)),
        };
        command
    }

    /// Measures a run, which must clean that number of objects. Returns its cost and what it prints.
    fn run(&self, dir: &Path, flags: &[&str], cleans: u64) -> Result<(Cost, Value)> {
        let log = dir.join(format!("{}.log", self.name()));
        let mut command = tool(paths::smelt());
        command.args(["run", "--json"]).args(flags);
        let cost = measure(&mut self.smelt(command), &log)?;
        let text = fs::read_to_string(&log)?;
        // Warnings come before the JSON.
        let json = text.find("{\n").map_or("", |at| &text[at..]);
        let told: Value = serde_json::from_str(json).with_context(|| format!("{} is no JSON", shown(&log)))?;
        ensure!(told["cleaned"] == cleans, "a run did not clean {cleans} objects; see {}", shown(&log));
        Ok((cost, told))
    }
}

/// Returns the sha256 of every KPI's table.
fn sums(told: &Value) -> BTreeMap<String, String> {
    let kpis = told["kpis"].as_array().into_iter().flatten();
    kpis.map(|kpi| (kpi["kpi"].to_string(), kpi["table"]["sha256"].to_string())).collect()
}
