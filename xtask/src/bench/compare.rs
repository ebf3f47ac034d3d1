//! Compares what smelt made with what a peer made.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail};

use super::bronze;
use super::smelt::Pipeline;
use crate::paths::{self, shown};
use crate::process::tool;

/// Compares the newest file of every KPI of `smelt` with that of `peer`, byte for byte.
pub(super) fn kpis(smelt: &Path, peer: &Path, peer_name: &str) -> Result<()> {
    let (ours, theirs) = (newest(smelt)?, newest(peer)?);
    if ours.is_empty() {
        bail!("smelt wrote no KPI to {}", shown(smelt));
    }
    let names: BTreeSet<_> = ours.keys().chain(theirs.keys()).collect();
    for kpi in names {
        let (Some(ours), Some(theirs)) = (ours.get(kpi), theirs.get(kpi)) else {
            let without = if ours.contains_key(kpi) { peer_name } else { "smelt" };
            bail!("smelt and {peer_name} differ: {without} has no {kpi}");
        };
        if let Some(difference) = first_difference(open(ours)?, open(theirs)?)? {
            bail!(
                "smelt and {peer_name} differ in {kpi}, {difference}\n  smelt: {}\n  {peer_name}: {}",
                shown(ours),
                shown(theirs)
            );
        }
    }
    Ok(())
}

/// Compares the silver and every table, KPI and check of the lake with the peer's file of that name, byte for byte.
pub(super) fn tables(lake: &Path, peer: &Path, peer_name: &str) -> Result<()> {
    for (kind, name) in relations()? {
        let theirs = peer.join(format!("{name}.csv"));
        let difference = match kind.as_str() {
            "dataset" => first_difference(silver(&lake.join("silver").join(&name))?, open(&theirs)?)?,
            _ => {
                let mut show = tool(paths::smelt());
                show.args(["show", &name, "--pipeline"]).arg(Pipeline::Analytics.path()).arg("--lake").arg(lake);
                let mut show = show.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().context("can't run smelt")?;
                let ours = BufReader::new(show.stdout.take().context("smelt has no output")?);
                let difference = first_difference(ours, open(&theirs)?)?;
                if !show.wait()?.success() && difference.is_none() {
                    bail!("`smelt show {name}` failed");
                }
                difference
            }
        };
        if let Some(difference) = difference {
            bail!("smelt and {peer_name} differ in {name}, {difference}\n  {peer_name}: {}", shown(&theirs));
        }
    }
    Ok(())
}

/// Returns the kind and name of everything that the second pipeline makes.
fn relations() -> Result<Vec<(String, String)>> {
    let manifest = paths::root().join("pipelines/analytics/smelt.toml");
    let text = fs::read_to_string(&manifest).with_context(|| format!("no {}", shown(&manifest)))?;
    let sections = text.lines().filter_map(|line| line.strip_prefix('[')?.strip_suffix(']')?.split_once('.'));
    let made = sections.filter(|(kind, _)| ["dataset", "table", "kpi", "check"].contains(kind));
    Ok(made.map(|(kind, name)| (kind.to_owned(), name.to_owned())).collect())
}

/// Returns the lines of all files in the directory, of which each has a header.
fn silver(dir: &Path) -> Result<Box<dyn BufRead>> {
    let mut all: Box<dyn BufRead> = Box::new(io::empty());
    for (number, path) in bronze::objects(dir)?.iter().enumerate() {
        let mut file = open(path)?;
        if number > 0 {
            file.read_until(b'\n', &mut Vec::new())?;
        }
        all = Box::new(all.chain(file));
    }
    Ok(all)
}

fn open(path: &Path) -> Result<BufReader<File>> {
    Ok(BufReader::new(File::open(path).with_context(|| format!("no {}", shown(path)))?))
}

/// Returns the file of each KPI under `gold/<kpi>`. If there are several, returns the last by name, since names sort by
/// stamp.
fn newest(out: &Path) -> Result<BTreeMap<String, PathBuf>> {
    let gold = out.join("gold");
    let mut found = BTreeMap::new();
    for dir in fs::read_dir(&gold).with_context(|| format!("no {}", shown(&gold)))? {
        let dir = dir?;
        if !dir.file_type()?.is_dir() {
            continue;
        }
        let files = fs::read_dir(dir.path())?.collect::<Result<Vec<_>, _>>()?;
        let csv = files.iter().map(fs::DirEntry::path).filter(|path| path.extension().is_some_and(|it| it == "csv"));
        if let Some(newest) = csv.max() {
            found.insert(dir.file_name().to_string_lossy().into_owned(), newest);
        }
    }
    Ok(found)
}

/// Returns the first line that differs. Ends of lines count.
fn first_difference(mut ours: impl BufRead, mut theirs: impl BufRead) -> Result<Option<String>> {
    let mut lines = (Vec::new(), Vec::new());
    for number in 1u64.. {
        lines.0.clear();
        lines.1.clear();
        ours.read_until(b'\n', &mut lines.0)?;
        theirs.read_until(b'\n', &mut lines.1)?;
        if lines.0 != lines.1 {
            return Ok(Some(format!("line {number}: {} against {}", quoted(&lines.0), quoted(&lines.1))));
        }
        if lines.0.is_empty() {
            break;
        }
    }
    Ok(None)
}

fn quoted(line: &[u8]) -> String {
    if line.is_empty() { "the end".to_owned() } else { format!("\"{}\"", line.escape_ascii()) }
}

#[cfg(test)]
mod tests {
    fn first_difference(ours: &[u8], theirs: &[u8]) -> Option<String> {
        super::first_difference(ours, theirs).expect("memory is read")
    }

    #[test]
    fn silver_is_one_file_with_one_header() {
        let dir = tempfile::tempdir().expect("a directory");
        for (name, rows) in [("b.csv", "k\n2\n"), ("a.csv", "k\n1\n"), ("c.csv", "k\n")] {
            std::fs::write(dir.path().join(name), rows).expect("a file");
        }
        let all = super::silver(dir.path()).expect("silver");
        assert_eq!(super::first_difference(all, b"k\n1\n2\n".as_slice()).expect("files are read"), None);
    }

    #[test]
    fn everything_that_has_rows_is_compared() {
        let relations = super::relations().expect("a manifest");
        for (kind, name) in
            [("dataset", "clients"), ("table", "fact_sales"), ("kpi", "gold_summary"), ("check", "quality_checks")]
        {
            assert!(relations.contains(&(kind.to_owned(), name.to_owned())), "{name}");
        }
        assert_eq!(relations.len(), 22, "two datasets, nineteen tables and a check");
    }

    #[test]
    fn the_first_line_that_differs_is_named() {
        assert_eq!(first_difference(b"a\nb\n", b"a\nb\n"), None);
        assert_eq!(first_difference(b"a\nb\n", b"a\nc\n").unwrap(), r#"line 2: "b\n" against "c\n""#);
    }

    #[test]
    fn a_missing_line_and_a_line_end_are_differences() {
        assert_eq!(first_difference(b"a\n", b"a\nb").unwrap(), r#"line 2: the end against "b""#);
        assert_eq!(first_difference(b"a\n", b"a\r\n").unwrap(), r#"line 1: "a\n" against "a\r\n""#);
    }
}
