//! Installs Debian's packages where that is possible. If another process is installing packages, waits for it.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::process::{output, run, say, tool};

/// The time for which apt waits for another package manager, such as unattended upgrades. A fresh machine runs them for
/// minutes.
const LOCK_TIMEOUT: Duration = Duration::from_secs(900);
pub(crate) const DPKG_LOCK: &str = "DPkg::Lock::Timeout=900";

/// The most seconds for a download: longer than a slow network needs for 30 MB.
const DOWNLOAD_SECONDS: &str = "300";

pub(crate) fn install(packages: &[&str]) -> Result<()> {
    update_once()?;
    let mut install = apt();
    install.args(["install", "-y", "--no-install-recommends", "--no-remove"]).args(packages);
    run(&format!("apt-get install {}", packages.join(" ")), &mut install)
}

/// Returns the path of libfaketime, the library that shows a process another time. Installs it if it is missing and
/// this is possible; the error says why there is none.
pub(crate) fn faketime() -> Result<PathBuf> {
    let find = || {
        let places = fs::read_dir("/usr/lib").into_iter().flatten().flatten();
        places.map(|place| place.path().join("faketime/libfaketime.so.1")).find(|library| library.exists())
    };
    if let Some(found) = find() {
        return Ok(found);
    }
    if !is_debian() || !is_root() {
        bail!("there is no libfaketime, which Debian has as `faketime`");
    }
    install(&["faketime"])?;
    find().context("the package faketime has no libfaketime.so.1")
}

/// Unpacks packages below the directory `to`, which replaces the one that is there. Nothing of them runs, as it would if they
/// were installed, and what they depend on is left out.
pub(crate) fn unpack(packages: &[&str], to: &Path) -> Result<()> {
    let names = packages.join(" and ");
    if !is_debian() {
        bail!("there is no {names}, which Debian has");
    }
    if is_root() {
        update_once()?;
    }
    let new = to.with_extension("new");
    let _ = fs::remove_dir_all(&new);
    let archives = new.join("archives");
    fs::create_dir_all(&archives)?;
    let mut download = tool("timeout");
    download.args([DOWNLOAD_SECONDS, "apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download"]);
    run(&format!("apt-get download {names}"), download.args(packages).current_dir(&archives))?;
    for archive in fs::read_dir(&archives)? {
        output(tool("dpkg").arg("-x").arg(archive?.path()).arg(&new))?;
    }
    fs::remove_dir_all(&archives)?;
    let _ = fs::remove_dir_all(to);
    Ok(fs::rename(&new, to)?)
}

fn apt() -> Command {
    let mut command = tool("apt-get");
    command.args(["-qq", "-o", DPKG_LOCK]).env("DEBIAN_FRONTEND", "noninteractive");
    command
}

/// Fetches the lists of packages, if this process has not yet.
fn update_once() -> Result<()> {
    static UPDATED: OnceLock<()> = OnceLock::new();
    if UPDATED.get().is_none() {
        update()?;
        UPDATED.get_or_init(|| ());
    }
    Ok(())
}

/// Fetches the lists of packages. They have a lock of their own, and apt does not wait for it by itself.
fn update() -> Result<()> {
    const LISTS: &str = "/var/lib/apt/lists/lock";
    let begun = Instant::now();
    loop {
        let failed = match run("apt-get update", apt().arg("update")) {
            Ok(()) => return Ok(()),
            Err(failed) => failed,
        };
        // If no process holds the lock, the update failed for another reason.
        if !is_locked(Path::new(LISTS)) || begun.elapsed() > LOCK_TIMEOUT {
            return Err(failed);
        }
        say(&format!("another process holds {LISTS}: waiting"));
        while is_locked(Path::new(LISTS)) && begun.elapsed() <= LOCK_TIMEOUT {
            #[expect(
                clippy::disallowed_methods,
                reason = "a lock of another process, for which nothing here could wait"
            )]
            std::thread::sleep(Duration::from_secs(1));
        }
    }
}

/// Returns whether a process holds a lock on the file, according to `/proc/locks`.
fn is_locked(file: &Path) -> bool {
    let (Ok(metadata), Ok(locks)) = (fs::metadata(file), fs::read_to_string("/proc/locks")) else { return false };
    let inode = format!(":{}", metadata.ino());
    locks
        .lines()
        .any(|lock| lock.split_whitespace().any(|field| field.matches(':').count() == 2 && field.ends_with(&inode)))
}

/// Returns whether this system installs packages with apt.
pub(crate) fn is_debian() -> bool {
    Path::new("/etc/debian_version").exists() && Path::new("/usr/bin/apt-get").exists()
}

/// Returns whether xtask runs as root, and so may install packages.
pub(crate) fn is_root() -> bool {
    output(Command::new("id").arg("-u")).is_ok_and(|id| id == "0")
}
