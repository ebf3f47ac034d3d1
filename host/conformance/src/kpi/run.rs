//! Runs all tests of a KPI.

use std::cell::LazyCell;

use super::batches::{batch, count, limits, rows_of_inputs};
use super::calls::{Calls, differ, distinct, stages};
use super::contract::SAME;
use super::laws::laws;
use super::{golden, many, resumed, rows, series};
use crate::bench::{Bench, opened};
use crate::engines::Plugins;
use crate::report::{Report, Verdict, failed, passed};
use crate::rounds::Rounds;
use crate::rows::{InputRows, NamedRows};
use crate::samples::Samples;
use crate::{cost, golden as cases, text};
use smelt_runtime::Kpi;

/// Runs all tests of a KPI.
pub(crate) fn test(report: &mut Report, plugins: &Plugins<Kpi>, bench: &Bench<'_>) {
    let stages = stages(plugins.usual.spec());
    let strict = Calls { plugin: &plugins.usual, as_of: bench.as_of, stages: &stages, checks_key: true };
    let calls = Calls { checks_key: strict.inherited_key().is_none(), ..strict };
    let spec = plugins.usual.spec();
    let inputs: Vec<_> = spec.inputs.iter().map(|input| input.name.as_str()).collect();
    report.test("open", &["parameters"], || opened(calls.open().and_then(|mut worker| worker.open_all())));
    let made = rows::make(spec);
    let (mut broken, mut formed, mut lawful) = (None, 0, Vec::new());
    for NamedRows { name, parts } in &made {
        // Many rows are the generated rows over and over.
        let needs = if *name == "many rows" { "generated rows" } else { "open" };
        report.test(name, &[needs], || match *name {
            "numbers at their limits" => limits(&calls, parts, &inputs),
            _ => {
                let verdict = batch(name, &calls, parts, &inputs, &mut broken);
                if broken.is_none() && matches!(verdict, Verdict::Passed { .. }) {
                    formed += 1;
                    lawful.extend(rows::LAWFUL.contains(name).then_some(parts));
                }
                verdict
            }
        });
    }
    report.test("output", &["open"], || match (broken, formed) {
        (Some(failure), _) => Verdict::Failed(vec![failure]),
        (None, 0) => Verdict::CouldNotRun("no batch got this far".to_owned()),
        (None, _) => passed(format!("{formed} tables with the declared schema")),
    });
    let rows = rows_of_inputs(&lawful, spec.inputs.len());
    if let Some((input, columns)) = calls.inherited_key() {
        report.test("key", &["output"], || key(&strict, &rows, &inputs, input, &columns));
    }
    laws(report, &calls, &rows, &inputs);
    let table = if calls.is_map() { "splits" } else { calls.contract().table_test };
    let samples = LazyCell::new(|| Samples::new(golden::rows(&plugins.usual, bench), bench.component));
    if !calls.is_map() && !calls.is_earlier() {
        report.test("resumed", &["cuts"], || resumed::test(&calls, &rows, &samples, &Rounds::of(bench.options)));
    }
    report.test("series", &["removal", table], || series::test(&calls, &samples, &Rounds::of(bench.options)));
    report.test("many keys", &["series"], || many::test(&calls, &inputs, &Rounds::of(bench.options)));
    report.test("determinism", &["splits"], || {
        let plain = Calls { plugin: &plugins.plain, ..calls };
        let first = calls.whole(&rows);
        for (place, other) in [("in new instances", calls), ("compiled without optimisation", plain)] {
            if let Some(told) = differ(&first, &other.whole(&rows)) {
                return failed(format!("again {place}: {}", text::parts(&rows, &inputs)), told, SAME);
            }
        }
        passed(format!("{} rows, 3 times, 2 engines", count(&rows)))
    });
    if let Some(cost) = cost::test(report, &["many rows", "output"], || {
        cost::kpi(plugins, bench, &made.last().expect("batches are made").parts)
    }) {
        report.cost = Some(cost);
    }
    cases::test_all(report, bench, |case| golden::case(plugins, bench, case));
}

/// Tests whether the key tells the rows of the table apart, whatever rows come or at least if those of the input differ in
/// the columns of the key.
fn key(calls: &Calls<'_>, rows: &[InputRows], inputs: &[&str], input: usize, columns: &[usize]) -> Verdict {
    let Err(_) = calls.whole(rows) else { return passed("whatever rows come") };
    let distinct = |part: &InputRows| match part.input == input {
        true => InputRows { input, rows: distinct(&part.rows, columns) },
        false => part.clone(),
    };
    let rows: Vec<_> = rows.iter().map(distinct).collect();
    match calls.whole(&rows) {
        Ok(_) => {
            let named = calls.plugin.spec().key_names().unwrap_or_default().join(", ");
            passed(format!("{} rows, if no two of {} agree in {named}", count(&rows), inputs[input]))
        }
        Err(error) => failed(text::parts(&rows, inputs), error.to_string(), calls.contract().form),
    }
}
