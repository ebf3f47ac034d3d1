//! The command that is measured.

use std::path::Path;
use std::process::Command;

use crate::process::tool;

/// Returns the command `smelt run` on that lake.
pub(super) fn run(smelt: &Path, lake: &Path) -> Command {
    let mut command = tool(smelt);
    command.args(["run", "--pipeline", "pipelines/ecommerce", "--lake"]).arg(lake);
    command
}
