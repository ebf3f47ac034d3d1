//! Runs the same host with the same plugins compiled natively. The difference is the cost of the sandbox.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use super::smelt::{self, Pipeline};
use crate::process::{cargo, run};
use crate::{paths, plugins};

/// Builds plugins and host. Returns the path of a copy of that host, which building the usual host does not replace.
pub(super) fn build(dir: &Path) -> Result<PathBuf> {
    let mut libraries = build_in("plugin");
    libraries.args(["-p", "smelt-sdk", "--features", "smelt-sdk/native"]);
    libraries.args(plugins::of_pipeline("ecommerce")?.iter().flat_map(|name| ["-p", name]));
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

/// Returns the command `smelt run` on that lake, by the host that [`build`] made.
pub(super) fn command(binary: &Path, lake: &Path) -> Command {
    let mut command = smelt::run(binary, Pipeline::Ecommerce, lake);
    command.env("SMELT_NATIVE_PLUGINS", paths::target().join("plugin"));
    command
}

/// Fails unless every cleaner and KPI logged that it ran natively.
pub(super) fn expect_native(log: &Path) -> Result<()> {
    let said = fs::read_to_string(log)?.matches("runs natively").count();
    // A source does not run in this benchmark.
    let wanted = plugins::of_pipeline("ecommerce")?.len() - 1;
    match said == wanted {
        true => Ok(()),
        false => bail!("{said} of {wanted} plugins ran natively; see {}", paths::shown(log)),
    }
}
