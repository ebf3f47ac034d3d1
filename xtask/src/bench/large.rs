//! Measures ten times as much data, to see whether a row still costs the same and whether memory is bounded.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use super::bronze::{self, Size};
use super::contest::{self, Contender, Program};
use super::report::{self, AGAINST};
use super::smelt::Pipeline;
use crate::paths;
use crate::process::{output, tool};

const TIMES: u64 = 10;
/// The disk that a row needs: bronze twice, and silver, quarantine and the catalog of one run. A row here is one of
/// orders, one of clicks and a tenth of one of customers.
const BYTES_A_ROW: u64 = 1_000;

pub(super) fn run(dir: &Path, size: &Size, against: Option<PathBuf>, runs: u32) -> Result<String> {
    let Size { orders, clicks, customers, objects } = *size;
    let large = Size { orders: TIMES * orders, clicks: TIMES * clicks, customers, objects: TIMES * objects };
    let all = Size { customers: TIMES * customers, ..large };
    expect_space(dir, large.orders.max(large.clicks) * BYTES_A_ROW)?;
    let mut contenders = Vec::new();
    for (name, size) in [("small", size), ("large", &large), ("all large", &all)] {
        let (bronze, program) = (bronze::prepare(dir, size)?, Program::Smelt(paths::smelt()));
        let other = against.clone().map(|binary| Contender {
            name: format!("{name} {AGAINST}"),
            pipeline: Pipeline::Ecommerce,
            bronze: bronze.clone(),
            program: Program::Smelt(binary),
        });
        contenders.push(Contender { name: name.to_owned(), pipeline: Pipeline::Ecommerce, bronze, program });
        contenders.extend(other);
    }
    let costs = contest::hold(dir, &contenders, 0..=runs)?;
    let what = format!("large: {TIMES} times the orders and clicks; all large: and the customers");
    Ok(report::heading(&format!("small: {size}; {what}; runs: {runs}"))
        + &report::costs(&costs)
        + &report::against(&costs)
        + &report::per_row(&costs, TIMES))
}

/// Fails if the disk has less room than `bytes`.
fn expect_space(dir: &Path, bytes: u64) -> Result<()> {
    let table = output(tool("df").args(["-Pk"]).arg(dir))?;
    let free = table.lines().last().and_then(|line| line.split_whitespace().nth(3)?.parse::<u64>().ok());
    match free.map(|blocks| blocks * 1024) {
        Some(free) if free < bytes => bail!(
            "{} has {} MB free, but up to {} MB are needed; give another directory with `--dir`",
            dir.display(),
            free / 1_000_000,
            bytes / 1_000_000
        ),
        _ => Ok(()),
    }
}
