//! The facts about each crate that the picture shows.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::paths::{root, shown};
use crate::workspace::{Package, Workspace};

pub(super) struct Crate {
    pub(super) name: String,
    /// The first sentence of its root file.
    pub(super) sentence: String,
    pub(super) lines: usize,
    /// The crates below `host/` that it is built from, by their numbers.
    pub(super) uses: BTreeSet<usize>,
}

impl Crate {
    /// The crates below `host/`, by name.
    pub(super) fn of(workspace: &Workspace) -> Result<Vec<Self>> {
        let mut packages = workspace.host();
        packages.sort_by(|a, b| a.name.cmp(&b.name));
        packages.iter().map(|package| Self::read(package, &packages)).collect()
    }

    fn read(package: &Package, all: &[&Package]) -> Result<Self> {
        let file =
            package.roots.first().with_context(|| format!("{} has neither library nor program", package.name))?;
        let text = fs::read_to_string(file).with_context(|| format!("can't read {}", shown(file)))?;
        let sentence = first_sentence(&text);
        let sentence = sentence.with_context(|| format!("{} does not begin with a sentence in `//!`", shown(file)))?;
        let used = package.dependencies.iter().filter(|dependency| !dependency.is_dev);
        let uses = used.filter_map(|used| all.iter().position(|other| other.name == used.name)).collect();
        let lines = lines(&root().join(&package.dir).join("src"))?;
        Ok(Self { name: package.name.clone(), sentence, lines, uses })
    }
}

/// The first sentence of the documentation that a file opens with.
pub(super) fn first_sentence(text: &str) -> Option<String> {
    let lines = text.lines().map_while(|line| line.strip_prefix("//!")).map(str::trim);
    let paragraph: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
    let paragraph = paragraph.join(" ").replace('`', "");
    let sentence = paragraph.split_once(". ").map_or(paragraph.as_str(), |(sentence, _)| sentence);
    let sentence = sentence.trim_end_matches('.');
    (!sentence.is_empty()).then(|| sentence.to_owned())
}

fn lines(dir: &Path) -> Result<usize> {
    let mut all = 0;
    for entry in fs::read_dir(dir).with_context(|| format!("can't read {}", shown(dir)))? {
        let path = entry?.path();
        if path.is_dir() {
            all += lines(&path)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            all += fs::read_to_string(&path)?.lines().count();
        }
    }
    Ok(all)
}
