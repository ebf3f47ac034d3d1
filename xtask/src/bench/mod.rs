//! `cargo xtask bench`: smelt and its peers do the same work on the same files, in turn, each as a whole process.

mod bronze;
mod compare;
mod measure;
mod peers;
mod report;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use crate::args::{Args, Usage};
use crate::process::{say, tool};
use crate::{demo, paths, plugins};
use bronze::Size;
use measure::{Cost, measure};

pub(crate) const HELP: &str = "\
Writes bronze of a chosen size, takes it to gold with smelt and with the same work in pandas, Polars and
DuckDB (bench/peers, in a virtual environment of their own), in turn, and checks that all agree on every
KPI to the byte. Prints wall time, CPU time and peak memory of each, and the ratios.

Usage: cargo xtask bench [options]

Options:
  --orders N      rows of orders [default: 1000000]
  --clicks N      rows of clicks [default: 1000000]
  --customers N   rows of customers [default: 100000]
  --objects N     bronze objects, a multiple of 3 [default: 24]
  --runs N        measured runs of each [default: 3]
  --peers LIST    pandas,polars,duckdb or some of them, or none [default: all three]
  --dir DIR       where everything is written [default: target/bench]
";

/// smelt is the first contender, so the first column of every comparison.
const SMELT: &str = "smelt";

struct Options {
    size: Size,
    runs: u32,
    peers: Vec<String>,
    dir: PathBuf,
}

impl Options {
    fn parse(args: &mut Args) -> Result<Self> {
        let size = Size {
            orders: args.option("--orders")?.unwrap_or(1_000_000),
            clicks: args.option("--clicks")?.unwrap_or(1_000_000),
            customers: args.option("--customers")?.unwrap_or(100_000),
            objects: args.option("--objects")?.unwrap_or(24),
        };
        let runs = args.option("--runs")?.unwrap_or(3).max(1);
        let peers = peers::chosen(args.option::<String>("--peers")?.as_deref())?;
        let dir = match args.option::<PathBuf>("--dir")? {
            Some(dir) => std::env::current_dir()?.join(dir),
            None => paths::target().join("bench"),
        };
        args.finish()?;
        if size.objects == 0 || !size.objects.is_multiple_of(3) {
            bail!(Usage(format!("`--objects {}` is no multiple of 3", size.objects)));
        }
        Ok(Self { size, runs, peers, dir })
    }
}

/// One program that takes bronze to gold.
struct Contender {
    name: String,
    /// The interpreter of a peer's script; smelt has none.
    python: Option<PathBuf>,
}

pub(crate) fn run(args: &mut Args) -> Result<()> {
    let Options { size, runs, peers, dir } = Options::parse(args)?;
    demo::build_host()?;
    plugins::build(false, false)?;
    fs::create_dir_all(&dir)?;
    let bronze = bronze::prepare(&dir, &size)?;

    let mut contenders = vec![Contender { name: SMELT.to_owned(), python: None }];
    if let Some(python) = peers::python(&dir, &peers)? {
        contenders.extend(peers.into_iter().map(|name| Contender { name, python: Some(python.clone()) }));
    }

    say(&format!("one unmeasured run of each, then {runs} in turn"));
    let mut costs = vec![Vec::new(); contenders.len()];
    for round in 0..=runs {
        for (contender, costs) in contenders.iter().zip(&mut costs) {
            let cost = contender.go(&bronze, &dir)?;
            let label = if round == 0 { "warm-up".to_owned() } else { format!("run {round}") };
            say(&format!("{label}: {}: {cost}", contender.name));
            if round > 0 {
                costs.push(cost);
            }
        }
        for peer in &contenders[1..] {
            compare::kpis(&contenders[0].out(&dir), &peer.out(&dir), &peer.name)?;
        }
    }
    let named: Vec<(&str, Vec<Cost>)> = contenders.iter().map(|it| it.name.as_str()).zip(costs).collect();
    print!("{}", report::table(&size, &named));
    Ok(())
}

impl Contender {
    /// Where it writes: a lake for smelt, a directory with `gold` for a peer.
    fn out(&self, dir: &Path) -> PathBuf {
        dir.join("out").join(&self.name)
    }

    /// Runs it once, in a fresh directory. Making that is not measured.
    fn go(&self, bronze: &Path, dir: &Path) -> Result<Cost> {
        let out = self.out(dir);
        if out.exists() {
            fs::remove_dir_all(&out)?;
        }
        fs::create_dir_all(&out)?;
        let mut command = match &self.python {
            None => {
                bronze::link_into(bronze, &out.join("bronze"))?;
                smelt_run(&out)
            }
            Some(python) => peers::command(python, &self.name, bronze, &out),
        };
        measure(&mut command, &dir.join(format!("{}.log", self.name)))
    }
}

fn smelt_run(lake: &Path) -> Command {
    let mut command = tool(paths::smelt());
    command.args(["run", "--pipeline", "pipelines/ecommerce", "--lake"]).arg(lake);
    command
}
