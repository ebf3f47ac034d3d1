//! `cargo xtask browser`: the pages of `smelt serve` in a real browser.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::args::Args;
use crate::process::{cargo, output, run as run_command, tool};
use crate::toolchain::Toolchain;
use crate::{debian, paths, plugins};

pub(crate) const HELP: &str = "\
Runs the tests of `tests/browser`: lakes are made and served, and Chromium does what a reader does, at several widths and in
both themes. Debian's Chromium is installed if it is missing, and the packages of Node.js that drive it.

Usage: cargo xtask browser [--bless] [part of the names of the tests to run]

Options:
  --bless  make what the pages look like the reference, instead of comparing them with it
";

/// The places of Chromium.
const CHROMIUM: [&str; 3] = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

pub(crate) fn run(args: &mut Args) -> Result<()> {
    let bless = args.flag("--bless");
    let filter = args.positional();
    args.finish()?;
    install()?;
    plugins::build_with(&Toolchain::find()?, true, true)?;
    let mut test = cargo();
    test.args(["test", "--locked", "--package", "smelt", "--test", "black_box", "pages::", "--", "--nocapture"]);
    test.env("SMELT_COMPONENTS", paths::components());
    match (bless, filter) {
        (true, _) => drop(test.env("SMELT_BLESS", "1").env("SMELT_BROWSER_TESTS", "pages look as their pictures")),
        (false, Some(filter)) => drop(test.env("SMELT_BROWSER_TESTS", filter)),
        (false, None) => {}
    }
    run_command("testing pages in a browser", &mut test)
}

/// Returns the browser, after installing what is missing where that is possible; the error says what is missing and why.
pub(crate) fn install() -> Result<PathBuf> {
    let find = || CHROMIUM.iter().map(PathBuf::from).find(|path| path.exists());
    let found = match find() {
        Some(found) => found,
        None if debian::is_debian() && debian::is_root() => {
            // The pictures were taken with this font.
            debian::install(&["chromium", "fonts-dejavu-core", "fonts-liberation"])?;
            find().context("the package chromium has no /usr/bin/chromium")?
        }
        None => bail!("there is no Chromium, which Debian has as `chromium`"),
    };
    packages(&paths::root().join("tests/browser"))?;
    Ok(found)
}

/// Installs the packages of the lock file, unless they are there.
fn packages(folder: &Path) -> Result<()> {
    let wanted = fs::read(folder.join("package-lock.json"))?;
    let installed = folder.join("node_modules/installed.json");
    if fs::read(&installed).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    let node = output(tool("node").arg("--version")).context("there is no Node.js")?;
    let version: u32 = node.trim_start_matches('v').split('.').next().and_then(|major| major.parse().ok()).unwrap_or(0);
    if version < 20 {
        bail!("Node.js is {node}, and playwright-core needs version 20");
    }
    let mut npm = tool("npm");
    npm.current_dir(folder).args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]);
    run_command("installing what drives Chromium", &mut npm)?;
    fs::write(installed, wanted)?;
    Ok(())
}
