//! The peers: scripts under `bench/peers` and the virtual environment in which they run.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use super::smelt::{AS_OF, Pipeline};
use crate::args::Usage;
use crate::paths::root;
use crate::process::{say, tool};
use crate::python;

/// The peers that have a script for the first pipeline.
pub(super) const ECOMMERCE: &[&str] = &["pandas", "polars", "duckdb"];
/// The peers that have a script for the second one.
pub(super) const ANALYTICS: &[&str] = &["polars", "duckdb"];
const DIR: &str = "bench/peers";

/// Returns the peers that `--peers` lists, or all that are known.
pub(super) fn chosen(list: Option<&str>, known: &[&str]) -> Result<Vec<String>> {
    let names: Vec<&str> = match list {
        None => known.to_vec(),
        Some("none") => Vec::new(),
        Some(list) => list.split(',').map(str::trim).collect(),
    };
    match names.iter().find(|name| !known.contains(name)) {
        None => Ok(names.into_iter().map(str::to_owned).collect()),
        Some(name) => bail!(Usage(format!("no peer `{name}`; known: {}, none", known.join(", ")))),
    }
}

/// Returns the interpreter of an environment that has what the peers need. Returns `None` if it cannot be installed.
pub(super) fn python(dir: &Path, peers: &[String]) -> Result<Option<PathBuf>> {
    if peers.is_empty() {
        return Ok(None);
    }
    match python::environment(&dir.join("venv"), &root().join(DIR).join("requirements.txt")) {
        Ok(python) => Ok(Some(python)),
        Err(error) => {
            say(&format!("without peers: {error:#}"));
            Ok(None)
        }
    }
}

/// Returns the command of one run of a peer. It reads the objects in `bronze`. It writes `out/gold/<kpi>/<kpi>.csv` in the
/// first pipeline, and `out/<table>.csv` in the second.
pub(super) fn command(python: &Path, pipeline: Pipeline, peer: &str, bronze: &Path, out: &Path) -> Command {
    let mut command = tool(python);
    match pipeline {
        Pipeline::Ecommerce => command.arg(format!("{DIR}/{peer}_peer.py")),
        Pipeline::Analytics => command.arg(format!("{DIR}/analytics_{peer}.py")).args(["--as-of", AS_OF]),
    };
    command.arg("--bronze").arg(bronze).arg("--out").arg(out);
    // Python may cache bytecode, so that the warm-up compiles the scripts and the measured runs do not.
    command.env_remove("PYTHONDONTWRITEBYTECODE");
    command
}
