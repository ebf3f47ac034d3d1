//! What contract 0.3.0 lets a KPI declare and the engine cannot compute yet.

use std::collections::BTreeSet;

use smelt_common::Error;
use smelt_common::error::Result;
use smelt_runtime::{Kpi, KpiSpec};

/// Checks that the engine can compute the KPI.
///
/// # Errors
/// [`Kind::InvalidConfig`](smelt_common::error::Kind::InvalidConfig), with what it declares and what would be right.
pub(super) fn check(plugin: &Kpi) -> Result<()> {
    lacking(plugin.spec()).map_or(Ok(()), |what| {
        let name = &plugin.identity().name;
        Err(Error::config(format!("plugin `{name}` {what}, which this smelt cannot compute yet")))
    })
}

fn lacking(spec: &KpiSpec) -> Option<String> {
    let mut names = BTreeSet::new();
    if let Some(twice) = spec.inputs.iter().find(|input| !names.insert(&input.name)) {
        return Some(format!("reads input `{}` twice", twice.name));
    }
    if let Some(input) = spec.inputs.iter().find(|input| input.stage > 0) {
        return Some(format!("feeds input `{}` into stage {}; only stage 0 is fed", input.name, input.stage));
    }
    let Some((last, folded)) = spec.stages.split_last() else { return Some("has no stage".to_owned()) };
    if last.group > 0 {
        return Some("has a last stage of several groups".to_owned());
    }
    let one = folded.iter().position(|stage| stage.group == 0);
    one.map(|stage| format!("has one group in stage {stage}, which is not the last"))
}
