//! The pipeline of clients and purchases, on what its own source makes.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::audit::audit;
use crate::support::{Lake, root};

fn inspected(lake: &Lake, plugin: &str) -> Value {
    let component = root().join("target/components").join(plugin).with_extension("wasm");
    lake.json(&["plugin", "inspect", component.to_str().expect("a UTF-8 path")])
}

/// A lake on which the pipeline has run, after three days of the source.
fn lake_of(parameters: &[String]) -> Lake {
    let lake = Lake::with_pipeline(root().join("pipelines/analytics"));
    let made = ["generate", "--ticks", "3", "--interval", "1d", "--start", "2025-11-16T06:00:00Z"];
    let sizes = ["--param", "clients=700", "--param", "purchases=1500"];
    let parameters = parameters.iter().flat_map(|parameter| ["--param", parameter.as_str()]);
    let said = lake.smelt(&made.into_iter().chain(sizes).chain(parameters).collect::<Vec<_>>());
    assert_eq!(
        said,
        format!("6 objects in {}/sources\n", lake.path().display()),
        "the source writes where others deliver"
    );
    lake.smelt(&["run", "--as-of", "2025-11-18"]);
    lake
}

/// Returns the rules that the rows of a dataset met.
fn met(lake: &Lake, dataset: &str) -> BTreeSet<String> {
    let accounts = audit(lake);
    let account = &accounts[dataset];
    let rules = ["rejected", "repaired"].map(|action| account[action].as_object().expect("an account has rules"));
    rules.into_iter().flat_map(|rules| rules.keys().cloned()).collect()
}

/// Returns the expectations that did not pass.
fn failed(lake: &Lake) -> Vec<String> {
    let verdicts = lake.smelt(&["show", "quality_checks"]);
    let mut lines = verdicts.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let header = lines.next().expect("a table has a header");
    let passed = header.iter().position(|name| *name == "passed").expect("verdicts say so");
    lines.filter(|cells| cells[passed] == "false").map(|cells| cells[0].to_owned()).collect()
}

#[test]
fn by_default_every_rule_of_both_cleaners_occurs() {
    let lake = lake_of(&[]);
    for (dataset, cleaner) in [("clients", "clean-clients"), ("purchases", "clean-purchases")] {
        let about = inspected(&lake, cleaner);
        let rules = about["rules"].as_object().expect("a cleaner has rules").keys().cloned();
        assert_eq!(met(&lake, dataset), rules.chain(["malformed_line".to_owned()]).collect(), "{dataset}");
        assert!(audit(&lake)[dataset]["superseded"].as_u64().is_some_and(|rows| rows > 20), "rows come again");
    }
    assert_eq!(failed(&lake), ["email_unique"], "the other expectations allow for as many flaws as there are");
}

#[test]
fn without_flaws_no_rule_occurs_and_every_expectation_passes() {
    let about = inspected(&Lake::new(), "retail-source");
    let parameters = about["parameters"]["properties"].as_object().expect("it has parameters");
    let rates = parameters.iter().filter(|(_, parameter)| parameter["type"] == "number");
    let lake = lake_of(&rates.map(|(name, _)| format!("{name}=0")).collect::<Vec<_>>());
    for (dataset, kept) in [("clients", 2100), ("purchases", 4500)] {
        assert_eq!(met(&lake, dataset), BTreeSet::new());
        let accounts = audit(&lake);
        let account = &accounts[dataset];
        assert_eq!((&account["kept"], &account["superseded"]), (&Value::from(kept), &Value::from(0)));
    }
    assert_eq!(failed(&lake), [""; 0]);
}
