//! `smelt history`: shows the commits, and what became of every row.

use std::collections::BTreeMap;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use crate::common::Common;
use crate::output::{print, print_json};
use crate::report::totals_table;
use crate::table::{render, rules, thousands};
use smelt_catalog::holding::{Holding, sentence};
use smelt_catalog::{Catalog, Commit, Despite, Entries, Entry, Failing, Failure, look};
use smelt_common::error::Result;
use smelt_common::text::one_line;

#[derive(Debug, Args)]
pub(crate) struct History {
    /// Also show what became of the rows of each object
    #[arg(long)]
    objects: bool,
}

impl History {
    /// Reads only the lake, and needs no pipeline.
    pub(crate) fn run(self, common: &Common) -> Result<ExitCode> {
        let store = common.existing_lake()?.open()?;
        let (state, entries) = look(&*store, |state| {
            let datasets = state.datasets.iter().filter(|_| self.objects);
            let entries = datasets.map(|(name, dataset)| Ok((name.clone(), Entries::of(&*store, dataset).all()?)));
            Ok((state.clone(), entries.collect::<Result<BTreeMap<_, _>>>()?))
        })?;
        let (commits, damaged) = Catalog::history(&*store, state.sequence)?;
        for error in &damaged {
            tracing::error!("{error}");
        }
        let exit = if damaged.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
        if common.json {
            let objects: BTreeMap<_, BTreeMap<_, _>> =
                entries.into_iter().map(|(dataset, entries)| (dataset, entries.into_iter().collect())).collect();
            print_json(&json!({"commits": commits, "datasets": state.totals(), "state": state, "objects": objects}))?;
            return Ok(exit);
        }
        let mut text = render(&["commit", "at", "role", "what"], &commit_rows(&commits));
        text.push('\n');
        text.push_str(&totals_table(&state.totals()));
        for sentence in Holding::of(&state).iter().flat_map(Holding::sentences) {
            text.push_str(&format!("  held: {}\n", one_line(&sentence)));
        }
        for (check, Despite { why, at, verdicts }) in
            state.checks.iter().filter_map(|(check, judgement)| Some((check, judgement.despite.as_ref()?)))
        {
            text.push_str(&format!("  published at {at} despite `{check}`: {}\n", one_line(why)));
            let verdicts = verdicts.iter().map(|verdict| sentence(check, verdict));
            verdicts.for_each(|verdict| text.push_str(&format!("    {}\n", one_line(&verdict))));
        }
        let items = |(_, failing): (_, &'_ Failing)| failing.items.clone();
        for (name, Failure { attempts, why, .. }) in state.failing.iter().chain(&state.failing_kpis).flat_map(items) {
            text.push_str(&format!("  {} failed {attempts} times: {}\n", one_line(&name), one_line(&why)));
        }
        if self.objects {
            text.push('\n');
            text.push_str(&objects_table(entries.values().flatten()));
        }
        print(&text);
        Ok(exit)
    }
}

fn commit_rows(commits: &[Commit]) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for Commit { sequence, at, role, relations, kpis, audited, promoted, discarded, dropped, state, .. } in commits {
        let mut what: Vec<_> = promoted.iter().cloned().collect();
        for (dataset, change) in relations.iter().filter(|(name, _)| !kpis.contains(*name)) {
            what.push(match (change.reset && change.previous > 0, change.cleaned) {
                (true, 0) if promoted.is_some() => format!("{dataset}: rolled back"),
                (true, cleaned) => format!("{dataset}: {cleaned} objects, rebuilt"),
                (false, cleaned) => format!("{dataset}: {cleaned} objects"),
            });
        }
        what.extend(discarded.iter().map(|plugin| format!("rollback point of {plugin} discarded")));
        what.extend(dropped.called().map(|(what, _)| format!("{what} dropped")));
        let version = |kpi: &String| state.gold.get(kpi).map_or("", |gold| gold.relation.fingerprint.version.as_str());
        what.extend(kpis.iter().map(|kpi| format!("{kpi} {}", version(kpi))));
        what.extend((*audited && state.held.is_some()).then(|| "held".to_owned()));
        rows.push(vec![sequence.to_string(), at.clone(), role.clone(), what.join(", ")]);
    }
    rows
}

fn objects_table<'e>(entries: impl Iterator<Item = &'e (String, Entry)>) -> String {
    let row = |(name, entry): &(String, Entry)| {
        vec![
            name.clone(),
            thousands(entry.read),
            thousands(entry.kept()),
            thousands(entry.superseded.len() as u64),
            rules(&entry.rejected),
            rules(&entry.repaired),
            entry.silver.key.clone(),
        ]
    };
    let heading = ["bronze object", "read", "kept", "superseded", "rejected", "repaired", "silver object"];
    render(&heading, &entries.map(row).collect::<Vec<_>>())
}
