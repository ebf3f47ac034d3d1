//! Finds a compiler for `wasm32-unknown-unknown`: rustup's target where it is installed, else Debian's rustc, which builds
//! the standard library from source. On Debian, as root, it installs the latter itself.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::process::{self, cargo, output, run, say, tool};

pub(crate) const TARGET: &str = "wasm32-unknown-unknown";
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_PACKAGES: [&str; 2] = ["rustc-web", "rust-web-src"];
/// How long apt waits for another package manager, such as unattended upgrades: a fresh machine runs them for minutes.
const LOCK_TIMEOUT: Duration = Duration::from_secs(900);
const DPKG_LOCK: &str = "DPkg::Lock::Timeout=900";
/// The oldest rustc 1.x that builds the workspace, as `rust-version` says.
const OLDEST: &str = env!("CARGO_PKG_RUST_VERSION");

/// What can build components on this machine.
pub(crate) enum Toolchain {
    /// The active toolchain, which has the target's standard library.
    Rustup,
    /// Debian's rustc with its std's source, and the linker of the active toolchain.
    Debian { linker_dir: PathBuf },
}

impl Toolchain {
    /// Finds it, installing Debian's packages if need be and possible, and says which it is.
    pub(crate) fn find() -> Result<Self> {
        if has_target()? {
            say(&format!("components: rustup's {TARGET}"));
            return Ok(Self::Rustup);
        }
        let linker_dir = linker_dir()?;
        let rustc = match debian() {
            Ok(found) => found,
            Err(reason) => {
                install_debian(&reason.to_string())?;
                debian().context("the installed packages don't do")?
            }
        };
        say(&format!("components: Debian's {rustc} with its std's source, as {TARGET} is not installed here"));
        Ok(Self::Debian { linker_dir })
    }

    /// A `cargo build` for the target. Linker and flags come from `.cargo/config.toml`; it only adds what keeps the paths
    /// of this machine out of the components, so that their digests don't depend on where they were built.
    pub(crate) fn cargo_build(&self) -> Result<Command> {
        let mut command = cargo();
        command.args(["build", "--target", TARGET]);
        let remap = format!("--remap-path-prefix={}=/cargo", cargo_home()?.display());
        command.arg("--config").arg(format!("target.{TARGET}.rustflags=[{remap:?}]"));
        if let Self::Debian { linker_dir } = self {
            command.arg("-Zbuild-std=std,panic_abort");
            command.env("RUSTC", DEBIAN_RUSTC).env("RUSTC_BOOTSTRAP", "1").env("PATH", path_with(linker_dir)?);
        }
        Ok(command)
    }
}

/// Whether the active toolchain has the target's libraries.
fn has_target() -> Result<bool> {
    let libdir = output(tool("rustc").args(["--print", "target-libdir", "--target", TARGET]))?;
    let Ok(entries) = fs::read_dir(libdir) else { return Ok(false) };
    Ok(entries.flatten().any(|entry| entry.path().extension().is_some_and(|extension| extension == "rlib")))
}

/// The directory of `wasm-component-ld` and `rust-lld`, which rustup's toolchains have for any target.
fn linker_dir() -> Result<PathBuf> {
    let libdir = output(tool("rustc").args(["--print", "target-libdir"]))?;
    let dir = Path::new(&libdir).with_file_name("bin");
    if !dir.join("wasm-component-ld").exists() {
        bail!("no wasm-component-ld in {}; install Rust with rustup (https://rustup.rs)", dir.display());
    }
    Ok(dir)
}

/// Debian's rustc, as `rustc 1.96.0`, if it and the source of its standard library are there and new enough.
fn debian() -> Result<String> {
    if !Path::new(DEBIAN_RUSTC).exists() {
        bail!("{DEBIAN_RUSTC} is missing");
    }
    let version = output(tool(DEBIAN_RUSTC).arg("--version"))?;
    let version = version.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
    if minor(&version) < minor(OLDEST) {
        bail!("{DEBIAN_RUSTC} is {version}, older than {OLDEST}");
    }
    let sysroot = output(tool(DEBIAN_RUSTC).args(["--print", "sysroot"]))?;
    if !Path::new(&sysroot).join("lib/rustlib/src/rust/library/std/Cargo.toml").exists() {
        bail!("the source of {version}'s standard library is missing");
    }
    Ok(version)
}

/// 96 of `rustc 1.96.0`.
fn minor(version: &str) -> u32 {
    version.split('.').nth(1).and_then(|minor| minor.parse().ok()).unwrap_or(0)
}

/// Installs Debian's packages if we may, else tells the one command that helps.
fn install_debian(reason: &str) -> Result<()> {
    let packages = DEBIAN_PACKAGES.join(" ");
    if !is_debian() {
        bail!("this toolchain has no {TARGET}; run: rustup target add {TARGET}");
    }
    if !is_root() {
        bail!(
            "this toolchain has no {TARGET}, and {reason}; run: \
             sudo sh -c 'apt-get update && apt-get -o {DPKG_LOCK} install -y --no-install-recommends {packages}'"
        );
    }
    say(&format!("this toolchain has no {TARGET}, and {reason}: Debian's {packages} build it from source"));
    install(&DEBIAN_PACKAGES)
}

fn install(packages: &[&str]) -> Result<()> {
    update()?;
    let mut install = apt();
    install.args(["install", "-y", "--no-install-recommends", "--no-remove"]).args(packages);
    run(&format!("apt-get install {}", packages.join(" ")), &mut install)
}

/// Where the library is that tells a process another time, installed if need be and possible; an error says why there is none.
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

fn apt() -> Command {
    let mut command = tool("apt-get");
    command.args(["-qq", "-o", DPKG_LOCK]).env("DEBIAN_FRONTEND", "noninteractive");
    command
}

/// Fetches the lists of packages. The lock on those is another one, for which apt does not wait by itself.
fn update() -> Result<()> {
    const LISTS: &str = "/var/lib/apt/lists/lock";
    let begun = Instant::now();
    loop {
        let failed = match run("apt-get update", apt().arg("update")) {
            Ok(()) => return Ok(()),
            Err(failed) => failed,
        };
        // Who does not hold the lock failed for another reason.
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

fn is_debian() -> bool {
    Path::new("/etc/debian_version").exists() && Path::new("/usr/bin/apt-get").exists()
}

fn is_root() -> bool {
    process::output(Command::new("id").arg("-u")).is_ok_and(|id| id == "0")
}

fn cargo_home() -> Result<PathBuf> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(std::env::home_dir()?.join(".cargo")));
    home.context("neither CARGO_HOME nor a home directory is known")
}

fn path_with(dir: &Path) -> Result<OsString> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    Ok(std::env::join_paths(std::iter::once(dir.to_owned()).chain(std::env::split_paths(&path)))?)
}
