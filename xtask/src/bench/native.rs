//! The same host with the same plugins, compiled natively instead: what the sandbox costs is the difference.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use super::smelt;
use crate::process::{cargo, run};
use crate::{paths, plugins};

/// Builds plugins and host; returns the host, put where building the usual one does not replace it.
pub(super) fn build(dir: &Path) -> Result<PathBuf> {
    let mut libraries = build_in("plugin");
    libraries.args(["-p", "smelt-sdk", "--features", "smelt-sdk/native"]);
    libraries.args(plugins::all()?.iter().flat_map(|name| ["-p", name]));
    run("building the plugins natively", &mut libraries)?;
    let mut host = build_in("release");
    run("building the host for native plugins", host.args(["-p", "smelt", "--features", "native-plugins"]))?;
    let binary = dir.join("smelt-native");
    fs::copy(paths::smelt(), &binary)?;
    Ok(binary)
}

fn build_in(profile: &str) -> Command {
    let mut command = cargo();
    command.args(["build", "--profile", profile, "--target-dir"]).arg(paths::target());
    command
}

/// `smelt run` on that lake, by the host that [`build`] made.
pub(super) fn command(binary: &Path, lake: &Path) -> Command {
    let mut command = smelt::run(binary, lake);
    command.env("SMELT_NATIVE_PLUGINS", paths::target().join("plugin"));
    command
}

/// Every cleaner and KPI must have said that it ran natively.
pub(super) fn check(log: &Path) -> Result<()> {
    let said = fs::read_to_string(log)?.matches("runs natively").count();
    // The source does not run.
    let wanted = plugins::all()?.len() - 1;
    match said == wanted {
        true => Ok(()),
        false => bail!("{said} of {wanted} plugins ran natively; see {}", paths::shown(log)),
    }
}
