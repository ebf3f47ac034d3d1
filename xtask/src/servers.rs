//! `cargo xtask minio` and `cargo xtask registry`: find real servers for the tests, or build them once with Go.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::args::Args;
use crate::paths;
use crate::process::{output, say, seconds, tool};

pub(crate) const MINIO_HELP: &str = "\
Finds a MinIO server for the tests, and prints where it is: the one on PATH, or one that was built before. If there is
none, it builds one with Go from MinIO's published module, which Go compares with its checksum database. The build takes
about five minutes and 3 GB of disk in target/tools, of which 110 MB stay.

Usage: cargo xtask minio
";

pub(crate) const REGISTRY_HELP: &str = "\
Finds an OCI registry for the tests, the one of Google's go-containerregistry, and prints where it is. If none was built
before, it builds one with Go from the published module, which Go compares with its checksum database. The build takes
half a minute, in target/tools.

Usage: cargo xtask registry
";

/// A server that is published as a Go module.
pub(crate) struct Server {
    /// The name for people.
    pub(crate) title: &'static str,
    /// The name of its program.
    name: &'static str,
    /// The module's path.
    module: &'static str,
    /// The module's version. The tests read it, too.
    version: &'static str,
    /// Set if a program of that name on PATH will do.
    on_path: bool,
}

pub(crate) const MINIO: Server = Server {
    title: "MinIO",
    name: "minio",
    module: "github.com/minio/minio",
    version: include_str!("../../tests/s3-server/minio.version"),
    on_path: true,
};

pub(crate) const REGISTRY: Server = Server {
    title: "OCI registry",
    name: "registry",
    module: "github.com/google/go-containerregistry/cmd/registry",
    version: include_str!("../../tests/s3-server/registry.version"),
    // Many programs have the name `registry`.
    on_path: false,
};

/// The most time for a build: longer than a slow machine needs, and short enough for CI.
const LIMIT: Duration = Duration::from_secs(10 * 60);

pub(crate) fn minio(args: &mut Args) -> Result<()> {
    MINIO.run(args)
}

pub(crate) fn registry(args: &mut Args) -> Result<()> {
    REGISTRY.run(args)
}

impl Server {
    fn run(&self, args: &mut Args) -> Result<()> {
        args.finish()?;
        println!("{}", self.find()?.display());
        Ok(())
    }

    /// Returns the path of the server, and builds it if need be. The error says why there is none.
    pub(crate) fn find(&self) -> Result<PathBuf> {
        if let Some(found) = self.found() {
            return Ok(found);
        }
        self.build(&self.built())?;
        Ok(self.built())
    }

    /// Returns the path of the server, if there is one.
    pub(crate) fn found(&self) -> Option<PathBuf> {
        let path = std::env::var_os("PATH").filter(|_| self.on_path).unwrap_or_default();
        let on_path = std::env::split_paths(&path).map(|dir| dir.join(self.name));
        on_path.chain([self.built()]).find(|path| path.is_file())
    }

    /// Returns the path of the server that [`Self::find`] builds.
    fn built(&self) -> PathBuf {
        paths::tools().join(format!("{}-{}", self.name, self.version.trim()))
    }

    fn build(&self, to: &Path) -> Result<()> {
        let Self { title, name, module, version, .. } = self;
        let go = output(tool("go").arg("version"))
            .with_context(|| format!("there is no {title}, and no Go to build one"))?;
        say(&format!("building {title} {} with {go}, once …", version.trim()));
        // The build has caches of its own, which are deleted afterwards: nobody expects their own caches to grow by
        // gigabytes.
        let caches = paths::tools().join("go");
        fs::create_dir_all(&caches)?;
        let log = caches.join("log");
        let mut install = tool("nice");
        install.args(["go", "install", "-p=2", "-trimpath", "-modcacherw", "-ldflags=-s -w"]);
        install.arg(format!("{module}@{}", version.trim()));
        for (variable, dir) in [("GOBIN", "bin"), ("GOCACHE", "build"), ("GOMODCACHE", "mod")] {
            install.env(variable, caches.join(dir));
        }
        install.env("CGO_ENABLED", "0").stdin(Stdio::null()).stdout(Stdio::null()).stderr(fs::File::create(&log)?);
        let began = Instant::now();
        if let Err(error) = within(LIMIT, &mut install) {
            let log = fs::read_to_string(&log).unwrap_or_default();
            bail!("{error}: {}", log.lines().last().unwrap_or("Go said nothing"));
        }
        fs::rename(caches.join("bin").join(name), to)?;
        fs::remove_dir_all(&caches)?;
        say(&format!("building {title}: {}", seconds(began.elapsed())));
        Ok(())
    }
}

/// Runs a command, and stops it and all that it started after `limit`.
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
            // SAFETY: this sends a signal to the group that was made above; at worst the group has just ended.
            unsafe { libc::kill(-group, libc::SIGKILL) };
            bail!("Go took longer than {}", seconds(limit))
        }
    }
}
