//! What a source owes: equal arguments give equal bytes, under names that it declared.

use std::collections::BTreeSet;

use super::report::{Report, Verdict, failed, passed};
use super::{AS_OF, Bench, Plugins, cost, fixture};
use crate::error::Result;
use crate::pipeline::Pattern;
use crate::wasm::{Object, Source};

/// Seeds and ticks that are tried: few that are usual, and the greatest.
const ARGUMENTS: &[(u64, u64)] = &[(42, 0), (42, 1), (42, 2), (7, 0), (0, 0), (u64::MAX, 1_000_000)];

/// Runs all checks of a source.
pub(super) fn check(report: &mut Report, plugins: &Plugins<Source>, bench: &Bench<'_>) {
    let generate = |plugin: &Source, (seed, tick)| plugin.generate(&bench.params, seed, tick, AS_OF);
    let mut ticks = Vec::new();
    report.check("ticks", &["parameters"], || {
        for &arguments in ARGUMENTS {
            match generate(&plugins.usual, arguments) {
                Ok(objects) => ticks.push((arguments, objects)),
                Err(error) => {
                    let contract = "the objects of any tick, named with letters, digits, `.`, `_` and `-`";
                    return failed(sent(arguments), error.to_string(), contract);
                }
            }
        }
        let objects: Vec<_> = ticks.iter().flat_map(|(_, objects)| objects).collect();
        let bytes: usize = objects.iter().map(|object| object.bytes.len()).sum();
        passed(format!("{} ticks: {} objects, {bytes} bytes", ticks.len(), objects.len()))
    });
    report.check("names", &["ticks"], || names(&plugins.usual.spec().objects, &ticks));
    report.check("determinism", &["ticks"], || {
        for (arguments, first) in &ticks {
            for (place, plugin) in
                [("in a new instance", &plugins.usual), ("compiled without optimisation", &plugins.plain)]
            {
                if let Some(told) = differs(first, generate(plugin, *arguments)) {
                    let contract = "the same arguments give the same bytes";
                    return failed(format!("{}, again {place}", sent(*arguments)), told, contract);
                }
            }
        }
        passed(format!("{} ticks, 3 times, 2 engines", ticks.len()))
    });
    if let Some(cost) = cost::check(report, &["ticks"], || cost::source(plugins, bench)) {
        report.cost = Some(cost);
    }
    fixture::check(report, bench, |case| fixture::source(&plugins.usual, bench, case));
}

fn sent((seed, tick): (u64, u64)) -> String {
    format!("`generate` with seed {seed}, tick {tick}, as-of 2025-01-01T00:00:00Z")
}

fn names(globs: &[String], ticks: &[((u64, u64), Vec<Object>)]) -> Verdict {
    let patterns: Vec<_> = globs.iter().filter_map(|glob| Pattern::parse(glob).ok()).collect();
    let mut notes = Vec::new();
    for (arguments, objects) in ticks {
        let mut seen = BTreeSet::new();
        for Object { name, .. } in objects {
            if !patterns.iter().any(|pattern| pattern.matches(name)) {
                let contract = format!("`objects` has a glob for each family of objects; it has {}", globs.join(", "));
                return failed(sent(*arguments), format!("an object `{name}`"), contract);
            }
            if !seen.insert(name) && notes.is_empty() {
                notes.push(format!("{} gives two objects `{name}`; the second gets another name", sent(*arguments)));
            }
        }
    }
    Verdict::Passed { detail: globs.join(", "), notes }
}

fn differs(first: &[Object], other: Result<Vec<Object>>) -> Option<String> {
    let other = match other {
        Ok(other) => other,
        Err(error) => return Some(error.to_string()),
    };
    if first.len() != other.len() {
        return Some(format!("{} objects, then {}", first.len(), other.len()));
    }
    let changed = first.iter().zip(&other).find(|(a, b)| a.name != b.name || a.bytes != b.bytes)?;
    Some(format!(
        "`{}` of {} bytes, then `{}` of {}",
        changed.0.name,
        changed.0.bytes.len(),
        changed.1.name,
        changed.1.bytes.len()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(name: &str, bytes: &str) -> Object {
        Object { name: name.to_owned(), bytes: bytes.into() }
    }

    #[test]
    fn any_other_object_or_byte_is_a_difference() {
        let first = [object("a", "1"), object("b", "2")];
        let told = |other: &[Object]| differs(&first, Ok(other.to_vec()));
        assert_eq!(told(&first), None);
        assert!(told(&first[..1]).is_some());
        assert!(told(&[object("a", "1"), object("b", "3")]).is_some());
        assert!(told(&[object("b", "2"), object("a", "1")]).is_some());
    }
}
