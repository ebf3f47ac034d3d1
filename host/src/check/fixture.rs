//! Golden cases: a directory with input, parameters and expected output is a test.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use chrono::DateTime;
use serde_json::{Map, Value};

use super::cleaner::{Rules, count, has_rules};
use super::report::{Failure, Report, Verdict, failed, failure, passed};
use super::rows::{BATCH_ROWS, Part};
use super::{Bench, kpi, text};
use crate::Error;
use crate::codec::{DecodeLimits, Decoder, Format, Formulas, decode_csv_typed};
use crate::error::{Kind, Result};
use crate::silver;
use crate::wasm::{Cleaner, Identity, Kpi, RuleAction, check_parameters};

const PARAMETERS: &str = "parameters.json";
const TIME: &str = "as-of";
const GOLDEN: &str = "a golden case: the output is what the author said it is";

/// One case.
pub(super) struct Case {
    directory: PathBuf,
    /// The files that it has.
    names: Vec<String>,
}

/// A file that a case should have, and its text.
type Output = (&'static str, Vec<u8>);

/// Runs each case of the directory, if there is one.
pub(super) fn check(report: &mut Report, bench: &Bench<'_>, mut run: impl FnMut(&Case) -> Verdict) {
    let Some(directory) = &bench.options.fixtures else { return };
    let cases = match cases(directory) {
        Ok(cases) => cases,
        Err(error) => return report.check("fixtures", &[], || Verdict::CouldNotRun(error.to_string())),
    };
    for case in cases {
        let name = case.directory.file_name().unwrap_or_default().to_string_lossy().into_owned();
        report.check(&format!("fixture {name}"), &["parameters"], || run(&case));
    }
}

fn cases(directory: &Path) -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for path in entries(directory)?.into_iter().filter(|path| path.is_dir()) {
        let name = |path: PathBuf| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        cases.push(Case { names: entries(&path)?.into_iter().map(name).collect(), directory: path });
    }
    match cases.is_empty() {
        false => Ok(cases),
        true => Err(Error::config(format!("`{}` has no directory: each is a case", directory.display()))),
    }
}

fn entries(directory: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(directory).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let entries = entries.map_err(|error| unreadable(directory, &error))?;
    let mut paths: Vec<_> = entries.into_iter().map(|entry| entry.path()).collect();
    paths.retain(|path| !path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.')));
    paths.sort();
    Ok(paths)
}

fn unreadable(path: &Path, error: &io::Error) -> Error {
    Error::config(format!("cannot read `{}`: {error}", path.display()))
}

impl Case {
    fn read(&self, name: &str) -> Result<Vec<u8>> {
        let path = self.directory.join(name);
        fs::read(&path).map_err(|error| unreadable(&path, &error))
    }

    fn has(&self, name: &str) -> bool {
        self.names.iter().any(|known| known == name)
    }

    /// Refuses files that mean nothing: a mistyped name is not an input without rows.
    fn expect_only(&self, known: &[&str]) -> Result<()> {
        let known = [known, &[PARAMETERS, TIME]].concat();
        match self.names.iter().find(|name| !known.contains(&name.as_str())) {
            None => Ok(()),
            Some(name) => Err(Error::config(format!("it has a file `{name}`; known are {}", known.join(", ")))),
        }
    }

    /// The parameters and the time to open with.
    fn setting(&self, bench: &Bench<'_>, identity: &Identity) -> Result<(String, Option<i64>)> {
        let wrong = |what: &str, told: String| Error::config(format!("`{what}`: {told}"));
        let mut params = bench.params.clone();
        if self.has(PARAMETERS) {
            let given: Map<String, Value> = serde_json::from_slice(&self.read(PARAMETERS)?)
                .map_err(|error| wrong(PARAMETERS, format!("{error}; a JSON object would be right")))?;
            let given = Value::Object(given);
            check_parameters(identity, &given)?;
            params = given.to_string();
        }
        let mut as_of = bench.as_of;
        if self.has(TIME) {
            let written = String::from_utf8_lossy(&self.read(TIME)?).trim().to_owned();
            let instant = DateTime::parse_from_rfc3339(&written)
                .map_err(|error| wrong(TIME, format!("{error}; such as 2025-01-01T00:00:00Z would be right")))?;
            match identity.uses_as_of {
                true => as_of = Some(instant.timestamp_micros()),
                false => return Err(wrong(TIME, "the plugin is never told the time: it lacks `uses-as-of`".into())),
            }
        }
        Ok((params, as_of))
    }

    /// Compares what came with what was expected, or makes it so.
    fn judge(&self, bless: bool, sent: &str, outputs: &[Output]) -> Verdict {
        let mut failures: Vec<Failure> = Vec::new();
        let mut written = Vec::new();
        for (name, got) in outputs {
            let expected = self.has(name).then(|| self.read(name)).transpose();
            match expected {
                Ok(Some(expected)) if expected == *got => {}
                _ if bless => match fs::write(self.directory.join(name), got) {
                    Ok(()) => written.push(*name),
                    Err(error) => return Verdict::CouldNotRun(format!("cannot write `{name}`: {error}")),
                },
                Ok(Some(expected)) => {
                    let (expected, got) = (String::from_utf8_lossy(&expected), String::from_utf8_lossy(got));
                    let told = format!("{name} {}", text::difference(&expected, &got));
                    failures.push(failure(sent, told, GOLDEN));
                }
                Ok(None) => return Verdict::CouldNotRun(format!("it has no `{name}`; --bless writes it")),
                Err(error) => return Verdict::CouldNotRun(error.to_string()),
            }
        }
        match (failures.is_empty(), written.as_slice()) {
            (false, _) => Verdict::Failed(failures),
            (true, []) => passed(sent),
            (true, written) => passed(format!("{sent}; wrote {}", written.join(", "))),
        }
    }
}

/// What came of a case: the plugin's errors are failures, all others keep the case from being run.
fn verdict(sent: &str, made: Result<Verdict>) -> Verdict {
    made.unwrap_or_else(|error| match error.kind() {
        Kind::Plugin | Kind::LimitExceeded => failed(sent, error.to_string(), GOLDEN),
        _ => Verdict::CouldNotRun(error.to_string()),
    })
}

/// The input as a bronze object: which rows are kept, and which are rejected by which rule.
pub(super) fn cleaner(plugin: &Cleaner, bench: &Bench<'_>, case: &Case, rules: &mut Rules) -> Verdict {
    const INPUTS: [(&str, Format); 3] =
        [("input.csv", Format::Csv), ("input.json", Format::Json), ("input.jsonl", Format::Jsonl)];
    let mut outputs = vec!["kept.csv", "rejected.csv"];
    outputs.extend(has_rules(plugin, RuleAction::Repair).then_some("repaired.csv"));
    let mut run = || {
        case.expect_only(&[&INPUTS.map(|(name, _)| name), outputs.as_slice()].concat())?;
        let input = INPUTS.into_iter().filter(|(name, _)| case.has(name)).collect::<Vec<_>>();
        let &[(name, format)] = input.as_slice() else {
            return Err(Error::config("it must have one of input.csv, input.json and input.jsonl"));
        };
        let body = case.read(name)?;
        let (params, as_of) = case.setting(bench, plugin.identity())?;
        let mut session = plugin.open(&params, as_of)?;
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
            silver::encode(&spec.output, &kept, Formulas::Keep)?,
            lines("row,rule", &mut rejected.iter().map(|(row, rule)| format!("{row},{rule}\n"))),
            lines("rule,rows", &mut repairs.map(repaired)),
        ];
        let outputs: Vec<Output> = outputs.iter().copied().zip(bodies).collect();
        let kept = kept.iter().map(RecordBatch::num_rows).sum::<usize>();
        let sent = format!("{name}: {kept} rows kept, {} rejected", rejected.len());
        applied.iter().for_each(|(rule, rows)| *rules.entry(*rule).or_default() += rows);
        Ok(case.judge(bench.options.bless, &sent, &outputs))
    };
    verdict("the case's input", run())
}

/// Rows of each input as silver has them: the KPI's table.
pub(super) fn kpi(plugin: &Kpi, bench: &Bench<'_>, case: &Case) -> Verdict {
    let spec = plugin.spec();
    let files: Vec<_> = spec.inputs.iter().map(|input| format!("{}.csv", input.name)).collect();
    let run = || {
        let known: Vec<&str> = files.iter().map(String::as_str).chain(["table.csv"]).collect();
        case.expect_only(&known)?;
        let (params, as_of) = case.setting(bench, plugin.identity())?;
        let (mut parts, mut sent) = (vec![], vec![]);
        for (input, (file, declared)) in files.iter().zip(&spec.inputs).enumerate() {
            if !case.has(file) {
                continue;
            }
            let names: Vec<_> = declared.columns.fields().iter().map(|field| field.name().as_str()).collect();
            let batches = decode_csv_typed(&case.read(file)?, &declared.columns, &names, BATCH_ROWS)
                .map_err(|error| Error::config(format!("`{file}`: {error}")))?;
            sent.push(format!("{file}: {} rows", batches.iter().map(RecordBatch::num_rows).sum::<usize>()));
            parts.extend(batches.into_iter().map(|rows| Part { input, rows }));
        }
        if sent.is_empty() {
            return Err(Error::config(format!("it has no input; it must have some of {}", files.join(", "))));
        }
        let calls = kpi::Calls { plugin, params: &params, as_of };
        let table = calls.table(&calls.sums(&parts)?)?;
        let body = silver::encode(table.schema_ref(), std::slice::from_ref(&table), Formulas::Escape)?;
        Ok(case.judge(bench.options.bless, &sent.join(", "), &[("table.csv", body)]))
    };
    verdict("the case's rows", run())
}
