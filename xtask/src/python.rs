//! Python environments with the packages of a `requirements.txt`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::paths::shown;
use crate::process::{run, tool};

/// Returns the interpreter of the environment in `venv`. Rebuilds the environment if the requirements have changed.
pub(crate) fn environment(venv: &Path, requirements: &Path) -> Result<PathBuf> {
    let wanted = fs::read(requirements).with_context(|| format!("no {}", shown(requirements)))?;
    let python = venv.join("bin/python");
    let installed = venv.join("installed.txt");
    if fs::read(&installed).is_ok_and(|installed| installed == wanted) {
        return Ok(python);
    }
    run("making a Python environment", tool("python3").args(["-m", "venv", "--clear"]).arg(venv))?;
    let mut pip = tool(&python);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"]).arg(requirements);
    run("installing what it needs", &mut pip)?;
    fs::write(installed, wanted)?;
    Ok(python)
}
