//! Measures a tick on a small lake and on one with a hundred times as many committed objects.
//!
//! Each measured tick begins with exactly the lake that was committed. Bronze stays where it is, because smelt tells
//! what is new by inode and time; the rest is restored from a copy. Then one run finds nothing to do, so that nothing
//! is special about the restored files, and measuring begins.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use super::bronze::{self, Size};
use super::measure::{Cost, measure};
use super::report;
use super::report::AGAINST;
use super::smelt::{self, Pipeline};
use crate::paths::{self, shown};
use crate::process::say;

/// The numbers of committed ticks, each of one object of each of three datasets.
const TICKS: [u64; 2] = [34, 3334];
/// The rows in each object.
const ROWS: u64 = 50;
/// The layers that smelt writes: all of a lake but bronze.
const WRITTEN: [&str; 4] = ["silver", "gold", "quarantine", "catalog"];

/// A committed lake, and the objects that will be new.
struct Lake {
    objects: u64,
    /// The binary of smelt that works on it.
    smelt: PathBuf,
    path: PathBuf,
    /// A copy of what smelt wrote to it.
    copy: PathBuf,
    new: Vec<PathBuf>,
    log: PathBuf,
}

pub(super) fn run(dir: &Path, against: Option<PathBuf>, runs: u32) -> Result<String> {
    let mut lakes = Vec::new();
    for (name, smelt) in [("", Some(paths::smelt())), (AGAINST, against)] {
        let Some(smelt) = smelt else { continue };
        for ticks in TICKS {
            lakes.push(Lake::commit(&dir.join("tick").join(name), dir, smelt.clone(), ticks)?);
        }
    }
    let mut costs = vec![(Vec::new(), Vec::new()); lakes.len()];
    say(&format!("{runs} ticks of each kind on each lake, in turn"));
    for round in 0..=runs {
        for (lake, (idle, busy)) in lakes.iter().zip(&mut costs) {
            let (nothing, new) = lake.ticks()?;
            // The first round is a warm-up.
            if round > 0 {
                idle.push(nothing);
                busy.push(new);
            }
        }
    }
    let names: Vec<_> = lakes.iter().map(|lake| format!("{} objects", lake.objects)).collect();
    let mut text = report::heading(&format!("objects of {ROWS} rows; runs: {runs}"));
    for ([small, large], costs) in names.as_chunks().0.iter().zip(costs.as_chunks().0) {
        text += &report::ticks([small, large], costs);
    }
    if let [ours, theirs] = costs.as_chunks().0 {
        text += &report::ticks_against(&names, ours, theirs);
    }
    Ok(text)
}

impl Lake {
    /// Rebuilds the lake, because what another version of smelt committed is of no use.
    fn commit(place: &Path, dir: &Path, smelt: PathBuf, ticks: u64) -> Result<Self> {
        let (rows, objects) = (ROWS * (ticks + 1), 3 * (ticks + 1));
        let bronze = bronze::prepare(dir, &Size { orders: rows, clicks: rows, customers: rows, objects })?;
        // The last object of each dataset will be the new one. Their names sort by time.
        let mut datasets: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
        for object in bronze::objects(&bronze)? {
            let name = object.file_name().context("an object has a name")?.to_string_lossy().into_owned();
            let dataset = name.split('_').next().unwrap_or_default().to_owned();
            datasets.entry(dataset).or_default().push(object);
        }
        let new: Vec<_> = datasets.values_mut().filter_map(Vec::pop).collect();
        let old: Vec<_> = datasets.into_values().flatten().collect();

        let objects = old.len() as u64;
        let path = place.join(objects.to_string());
        let (copy, log) = (path.with_extension("copy"), path.with_extension("log"));
        for stale in [&path, &copy].into_iter().filter(|stale| stale.exists()) {
            fs::remove_dir_all(stale)?;
        }
        bronze::link(old, &path.join("bronze"))?;
        let lake = Self { objects, smelt, path, copy, new, log };
        say(&format!("committing {objects} objects: {}", lake.tick(objects)?));
        WRITTEN.iter().try_for_each(|layer| mirror(&lake.path.join(layer), &lake.copy.join(layer)))?;
        Ok(lake)
    }

    /// Measures a tick that finds nothing to do, and one that finds three objects.
    fn ticks(&self) -> Result<(Cost, Cost)> {
        for new in &self.new {
            let linked = self.path.join("bronze").join(new.file_name().context("an object has a name")?);
            if linked.exists() {
                fs::remove_file(linked)?;
            }
        }
        WRITTEN.iter().try_for_each(|layer| mirror(&self.copy.join(layer), &self.path.join(layer)))?;
        self.tick(0)?;
        let nothing = self.tick(0)?;
        bronze::link(self.new.clone(), &self.path.join("bronze"))?;
        Ok((nothing, self.tick(self.new.len() as u64)?))
    }

    /// Measures one tick, which must clean that number of objects.
    fn tick(&self, cleans: u64) -> Result<Cost> {
        let cost = measure(smelt::run(&self.smelt, Pipeline::Ecommerce, &self.path).arg("--json"), &self.log)?;
        if !fs::read_to_string(&self.log)?.contains(&format!("\"cleaned\": {cleans},")) {
            bail!("a tick did not clean {cleans} objects; see {}", shown(&self.log));
        }
        Ok(cost)
    }
}

/// Makes `to` equal to `from`. A file of the same size and time counts as the same.
fn mirror(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(to)? {
        let entry = entry?;
        if !from.join(entry.file_name()).exists() {
            match entry.file_type()?.is_dir() {
                true => fs::remove_dir_all(entry.path())?,
                false => fs::remove_file(entry.path())?,
            }
        }
    }
    if !from.exists() {
        return Ok(());
    }
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            mirror(&entry.path(), &target)?;
            continue;
        }
        let wanted = entry.metadata()?;
        let same = |found: fs::Metadata| found.len() == wanted.len() && found.modified().ok() == wanted.modified().ok();
        if !fs::metadata(&target).is_ok_and(same) {
            fs::copy(entry.path(), &target)?;
            File::options().write(true).open(&target)?.set_modified(wanted.modified()?)?;
        }
    }
    Ok(())
}
