//! Runs commands. Prints one line before a command, and another with the time that it took.

use std::ffi::OsStr;
use std::io::IsTerminal;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::{beside, paths};

/// Prints one line about what happens on standard error.
pub(crate) fn say(message: &str) {
    let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let mark = if colour { "\x1b[1;36mxtask\x1b[0m" } else { "xtask" };
    eprintln!("{mark}: {}{message}", beside::name());
}

/// Runs `command` with xtask's own standard streams, or with those of a job beside others.
pub(crate) fn run(what: &str, command: &mut Command) -> Result<()> {
    say(&format!("{what} …"));
    let start = Instant::now();
    let status = beside::status(command).with_context(|| format!("can't run `{}`", shown(command)))?;
    if !status.success() {
        bail!("{what} failed ({status}): `{}`", shown(command));
    }
    say(&format!("{what}: {}", seconds(start.elapsed())));
    Ok(())
}

/// Runs `command` and returns its standard output, trimmed.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("can't run `{}`", shown(command)))?;
    if !output.status.success() {
        let error = String::from_utf8_lossy(&output.stderr);
        bail!("`{}` failed ({}): {}", shown(command), output.status, error.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Returns a command that runs in the root of the workspace, without the variables that cargo set for xtask.
pub(crate) fn tool(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(paths::root());
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(is_ours_alone) {
            command.env_remove(name);
        }
    }
    command
}

/// Returns a command of the cargo that runs xtask.
pub(crate) fn cargo() -> Command {
    tool(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Returns whether a variable describes this process (`CARGO_PKG_NAME`) or would change what is built (`RUSTFLAGS`).
/// Other variables tell where the user's tools, registries and proxies are.
fn is_ours_alone(name: &str) -> bool {
    const KEPT: [&str; 6] =
        ["CARGO_HOME", "CARGO_HTTP_", "CARGO_NET_", "CARGO_REGISTR", "CARGO_TERM_", "CARGO_BUILD_JOBS"];
    let cargo = name.starts_with("CARGO") && !KEPT.iter().any(|kept| name.starts_with(kept));
    let rust = name.starts_with("RUST") && !name.starts_with("RUSTUP_") && name != "RUST_BACKTRACE";
    cargo || rust
}

/// Returns the command line, with the program by its bare name.
fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or_default();
    let words = std::iter::once(program).chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}

pub(crate) fn seconds(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds < 60.0 {
        format!("{seconds:.1} s")
    } else {
        format!("{:.0} min {:02.0} s", (seconds / 60.0).floor(), seconds % 60.0)
    }
}
