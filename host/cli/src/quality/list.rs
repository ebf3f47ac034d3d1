//! `smelt quality`: lists the objects that checks judge, with their statuses.

use std::collections::BTreeMap;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use crate::common::Common;
use crate::output::{print, print_json};
use crate::table::{render, thousands};
use smelt_catalog::Status;
use smelt_common::error::Result;
use smelt_engine::inspect::JudgedObject;

#[derive(Debug, Args)]
pub(super) struct List {
    /// Only objects of this dataset
    #[arg(long, value_name = "DATASET")]
    dataset: Option<String>,
    /// Only objects that do not count
    #[arg(long)]
    held: bool,
    /// Exit with 1 if an object is refused
    #[arg(long)]
    strict: bool,
}

impl List {
    pub(super) fn run(&self, common: &Common) -> Result<ExitCode> {
        let host = common.host_on_lake()?;
        let mut objects = host.judged_objects()?;
        objects.retain(|it| self.dataset.as_ref().is_none_or(|dataset| it.dataset == *dataset));
        let refused = objects.iter().any(|it| it.status == Some(Status::Refused));
        let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
        for object in &objects {
            *counts.entry(status(object)).or_default() += 1;
        }
        let summary = Status::ALL.map(Status::name).into_iter().chain(["staged"]);
        let summary: Vec<_> =
            summary.filter_map(|name| Some(format!("{} {name}", thousands(*counts.get(name)?)))).collect();
        let summary = match summary.is_empty() {
            true => "no object is judged".to_owned(),
            false => format!("{} objects: {}", thousands(objects.len() as u64), summary.join(", ")),
        };
        objects.retain(|it| !self.held || it.status.is_none_or(|status| !status.counts()));
        if common.json {
            print_json(&json!({"objects": objects, "healthy": !refused}))?;
        } else {
            let row = |it: &JudgedObject| {
                let said = it.unreadable.as_ref().or(it.failed.first()).or(it.warned.first()).cloned();
                let is_decided = matches!(it.status, Some(Status::Released | Status::Withheld));
                let why = match it.decision.as_ref() {
                    Some(decision) if is_decided => Some(format!("by decision: {}", decision.why)),
                    // The next run acts on it.
                    Some(decision) => Some(format!("to be decided by {}: {}", decision.verb.name(), decision.why)),
                    None => said,
                };
                let (name, read) = (it.object.clone(), thousands(it.read));
                vec![it.dataset.clone(), name, status(it).to_owned(), read, why.unwrap_or_default()]
            };
            let rows: Vec<_> = objects.iter().map(row).collect();
            if !rows.is_empty() {
                print(&render(&["dataset", "object", "status", "records", "first reason"], &rows));
            }
            print(&format!("{summary}\n"));
        }
        Ok(if self.strict && refused { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}

/// Returns the name of the object's status; `staged` until it is judged.
pub(super) fn status(object: &JudgedObject) -> &'static str {
    object.status.map_or("staged", Status::name)
}
