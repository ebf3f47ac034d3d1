//! The contest: contenders take the same bronze to gold, in turn, each as a whole process in an empty directory.

use std::fs;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::bronze::{self, Size};
use super::measure::{Cost, measure};
use super::smelt::Pipeline;
use super::{compare, limit, native, peers, report, smelt};
use crate::paths;
use crate::process::say;

/// One program that takes bronze to gold.
pub(super) struct Contender {
    pub(super) name: String,
    pub(super) pipeline: Pipeline,
    pub(super) bronze: PathBuf,
    pub(super) program: Program,
}

/// The program that runs.
pub(super) enum Program {
    /// The binary of smelt.
    Smelt(PathBuf),
    /// The binary of smelt with native plugins.
    Native(PathBuf),
    /// The script of a peer, run by this interpreter.
    Peer(PathBuf),
    /// The program that reads, hashes and writes as many bytes as the contender of that name.
    Limit(&'static str),
}

pub(super) const SMELT: &str = "smelt";

/// The contenders beside smelt and its limit.
pub(super) struct Others {
    /// The binary of smelt with native plugins.
    pub(super) native: Option<PathBuf>,
    /// Another binary of smelt.
    pub(super) against: Option<PathBuf>,
    /// The names of the peers.
    pub(super) peers: Vec<String>,
}

/// Runs smelt, its limit and the others.
pub(super) fn run(dir: &Path, size: &Size, others: Others, runs: u32) -> Result<String> {
    let Others { native, against, peers } = others;
    let bronze = bronze::prepare(dir, size)?;
    let contender = |name: &str, program| {
        let (name, bronze) = (name.to_owned(), bronze.clone());
        Contender { name, pipeline: Pipeline::Ecommerce, bronze, program }
    };
    let mut contenders =
        vec![contender(SMELT, Program::Smelt(paths::smelt())), contender("limit", Program::Limit(SMELT))];
    contenders.extend(against.map(|binary| contender(report::AGAINST, Program::Smelt(binary))));
    contenders.extend(native.map(|binary| contender("native", Program::Native(binary))));
    if let Some(python) = peers::python(dir, &peers)? {
        contenders.extend(peers.iter().map(|name| contender(name, Program::Peer(python.clone()))));
    }
    let costs = hold(dir, &contenders, 0..=runs)?;
    Ok(report::heading(&format!("{size}; runs: {runs}")) + &report::costs(&costs) + &report::ratios(&costs))
}

/// Runs the contenders in turn in each round. Round 0 is not measured: it fills the caches. Returns the costs by name, in
/// the contenders' order.
pub(super) fn hold(
    dir: &Path,
    contenders: &[Contender],
    rounds: RangeInclusive<u32>,
) -> Result<Vec<(String, Vec<Cost>)>> {
    let unmeasured = if rounds.contains(&0) { "one unmeasured run of each, then " } else { "" };
    say(&format!("{unmeasured}{} in turn", rounds.end()));
    let mut costs: Vec<_> = contenders.iter().map(|contender| (contender.name.clone(), Vec::new())).collect();
    for round in rounds {
        for (contender, (_, costs)) in contenders.iter().zip(&mut costs) {
            let cost = contender.go(dir)?;
            let label = if round == 0 { "warm-up".to_owned() } else { format!("run {round}") };
            say(&format!("{label}: {}: {cost}", contender.name));
            if round > 0 {
                costs.push(cost);
            }
        }
        let first = &contenders[0];
        for other in contenders[1..].iter().filter(|other| other.agrees_with(first)) {
            let (ours, theirs) = (first.out(dir), other.out(dir));
            match first.pipeline {
                Pipeline::Ecommerce => compare::kpis(&ours, &theirs, &other.name)?,
                Pipeline::Analytics => compare::tables(&ours, &theirs, &other.name)?,
            }
        }
    }
    Ok(costs)
}

impl Contender {
    /// Returns whether both must compute the same.
    fn agrees_with(&self, other: &Self) -> bool {
        self.bronze == other.bronze && !matches!(self.program, Program::Limit(_))
    }

    /// Returns the directory to which it writes: a lake for smelt, a directory with tables for a peer.
    fn out(&self, dir: &Path) -> PathBuf {
        dir.join("out").join(&self.name)
    }

    /// Runs it once, in an empty directory. Making the directory is not measured.
    fn go(&self, dir: &Path) -> Result<Cost> {
        let out = self.out(dir);
        if out.exists() {
            fs::remove_dir_all(&out)?;
        }
        fs::create_dir_all(&out)?;
        if matches!(self.program, Program::Smelt(_) | Program::Native(_)) {
            bronze::link(bronze::objects(&self.bronze)?, &out.join("bronze"))?;
        }
        let mut command = match &self.program {
            Program::Smelt(binary) => smelt::run(binary, self.pipeline, &out),
            Program::Native(binary) => native::command(binary, &out),
            Program::Peer(python) => peers::command(python, self.pipeline, &self.name, &self.bronze, &out),
            Program::Limit(of) => limit::command(&self.bronze, &dir.join("out").join(of), &out)?,
        };
        let log = dir.join(format!("{}.log", self.name));
        let cost = measure(&mut command, &log)?;
        if matches!(self.program, Program::Native(_)) {
            native::expect_native(&log)?;
        }
        Ok(cost)
    }
}
