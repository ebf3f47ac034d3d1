//! Makes another component of a plugin current, for `smelt plugin promote`, `plugin rollback` and `quarantine replay --apply`.

use std::process::ExitCode;

use serde_json::json;

use crate::common::Common;
use crate::load::again_if_stale;
use crate::output::{print, print_json};
use crate::pins::repin;
use crate::report::{complain_of_held, tell_sinks};
use crate::table::short;
use smelt_common::binary::Binary;
use smelt_common::error::Result;
use smelt_engine::run::{PromotionReport, Way, running};

/// A component that is to become current.
pub(crate) struct Candidate<'c> {
    /// The plugin's name.
    pub(crate) plugin: &'c str,
    /// The component.
    pub(crate) binary: &'c Binary,
    /// Set to rebuild datasets even if bronze no longer holds all that they were made from.
    pub(crate) forget_missing: bool,
    /// [`Way::Forward`] to promote the component, [`Way::Back`] to roll back to it.
    pub(crate) way: Way,
}

impl Candidate<'_> {
    /// Makes the component current with all that it makes, pins it if there is a lock, and shows what changed.
    pub(crate) fn make_current(&self, common: &Common) -> Result<ExitCode> {
        let Self { plugin, binary, forget_missing, way } = *self;
        // The component to replace is decided once, however often the pipeline must be loaded again.
        let mut from: Option<String> = None;
        let (version, own, done, told) = again_if_stale(|| {
            let (mut host, current) = common.load(Some((plugin, binary)))?;
            host.forget_missing = forget_missing;
            let version = host.pipeline().identity(plugin)?.version.clone();
            let own = current.own(plugin, u64::MAX)?;
            let from = from.get_or_insert_with(|| running(&current.state, plugin, own.sha256()).to_owned());
            let done = host.promote(plugin, own.sha256(), from, way)?;
            Ok((version, own, done, tell_sinks(&host)))
        })?;
        repin(common, plugin)?;
        if common.json {
            let PromotionReport { previous, rebuilt, restored, behind, held } = &done;
            print_json(&json!({
                "plugin": plugin,
                "previous": {"version": previous.version, "sha256": previous.component},
                "current": {"version": version, "sha256": binary.sha256()},
                "datasets": rebuilt.datasets,
                "kpis": rebuilt.kpis,
                "restored": restored,
                "behind": behind,
                "held": held,
            }))?;
        } else {
            print(&self.text(&version, own.sha256(), &done));
        }
        let held = complain_of_held(done.held.as_ref());
        Ok(if held == ExitCode::SUCCESS { told } else { held })
    }

    /// Returns what changed as text. `own` is the sha256 of the component that the pipeline has.
    fn text(
        &self,
        version: &str,
        own: &str,
        PromotionReport { previous, rebuilt, restored, behind, held: _ }: &PromotionReport,
    ) -> String {
        let Self { plugin, binary, .. } = self;
        let (was, is) = (short(&previous.component), short(binary.sha256()));
        let mut text = format!("{plugin}: {} ({was}) → {version} ({is})\n", previous.version);
        for (what, names) in [
            ("datasets rebuilt", &rebuilt.datasets),
            ("KPIs rebuilt", &rebuilt.kpis),
            ("datasets restored", &restored.datasets),
            ("KPIs restored", &restored.kpis),
        ] {
            if !names.is_empty() {
                let names: Vec<_> = names.iter().map(String::as_str).collect();
                text.push_str(&format!("  {what}: {}\n", names.join(", ")));
            }
        }
        if !behind.is_empty() {
            let names: Vec<_> = behind.datasets.iter().chain(&behind.kpis).map(String::as_str).collect();
            text.push_str(&format!(
                "  lacking what came since: {}; `smelt run`, or the next tick of a running `smelt up`, takes that in\n",
                names.join(", ")
            ));
        }
        if binary.sha256() == previous.component {
            text.push_str("  the component is the same, and has the new signature\n");
        }
        if binary.sha256() != own {
            text.push_str(&format!(
                "  it runs in place of the pipeline's own component {}; `smelt plugin rollback {plugin}` goes back to what ran \
                 before\n",
                short(own)
            ));
        }
        text
    }
}
