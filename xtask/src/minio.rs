//! `cargo xtask minio`: a real MinIO server for the tests, found or built once with Go.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::args::Args;
use crate::paths;
use crate::process::{output, say, seconds, tool};

pub(crate) const HELP: &str = "\
Finds a MinIO server for the tests and prints where it is: the one on PATH, else one that was built before, else it builds
one with Go from MinIO's published module, checked against Go's checksum database. That takes about five minutes and 3 GB of
disk once, in target/tools; 110 MB of it stay.

Usage: cargo xtask minio
";

/// What is built, of the module `github.com/minio/minio`. The tests read it, too.
const VERSION: &str = include_str!("../../tests/s3-server/minio.version");

const NAME: &str = "minio";

/// Longer than a slow machine needs, and short enough for CI.
const LIMIT: Duration = Duration::from_secs(10 * 60);

pub(crate) fn run(args: &mut Args) -> Result<()> {
    args.finish()?;
    println!("{}", find()?.display());
    Ok(())
}

/// Where MinIO is, built if need be; an error says why there is none.
pub(crate) fn find() -> Result<PathBuf> {
    if let Some(found) = found() {
        return Ok(found);
    }
    build(&built())?;
    Ok(built())
}

/// Where MinIO is, if there is one.
pub(crate) fn found() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).map(|dir| dir.join(NAME));
    on_path.chain([built()]).find(|path| path.is_file())
}

/// Where it is once it was built.
fn built() -> PathBuf {
    paths::tools().join(format!("minio-{}", VERSION.trim()))
}

fn build(to: &Path) -> Result<()> {
    let go = output(tool("go").arg("version")).context("there is no `minio` on PATH, and no Go to build one")?;
    say(&format!("building MinIO {} with {go}, once …", VERSION.trim()));
    // Caches of its own, which go away: nobody expects them to grow by gigabytes.
    let caches = paths::tools().join("go");
    fs::create_dir_all(&caches)?;
    let log = caches.join("log");
    let mut install = tool("nice");
    install.args(["go", "install", "-p=2", "-trimpath", "-modcacherw", "-ldflags=-s -w"]);
    install.arg(format!("github.com/minio/minio@{}", VERSION.trim()));
    for (variable, dir) in [("GOBIN", "bin"), ("GOCACHE", "build"), ("GOMODCACHE", "mod")] {
        install.env(variable, caches.join(dir));
    }
    install.env("CGO_ENABLED", "0").stdin(Stdio::null()).stdout(Stdio::null()).stderr(fs::File::create(&log)?);
    let began = Instant::now();
    if let Err(error) = within(LIMIT, &mut install) {
        let log = fs::read_to_string(&log).unwrap_or_default();
        bail!("{error}: {}", log.lines().last().unwrap_or("Go said nothing"));
    }
    fs::rename(caches.join("bin").join(NAME), to)?;
    fs::remove_dir_all(&caches)?;
    say(&format!("building MinIO: {}", seconds(began.elapsed())));
    Ok(())
}

/// Runs a command with all that it starts, no longer than `limit`.
fn within(limit: Duration, command: &mut Command) -> Result<()> {
    use std::os::unix::process::CommandExt as _;
    let mut child = command.process_group(0).spawn().context("Go cannot be started")?;
    let group = i32::try_from(child.id())?;
    let (ended, wait) = mpsc::channel();
    std::thread::spawn(move || ended.send(child.wait()));
    match wait.recv_timeout(limit) {
        Ok(status) if status.as_ref().is_ok_and(std::process::ExitStatus::success) => Ok(()),
        Ok(status) => bail!("Go failed ({})", status?),
        Err(_) => {
            // SAFETY: a signal to the group that was made above; at worst it has just ended.
            unsafe { libc::kill(-group, libc::SIGKILL) };
            bail!("Go took longer than {}", seconds(limit))
        }
    }
}
