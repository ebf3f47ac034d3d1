//! The worked case of the specification, from the findings that the check has of it.

use smelt_sdk::testing::Trial;

use super::*;

macro_rules! case {
    ($file:expr) => {
        include_str!(concat!("../../expectations/tests/case/", $file))
    };
}

/// Returns the texts of the files.
fn documents() -> std::collections::BTreeMap<String, String> {
    let trial = Trial::of(quality_documents)
        .as_of("2025-11-13")
        .rows("findings", case!("findings.csv"))
        .rows("smelt.objects", case!("quality_objects.csv"));
    let table = trial.table().unwrap_or_else(|fault| panic!("{}", fault.message));
    let mut documents = std::collections::BTreeMap::<String, String>::new();
    for line in table.lines().skip(1) {
        let mut cells = line.splitn(3, ',');
        let (file, text) = (cells.next().expect("a file"), cells.nth(1).expect("a text"));
        let unquoted = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
        let text = unquoted.map_or(text.to_owned(), |text| text.replace("\"\"", "\""));
        *documents.entry(file.to_owned()).or_default() += &(text + "\n");
    }
    documents
}

fn assert_same(found: &str, expected: &str, what: &str) {
    for (at, (one, two)) in found.lines().zip(expected.lines()).enumerate() {
        assert_eq!(one, two, "{what}, line {}", at + 1);
    }
    assert_eq!(found.len(), expected.len(), "{what}");
}

#[test]
fn documents_are_as_the_case_expects() {
    let documents = documents();
    for (object, expected) in [
        ("api_20251109T060000.log.gz", case!("validation_report_api_20251109T060000.log.gz.json")),
        ("products_20251108.csv", case!("validation_report_products_20251108.csv.json")),
        ("sales_20251105.txt.r02", case!("validation_report_sales_20251105.txt.r02.json")),
        ("sessions_20251108.jsonl.gz", case!("validation_report_sessions_20251108.jsonl.gz.json")),
        ("users_20251104.csv.gz", case!("validation_report_users_20251104.csv.gz.json")),
    ] {
        assert_same(&documents[&format!("validation_report_{object}.json")], expected, object);
    }
    // No relation of the host tells which files it does not recognise.
    let expected = case!("quality_alert.txt");
    let known = expected.split("\nUNRECOGNISED").next().expect("a text");
    assert_same(&documents["quality_alert.txt"], known, "the alert");
    let expected = case!("quality_report.json");
    let known: String =
        expected.lines().filter(|line| !line.contains("\"unrecognised\"")).map(|line| line.to_owned() + "\n").collect();
    assert_same(&documents["quality_report.json"], &known, "the report");
}
