//! `cargo xtask circles`: no file imports, over whatever others, from a file that imports from it.
//!
//! It stands on proc-macro2's tokens rather than on a parser: macros and attributes are nothing but tokens, and everybody
//! who builds anything here would wait for a parser to be built.

mod code;
mod graph;
mod names;
mod source;
#[cfg(test)]
mod tests;
mod tokens;

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::args::Args;
use crate::paths;
use crate::process::say;
use crate::workspace::Workspace;
use graph::Graph;
use source::Source;

pub(crate) const HELP: &str = "\
Finds files of a crate that import each other, directly or through other files, in host/, plugins/, xtask/
and tests/s3-server/. An import counts for the file that defines the imported item, whichever file
re-exports it. A parent may declare and re-export its children, unless they import what the parent's own
file defines. Code that is compiled only for tests does not count.

Usage: cargo xtask circles
";

/// Where the crates lie that are checked.
const CHECKED: [&str; 4] = ["host", "plugins", "xtask", "tests/s3-server"];

pub(crate) fn run(args: &mut Args) -> Result<()> {
    args.finish()?;
    check()
}

/// Fails with a sentence for every circle.
pub(crate) fn check() -> Result<()> {
    let mut files = 0;
    let mut sentences = Vec::new();
    for root in roots(&Workspace::read()?) {
        let source = Source::read(&root)?;
        files += source.files.len();
        sentences.extend(found(&source, paths::root()));
    }
    if sentences.is_empty() {
        say(&format!("no circle in {files} files"));
        return Ok(());
    }
    bail!(
        "{} circles in {files} files; let what two of them need lie in a third below both\n\n{}\n",
        sentences.len(),
        sentences.join("\n\n")
    )
}

/// The root files of the libraries and programs.
fn roots(workspace: &Workspace) -> Vec<PathBuf> {
    let crates = workspace.packages.iter().filter(|package| CHECKED.iter().any(|dir| package.dir.starts_with(dir)));
    crates.flat_map(|package| package.roots.iter().cloned()).collect()
}

fn found(source: &Source, root: &Path) -> Vec<String> {
    let graph = Graph::of(source);
    graph.circles().iter().map(|circle| graph.sentence(circle, root)).collect()
}
