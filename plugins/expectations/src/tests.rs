//! The worked case of the specification: `tests/case` has its objects as a host decodes them, and what is expected.

use smelt_sdk::testing::Trial;

use super::*;

macro_rules! case {
    ($file:expr) => {
        include_str!(concat!("../tests/case/", $file))
    };
}

const SCHEMAS: &str = case!("data_schemas.json");
const RULES: &str = case!("business_rules.yaml");
const THRESHOLDS: &str = case!("quality_thresholds.yaml");

pub(crate) fn given(dataset: &str, files: [&str; 3]) -> String {
    let mut text = String::from("{\"dataset\":");
    part::quote(dataset, &mut text);
    for (name, file) in ["schemas", "rules", "thresholds"].iter().zip(files) {
        text += &format!(",\"{name}\":");
        part::quote(file, &mut text);
    }
    text + "}"
}

fn trial(dataset: &str) -> Trial {
    let cells = match dataset {
        "api_logs" => case!("bronze.api_logs.csv"),
        "products" => case!("bronze.products.csv"),
        "sales" => case!("bronze.sales.csv"),
        "sessions" => case!("bronze.sessions.csv"),
        _ => case!("bronze.users.csv"),
    };
    Trial::of(expectations)
        .parameters(parameters(), &given(dataset, [SCHEMAS, RULES, THRESHOLDS]))
        .as_of("2025-11-13")
        .rows("smelt.bronze", case!("bronze.csv"))
        .rows(&format!("bronze.{dataset}"), cells)
        .rows("products", case!("products.csv"))
        .rows("users", case!("users.csv"))
}

/// Reads CSV whose cells have no line ends.
fn cells(line: &str) -> Vec<String> {
    let (mut cells, mut quoted) = (vec![String::new()], false);
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        match (character, quoted) {
            ('"', true) if characters.peek() == Some(&'"') => {
                characters.next();
                cells.last_mut().expect("a cell").push('"');
            }
            ('"', _) => quoted = !quoted,
            (',', false) => cells.push(String::new()),
            (other, _) => cells.last_mut().expect("a cell").push(other),
        }
    }
    cells
}

/// The findings of a dataset.
struct Found {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Found {
    fn of(table: &str) -> Self {
        let mut lines = table.lines().map(cells);
        Self { header: lines.next().expect("a header"), rows: lines.collect() }
    }

    /// Returns these columns of the rows of a kind.
    fn columns(&self, kind: &str, names: &[&str]) -> Vec<Vec<String>> {
        let at = |name: &str| self.header.iter().position(|known| known == name).expect(name);
        let rows = self.rows.iter().filter(|row| row[at("kind")] == kind);
        rows.map(|row| names.iter().map(|name| row[at(name)].clone()).collect()).collect()
    }
}

const DATASETS: [&str; 5] = ["api_logs", "products", "sales", "sessions", "users"];

fn expected(csv: &str, dataset: &str) -> Vec<Vec<String>> {
    csv.lines().skip(1).map(cells).filter(|row| row[0] == dataset).collect()
}

/// The findings of all datasets, as the plugins read them that make tables and documents of them.
const FINDINGS: &str = case!("findings.csv");

#[test]
fn objects_are_judged_as_the_case_expects() {
    let mut all = String::new();
    for dataset in DATASETS {
        let table = trial(dataset).table().unwrap_or_else(|fault| panic!("{dataset}: {}", fault.message));
        all += if all.is_empty() { &table } else { table.split_once('\n').expect("a header").1 };
        let found = Found::of(&table);
        let names = [
            "dataset",
            "object",
            "expectation",
            "dimension",
            "scope",
            "severity",
            "outcome",
            "observed",
            "expected",
            "passed",
            "evaluated",
            "failing",
        ];
        let mut expectations = found.columns("expectation", &names);
        expectations.extend(found.columns("dataset", &names));
        expectations.sort();
        for (one, two) in expectations.iter().zip(&expected(case!("quality_expectations.csv"), dataset)) {
            assert_eq!(one, two);
        }
        assert_eq!(expectations.len(), expected(case!("quality_expectations.csv"), dataset).len(), "{dataset}");
        let mut failures = vec![];
        for row in found.columns("expectation", &["dataset", "object", "expectation", "failing_rows"]) {
            failures.extend(row[3].split_whitespace().map(|number| [&row[..3], &[number.to_owned()]].concat()));
        }
        failures.sort_by_key(|row| (row[1].clone(), row[2].clone(), row[3].parse::<i64>().expect("a number")));
        assert_eq!(failures, expected(case!("quality_failures.csv"), dataset));
        let columns =
            found.columns("column", &["dataset", "object", "name", "column_type", "rows", "missing", "unreadable"]);
        let mut wanted = expected(case!("quality_columns.csv"), dataset);
        wanted.iter_mut().for_each(|row| row.truncate(7));
        wanted.sort_by_key(|row| row[1].clone());
        assert_eq!(columns, wanted);
        let objects = found.columns("object", &["object", "verdict", "bytes", "read", "malformed"]);
        let wanted = expected(case!("quality_objects.csv"), dataset);
        let wanted: Vec<_> = wanted.iter().map(|row| [1, 4, 7, 8, 9].map(|at| row[at].clone()).to_vec()).collect();
        assert_eq!(objects, wanted);
    }
    if std::env::var_os("BLESS").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/case/findings.csv");
        std::fs::write(path, &all).expect("it can be written");
    } else {
        assert!(all == FINDINGS, "the findings differ from tests/case/findings.csv: see what BLESS=1 changes there");
    }
}

/// Returns the settings of the inputs and stages, under files in which a text is replaced.
fn settings(file: usize, from: &str, to: &str) -> (Vec<String>, Vec<String>) {
    let mut files = [SCHEMAS, RULES, THRESHOLDS].map(str::to_owned);
    assert!(files[file].contains(from), "no `{from}`");
    files[file] = files[file].replacen(from, to, 1);
    let [schemas, rules, thresholds] = &files;
    let given = given("sales", [schemas, rules, thresholds]);
    let description = Trial::of(expectations).parameters(parameters(), &given).describe().expect("a description");
    let inputs = description.inputs.iter().map(|input| format!("{} {}", input.name, input.accumulator.params));
    let stages = description.stages.iter().map(|stage| stage.reducer.params.clone());
    (inputs.collect(), stages.collect())
}

#[test]
fn a_changed_bound_reads_no_row_again_and_a_changed_column_only_its_cells() {
    let (inputs, stages) = settings(0, "", "");
    let relations: Vec<_> = inputs.iter().filter_map(|input| input.split(' ').next()).collect();
    assert_eq!(relations, ["bronze.sales", "products", "users", "smelt.bronze", "bronze.sales", "smelt.bronze"]);
    for (file, from, to) in [
        (2, "fail: 20 }", "fail: 21 }"),
        (2, "range.quantity: { warn: 0.02", "range.quantity: { warn: 0.03"),
        (2, "{ warn: 0, fail: 0.15 }", "{ warn: 0, fail: 0.16 }"),
        (2, "schema: 2", "schema: 3"),
        (1, "warn: 0.05\n      fail: 0.6", "warn: 0.06\n      fail: 0.6"),
        (1, "version: 1", "# a comment\nversion: 1"),
        (2, "last: 28, history: 3, season: none", "last: 29, history: 3, season: none"),
    ] {
        let (changed, walks) = settings(file, from, to);
        assert_eq!(changed, inputs, "`{to}` reads rows again");
        assert!(walks[..2] == stages[..2] && walks[2] != stages[2], "`{to}` changes the last reducer alone");
    }
    let differ = |from, to| {
        let (changed, _) = settings(0, from, to);
        inputs.iter().zip(changed).map(|(one, two)| *one != two).collect::<Vec<_>>()
    };
    let cells = [false, false, false, false, true, false];
    assert_eq!(differ("\"max\": \"1000\"", "\"max\": \"1001\""), cells, "keys do not read the quantity");
    let sale_id = "\"sale_id\": {\"type\": \"text\"";
    let with_missing = "\"sale_id\": {\"type\": \"text\", \"missing\": [\"-\"]";
    assert_eq!(differ(sale_id, with_missing), [true, true, true, false, true, false]);
}
