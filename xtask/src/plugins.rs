//! `cargo xtask plugins`: builds every plugin crate into a component.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::args::Args;
use crate::paths::{components, root, shown, target};
use crate::process::{run as run_command, say};
use crate::toolchain::{TARGET, Toolchain};

pub(crate) const HELP: &str = "\
Builds the crates below plugins/ into components, target/components/<name>.wasm. The file of a component
that did not change stays as it is. The compiler is rustup's wasm32-unknown-unknown if it is installed, and
Debian's rustc otherwise, which is installed first if possible.

Usage: cargo xtask plugins [--fixtures]

Options:
  --fixtures   also build the components of the tests: tests/plugins/ into target/components/fixtures/
";

/// The first bytes of a component: `\0asm`, version 13, layer 1. A core module has version 1, layer 0.
const COMPONENT_MAGIC: [u8; 8] = [0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00];

pub(crate) fn run(args: &mut Args) -> Result<()> {
    let fixtures = args.flag("--fixtures");
    args.finish()?;
    build(fixtures, false)
}

/// Builds all components. With `locked`, refuses to change `Cargo.lock`.
pub(crate) fn build(fixtures: bool, locked: bool) -> Result<()> {
    build_with(&Toolchain::find()?, fixtures, locked)
}

/// Builds all components with a toolchain that was found before.
pub(crate) fn build_with(toolchain: &Toolchain, fixtures: bool, locked: bool) -> Result<()> {
    let names = all()?;
    remove_others(&components(), &names)?;
    build_all(toolchain, "components", &names, &components(), locked)?;
    if fixtures {
        // The fixtures are built apart from the plugins, because they must not change the plugins' features and so
        // their bytes.
        let (names, to) = (crates(&root().join("tests/plugins"))?, components().join("fixtures"));
        remove_others(&to, &names)?;
        build_all(toolchain, "fixture components", &names, &to, locked)?;
    }
    Ok(())
}

/// Builds the components of one pipeline with a toolchain that was found before.
pub(crate) fn build_of(toolchain: &Toolchain, pipeline: &str) -> Result<()> {
    build_all(toolchain, "components", &of_pipeline(pipeline)?, &components(), false)
}

/// Returns the crates of the plugins that a pipeline of this repository names.
pub(crate) fn of_pipeline(pipeline: &str) -> Result<BTreeSet<String>> {
    let manifest = root().join("pipelines").join(pipeline).join("smelt.toml");
    let text = fs::read_to_string(&manifest).with_context(|| format!("no {}", shown(&manifest)))?;
    let named = text.lines().filter_map(|line| line.strip_prefix("plugin = \"")?.split('"').next());
    Ok(named.map(ToOwned::to_owned).collect())
}

/// Returns the crates of the pipelines' plugins.
fn all() -> Result<BTreeSet<String>> {
    crates(&root().join("plugins"))
}

/// Returns the plugin crates in `dir`. A package has its directory's name, and one that begins with `sdk` is no plugin.
fn crates(dir: &Path) -> Result<BTreeSet<String>> {
    if !dir.exists() {
        return Ok(BTreeSet::new());
    }
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.starts_with("sdk") && entry.path().join("Cargo.toml").exists() {
            names.insert(name);
        }
    }
    Ok(names)
}

fn build_all(toolchain: &Toolchain, what: &str, names: &BTreeSet<String>, to: &Path, locked: bool) -> Result<()> {
    fs::create_dir_all(to)?;
    if names.is_empty() {
        say(&format!("{what}: none"));
        return Ok(());
    }
    let target_dir = target().join("plugins");
    if !target_dir.join(TARGET).exists() {
        say("the first build of the components takes a few minutes");
    }
    let mut cargo = toolchain.cargo_build()?;
    cargo.args(["--profile", "plugin", "--target-dir"]).arg(&target_dir);
    cargo.args(locked.then_some("--locked"));
    cargo.args(names.iter().flat_map(|name| ["-p", name]));
    run_command(&format!("building {} {what}", names.len()), &mut cargo)?;

    let built = target_dir.join(TARGET).join("plugin");
    let mut changed = Vec::new();
    for name in names {
        let from = built.join(name.replace('-', "_")).with_extension("wasm");
        if install(&from, &to.join(format!("{name}.wasm")))? {
            changed.push(name.as_str());
        }
    }
    let changed = if changed.is_empty() { "unchanged".to_owned() } else { format!("new: {}", changed.join(", ")) };
    say(&format!("{} {what} in {}, {changed}", names.len(), shown(to)));
    Ok(())
}

/// Copies a component unless it is there already; returns whether it did.
fn install(from: &Path, to: &Path) -> Result<bool> {
    let bytes = fs::read(from).with_context(|| format!("no {}; is the crate's type [\"cdylib\"]?", shown(from)))?;
    if !bytes.starts_with(&COMPONENT_MAGIC) {
        bail!("{} is no component; was it linked with wasm-component-ld (.cargo/config.toml)?", shown(from));
    }
    if fs::read(to).is_ok_and(|old| old == bytes) {
        return Ok(false);
    }
    // The file is renamed into place, so that a host that runs meanwhile never reads half a component.
    let partial = to.with_extension("partial");
    fs::write(&partial, bytes)?;
    fs::rename(&partial, to)?;
    Ok(true)
}

/// Removes the components of crates that no longer exist.
fn remove_others(dir: &Path, names: &BTreeSet<String>) -> Result<()> {
    fs::create_dir_all(dir)?;
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if path.extension().is_some_and(|extension| extension == "wasm") && !names.contains(&stem) {
            fs::remove_file(&path)?;
            say(&format!("removed {}, whose crate is gone", shown(&path)));
        }
    }
    Ok(())
}
