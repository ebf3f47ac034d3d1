//! Golden cases of KPIs: rows of each input as silver has them, and the KPI's table.

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use super::calls::{Calls, stages};
use crate::bench::Bench;
use crate::engines::Plugins;
use crate::golden::{Case, readable, verdict};
use crate::report::Verdict;
use crate::rows::{BATCH_ROWS, InputRows, joined};
use smelt_common::Error;
use smelt_common::error::Result;
use smelt_formats::{Formulas, decode_csv_typed, encode_table};
use smelt_runtime::{Kpi, KpiInputSpec};

/// Reads the rows of an input, which has exactly the declared columns.
fn typed(case: &Case, file: &str, columns: &SchemaRef) -> Result<Vec<RecordBatch>> {
    let names: Vec<_> = columns.fields().iter().map(|field| field.name().as_str()).collect();
    decode_csv_typed(&case.read(file)?, columns, &names, BATCH_ROWS)
        .map_err(|error| Error::config(format!("`{file}`: {error}")))
}

/// Returns the rows of all golden cases, by input, as far as they can be read.
pub(super) fn rows(plugin: &Kpi, bench: &Bench<'_>) -> Vec<RecordBatch> {
    let cases = readable(bench);
    let input = |declared: &KpiInputSpec| {
        let file = format!("{}.csv", declared.name);
        let rows =
            cases.iter().filter(|case| case.has(&file)).filter_map(|case| typed(case, &file, &declared.columns).ok());
        joined(&declared.columns, &rows.flatten().collect::<Vec<_>>())
    };
    plugin.spec().inputs.iter().map(input).collect()
}

/// Runs a case: gives the KPI its rows, and compares the table with the case's.
pub(super) fn case(plugins: &Plugins<Kpi>, bench: &Bench<'_>, case: &Case) -> Verdict {
    let run = || {
        let own = case.plugin(plugins)?;
        let plugin = own.as_ref().unwrap_or(&plugins.usual);
        let spec = plugin.spec();
        let files: Vec<_> = spec.inputs.iter().map(|input| format!("{}.csv", input.name)).collect();
        let known: Vec<&str> = files.iter().map(String::as_str).chain(["table.csv"]).collect();
        case.expect_only(&known)?;
        let as_of = case.as_of(bench, spec.uses_as_of())?;
        let (mut parts, mut sent) = (vec![], vec![]);
        for (input, (file, declared)) in files.iter().zip(&spec.inputs).enumerate() {
            if !case.has(file) {
                continue;
            }
            let batches = typed(case, file, &declared.columns)?;
            sent.push(format!("{file}: {} rows", batches.iter().map(RecordBatch::num_rows).sum::<usize>()));
            parts.extend(batches.into_iter().map(|rows| InputRows { input, rows }));
        }
        if sent.is_empty() {
            return Err(Error::config(format!("it has no input; it must have some of {}", files.join(", "))));
        }
        let stages = stages(spec);
        let calls = Calls { plugin, as_of, stages: &stages, checks_key: true };
        let table = calls.table(&calls.sums(&parts)?)?;
        let body = encode_table(table.schema_ref(), std::slice::from_ref(&table), Formulas::Escape)?;
        Ok(case.judge(bench.options.bless, &sent.join(", "), &[("table.csv".to_owned(), body)]))
    };
    verdict("the case's rows", run())
}
