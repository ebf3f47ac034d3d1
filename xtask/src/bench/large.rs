//! Ten times as much: does a row still cost the same, and is memory bounded?

use std::path::Path;

use anyhow::{Result, bail};

use super::bronze::{self, Size};
use super::contest::{self, Contender, Program};
use super::report;
use crate::paths;
use crate::process::{output, tool};

const TIMES: u64 = 10;
/// Bronze, and beside it silver, quarantine and the catalog of one run, for a row of orders, one of clicks and a tenth of one
/// of customers.
const BYTES_A_ROW: u64 = 700;

pub(super) fn run(dir: &Path, size: &Size, runs: u32) -> Result<String> {
    let Size { orders, clicks, customers, objects } = *size;
    let large =
        Size { orders: TIMES * orders, clicks: TIMES * clicks, customers: TIMES * customers, objects: TIMES * objects };
    check_space(dir, large.orders.max(large.clicks) * BYTES_A_ROW)?;
    let contender = |name: &str, bronze| {
        let (name, program) = (name.to_owned(), Program::Smelt(paths::smelt()));
        Contender { name, bronze, program }
    };
    let (small, large) = (bronze::prepare(dir, size)?, bronze::prepare(dir, &large)?);
    let contenders = [contender("small", small), contender("large", large)];
    let costs = contest::hold(dir, &contenders, runs)?;
    Ok(report::heading(&format!("small: {size}; large: {TIMES} times as much; runs: {runs}"))
        + &report::costs(&costs)
        + &report::per_row(&costs, TIMES))
}

/// Fails if there is not that much room, unless bronze is there already.
fn check_space(dir: &Path, bytes: u64) -> Result<()> {
    let table = output(tool("df").args(["-Pk"]).arg(dir))?;
    let free = table.lines().last().and_then(|line| line.split_whitespace().nth(3)?.parse::<u64>().ok());
    match free.map(|blocks| blocks * 1024) {
        Some(free) if free < bytes => bail!(
            "{} has {} MB free, but up to {} MB are needed; `--dir` takes another place",
            dir.display(),
            free / 1_000_000,
            bytes / 1_000_000
        ),
        _ => Ok(()),
    }
}
