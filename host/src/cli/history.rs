//! `smelt history`.

use std::collections::BTreeSet;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::roles::totals_table;
use super::table::{render, rules, thousands};
use super::{Common, print, print_json};
use crate::catalog::{Catalog, Commit, State};
use crate::error::Result;
use crate::store::DirStore;

/// What to show.
#[derive(Debug, Args)]
pub(super) struct History {
    /// Also what became of the rows of each object
    #[arg(long)]
    objects: bool,
}

impl History {
    /// Needs the lake alone, not the pipeline.
    pub(super) fn run(self, common: &Common) -> Result<ExitCode> {
        common.expect_lake()?;
        let store = DirStore::new(&common.lake);
        let catalog = Catalog::load(&store)?;
        let (state, commits) = (catalog.state(), catalog.history()?);
        if common.json {
            print_json(&json!({"commits": commits, "datasets": state.totals(), "state": state}))?;
            return Ok(ExitCode::SUCCESS);
        }
        let mut text = render(&["commit", "at", "role", "what"], &commit_rows(&commits));
        text.push('\n');
        text.push_str(&totals_table(&state.totals()));
        if self.objects {
            text.push('\n');
            text.push_str(&objects_table(state));
        }
        print(&text);
        Ok(ExitCode::SUCCESS)
    }
}

fn commit_rows(commits: &[Commit]) -> Vec<Vec<String>> {
    let mut seen = BTreeSet::new();
    let mut rows = Vec::new();
    for commit in commits {
        let mut what = Vec::new();
        for (dataset, change) in &commit.datasets {
            let again = !seen.insert(dataset.as_str()) && change.reset.is_some();
            what.push(format!("{dataset}: {} objects{}", change.put.len(), if again { ", made anew" } else { "" }));
        }
        what.extend(commit.gold.iter().map(|(kpi, gold)| format!("{kpi} {}", gold.fingerprint.version)));
        rows.push(vec![commit.sequence.to_string(), commit.at.clone(), commit.role.clone(), what.join(", ")]);
    }
    rows
}

fn objects_table(state: &State) -> String {
    let mut rows = Vec::new();
    for dataset in state.datasets.values() {
        for (name, entry) in &dataset.objects {
            rows.push(vec![
                name.clone(),
                thousands(entry.read),
                thousands(entry.kept()),
                thousands(entry.superseded.len() as u64),
                rules(&entry.rejected),
                rules(&entry.repaired),
                entry.silver.key.clone(),
            ]);
        }
    }
    render(&["bronze object", "read", "kept", "superseded", "rejected", "repaired", "silver object"], &rows)
}
