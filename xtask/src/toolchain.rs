//! Finds a compiler for `wasm32-unknown-unknown`: rustup's target if it is installed, and otherwise Debian's rustc,
//! which builds the standard library from source. On Debian, as root, it installs the latter itself.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::debian::{DPKG_LOCK, install, is_debian, is_root};
use crate::process::{cargo, output, say, tool};

pub(crate) const TARGET: &str = "wasm32-unknown-unknown";
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_PACKAGES: [&str; 2] = ["rustc-web", "rust-web-src"];
/// The oldest rustc 1.x that builds the workspace, as `rust-version` says.
const OLDEST: &str = env!("CARGO_PKG_RUST_VERSION");

/// The toolchain that can build components on this machine.
pub(crate) enum Toolchain {
    /// The active toolchain, which has the target's standard library.
    Rustup,
    /// Debian's rustc with the source of its standard library, and the linker of the active toolchain.
    Debian { linker_dir: PathBuf },
}

impl Toolchain {
    /// Finds the toolchain and says which it is. Installs Debian's packages if they are needed and this is possible.
    pub(crate) fn find() -> Result<Self> {
        if has_target()? {
            say(&format!("components: rustup's {TARGET}"));
            return Ok(Self::Rustup);
        }
        let linker_dir = linker_dir()?;
        let rustc = match debian_rustc() {
            Ok(found) => found,
            Err(reason) => {
                install_debian(&reason.to_string())?;
                debian_rustc().context("Debian's packages were installed, but they cannot build components")?
            }
        };
        say(&format!("components: Debian's {rustc} with its std's source, as {TARGET} is not installed here"));
        Ok(Self::Debian { linker_dir })
    }

    /// Returns a `cargo build` for the target. Linker and flags come from `.cargo/config.toml`. This adds only what
    /// keeps the paths of this machine out of the components, so that their digests do not depend on where they were
    /// built.
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

/// Returns whether the active toolchain has the target's libraries.
fn has_target() -> Result<bool> {
    let libdir = output(tool("rustc").args(["--print", "target-libdir", "--target", TARGET]))?;
    let Ok(entries) = fs::read_dir(libdir) else { return Ok(false) };
    Ok(entries.flatten().any(|entry| entry.path().extension().is_some_and(|extension| extension == "rlib")))
}

/// Returns the directory of `wasm-component-ld` and `rust-lld`, which rustup's toolchains have for any target.
fn linker_dir() -> Result<PathBuf> {
    let libdir = output(tool("rustc").args(["--print", "target-libdir"]))?;
    let dir = Path::new(&libdir).with_file_name("bin");
    if !dir.join("wasm-component-ld").exists() {
        bail!("no wasm-component-ld in {}; install Rust with rustup (https://rustup.rs)", dir.display());
    }
    Ok(dir)
}

/// Returns Debian's rustc, as `rustc 1.96.0`. Fails if it or the source of its standard library is missing or too old.
fn debian_rustc() -> Result<String> {
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

/// Returns the minor version: 96 for `rustc 1.96.0`.
fn minor(version: &str) -> u32 {
    version.split('.').nth(1).and_then(|minor| minor.parse().ok()).unwrap_or(0)
}

/// Installs Debian's packages if xtask runs as root; otherwise fails with the one command that helps.
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

fn cargo_home() -> Result<PathBuf> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(std::env::home_dir()?.join(".cargo")));
    home.context("neither CARGO_HOME nor a home directory is known")
}

fn path_with(dir: &Path) -> Result<OsString> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    Ok(std::env::join_paths(std::iter::once(dir.to_owned()).chain(std::env::split_paths(&path)))?)
}
