//! The verdict of one object: all its expectations, then its score.

use std::collections::BTreeMap;

use smelt_sdk::prelude::*;

use super::facts::{Facts, TestFacts};
use super::history::History;
use super::outcome::{NOTHING, Observed, Outcome};
use super::{anomaly, drift};
use crate::config::DIMENSIONS;
use crate::number::Fraction;
use crate::part::{COMPLETENESS, Expectation, Judging, SAME_CONTENT, Word};
use crate::rows::Finding;
use crate::summary::{SAMPLES, sample, shown};

/// The places that a score is kept with.
const PLACES: u32 = 30;

/// The sum of what expectations add to a dimension, and their number.
type Scores<'j> = BTreeMap<&'j str, (Fraction, i64)>;

/// Writes the findings of an object, and returns whether it is refused.
pub(crate) fn write(
    judging: &Judging,
    now: &Facts,
    history: &History,
    out: &mut Out<Finding<'static>>,
) -> Result<bool> {
    let is_readable = now.unreadable.is_none();
    let mut scores = Scores::new();
    let (mut warned, mut failed, mut place) = (false, false, 0);
    // The score is the last expectation, so all that it counts was observed before.
    for (index, expectation) in (0..).zip(&judging.expectations) {
        if !is_readable && !matches!(expectation.word, Word::Readable) {
            continue;
        }
        let observed = observe(judging, expectation, index, now, history, &scores);
        warned |= observed.outcome == Outcome::Warned;
        failed |= observed.outcome == Outcome::Failed;
        if let (Some(quality), false) = (&observed.quality, matches!(expectation.word, Word::Score)) {
            let (sum, count) = scores.entry(&expectation.dimension).or_insert((Fraction::whole(0), 0));
            (*sum, *count) = (sum.plus(quality), *count + 1);
        }
        out.add(finding(judging, now, expectation, &observed, place))?;
        place += 1;
    }
    if is_readable {
        columns(judging, now, out)?;
    } else {
        scores.clear();
    }
    let verdict = match (failed, warned) {
        (true, _) => "refused",
        (_, true) => "warned",
        _ => "admitted",
    };
    let (present, cells) = now.present(0..judging.columns.len());
    let counted = |number: i64| Some(if is_readable { number } else { 0 });
    let means = means(&scores).map(|(dimension, mean)| format!("\"{dimension}\":{}", mean.four()));
    let dimensions = format!("{{{}}}", means.collect::<Vec<_>>().join(","));
    out.add(Finding {
        kind: "object",
        file: Some(&now.file),
        revision: Some(now.revision),
        stamp: now.stamp,
        sha256: Some(&now.sha256),
        bytes: Some(now.bytes),
        decoded_bytes: now.content_bytes,
        rules: Some(&judging.rules),
        verdict: Some(verdict),
        decision: now.decision.as_deref(),
        why: now.why.as_deref(),
        score: score(judging, &scores).map(|score| Decimal::from_units(score.rounded(PLACES))),
        dimensions: Some(&dimensions),
        read: counted(now.records),
        malformed: counted(now.malformed),
        rows: counted(now.rows()),
        present: counted(present),
        cells: counted(cells),
        ..of_object(judging, now)
    })?;
    Ok(failed)
}

fn of_object<'f>(judging: &'f Judging, now: &'f Facts) -> Finding<'f> {
    Finding { dataset: &judging.dataset, object: Some(&now.object), ..Finding::default() }
}

fn finding<'f>(
    judging: &'f Judging,
    now: &'f Facts,
    expectation: &'f Expectation,
    observed: &'f Observed,
    place: i64,
) -> Finding<'f> {
    Finding {
        kind: "expectation",
        place,
        expectation: Some(&expectation.id),
        severity: Some(expectation.bounds.severity(observed.outcome)),
        passed: Some(!observed.outcome.is_against()),
        outcome: Some(observed.outcome.name()),
        dimension: Some(&expectation.dimension),
        scope: Some(if expectation.of_column { "column" } else { "object" }),
        observed: observed.observed.as_deref(),
        expected: Some(&observed.expected),
        evaluated: observed.evaluated,
        failing: observed.failing,
        failing_rows: Some(&observed.rows),
        samples: Some(&observed.samples),
        reason: observed.reason.as_deref(),
        z: observed.z,
        median: observed.median,
        mad: observed.mad,
        history: observed.history,
        ..of_object(judging, now)
    }
}

fn columns(judging: &Judging, now: &Facts, out: &mut Out<Finding<'static>>) -> Result<()> {
    for (index, column) in judging.columns.iter().enumerate() {
        let facts = now.column(index);
        out.add(Finding {
            kind: "column",
            place: index as i64,
            name: Some(&column.name),
            column_type: Some(&column.kind),
            rows: Some(now.rows()),
            missing: Some(facts.missing),
            unreadable: Some(facts.unreadable),
            ..of_object(judging, now)
        })?;
    }
    Ok(())
}

/// Returns the mean of each dimension that has one.
fn means<'s>(scores: &'s Scores<'_>) -> impl Iterator<Item = (&'s str, Fraction)> {
    scores.iter().filter_map(|(dimension, (sum, count))| Some((*dimension, sum.divided_by(*count)?)))
}

/// Returns the mean of the dimensions by their weights, if one that has a weight has a mean.
fn score(judging: &Judging, scores: &Scores<'_>) -> Option<Fraction> {
    let (mut sum, mut weights) = (Fraction::whole(0), Fraction::whole(0));
    for (dimension, mean) in means(scores) {
        let at = DIMENSIONS.iter().position(|known| *known == dimension);
        if let Some(weight) = at.and_then(|at| judging.weights.get(at)) {
            sum = sum.plus(&mean.times(&weight.fraction()));
            weights = weights.plus(&weight.fraction());
        }
    }
    sum.divided(&weights)
}

fn observe(
    judging: &Judging,
    expectation: &Expectation,
    index: i64,
    now: &Facts,
    history: &History,
    scores: &Scores<'_>,
) -> Observed {
    let bounds = &expectation.bounds;
    let nothing = || Observed { evaluated: Some(0), failing: Some(0), ..Observed::skipped(NOTHING, bounds.show()) };
    let names = |names: Vec<String>| {
        let samples = names.iter().take(SAMPLES).map(|name| sample(Some(&shown(name, false)), 0, ""));
        let samples = samples.collect::<Vec<_>>().join(",");
        Observed { samples, ..Observed::count(names.len() as i64, bounds) }
    };
    match &expectation.word {
        Word::Readable => {
            let outcome = if now.unreadable.is_some() { Outcome::Failed } else { Outcome::Passed };
            let observed = now.unreadable.clone().unwrap_or_else(|| "yes".to_owned());
            Observed::new(observed, outcome, "fail yes".to_owned())
        }
        Word::Columns => names(now.lacking(judging)),
        Word::Extra => names(now.extra(judging)),
        Word::Distinct => {
            let contents = now.shared.get(&SAME_CONTENT).into_iter().flatten();
            names(contents.flat_map(|(content, _)| history.same(content)).cloned().collect())
        }
        Word::Rows => Observed::count(now.rows(), bounds),
        Word::Completeness(columns) => {
            let (present, cells) = now.present(columns.iter().copied());
            let Some(ratio) = Fraction::of(present, cells) else { return nothing() };
            let rows = now.tests.get(&COMPLETENESS).map(|test| test.rows.clone()).unwrap_or_default();
            Observed { evaluated: Some(cells), failing: Some(cells - present), rows, ..Observed::ratio(&ratio, bounds) }
        }
        Word::RowWise { of, keyed } => {
            let TestFacts { evaluated, failing, rows, samples } = row_wise(judging, now, history, *of, *keyed);
            let Some(ratio) = Fraction::of(failing, evaluated) else { return nothing() };
            let quality = Some(Fraction::whole(1).minus(&ratio));
            let (evaluated, failing) = (Some(evaluated), Some(failing));
            Observed { evaluated, failing, quality, rows, samples, ..Observed::ratio(&ratio, bounds) }
        }
        Word::Anomaly { metric, share, compared } => anomaly::observe(now, history, index, (metric, *share), compared),
        Word::Drift { column, last: _, history: wanted } => {
            let is_personal = judging.columns.get(*column).is_some_and(|column| column.personal);
            drift::observe(now, history, index, (*column, *wanted, is_personal), bounds)
        }
        Word::Score => match score(judging, scores) {
            Some(score) => Observed::ratio(&score, bounds),
            None => Observed::skipped(NOTHING, bounds.show()),
        },
    }
}

/// Returns what a test found. Of a rule that is keyed, rows fail that repeat a text of an object before, too.
fn row_wise(judging: &Judging, now: &Facts, history: &History, of: i64, keyed: Option<i64>) -> TestFacts {
    let own = now.tests.get(&of).cloned().unwrap_or_default();
    let Some(keyed) = keyed else { return own };
    let mut found = now.tests.get(&keyed).cloned().unwrap_or_default();
    found.evaluated = own.evaluated;
    let shared = now.shared.get(&keyed).into_iter().flatten();
    let repeated = shared.filter(|(text, _)| history.has(keyed, text)).filter_map(|(_, row)| *row);
    let repeated: Vec<i64> = repeated.collect();
    if !repeated.is_empty() {
        found.failing += repeated.len() as i64;
        let mut rows: Vec<i64> = found.rows.split_whitespace().filter_map(|row| row.parse().ok()).collect();
        rows.extend(repeated);
        rows.sort_unstable();
        rows.truncate(judging.keep as usize);
        found.rows = rows.iter().map(i64::to_string).collect::<Vec<_>>().join(" ");
    }
    found
}
