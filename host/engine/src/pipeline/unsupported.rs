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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_schema::{DataType, Field, Schema};
    use smelt_runtime::{KpiInputSpec, StageSpec, setting};

    use super::*;

    /// Returns a KPI whose inputs feed these stages, with groups of so many columns.
    fn spec(inputs: &[(&str, usize)], groups: &[usize]) -> KpiSpec {
        let schema = Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, false)]));
        let input = |&(name, stage): &(&str, usize)| KpiInputSpec {
            name: name.to_owned(),
            columns: schema.clone(),
            stage,
            accumulator: setting(),
        };
        let stage = |&group: &usize| StageSpec { schema: schema.clone(), keys: 1, group, reducer: setting() };
        KpiSpec {
            inputs: inputs.iter().map(input).collect(),
            stages: groups.iter().map(stage).collect(),
            output: schema.clone(),
            key: Some(vec![0]),
        }
    }

    #[test]
    fn what_the_engine_cannot_compute_is_named() {
        assert_eq!(lacking(&spec(&[("a", 0), ("b", 0)], &[1, 1, 0])), None);
        for (spec, told) in [
            (spec(&[("a", 0), ("a", 0)], &[0]), "reads input `a` twice"),
            (spec(&[("a", 0), ("b", 1)], &[1, 0]), "feeds input `b` into stage 1; only stage 0 is fed"),
            (spec(&[("a", 0)], &[]), "has no stage"),
            (spec(&[("a", 0)], &[1]), "has a last stage of several groups"),
            (spec(&[("a", 0)], &[1, 0, 0]), "has one group in stage 1, which is not the last"),
        ] {
            assert_eq!(lacking(&spec).as_deref(), Some(told));
        }
    }
}
