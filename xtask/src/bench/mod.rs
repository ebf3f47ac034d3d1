//! `cargo xtask bench`: measures what smelt costs, always as whole processes. Where costs are compared, programs take
//! turns.

mod bronze;
mod compare;
mod contest;
mod graph;
mod large;
pub(crate) mod limit;
mod measure;
mod native;
mod peers;
mod report;
mod s3;
mod server;
mod smelt;
mod tick;
mod traffic;

use std::fs;
use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::args::{Args, Usage};
use crate::toolchain::Toolchain;
use crate::{demo, paths, plugins};
use bronze::Size;

pub(crate) const HELP: &str = "\
Writes bronze of a chosen size, and takes it to gold in turn with smelt, pandas, Polars and DuckDB. The peers do the
same work (bench/peers, in a virtual environment of their own). All must agree on every KPI to the byte. Beside them
runs `limit`, which only reads, hashes and writes as many bytes as smelt does. Prints wall time, CPU time and peak
memory of each, and the ratios.

Usage: cargo xtask bench [--native] [--tick | --large | --s3 | --graph] [options]

  --native        also run smelt with the same plugins compiled natively, without a sandbox
  --tick          instead, time a tick with nothing to do and one with three new objects of 50 rows, on a lake of
                  102 committed objects and on one of 10,002
  --large         instead, run smelt alone on 1,000,000 orders, on ten times the orders and clicks, and on ten times the
                  customers as well
  --s3            instead, run smelt alone in a directory and in buckets of an S3 server on this machine, then ticks on
                  both; the server is MinIO if `cargo xtask minio` has one, and that of the tests otherwise
  --graph         instead, run the tables of pipelines/analytics on many purchases: from scratch in turn with Polars and
                  DuckDB, which must agree on every table to the byte, then all of them anew and in ticks of 1,000 new
                  purchases

Options:
  --orders N      rows of orders [default: 1000000]
  --clicks N      rows of clicks [default: 1000000]
  --customers N   rows of customers [default: 100000]
  --purchases N   purchases, with --graph [default: 10000000]
  --objects N     bronze objects, a multiple of 3 [default: 24]
  --runs N        measured runs of each [default: 3, with --tick 21, with --graph 1 of each and 3 ticks]
  --peers LIST    some of pandas,polars,duckdb, or none [default: all three, with --graph polars,duckdb]
  --against FILE  also run this other binary of smelt, in turn, on the same bronze and with the same components: to
                  compare a change with what was before it
  --dir DIR       the directory for everything that is written [default: target/bench]
";

struct Options {
    size: Size,
    runs: Option<u32>,
    peers: Vec<String>,
    against: Option<PathBuf>,
    dir: PathBuf,
    native: bool,
    tick: bool,
    large: bool,
    s3: bool,
    graph: bool,
    purchases: u64,
}

impl Options {
    fn parse(args: &mut Args) -> Result<Self> {
        let size = Size {
            orders: args.option("--orders")?.unwrap_or(1_000_000),
            clicks: args.option("--clicks")?.unwrap_or(1_000_000),
            customers: args.option("--customers")?.unwrap_or(100_000),
            objects: args.option("--objects")?.unwrap_or(24),
        };
        let runs = args.option("--runs")?;
        let purchases = args.option("--purchases")?.unwrap_or(10_000_000);
        let listed = args.option::<String>("--peers")?;
        let mut path =
            |name| Ok::<_, anyhow::Error>(args.option::<PathBuf>(name)?.map(std::path::absolute).transpose()?);
        let (dir, against) = (path("--dir")?, path("--against")?);
        let dir = dir.unwrap_or_else(|| paths::target().join("bench"));
        let [native, tick, large, s3, graph] =
            ["--native", "--tick", "--large", "--s3", "--graph"].map(|name| args.flag(name));
        args.finish()?;
        let known = if graph { peers::ANALYTICS } else { peers::ECOMMERCE };
        let peers = peers::chosen(listed.as_deref(), known)?;
        if size.objects == 0 || !size.objects.is_multiple_of(3) {
            bail!(Usage(format!("`--objects {}` is no multiple of 3", size.objects)));
        }
        if [native, tick, large, s3, graph].into_iter().filter(|given| *given).count() > 1 {
            bail!(Usage("`--native`, `--tick`, `--large`, `--s3` and `--graph` are five benchmarks".to_owned()));
        }
        if let Some(other) = against.as_ref().filter(|other| s3 || graph || !other.is_file()) {
            bail!(Usage(format!(
                "`--against {}`: it is no file, or `--s3` or `--graph` is given too",
                other.display()
            )));
        }
        if runs == Some(0) {
            bail!(Usage("`--runs 0` measures nothing".to_owned()));
        }
        Ok(Self { size, runs, peers, against, dir, native, tick, large, s3, graph, purchases })
    }
}

pub(crate) fn run(args: &mut Args) -> Result<()> {
    let Options { size, runs, peers, against, dir, native, tick, large, s3, graph, purchases } = Options::parse(args)?;
    fs::create_dir_all(&dir)?;
    // This comes first because it may ask for packages.
    let toolchain = Toolchain::find()?;
    let native = native.then(|| native::build(&dir)).transpose()?;
    demo::build_host()?;
    plugins::build_with(&toolchain, false, false)?;
    let report = match () {
        () if tick => tick::run(&dir, against, runs.unwrap_or(21))?,
        () if large => large::run(&dir, &size, against, runs.unwrap_or(3))?,
        () if graph => graph::run(&dir, purchases, &peers, runs)?,
        () if s3 => s3::run(&dir, &size, runs.unwrap_or(3))?,
        () => contest::run(&dir, &size, contest::Others { native, against, peers }, runs.unwrap_or(3))?,
    };
    print!("{report}");
    Ok(())
}
