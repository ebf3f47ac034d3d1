//! Measures tables that read tables on a large lake: from scratch, in turn with peers, and a tick with a few new rows
//! against making all tables anew.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::contest::{self, Contender, Program};
use super::measure::{Cost, measure};
use super::smelt::{self, Pipeline};
use super::{peers, report};
use crate::paths::{self, shown};
use crate::process::{run as run_command, say};

/// The new rows of a tick.
const NEW: u64 = 1000;
/// The rows of an object of the lake.
const OBJECT_ROWS: u64 = 500_000;
/// The purchases of a client, on the average.
const OF_CLIENT: u64 = 20;
/// From so many purchases on, a run is so long that cold caches make no difference to it.
const NEEDS_NO_WARM_UP: u64 = 1_000_000;
const PRODUCTS: u64 = 40;
const COUNTRIES: [&str; 8] = ["FR", "DE", "ES", "IT", "NL", "BE", "PL", "SE"];
/// The calls that give rows to plugins of tables.
const CALLS: [&str; 2] = ["take in a batch", "reduce groups"];

/// The cost of a command, as a whole and by plugin.
struct Measured {
    cost: Cost,
    /// The rows that plugins were given, by plugin.
    rows: BTreeMap<String, u64>,
    /// The seconds of processor time in calls of plugins, by plugin.
    cpu: BTreeMap<String, f64>,
}

pub(super) fn run(dir: &Path, purchases: u64, peers: &[String], runs: Option<u32>) -> Result<String> {
    Pipeline::prepare()?;
    let clients = (purchases / OF_CLIENT).max(1);
    let lake = dir.join("graph").join("lake");
    if lake.exists() {
        fs::remove_dir_all(&lake)?;
    }
    let bronze = lake.join("bronze");
    fs::create_dir_all(&bronze)?;
    say(&format!("writing {purchases} purchases of {clients} clients below {}", shown(&lake)));
    write_clients(&bronze, clients)?;
    for (object, from) in (0..purchases).step_by(OBJECT_ROWS as usize).enumerate() {
        write_purchases(&bronze, object as u64, from..purchases.min(from + OBJECT_ROWS), clients)?;
    }
    let first = u32::from(purchases >= NEEDS_NO_WARM_UP);
    let contest = against_peers(dir, &bronze, peers, first..=runs.unwrap_or(1))?;
    let smelt = |command| smelt::command(&paths::smelt(), command, Pipeline::Analytics, &lake);
    run_command("cleaning them", &mut smelt("clean"))?;
    let anew = measured(dir, smelt("aggregate"))?;
    say(&format!("all tables anew: {}", anew.cost));
    let mut ticks = Vec::new();
    let runs = runs.unwrap_or(3);
    for tick in 0..u64::from(runs) {
        let from = purchases + tick * NEW;
        write_purchases(&bronze, 1_000_000 + tick, from..from + NEW, clients)?;
        let cost = measured(dir, smelt("run"))?;
        say(&format!("tick {}: {}", tick + 1, cost.cost));
        ticks.push(cost);
    }
    let heading = format!("{purchases} purchases of {clients} clients; ticks of {NEW} new purchases: {runs}");
    Ok(contest + &report::heading(&heading) + &shares(&anew, &ticks))
}

/// Takes bronze to all tables with smelt and the peers, in turn. Returns nothing if there are no peers.
fn against_peers(dir: &Path, bronze: &Path, peers: &[String], rounds: RangeInclusive<u32>) -> Result<String> {
    let Some(python) = peers::python(dir, peers)? else { return Ok(String::new()) };
    let contender = |name: &str, program| {
        let (name, bronze) = (name.to_owned(), bronze.to_owned());
        Contender { name, pipeline: Pipeline::Analytics, bronze, program }
    };
    let smelt = contender(contest::SMELT, Program::Smelt(paths::smelt()));
    let others = peers.iter().map(|name| contender(name, Program::Peer(python.clone())));
    let contenders: Vec<_> = std::iter::once(smelt).chain(others).collect();
    let heading = report::heading(&format!("from scratch to all tables; runs: {}", rounds.end()));
    let costs = contest::hold(&dir.join("graph"), &contenders, rounds)?;
    Ok(heading + &report::costs(&costs) + &report::ratios(&costs) + &report::fastest(&costs))
}

/// Returns what a tick of median cost needs, as a share of making everything anew.
fn shares(anew: &Measured, ticks: &[Measured]) -> String {
    let median = |of: &dyn Fn(&Measured) -> f64| {
        let mut values: Vec<_> = ticks.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
    };
    let mut text = format!("\n{:24}  {:>14}  {:>12}  {:>7}\n", "", "anew", "a tick", "share");
    let mut line = |name: &str, of: &dyn Fn(&Measured) -> f64, digits: usize| {
        let (anew, tick) = (of(anew), median(of));
        text += &format!("{name:24}  {anew:14.digits$}  {tick:12.digits$}  {:6.2} %\n", 100.0 * tick / anew);
    };
    line("rows given to plugins", &|of| of.rows.values().sum::<u64>() as f64, 0);
    line("CPU, s", &|of| of.cost.cpu.as_secs_f64(), 2);
    line("wall, s", &|of| of.cost.wall.as_secs_f64(), 2);
    line("peak, MiB", &|of| (of.cost.peak >> 20) as f64, 0);
    for plugin in anew.rows.keys() {
        line(&format!("  {plugin}, rows"), &|of| of.rows.get(plugin).copied().unwrap_or(0) as f64, 0);
    }
    for plugin in anew.rows.keys() {
        line(&format!("  {plugin}, CPU s"), &|of| of.cpu.get(plugin).copied().unwrap_or(0.0), 2);
    }
    text
}

fn measured(dir: &Path, mut command: Command) -> Result<Measured> {
    let log = dir.join("graph.log");
    let cost = measure(command.args(["--json", "--profile"]), &log)?;
    // Messages may stand around it.
    let text = fs::read_to_string(&log)?;
    let at = text.find("{\n").with_context(|| format!("{} has no JSON", shown(&log)))?;
    let told = serde_json::Deserializer::from_str(&text[at..]).into_iter::<Value>().next();
    let told = told.with_context(|| format!("{} has no JSON", shown(&log)))??;
    let stages = told["profile"]["stages"].as_array().context("the profile has no stages")?;
    let (mut rows, mut cpu) = (BTreeMap::new(), BTreeMap::new());
    for stage in stages.iter().filter(|stage| CALLS.iter().any(|call| stage["stage"] == **call)) {
        let plugin = stage["of"].as_str().unwrap_or_default().to_owned();
        *rows.entry(plugin.clone()).or_default() += stage["rows"].as_u64().unwrap_or_default();
        *cpu.entry(plugin).or_default() += stage["cpu_seconds"].as_f64().unwrap_or_default();
    }
    Ok(Measured { cost, rows, cpu })
}

fn object(bronze: &Path, name: &str, number: u64, header: &str) -> Result<BufWriter<File>> {
    let path: PathBuf = bronze.join(format!("{name}_{number:012}.csv"));
    let mut file = BufWriter::new(File::create(&path).with_context(|| format!("can't write {}", path.display()))?);
    writeln!(file, "{header}")?;
    Ok(file)
}

fn write_clients(bronze: &Path, clients: u64) -> Result<()> {
    let mut file = object(bronze, "clients", 0, "client_id,name,email,signup_date,country")?;
    for client in 0..clients {
        let country = COUNTRIES[(mixed(client) % COUNTRIES.len() as u64) as usize];
        let day = day(mixed(client ^ 1) % 730);
        writeln!(file, "C{client:07},Client {client},client{client}@example.com,{day},{country}")?;
    }
    Ok(file.flush()?)
}

fn write_purchases(bronze: &Path, number: u64, ids: std::ops::Range<u64>, clients: u64) -> Result<()> {
    let header = "purchase_id,client_id,purchase_date,product,quantity,unit_price,amount";
    let mut file = object(bronze, "purchases", number, header)?;
    for id in ids {
        let dice = mixed(id.wrapping_mul(3));
        let (client, quantity, product) = (dice % clients, 1 + dice / clients % 5, dice >> 40);
        let (product, day) = (product % PRODUCTS, day(mixed(id.wrapping_mul(3) + 1) % 730));
        let cents = 199 + 350 * product;
        let amount = cents * quantity;
        writeln!(
            file,
            "P{id:09},C{client:07},{day},Product {product},{quantity},{}.{:02},{}.{:02}",
            cents / 100,
            cents % 100,
            amount / 100,
            amount % 100
        )?;
    }
    Ok(file.flush()?)
}

/// Returns a number that looks random (SplitMix64).
fn mixed(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ mixed >> 31
}

/// Returns the day that many days before [`smelt::AS_OF`].
fn day(before: u64) -> String {
    // Years of 365 days and months of 28 are enough: no date comes that the calendar lacks.
    let number = 2025 * 336 + 10 * 28 + 17 - before.min(700);
    format!("{}-{:02}-{:02}", number / 336, number / 28 % 12 + 1, number % 28 + 1)
}
