//! `smelt plan`: shows what would run, and why.

use std::process::ExitCode;

use clap::Args;

use crate::common::Common;
use crate::output::{print, print_json};
use crate::report::complain_of;
use crate::scope::Scope;
use crate::table::{render, thousands};
use smelt_catalog::holding::Holding;
use smelt_common::error::Result;
use smelt_common::text::one_line;
use smelt_engine::plan::{DatasetPlan, Estimate, KpiPlan, Parked, Plan};

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// Compare all of bronze with the catalog, as `smelt run --reconcile` does
    #[arg(long)]
    reconcile: bool,
    /// Accept another pseudonym key than the lake was written with, as `smelt run --new-key` does
    #[arg(long)]
    new_key: bool,
    #[command(flatten)]
    scope: Scope,
}

impl Show {
    pub(crate) fn run(self, common: &Common) -> Result<ExitCode> {
        let plan = common.with_host(|host| {
            host.reconcile = self.reconcile;
            host.new_key = self.new_key;
            self.scope.apply_to(host)?;
            host.plan()
        })?;
        if common.json {
            print_json(&plan)?;
        } else {
            print(&as_text(&plan));
        }
        Ok(complain_of(&plan.failures))
    }
}

/// Returns the cells for rows and time; `-` where nothing is known.
fn amount(estimate: Option<Estimate>) -> (String, String) {
    match estimate {
        None => ("-".to_owned(), "-".to_owned()),
        Some(Estimate { rows, plugin_seconds }) => (thousands(rows), format!("{plugin_seconds:.3} s")),
    }
}

fn as_text(plan: &Plan) -> String {
    let dataset = |plan: &DatasetPlan| {
        let DatasetPlan { dataset, rebuild, objects, gate, estimate, .. } = plan;
        let waiting = gate.as_ref().and_then(|gate| gate.waiting.as_ref());
        let why = match rebuild {
            Some(why) => format!("all of it: {why}"),
            None if let Some(waiting) = waiting => format!("waits: {waiting}"),
            None if objects.is_empty() => "up to date".to_owned(),
            None => "new data".to_owned(),
        };
        let bytes = objects.iter().map(|object| object.bytes).sum();
        let (rows, time) = amount(*estimate);
        vec![dataset.clone(), thousands(objects.len() as u64), thousands(bytes), rows, time, why]
    };
    let kpi = |KpiPlan { kpi, reason, parked, waits_for, table, estimate }: &KpiPlan| {
        let is_held = plan.held.as_ref().is_some_and(|held| held.tables.contains(kpi));
        let idle = || match (parked, waits_for, table) {
            (Some(_), ..) => "parked".to_owned(),
            (None, Some(other), _) => format!("waits for `{other}`"),
            (None, None, _) if is_held => "up to date, held".to_owned(),
            (None, None, Some(_)) => "up to date".to_owned(),
            (None, None, None) => "no data yet".to_owned(),
        };
        let (rows, time) = amount(*estimate);
        vec![kpi.clone(), rows, time, reason.clone().unwrap_or_else(idle)]
    };
    let mut text = render(
        &["dataset", "objects", "bytes", "rows, about", "plugin time", "why"],
        &plan.datasets.iter().map(dataset).collect::<Vec<_>>(),
    );
    if !plan.kpis.is_empty() {
        text.push('\n');
        text.push_str(&render(
            &["table", "rows, about", "plugin time", "why"],
            &plan.kpis.iter().map(kpi).collect::<Vec<_>>(),
        ));
    }
    for name in plan.datasets.iter().flat_map(|plan| &plan.missing) {
        text.push_str(&format!(
            "  bronze/{}: it is gone, and its rows stay in silver; `smelt run --forget-missing` rebuilds the dataset \
             without them\n",
            one_line(name)
        ));
    }
    let parked = plan.datasets.iter().flat_map(|plan| &plan.parked).map(|parked| ("bronze/", parked));
    for (layer, Parked { name, attempts, why }) in
        parked.chain(plan.kpis.iter().filter_map(|kpi| Some(("", kpi.parked.as_ref()?))))
    {
        text.push_str(&format!("  {layer}{}: parked after {attempts} attempts: {}\n", one_line(name), one_line(why)));
    }
    for sentence in plan.held.iter().flat_map(Holding::sentences) {
        text.push_str(&format!("  held: {}\n", one_line(&sentence)));
    }
    for (what, name) in plan.unlisted.called() {
        text.push_str(&format!(
            "  {what}: the lake has it and the manifest does not, so it stays as it is; `smelt drop {name}` shows what would \
             leave the lake\n"
        ));
    }
    for name in &plan.unmatched {
        text.push_str(&format!("  bronze/{}: no dataset's pattern matches it\n", one_line(name)));
    }
    text
}
