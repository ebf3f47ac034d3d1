//! Compares the KPIs of smelt with those of a peer.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::paths::shown;

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
        if let Some(difference) = first_difference(&fs::read(ours)?, &fs::read(theirs)?) {
            bail!(
                "smelt and {peer_name} differ in {kpi}, {difference}\n  smelt: {}\n  {peer_name}: {}",
                shown(ours),
                shown(theirs)
            );
        }
    }
    Ok(())
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

fn first_difference(ours: &[u8], theirs: &[u8]) -> Option<String> {
    if ours == theirs {
        return None;
    }
    let mut pairs = (lines(ours), lines(theirs));
    let mut number = 1;
    loop {
        match (pairs.0.next(), pairs.1.next()) {
            (Some(ours), Some(theirs)) if ours == theirs => number += 1,
            (ours, theirs) => return Some(format!("line {number}: {} against {}", quoted(ours), quoted(theirs))),
        }
    }
}

/// Returns the lines with their ends, since these count.
fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split_inclusive(|byte| *byte == b'\n')
}

fn quoted(line: Option<&[u8]>) -> String {
    line.map_or("the end".to_owned(), |line| format!("\"{}\"", line.escape_ascii()))
}

#[cfg(test)]
mod tests {
    use super::first_difference;

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
