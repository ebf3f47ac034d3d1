//! The raw files that all contenders read. The pipeline's own source writes them once for each size.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::paths::{self, shown};
use crate::process::{run, say, tool};

/// The amount of bronze.
pub(super) struct Size {
    pub(super) orders: u64,
    pub(super) clicks: u64,
    pub(super) customers: u64,
    /// The number of objects, a third of them of each dataset.
    pub(super) objects: u64,
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { orders, clicks, customers, objects } = self;
        write!(f, "{orders} orders, {clicks} clicks, {customers} customers in {objects} objects")
    }
}

/// Returns the command `smelt generate` for `size`, from day number `day` of 2025 on. Every tick writes an object of
/// each dataset, so it has its share of the rows.
pub(super) fn generate(size: &Size, day: u32) -> Command {
    let ticks = size.objects / 3;
    let mut command = tool(paths::smelt());
    command.args(["generate", "--ticks", &ticks.to_string(), "--seed", "42"]);
    // smelt refuses a date that the calendar lacks, so every month has 28 days here.
    let start = format!("{}-{:02}-{:02}T00:00:00Z", 2025 + day / 336, day / 28 % 12 + 1, day % 28 + 1);
    command.args(["--start", &start, "--interval", "1h"]);
    for (name, rows) in [("orders", size.orders), ("clicks", size.clicks), ("customers", size.customers)] {
        command.arg("--param").arg(format!("{name}={}", rows.div_ceil(ticks)));
    }
    command
}

/// Writes bronze of that size, unless it is there. Returns the directory with the objects.
pub(super) fn prepare(dir: &Path, size: &Size) -> Result<PathBuf> {
    let Size { orders, clicks, customers, objects } = size;
    let lake = dir.join(format!("bronze-{orders}-{clicks}-{customers}-{objects}"));
    let bronze = lake.join("bronze");
    if !lake.exists() {
        // The lake is renamed when it is complete, because one that was interrupted must not be measured.
        let partial = lake.with_extension("partial");
        if partial.exists() {
            fs::remove_dir_all(&partial)?;
        }
        let mut generate = generate(size, 0);
        run("writing bronze", generate.args(["--pipeline", "pipelines/ecommerce", "--lake"]).arg(&partial))?;
        fs::rename(&partial, &lake)?;
    }
    let files = self::objects(&bronze)?;
    let bytes = files.iter().map(|file| Ok(fs::metadata(file)?.len())).sum::<Result<u64>>()?;
    say(&format!("{}: {} objects, {} MB", shown(&bronze), files.len(), bytes / 1_000_000));
    Ok(bronze)
}

/// Returns the files in a directory, in the order of their names.
pub(super) fn objects(dir: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(dir).with_context(|| format!("no {}", shown(dir)))?;
    let mut objects = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    objects.sort();
    Ok(objects)
}

/// Puts the objects into the directory `to`, as hard links if the file system has them. Nobody writes to bronze.
pub(super) fn link(objects: Vec<PathBuf>, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for from in objects {
        let link = to.join(from.file_name().context("an object has a name")?);
        fs::hard_link(&from, &link).or_else(|_| fs::copy(&from, &link).map(|_| ()))?;
    }
    Ok(())
}
