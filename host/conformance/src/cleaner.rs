//! What a cleaner owes: every row accounted for, the declared columns, and a row's fate that depends on that row alone.

use std::collections::BTreeMap;

use arrow_array::{Int32Array, RecordBatch};
use arrow_select::take::take_record_batch;

use super::report::{Failure, Report, Verdict, failed, failure, passed};
use super::rows::{Made, cut, joined};
use super::{Bench, Given, Plugins, cost, fixture, series, shrink, text, texts};
use smelt_common::error::{Breach, Kind, Result};
use smelt_runtime::{Cleaned, Cleaner, RuleAction, Session};

/// Rows that are sent one by one are so many at most.
const ALONE: usize = 500;

pub(super) const TAKES_ANY: &str = "a cleaner keeps or rejects every row of any batch of its columns, all of them nullable text as \
                         written in bronze; a batch that it fails at fails its whole object";
pub(super) const FORM: &str = "`kept` is one Arrow IPC stream with exactly the declared schema: columns, types, order, nullability; \
                    values that can be written (years 0000 to 9999, digits within a decimal's precision)";
pub(super) const ACCOUNT: &str = "every row of the batch is either in `kept-rows` or in `rejected`, once, both strictly increasing; a \
                       rejection names a `reject` rule and a repair a `repair` rule of no more rows than are kept";
pub(super) const ROW_ALONE: &str = "what `clean` returns for a row depends on that row alone, not on the batches before it, on other \
                         rows or on where the host cut them";

/// What became of batches that could be cleaned.
#[derive(Default)]
struct Tried {
    /// Rows for the laws.
    rows: Vec<RecordBatch>,
    broken: Vec<(Breach, Failure)>,
    /// How many batches had their form, and their account.
    formed: usize,
    accounted: usize,
}

/// How often each rule was applied.
pub(super) type Rules = BTreeMap<u32, u64>;

/// Runs all checks of a cleaner.
pub(super) fn check(report: &mut Report, plugins: &Plugins<Cleaner>, bench: &Bench<'_>) {
    let plugin = &plugins.usual;
    let open = || plugin.open(&bench.params, bench.as_of);
    report.check("open", &["parameters"], || opened(open().map(|_| ())));
    let made = texts::make(plugin.spec());
    let (mut tried, mut rules) = (Tried::default(), Rules::new());
    for Made { name, parts } in &made {
        let rows = &parts[0].rows;
        // They are the generated rows over and over.
        let needs = if *name == "many rows" { "generated rows" } else { "open" };
        report.check(name, &[needs], || batch(name, rows, &open, &mut tried, &mut rules));
    }
    let Tried { rows, broken, formed, accounted } = tried;
    for (name, breach, seen, found) in [
        ("output", Breach::Form, formed, "with the declared schema"),
        ("account", Breach::Account, accounted, "whose every row is accounted for"),
    ] {
        report.check(name, &["open"], || {
            let failures: Vec<_> =
                broken.iter().filter(|(of, _)| *of == breach).map(|(_, what)| what.clone()).collect();
            match (failures.is_empty(), seen) {
                (false, _) => Verdict::Failed(failures.into_iter().take(1).collect()),
                (true, 0) => Verdict::CouldNotRun("no batch came so far".to_owned()),
                (true, _) => passed(format!("{seen} batches {found}")),
            }
        });
    }
    let rows = rows.first().map(|first| joined(first.schema_ref(), &rows));
    let rows = rows.unwrap_or_else(|| made[0].parts[0].rows.clone());
    report.check("cuts", &["output", "account"], || cuts(&open, &rows));
    let batches = made.iter().map(|made| made.name);
    report.check("series", &batches.chain(["cuts"]).collect::<Vec<_>>(), || {
        let given = Given::new(fixture::cleaner_rows(plugin, bench), bench.component);
        series::cleaner(plugin, &open, &given, &series::Rounds::of(bench.options))
    });
    report.check("determinism", &["output", "account"], || {
        deterministic(&open, || plugins.plain.open(&bench.params, bench.as_of), &rows)
    });
    if let Some(cost) = cost::check(report, &["many rows", "output", "account"], || {
        let many = &made.last().expect("batches are made").parts[0].rows;
        cost::cleaner(plugins, bench, many)
    }) {
        report.cost = Some(cost);
    }
    fixture::check(report, bench, |case| fixture::cleaner(plugin, bench, case, &mut rules));
    report.check("rules", &["output", "account"], || exercised(plugin, &rules));
}

/// Whether it opens. Parameters that the schema accepts and the plugin does not are not its fault.
pub(super) fn opened(opened: Result<()>) -> Verdict {
    match opened {
        Ok(()) => passed(""),
        Err(error) if error.kind() == Kind::InvalidConfig => {
            Verdict::CouldNotRun(format!("{error}; give other parameters with --parameters"))
        }
        Err(error) => failed("`open` with these parameters", error.to_string(), "an error of `open` is a fault"),
    }
}

fn batch<'p>(
    name: &str,
    rows: &RecordBatch,
    open: &impl Fn() -> Result<Session<'p>>,
    tried: &mut Tried,
    rules: &mut Rules,
) -> Verdict {
    let clean = |rows: &RecordBatch| open().and_then(|mut session| session.clean(rows));
    let told = passed(text::counted(rows.num_rows()));
    let error = match clean(rows) {
        Ok(cleaned) => {
            (tried.formed, tried.accounted) = (tried.formed + 1, tried.accounted + 1);
            if !["huge texts", "many rows"].contains(&name) {
                tried.rows.push(rows.clone());
            }
            count(&cleaned, rules);
            return told;
        }
        Err(error) => error,
    };
    let single: Vec<_> = cut(rows, 1).collect();
    let same =
        |some: &[RecordBatch]| clean(&joined(rows.schema_ref(), some)).is_err_and(|e| e.broken() == error.broken());
    // Rows are left out while what is left fails alike; a call that ran into its deadline is not worth trying again.
    let few = match error.kind() {
        Kind::LimitExceeded => single,
        _ if single.len() > 1 => shrink::fewest(&single, same),
        _ => single,
    };
    let few = joined(rows.schema_ref(), &few);
    let came_back = clean(&few).err().unwrap_or(error);
    let sent = format!("`{name}`, {}", text::rows(&few));
    match came_back.broken() {
        None => return failed(sent, came_back.to_string(), TAKES_ANY),
        Some(Breach::Form) => tried.broken.push((Breach::Form, failure(sent, came_back.to_string(), FORM))),
        Some(Breach::Account) => {
            tried.formed += 1;
            tried.broken.push((Breach::Account, failure(sent, came_back.to_string(), ACCOUNT)));
        }
    }
    told
}

/// Counts how often rules were applied.
pub(super) fn count(cleaned: &Cleaned, rules: &mut Rules) {
    cleaned.rejected.iter().for_each(|rejection| *rules.entry(rejection.rule).or_default() += 1);
    cleaned.repaired.iter().for_each(|repair| *rules.entry(repair.rule).or_default() += u64::from(repair.rows));
}

fn exercised(plugin: &Cleaner, rules: &Rules) -> Verdict {
    let declared = &plugin.spec().rules;
    let unused = declared.iter().zip(0..).filter(|(_, at)| rules.get(at).is_none_or(|&rows| rows == 0));
    let unused: Vec<_> = unused.map(|(rule, _)| format!("`{}`", rule.name)).collect();
    let note = format!("no row that was sent met {}; a fixture could have one that does", unused.join(", "));
    let notes = if unused.is_empty() { vec![] } else { vec![note] };
    Verdict::Passed { detail: format!("{} of {} exercised", declared.len() - unused.len(), declared.len()), notes }
}

/// What became of rows, in the order of their numbers.
#[derive(Debug, Clone, Default)]
pub(super) struct Fates {
    /// The kept row as text, or the rule.
    rows: Vec<String>,
    repaired: BTreeMap<String, u64>,
}

fn rule(session: &Session<'_>, index: u32) -> String {
    session.spec().rules[index as usize].name.clone()
}

/// Cleans the batches one after the other in one session.
pub(super) fn fates(session: &mut Session<'_>, batches: impl Iterator<Item = RecordBatch>) -> Result<Fates> {
    let mut fates = Fates::default();
    for batch in batches {
        let Cleaned { kept, kept_rows, rejected, repaired } = session.clean(&batch)?;
        let base = fates.rows.len();
        fates.rows.resize(base + batch.num_rows(), String::new());
        for (kept, &row) in text::lines(&kept, usize::MAX).iter().zip(&kept_rows) {
            fates.rows[base + row as usize] = format!("kept as {kept}");
        }
        for rejection in &rejected {
            fates.rows[base + rejection.row as usize] = format!("rejected by `{}`", rule(session, rejection.rule));
        }
        for repair in &repaired {
            *fates.repaired.entry(rule(session, repair.rule)).or_default() += u64::from(repair.rows);
        }
    }
    fates.repaired.retain(|_, rows| *rows > 0);
    Ok(fates)
}

impl Fates {
    /// Those of the rows after these.
    pub(super) fn append(&mut self, others: Self) {
        self.rows.extend(others.rows);
        others.repaired.into_iter().for_each(|(rule, rows)| *self.repaired.entry(rule).or_default() += rows);
    }

    /// Where the others differ, and how.
    pub(super) fn difference(&self, other: &Self) -> Option<(Option<usize>, String)> {
        if let Some(row) = (0..self.rows.len()).find(|&row| self.rows[row] != other.rows[row]) {
            return Some((Some(row), format!("first  {}\nthen   {}", self.rows[row], other.rows[row])));
        }
        let (first, then) = (&self.repaired, &other.repaired);
        (first != then).then(|| (None, format!("repairs by rule: first {first:?}, then {then:?}")))
    }
}

/// A way to send rows; the fates are in the order of the rows, whatever the way.
type Way<'w> = (String, Box<dyn Fn(&RecordBatch) -> Result<Fates> + 'w>);

fn ways<'p, 'w>(open: &'w impl Fn() -> Result<Session<'p>>) -> Vec<Way<'w>> {
    let mut ways: Vec<Way<'w>> = [1, 7, 64, 1000]
        .map(|most| -> Way<'w> {
            (format!("in batches of {most}"), Box::new(move |rows| fates(&mut open()?, cut(rows, most))))
        })
        .into();
    let backwards = move |rows: &RecordBatch| {
        let order = Int32Array::from_iter_values((0..rows.num_rows() as i32).rev());
        let turned = take_record_batch(rows, &order).expect("the rows are there");
        let mut fates = fates(&mut open()?, std::iter::once(turned))?;
        fates.rows.reverse();
        Ok(fates)
    };
    let twice = move |rows: &RecordBatch| {
        let twice = joined(rows.schema_ref(), [rows, rows]);
        let mut fates = fates(&mut open()?, std::iter::once(twice))?;
        fates.rows.drain(..rows.num_rows());
        fates.repaired.values_mut().for_each(|rows| *rows /= 2);
        Ok(fates)
    };
    ways.push(("in one batch in reverse order".to_owned(), Box::new(backwards)));
    ways.push(("in one batch behind the same rows".to_owned(), Box::new(twice)));
    ways
}

fn cuts<'p>(open: &impl Fn() -> Result<Session<'p>>, rows: &RecordBatch) -> Verdict {
    let whole = |rows: &RecordBatch| fates(&mut open()?, std::iter::once(rows.clone()));
    let ways = ways(open);
    for (way, run) in &ways {
        let rows = if way.ends_with(" 1") { &rows.slice(0, rows.num_rows().min(ALONE)) } else { rows };
        let told = |rows: &RecordBatch| match (whole(rows), run(rows)) {
            (Ok(first), Ok(then)) => first.difference(&then),
            (Err(error), _) | (_, Err(error)) => Some((None, error.to_string())),
        };
        if told(rows).is_none() {
            continue;
        }
        let single: Vec<_> = cut(rows, 1).collect();
        let few = shrink::fewest(&single, |some| told(&joined(rows.schema_ref(), some)).is_some());
        let few = joined(rows.schema_ref(), &few);
        let (row, told) = told(&few).unwrap_or_default();
        let row = row.map(|row| format!("row {row} of ")).unwrap_or_default();
        return failed(format!("{row}{}; in one batch, then {way}", text::rows(&few)), told, ROW_ALONE);
    }
    passed(format!("{} cut in {} ways", text::counted(rows.num_rows()), ways.len()))
}

fn deterministic<'p>(
    open: &impl Fn() -> Result<Session<'p>>,
    plain: impl Fn() -> Result<Session<'p>>,
    rows: &RecordBatch,
) -> Verdict {
    let run = |session: Result<Session<'p>>| fates(&mut session?, std::iter::once(rows.clone()));
    let contract = "the same component, parameters and rows give the same bytes, on every machine";
    let first = match run(open()) {
        Ok(first) => first,
        Err(error) => return failed(text::rows(rows), error.to_string(), TAKES_ANY),
    };
    for (place, other) in [("in a new instance", run(open())), ("compiled without optimisation", run(plain()))] {
        let sent = |row| match row {
            Some(row) => format!("again {place}: {}", text::row(rows, row)),
            None => format!("again {place}: {}", text::rows(rows)),
        };
        match other.map(|other| first.difference(&other)) {
            Ok(None) => {}
            Ok(Some((row, told))) => return failed(sent(row), told, contract),
            Err(error) => return failed(sent(None), error.to_string(), contract),
        }
    }
    passed(format!("{}, 3 times, 2 engines", text::counted(rows.num_rows())))
}

/// The names of the rules that do this.
pub(super) fn has_rules(plugin: &Cleaner, action: RuleAction) -> bool {
    plugin.spec().rules.iter().any(|rule| rule.action == action)
}

#[cfg(test)]
mod tests {
    use super::Fates;

    fn fates(rows: &[&str], repaired: u64) -> Fates {
        Fates {
            rows: rows.iter().map(|&row| row.to_owned()).collect(),
            repaired: [("fixed".to_owned(), repaired)].into(),
        }
    }

    #[test]
    fn fates_differ_by_a_row_or_by_repairs() {
        let first = fates(&["kept as a", "rejected by `b`"], 2);
        let told = |then: Fates| first.difference(&then);
        assert_eq!(told(fates(&["kept as a", "rejected by `b`"], 2)), None);
        let (row, words) = told(fates(&["kept as a", "rejected by `a`"], 2)).expect("a row differs");
        assert_eq!((row, words.as_str()), (Some(1), "first  rejected by `b`\nthen   rejected by `a`"));
        assert!(told(fates(&["kept as a", "rejected by `b`"], 3)).is_some_and(|(row, _)| row.is_none()));
    }
}
