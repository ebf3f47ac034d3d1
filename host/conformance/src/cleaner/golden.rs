//! Golden cases of cleaners: a bronze object, and which rows are kept or rejected by which rule.

use arrow_array::cast::AsArray as _;
use arrow_array::{Array as _, RecordBatch, StringArray};

use super::rules::{Rules, count, has_rules};
use super::texts::Cells;
use crate::bench::Bench;
use crate::engines::Plugins;
use crate::golden::{Case, Output, readable, unreadable, verdict};
use crate::report::Verdict;
use smelt_common::Error;
use smelt_formats::{DecodeLimits, Decoder, Format, Formulas, encode_table};
use smelt_runtime::{Cleaner, RuleAction};

/// The names that the input may have, with their formats.
const INPUTS: [(&str, Format); 3] =
    [("input.csv", Format::Csv), ("input.json", Format::Json), ("input.jsonl", Format::Jsonl)];

/// Returns the input rows of all golden cases, as far as they can be read.
pub(super) fn rows(plugin: &Cleaner, bench: &Bench<'_>) -> Vec<Cells> {
    let mut rows = Vec::new();
    for case in readable(bench) {
        for (name, format) in INPUTS.into_iter().filter(|(name, _)| case.has(name)) {
            let Ok(body) = case.read(name) else { continue };
            let mut decoder = Decoder::new(body.as_slice(), format, &plugin.spec().input, DecodeLimits::default());
            while let Ok(Some(batch)) = decoder.next_batch() {
                let columns: Vec<_> = batch.columns.columns().iter().map(|column| column.as_string::<i32>()).collect();
                let cell =
                    |column: &&StringArray, row: usize| column.is_valid(row).then(|| column.value(row).to_owned());
                rows.extend(
                    (0..batch.columns.num_rows()).map(|row| columns.iter().map(|column| cell(column, row)).collect()),
                );
            }
        }
    }
    rows.retain(|row: &Cells| row.len() == plugin.spec().input.len());
    rows
}

/// Runs a case: cleans its input like a bronze object, and compares the kept, rejected and repaired rows with the
/// case's.
pub(super) fn case(plugins: &Plugins<Cleaner>, bench: &Bench<'_>, case: &Case, rules: &mut Rules) -> Verdict {
    let mut run = || {
        let own = case.plugin(plugins)?;
        let plugin = own.as_ref().unwrap_or(&plugins.usual);
        let mut outputs = vec!["kept.csv", "rejected.csv"];
        outputs.extend(has_rules(plugin, RuleAction::Repair).then_some("repaired.csv"));
        case.expect_only(&[&INPUTS.map(|(name, _)| name), outputs.as_slice()].concat())?;
        let input = INPUTS.into_iter().filter(|(name, _)| case.has(name)).collect::<Vec<_>>();
        let &[(name, format)] = input.as_slice() else {
            return Err(Error::config("it must have one of input.csv, input.json and input.jsonl"));
        };
        let body = case.read(name)?;
        let mut session = plugin.open(case.as_of(bench, plugin.spec().session.uses_as_of)?)?;
        let spec = plugin.spec();
        let mut decoder = Decoder::new(body.as_slice(), format, &spec.input, DecodeLimits::default());
        let (mut kept, mut rejected, mut applied) = (vec![], vec![], Rules::new());
        while let Some(batch) = decoder.next_batch().map_err(|error| unreadable(&case.directory, &error))? {
            let cleaned = session.clean(&batch.columns)?;
            count(&cleaned, &mut applied);
            let rule = |index: u32| spec.rules[index as usize].name.as_str();
            rejected.extend(batch.malformed.iter().map(|record| (record.number, record.rule)));
            let number = |row: u32| batch.records[row as usize].number;
            rejected.extend(cleaned.rejected.iter().map(|row| (number(row.row), rule(row.rule))));
            kept.push(cleaned.kept);
        }
        rejected.sort_unstable();
        let lines = |heading: &str, rows: &mut dyn Iterator<Item = String>| {
            std::iter::once(format!("{heading}\n")).chain(rows).collect::<String>().into_bytes()
        };
        let repairs = applied.iter().filter(|&(&rule, _)| spec.rules[rule as usize].action == RuleAction::Repair);
        let repairs = repairs.filter(|(_, rows)| **rows > 0);
        let repaired = |(rule, rows): (&u32, &u64)| format!("{},{rows}\n", spec.rules[*rule as usize].name);
        let bodies = [
            encode_table(&spec.output, &kept, Formulas::Keep)?,
            lines("row,rule", &mut rejected.iter().map(|(row, rule)| format!("{row},{rule}\n"))),
            lines("rule,rows", &mut repairs.map(repaired)),
        ];
        let outputs: Vec<Output> = outputs.iter().map(|&name| name.to_owned()).zip(bodies).collect();
        let kept = kept.iter().map(RecordBatch::num_rows).sum::<usize>();
        let sent = format!("{name}: {kept} rows kept, {} rejected", rejected.len());
        // Under other parameters a plugin may have other rules.
        let names = |plugin: &Cleaner| plugin.spec().rules.iter().map(|rule| rule.name.clone()).collect::<Vec<_>>();
        if names(plugin) == names(&plugins.usual) {
            applied.iter().for_each(|(rule, rows)| *rules.entry(*rule).or_default() += rows);
        }
        Ok(case.judge(bench.options.bless, &sent, &outputs))
    };
    verdict("the case's input", run())
}
