//! Cuts what the files say into the parts of the work.

use smelt_sdk_schema::ExtraColumns;

use crate::config::{Bounds, Drift, Files, Metric, RuleWord, of_columns};
use crate::part::{
    COMPLETENESS, Cells, Expectation, JudgedColumn, Judging, KEYED, KeyRule, Keys, PARSE, Summary, Test, Word,
    WrittenColumn,
};

/// All parts.
pub(crate) struct Plan {
    pub(crate) keys: Keys,
    pub(crate) cells: Cells,
    pub(crate) summary: Summary,
    pub(crate) judging: Judging,
}

/// The keys of a column that say how a cell is read.
const READING: [&str; 5] = ["type", "decimal", "group", "format", "missing"];
/// The keys of a column that say how a cell is read and tested.
const TESTING: [&str; 10] =
    ["type", "decimal", "group", "format", "missing", "required", "pattern", "min", "max", "values"];

/// Makes the parts of the check of one dataset. `rules` is the digest of the files.
pub(crate) fn plan(files: &Files<'_>, dataset: &str, rules: &str) -> Plan {
    let Files { schema, written, thresholds, .. } = files;
    let of_dataset = &thresholds.dataset;
    let columns = schema.columns.iter().zip(written);
    let name = |index: usize| schema.columns[index].name.as_str();
    let mut keys = Keys { dataset: dataset.to_owned(), ..Keys::default() };
    let mut cells = Cells {
        dataset: dataset.to_owned(),
        columns: columns.map(|(column, written)| WrittenColumn::of(&column.name, written, &TESTING)).collect(),
        complete: of_dataset.completeness.as_ref().map(|(columns, _)| all_or(columns.as_ref(), schema.columns.len())),
        ..Cells::default()
    };
    let mut summary = Summary { keep: thresholds.keep_failing, ..Summary::default() };
    let mut expectations = ObjectWide { files }.expectations();
    for (word, column) in of_columns(schema) {
        let (dimension, test) = match word {
            "required" => ("completeness", Test::Required(column)),
            "type" => ("schema", Test::Type(column)),
            "in" => ("validity", Test::In(column)),
            "range" => ("validity", Test::Range(column)),
            _ => ("validity", Test::Match(column)),
        };
        let of = cells.tests.len() as i64;
        if schema.columns[column].personal {
            summary.masked.push(of);
        }
        cells.tests.push(test);
        let id = format!("{word}.{}", name(column));
        let bounds = files.row_wise(&id, None);
        let word = Word::RowWise { of, keyed: None };
        expectations.push(Expectation { id, dimension: dimension.to_owned(), of_column: true, bounds, word });
    }
    let mut targets = vec![];
    for rule in &files.rules {
        let of = cells.tests.len() as i64;
        let when = rule.when.clone();
        let mut key = |columns: &[usize], target: Option<usize>| {
            let columns = columns.iter().map(|&column| place(&mut keys.columns, files, column)).collect();
            for column in conditions(files, rule.when.as_deref()) {
                place(&mut keys.columns, files, column);
            }
            keys.rules.push(KeyRule { columns, when: rule.when.clone(), target });
            KEYED + keys.rules.len() as i64 - 1
        };
        let (dimension, test, keyed) = match &rule.word {
            RuleWord::That(that) => ("consistency", Test::Rule { that: that.clone(), when }, None),
            RuleWord::Unique { columns, in_dataset: false } => {
                ("uniqueness", Test::Unique { columns: columns.clone(), when }, None)
            }
            RuleWord::Unique { columns, in_dataset: true } => {
                let keyed = key(columns, None);
                ("uniqueness", Test::Keyed { columns: columns.clone(), when }, Some(keyed))
            }
            RuleWord::Refers { column, dataset, to } => {
                let target = (dataset.clone(), to.clone());
                let keyed = key(&[*column], Some(target_of(&mut targets, target)));
                if schema.columns[*column].personal {
                    summary.masked.push(keyed);
                }
                ("integrity", Test::Keyed { columns: vec![*column], when }, Some(keyed))
            }
        };
        cells.tests.push(test);
        let bounds = files.row_wise(&rule.id(), rule.bounds.as_ref());
        let word = Word::RowWise { of, keyed };
        let of_column = dimension == "integrity";
        expectations.push(Expectation { id: rule.id(), dimension: dimension.to_owned(), of_column, bounds, word });
    }
    keys.targets = targets;
    compared(files, &mut cells, &mut summary, &mut expectations);
    if let Some(bounds) = &of_dataset.score {
        expectations.push(of_object("score", "score", bounds.clone(), Word::Score));
    }
    let columns = schema.columns.iter().map(|column| JudgedColumn {
        name: column.name.clone(),
        kind: column.kind.name().to_owned(),
        required: column.required,
        personal: column.personal,
    });
    let judging = Judging {
        dataset: dataset.to_owned(),
        rules: rules.to_owned(),
        columns: columns.collect(),
        weights: thresholds.weights.clone(),
        keep: thresholds.keep_failing,
        expectations,
        fresh: of_dataset.fresh.clone(),
        arrivals: of_dataset.arrivals.clone(),
    };
    Plan { keys, cells, summary, judging }
}

/// Adds anomalies and drifts, and what they need to be counted.
fn compared(files: &Files<'_>, cells: &mut Cells, summary: &mut Summary, expectations: &mut Vec<Expectation>) {
    for anomaly in &files.thresholds.dataset.anomalies {
        let mut share = 0;
        match &anomaly.metric {
            Metric::Rows | Metric::Bytes | Metric::Malformed | Metric::Missing(_) => {}
            Metric::Share(condition) => {
                share = cells.tests.len() as i64;
                cells.tests.push(Test::Share(condition.clone()));
            }
            Metric::Distinct(column) => once(&mut cells.texts, *column),
            Metric::Sum(column) | Metric::Mean(column) => once(&mut cells.sums, *column),
            Metric::Min(column) | Metric::Max(column) => once(&mut cells.extremes, *column),
        }
        let limits = |bound: &Option<crate::number::Amount>| bound.clone().map(crate::config::Limits::at_most);
        let bounds = Bounds { warn: limits(&anomaly.compared.warn), fail: limits(&anomaly.compared.fail) };
        let word = Word::Anomaly { metric: anomaly.metric.clone(), share, compared: anomaly.compared.clone() };
        expectations.push(of_object(&format!("anomaly.{}", anomaly.name), "distribution", bounds, word));
    }
    for Drift { column, last, history, bounds } in &files.thresholds.dataset.drifts {
        once(&mut cells.texts, *column);
        once(&mut summary.drifts, *column);
        let word = Word::Drift { column: *column, last: *last, history: *history };
        let id = format!("drift.{}", files.schema.columns[*column].name);
        expectations.push(of_object(&id, "distribution", bounds.clone(), word));
    }
}

/// The expectations of an object as a whole.
struct ObjectWide<'f, 't> {
    files: &'f Files<'t>,
}

impl ObjectWide<'_, '_> {
    fn expectations(&self) -> Vec<Expectation> {
        let Files { schema, thresholds, .. } = self.files;
        let of = &thresholds.dataset;
        let parse = self.files.row_wise("parse", of.parse.as_ref());
        let mut all = vec![
            of_object("readable", "schema", Bounds::fail_past_zero(), Word::Readable),
            of_object("parse", "schema", parse, Word::RowWise { of: PARSE, keyed: None }),
            of_object("columns", "schema", Bounds::fail_past_zero(), Word::Columns),
        ];
        match schema.extra_columns {
            ExtraColumns::Allow => {}
            ExtraColumns::Warn => all.push(of_object("extra", "schema", Bounds::warn_past_zero(), Word::Extra)),
            ExtraColumns::Fail => all.push(of_object("extra", "schema", Bounds::fail_past_zero(), Word::Extra)),
        }
        all.push(of_object("distinct", "uniqueness", Bounds::fail_past_zero(), Word::Distinct));
        if let Some(bounds) = &of.rows {
            all.push(of_object("rows", "volume", bounds.clone(), Word::Rows));
        }
        if let Some((columns, bounds)) = &of.completeness {
            let columns = all_or(columns.as_ref(), schema.columns.len());
            all.push(of_object("completeness", "completeness", bounds.clone(), Word::Completeness(columns)));
        }
        all
    }
}

fn of_object(id: &str, dimension: &str, bounds: Bounds, word: Word) -> Expectation {
    Expectation { id: id.to_owned(), dimension: dimension.to_owned(), of_column: false, bounds, word }
}

fn all_or(columns: Option<&Vec<usize>>, all: usize) -> Vec<usize> {
    columns.cloned().unwrap_or_else(|| (0..all).collect())
}

fn once(columns: &mut Vec<usize>, column: usize) {
    if !columns.contains(&column) {
        columns.push(column);
    }
}

/// Returns the place of a target, which is added if it is new.
fn target_of(targets: &mut Vec<(String, String)>, target: (String, String)) -> usize {
    targets.iter().position(|known| *known == target).unwrap_or_else(|| {
        targets.push(target);
        targets.len() - 1
    })
}

/// Returns the columns that a condition reads. It is known to be right.
fn conditions(files: &Files<'_>, condition: Option<&str>) -> Vec<usize> {
    let mut columns = vec![];
    if let Some(Ok(condition)) = condition.map(|text| crate::condition::Condition::parse(text, &files.schema.columns)) {
        condition.columns(&mut columns);
    }
    columns
}

/// Returns the place of a column of the schema among those of a part, which gets it.
fn place(columns: &mut Vec<WrittenColumn>, files: &Files<'_>, column: usize) -> usize {
    let name = &files.schema.columns[column].name;
    columns.iter().position(|known| known.name == *name).unwrap_or_else(|| {
        columns.push(WrittenColumn::of(name, &files.written[column], &READING));
        columns.len() - 1
    })
}

/// The number of `completeness` is told apart from that of tests.
const _: () = assert!(COMPLETENESS < 0 && PARSE < 0);
