//! The worked case of the specification, from the findings that the check has of it.

use smelt_sdk::testing::Trial;

use super::*;

macro_rules! case {
    ($file:expr) => {
        include_str!(concat!("../../expectations/tests/case/", $file))
    };
}

fn summary(by: &str) -> String {
    Trial::of(quality_summary)
        .parameters(parameters(), &format!("{{\"by\": \"{by}\"}}"))
        .rows("findings", case!("findings.csv"))
        .rows("smelt.objects", case!("quality_objects.csv"))
        .rows("smelt.rules", case!("quality_rules.csv"))
        .table()
        .unwrap_or_else(|fault| panic!("{by}: {}", fault.message))
}

fn check(by: &str, expected: &str) {
    let found = summary(by);
    for (one, two) in found.lines().zip(expected.lines()) {
        assert_eq!(one, two, "{by}");
    }
    assert_eq!(found.lines().count(), expected.lines().count(), "{by}");
}

#[test]
fn tables_are_as_the_case_expects() {
    check("object", case!("quality_objects.csv"));
    check("expectation", case!("quality_expectations.csv"));
    check("failure", case!("quality_failures.csv"));
    check("column", case!("quality_columns.csv"));
    check("rule", case!("quality_rules.csv"));
    check("dataset", case!("quality_datasets.csv"));
    check("day", case!("quality_days.csv"));
}
