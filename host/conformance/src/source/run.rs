//! Runs all tests of a source.

use std::collections::BTreeSet;

use super::golden;
use super::series::series;
use super::ticks::{ANY_TICK, differs, sent, tick};
use crate::bench::Bench;
use crate::engines::Plugins;
use crate::report::{Report, Verdict, failed, passed};
use crate::{cost, golden as cases};
use smelt_common::glob::Pattern;
use smelt_runtime::{Generator, Object};

/// The seeds and ticks that are tried: some usual ones, and great ones.
const ARGUMENTS: &[(u64, u64)] = &[(42, 0), (42, 1), (42, 2), (7, 0), (0, 0), (u64::MAX, 1_000_000)];

/// Runs all tests of a source.
pub(crate) fn test(report: &mut Report, plugins: &Plugins<Generator>, bench: &Bench<'_>) {
    let generate = |plugin: &Generator, (seed, number)| plugin.generate(tick((seed, number, bench.as_of)));
    let mut ticks = Vec::new();
    report.test("ticks", &["parameters"], || {
        for &arguments in ARGUMENTS {
            match generate(&plugins.usual, arguments) {
                Ok(objects) => ticks.push((arguments, objects)),
                Err(error) => {
                    return failed(sent(arguments), error.to_string(), ANY_TICK);
                }
            }
        }
        let objects: Vec<_> = ticks.iter().flat_map(|(_, objects)| objects).collect();
        let bytes: usize = objects.iter().map(|object| object.bytes.len()).sum();
        passed(format!("{} ticks: {} objects, {bytes} bytes", ticks.len(), objects.len()))
    });
    report.test("names", &["ticks"], || names(&plugins.usual.spec().objects, &ticks));
    report.test("determinism", &["ticks"], || {
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
    report.test("series", &["determinism"], || series(&plugins.usual, bench));
    if let Some(cost) = cost::test(report, &["ticks"], || cost::source(plugins, bench)) {
        report.cost = Some(cost);
    }
    cases::test_all(report, bench, |case| golden::case(plugins, bench, case));
}

/// Tests that each object belongs to a family that the source declared, and notes names that come twice.
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
