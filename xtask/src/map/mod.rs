//! `cargo xtask map`: a picture of the crates below `host/`, from their manifests and their first sentences.

mod crates;
mod layers;
mod svg;
#[cfg(test)]
mod tests;

use std::fs;
use std::path::PathBuf;

use anyhow::Result;

use crate::args::Args;
use crate::paths::{root, shown};
use crate::process::say;
use crate::workspace::Workspace;
use crates::Crate;

pub(crate) const HELP: &str = "\
Writes docs/crates.svg: the crates below host/ in layers, with an arrow from each crate to those that it uses,
its first sentence, and its approximate number of lines. `cargo xtask test` fails if the picture's crates or
arrows are no longer those of the manifests.

Usage: cargo xtask map
";

pub(crate) fn run(args: &mut Args) -> Result<()> {
    args.finish()?;
    let crates = Crate::of(&Workspace::read()?)?;
    fs::write(picture(), svg::draw(&crates))?;
    let names: Vec<_> = crates.iter().map(|one| one.name.as_str()).collect();
    say(&format!("{} shows {}", shown(&picture()), names.join(", ")));
    Ok(())
}

/// The picture that is committed.
fn picture() -> PathBuf {
    root().join("docs/crates.svg")
}
