//! The peers: scripts under `bench/peers` and the virtual environment in which they run.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use crate::args::Usage;
use crate::paths::root;
use crate::process::{say, tool};
use crate::python;

const ALL: [&str; 3] = ["pandas", "polars", "duckdb"];
const DIR: &str = "bench/peers";

/// Returns the peers that `--peers` lists.
pub(super) fn chosen(list: Option<&str>) -> Result<Vec<String>> {
    let names: Vec<&str> = match list {
        None => ALL.to_vec(),
        Some("none") => Vec::new(),
        Some(list) => list.split(',').map(str::trim).collect(),
    };
    match names.iter().find(|name| !ALL.contains(name)) {
        None => Ok(names.into_iter().map(str::to_owned).collect()),
        Some(name) => bail!(Usage(format!("no peer `{name}`; known: {}, none", ALL.join(", ")))),
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

/// Returns the command of one run of a peer. It reads the objects in `bronze` and writes `out/gold/<kpi>/<kpi>.csv`.
pub(super) fn command(python: &Path, peer: &str, bronze: &Path, out: &Path) -> Command {
    let mut command = tool(python);
    command.arg(format!("{DIR}/{peer}_peer.py")).arg("--bronze").arg(bronze).arg("--out").arg(out);
    // Python may cache bytecode, so that the warm-up compiles the scripts and the measured runs do not.
    command.env_remove("PYTHONDONTWRITEBYTECODE");
    command
}
