//! `smelt plugin list`: shows the plugins that the pipeline could use.

use std::process::ExitCode;

use clap::Args;
use serde::Serialize;

use super::component::{first_limits, limits, version};
use crate::common::Common;
use crate::current::Current;
use crate::environment::cache_directory;
use crate::output::{print, print_json};
use crate::table::{render, short, thousands};
use smelt_common::error::Result;
use smelt_common::text::one_line;
use smelt_engine::manifest::Manifest;
use smelt_engine::pipeline::Lock;
use smelt_runtime::{Contract, Engine, World};

#[derive(Debug, Args)]
pub(super) struct List {}

/// One plugin that the pipeline could use.
#[derive(Debug, Serialize)]
struct Row {
    name: String,
    kind: Option<&'static str>,
    version: Option<String>,
    contract: Option<&'static str>,
    bytes: usize,
    sha256: String,
    /// The sections of the manifest that use it.
    used_by: Vec<String>,
    /// True if the lock pins the component that runs; `None` if the lock does not have the plugin.
    locked: Option<bool>,
    /// The sha256 of the component that was promoted and runs in its place.
    promoted: Option<String>,
    /// Why a run would refuse it; `None` if it would not.
    refused: Option<String>,
}

impl List {
    pub(super) fn run(&self, common: &Common) -> Result<ExitCode> {
        let manifest = Manifest::read(&common.pipeline)?;
        let lock = Lock::read(&manifest.lock)?;
        let engine = Engine::new(cache_directory().as_deref())?;
        let current = Current::of(common, &manifest)?;
        let mut rows = Vec::new();
        for name in current.names() {
            let allowed = first_limits(&limits(&common.pipeline, &name)?);
            let binary = current.own(&name, u64::MAX)?;
            let promoted = current.promoted(&name, &binary).map(ToOwned::to_owned);
            let runs = promoted.as_deref().unwrap_or(binary.sha256());
            let found = engine.inspect(&binary, &allowed).and_then(|inspection| {
                let (world, contract) = inspection.kind()?;
                Ok((world, contract, version(world, &engine, &name, &binary, &allowed)?))
            });
            let used_by = manifest.uses().filter(|(_, plugin, _)| *plugin == name).map(|(section, ..)| section);
            rows.push(Row {
                kind: found.as_ref().ok().map(|(world, ..)| World::name(*world)),
                version: found.as_ref().ok().map(|(.., version)| version.clone()),
                contract: found.as_ref().ok().map(|(_, contract, _)| Contract::version(*contract)),
                bytes: binary.bytes().len(),
                used_by: used_by.collect(),
                locked: lock.as_ref().and_then(|lock| lock.pin(&name)).map(|pin| pin.sha256 == runs),
                refused: found.err().map(|error| error.to_string()),
                sha256: binary.sha256().to_owned(),
                promoted,
                name,
            });
        }
        match common.json {
            true => print_json(&rows)?,
            false => print(&text(&rows, lock.is_some())),
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn text(rows: &[Row], has_lock: bool) -> String {
    let or_none = |cell: Option<&str>| cell.unwrap_or("-").to_owned();
    let cells = rows.iter().map(|row| {
        let mut cells = vec![
            row.name.clone(),
            or_none(row.kind),
            or_none(row.version.as_deref()),
            or_none(row.contract),
            thousands(row.bytes as u64),
            short(&row.sha256).to_owned(),
            or_none(Some(row.used_by.join(", ").as_str()).filter(|used| !used.is_empty())),
        ];
        if has_lock {
            cells.push(row.locked.map_or("-", |same| if same { "yes" } else { "differs" }).to_owned());
        }
        cells
    });
    let heading = ["name", "kind", "version", "contract", "bytes", "sha256", "used by", "locked"];
    let heading = &heading[..heading.len() - usize::from(!has_lock)];
    let mut text = render(heading, &cells.collect::<Vec<_>>());
    for (name, to) in rows.iter().filter_map(|row| Some((&row.name, row.promoted.as_ref()?))) {
        text.push_str(&format!("  {}: {} was promoted and runs in its place\n", one_line(name), short(to)));
    }
    for (name, why) in rows.iter().filter_map(|row| Some((&row.name, row.refused.as_ref()?))) {
        text.push_str(&format!("  {} would be refused: {}\n", one_line(name), one_line(why)));
    }
    text
}
