//! `smelt plugin promote` and `rollback`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::current::Current;
use super::load::again_if_stale;
use super::lock::{repin, short};
use super::{Common, print, print_json};
use crate::components::read_file;
use smelt_catalog::{Catalog, kept_component};
use smelt_common::Error;
use smelt_common::binary::Binary;
use smelt_common::error::{Kind, Result};
use smelt_engine::manifest::Manifest;
use smelt_engine::run::{Done, Way, running};
use smelt_runtime::plugin_of;

/// Which component to make current.
#[derive(Debug, Args)]
#[command(after_help = "\
The component is kept in the lake and runs from now on in place of the one that the pipeline has. What it makes of the \
lake is computed first and becomes current in the same commit; if anything fails, nothing has happened. A running \
`smelt up` follows at its next tick. `smelt plugin diff` shows before what would change.")]
pub(super) struct Promote {
    /// The component; its file is named as the plugin
    component: PathBuf,
    /// Make datasets anew even if bronze no longer holds all that they were made from: its rows are given up
    #[arg(long)]
    forget_missing: bool,
}

/// Which plugin to bring back.
#[derive(Debug, Args)]
#[command(after_help = "\
The component that ran before the last promotion runs again. What it had made was kept and is current again as it was, and \
the next run takes in what came since; no bronze is read and no plugin called. What was let go of (`smelt gc --former`), or was \
made with other parameters, is made anew. Again, and it is as before.")]
pub(super) struct Rollback {
    /// The plugin's name
    plugin: String,
    /// Make datasets anew even if bronze no longer holds all that they were made from: its rows are given up
    #[arg(long)]
    forget_missing: bool,
}

impl Promote {
    pub(super) fn run(&self, common: &Common) -> Result<ExitCode> {
        common.lake()?.expect()?;
        let binary = read_file(&self.component, u64::MAX)?;
        promote(common, &plugin_of(&self.component), &binary, self.forget_missing, Way::Forward)
    }
}

impl Rollback {
    pub(super) fn run(&self, common: &Common) -> Result<ExitCode> {
        let (lake, plugin) = (common.lake()?, &self.plugin);
        lake.expect()?;
        let store = lake.open()?;
        let catalog = Catalog::load(&*store)?;
        let former = catalog.state().rollback_points.get(plugin).ok_or_else(|| {
            Error::config(format!("there is nothing to bring back: no component of plugin `{plugin}` was promoted"))
        })?;
        let binary = match kept_component(&*store, &former.component) {
            // It made nothing yet, so the lake has no need of it.
            Err(error) if error.kind() == Kind::Damaged => {
                let own = Current::of(common, &Manifest::read(&common.pipeline)?)?.own(plugin, u64::MAX)?;
                if own.sha256() == former.component { own } else { return Err(error) }
            }
            kept => kept?,
        };
        promote(common, plugin, &binary, self.forget_missing, Way::Back)
    }
}

pub(super) fn promote(
    common: &Common,
    plugin: &str,
    binary: &Binary,
    forget_missing: bool,
    way: Way,
) -> Result<ExitCode> {
    // What is replaced is decided once, however often the pipeline must be loaded.
    let mut from: Option<String> = None;
    let (version, own, done) = again_if_stale(|| {
        let (mut host, current) = common.load(Some((plugin, binary)))?;
        host.forget_missing = forget_missing;
        let version = host.pipeline().identity(plugin)?.version.clone();
        let own = current.own(plugin, u64::MAX)?;
        let from = from.get_or_insert_with(|| running(&current.state, plugin, own.sha256()).to_owned());
        let done = host.promote(plugin, own.sha256(), from, way)?;
        Ok((version, own, done))
    })?;
    let (own, Done { previous, rebuilt, restored, behind }) = (own.sha256(), done);
    repin(common, plugin)?;
    if common.json {
        print_json(&json!({
            "plugin": plugin,
            "previous": {"version": previous.version, "sha256": previous.component},
            "current": {"version": version, "sha256": binary.sha256()},
            "datasets": rebuilt.datasets,
            "kpis": rebuilt.kpis,
            "restored": restored,
            "behind": behind,
        }))?;
        return Ok(ExitCode::SUCCESS);
    }
    let (was, is) = (short(&previous.component), short(binary.sha256()));
    let mut text = format!("{plugin}: {} ({was}) → {version} ({is})\n", previous.version);
    for (what, names) in [
        ("datasets rebuilt", &rebuilt.datasets),
        ("KPIs rebuilt", &rebuilt.kpis),
        ("datasets current again", &restored.datasets),
        ("KPIs current again", &restored.kpis),
    ] {
        if !names.is_empty() {
            let names: Vec<_> = names.iter().map(String::as_str).collect();
            text.push_str(&format!("  {what}: {}\n", names.join(", ")));
        }
    }
    if !behind.is_empty() {
        let names: Vec<_> = behind.datasets.iter().chain(&behind.kpis).map(String::as_str).collect();
        text.push_str(&format!(
            "  without what came since: {}; `smelt run`, or the next tick of a running `smelt up`, takes that in\n",
            names.join(", ")
        ));
    }
    if binary.sha256() == previous.component {
        text.push_str("  signed anew\n");
    }
    if binary.sha256() != own {
        text.push_str(&format!(
            "  runs in place of the pipeline's own component {}; `smelt plugin rollback {plugin}` brings back what ran before\n",
            short(own)
        ));
    }
    print(&text);
    Ok(ExitCode::SUCCESS)
}
