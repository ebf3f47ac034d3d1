//! `smelt quarantine replay`: sends only the rejected rows through a component, and shows which would pass now.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::held::Which;
use crate::common::Common;
use crate::components::read_file;
use crate::output::{print, print_json};
use crate::promotion::Candidate;
use crate::table::{render, rules, thousands};
use crate::work::clean_and_aggregate;
use smelt_catalog::look;
use smelt_common::Error;
use smelt_common::error::Result;
use smelt_engine::quarantine::{Replayed, held, replay};
use smelt_engine::run::Way;
use smelt_runtime::plugin_of;

#[derive(Debug, Args)]
#[command(after_help = "\
With --apply, smelt makes the component current as `smelt plugin promote` does, so the rows that pass join silver and gold. smelt \
then cleans all rows of the dataset again, because nothing else shows that the rows kept before stay as they are.")]
pub(super) struct Replay {
    #[command(flatten)]
    which: Which,
    /// The component; the name of its file is the name of the plugin. By default, the component that runs now
    #[arg(long, value_name = "FILE")]
    with: Option<PathBuf>,
    /// Add the rows that pass to silver and gold
    #[arg(long)]
    apply: bool,
}

impl Replay {
    pub(super) fn run(&self, common: &Common) -> Result<ExitCode> {
        common.existing_lake()?;
        let read = |path: &PathBuf| Ok::<_, Error>((plugin_of(path), read_file(path, u64::MAX)?));
        let with = self.with.as_ref().map(read).transpose()?;
        let (host, _) = common.load(with.as_ref().map(|(name, binary)| (name.as_str(), binary)))?;
        host.expect_key(&host.state()?)?;
        let is_meant = |dataset: &str| match &with {
            // A component that is given replays only the datasets that its plugin cleans.
            Some((name, _)) => host
                .pipeline()
                .dataset(dataset)
                .is_some_and(|step| step.plugin.identity().is_some_and(|it| *it.name == **name)),
            None => true,
        };
        if let Some((name, _)) =
            with.as_ref().filter(|_| !host.pipeline().datasets.iter().any(|step| is_meant(&step.name)))
        {
            return Err(Error::config(format!("no dataset of the manifest uses plugin `{name}`")));
        }
        let (lost, replayed) = look(host.store(), |state| {
            let mut held = held(host.store(), state, &self.which.filter())?;
            held.retain(|held| is_meant(&held.dataset));
            let lost = held.iter().filter(|held| held.quarantine.is_none()).count();
            Ok((lost, replay(host.store(), host.pipeline(), host.as_of(), &held)?))
        })?;
        let applies = self.apply && replayed.iter().any(|replayed| replayed.passed() > 0);
        match (common.json, applies) {
            (false, _) => print(&text(&replayed, lost)),
            (true, false) => print_json(&json!({"replayed": replayed, "not_kept": lost}))?,
            // Standard output gets one JSON value: that of the promotion or the run below.
            (true, true) => {}
        }
        if !applies {
            return Ok(ExitCode::SUCCESS);
        }
        match &with {
            Some((plugin, binary)) => {
                Candidate { plugin, binary, forget_missing: false, way: Way::Forward }.make_current(common)
            }
            None => clean_and_aggregate(common, &host),
        }
    }
}

/// Returns what became of the rows. `lost` is the number of objects whose rejected rows are not kept.
fn text(replayed: &[Replayed], lost: usize) -> String {
    let row = |replayed: &Replayed| {
        let Replayed { dataset, rows, passed, rejected } = replayed;
        vec![dataset.clone(), thousands(*rows), rules(passed), rules(rejected)]
    };
    let mut text = render(
        &["dataset", "rows sent", "would pass, by the rule that rejected them", "rejected again"],
        &replayed.iter().map(row).collect::<Vec<_>>(),
    );
    if lost > 0 {
        text.push_str(&format!(
            "  the rejected rows of {} objects are not kept, so they were not sent\n",
            thousands(lost as u64)
        ));
    }
    text
}
