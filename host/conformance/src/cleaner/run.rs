//! Runs all tests of a cleaner.

use super::batches::{Tried, batch};
use super::rules::{Rules, exercised};
use super::{cuts, golden, series, texts};
use crate::bench::{Bench, opened};
use crate::engines::Plugins;
use crate::report::{Report, Verdict, passed};
use crate::rounds::Rounds;
use crate::rows::{NamedRows, joined};
use crate::samples::Samples;
use crate::{cost, golden as cases};
use smelt_common::error::Breach;
use smelt_runtime::Cleaner;

/// Runs all tests of a cleaner.
pub(crate) fn test(report: &mut Report, plugins: &Plugins<Cleaner>, bench: &Bench<'_>) {
    let plugin = &plugins.usual;
    let open = || plugin.open(bench.as_of);
    report.test("open", &["parameters"], || opened(open().map(|_| ())));
    let made = texts::make(plugin.spec());
    let (mut tried, mut rules) = (Tried::default(), Rules::new());
    for NamedRows { name, parts } in &made {
        let rows = &parts[0].rows;
        // Many rows are the generated rows over and over.
        let needs = if *name == "many rows" { "generated rows" } else { "open" };
        report.test(name, &[needs], || batch(name, rows, &open, &mut tried, &mut rules));
    }
    let Tried { rows, broken, formed, accounted } = tried;
    for (name, breach, seen, found) in [
        ("output", Breach::Form, formed, "with the declared schema"),
        ("account", Breach::Account, accounted, "whose every row is accounted for"),
    ] {
        report.test(name, &["open"], || {
            let failures: Vec<_> =
                broken.iter().filter(|(of, _)| *of == breach).map(|(_, what)| what.clone()).collect();
            match (failures.is_empty(), seen) {
                (false, _) => Verdict::Failed(failures.into_iter().take(1).collect()),
                (true, 0) => Verdict::CouldNotRun("no batch got this far".to_owned()),
                (true, _) => passed(format!("{seen} batches {found}")),
            }
        });
    }
    let rows = rows.first().map(|first| joined(first.schema_ref(), &rows));
    let rows = rows.unwrap_or_else(|| made[0].parts[0].rows.clone());
    report.test("cuts", &["output", "account"], || cuts::cuts(&open, &rows));
    let batches = made.iter().map(|made| made.name);
    report.test("series", &batches.chain(["cuts"]).collect::<Vec<_>>(), || {
        let samples = Samples::new(golden::rows(plugin, bench), bench.component);
        series::test(plugin, &open, &samples, &Rounds::of(bench.options))
    });
    report.test("determinism", &["output", "account"], || {
        cuts::deterministic(&open, || plugins.plain.open(bench.as_of), &rows)
    });
    if let Some(cost) = cost::test(report, &["many rows", "output", "account"], || {
        let many = &made.last().expect("batches are made").parts[0].rows;
        cost::cleaner(plugins, bench, many)
    }) {
        report.cost = Some(cost);
    }
    cases::test_all(report, bench, |case| golden::case(plugins, bench, case, &mut rules));
    report.test("rules", &["output", "account"], || exercised(plugin, &rules));
}
