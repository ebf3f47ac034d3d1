//! `smelt drop`: removes from the lake the datasets and KPIs that the manifest no longer has.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use crate::common::Common;
use crate::output::{print, print_json};
use crate::table::{render, thousands};
use smelt_common::error::Result;
use smelt_engine::run::Dropped;

#[derive(Debug, Args)]
#[command(after_help = "\
Removes silver, rejected rows and tables of these names, what the catalog keeps of them, and their rollback points. Bronze and the \
commits stay. `smelt plan` names datasets, tables and KPIs that the lake has and the manifest does not.")]
pub(crate) struct Drop {
    /// Datasets, tables and KPIs that the lake has and the manifest does not
    #[arg(required = true, value_name = "DATASET|KPI")]
    names: Vec<String>,
    /// Delete them; without this flag nothing changes
    #[arg(long)]
    delete: bool,
}

impl Drop {
    pub(crate) fn run(self, common: &Common) -> Result<ExitCode> {
        let host = common.host_on_lake()?;
        let dropped = match self.delete {
            true => host.drop_parts(&self.names)?,
            false => host.contents_of(&self.names)?,
        };
        let Dropped { parts, objects } = &dropped;
        if common.json {
            print_json(
                &json!({"deleted": self.delete, "datasets": parts.datasets, "kpis": parts.kpis, "objects": objects}),
            )?;
            return Ok(ExitCode::SUCCESS);
        }
        let row = |(key, bytes): (&String, &u64)| vec![key.clone(), thousands(*bytes)];
        let mut text = render(&["object", "bytes"], &objects.iter().map(row).collect::<Vec<_>>());
        let names: Vec<_> = parts.called().map(|(what, _)| what).collect();
        let done = if self.delete { "dropped" } else { "would be dropped; --delete does it" };
        let (many, bytes) = (thousands(objects.len() as u64), thousands(objects.values().sum()));
        text.push_str(&format!("\n{}: {many} objects with {bytes} bytes {done}\n", names.join(", ")));
        print(&text);
        Ok(ExitCode::SUCCESS)
    }
}
