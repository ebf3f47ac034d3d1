//! Only what a change touches is computed again, and what is kept to save work never changes a result.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::support::Lake;
use crate::support::audit::audit;

/// A lake of three ticks that has run.
fn lake_that_has_run() -> Lake {
    let lake = Lake::new();
    generate(&lake, 3);
    lake.smelt(&["run"]);
    lake
}

fn generate(lake: &Lake, ticks: usize) {
    // An hour apart, so that names sort by tick.
    let made = ["generate", "--seed", "5", "--start", "2025-03-01T12:00:00Z", "--interval", "1h", "--first", "0"];
    let more = Lake::new();
    more.smelt(&[&made[..], &["--param", "late_duplicates=0.2", "--ticks", &ticks.to_string()]].concat());
    lake.copy_bronze(&more);
}

/// Why each KPI would be computed, of those that would be.
fn planned(lake: &Lake) -> BTreeMap<String, String> {
    let plan = lake.json(&["plan"]);
    let kpis = plan["kpis"].as_array().expect("KPIs are a list").iter();
    kpis.filter_map(|kpi| Some((kpi["kpi"].as_str()?.to_owned(), kpi["reason"].as_str()?.to_owned()))).collect()
}

/// The KPIs that a run computed.
fn computed(report: &Value) -> Vec<&str> {
    let kpis = report["kpis"].as_array().expect("KPIs are a list").iter();
    kpis.filter(|kpi| kpi["computed"] == true).filter_map(|kpi| kpi["kpi"].as_str()).collect()
}

/// The gold that a lake with the same bronze comes to that never ran before.
fn like_fresh(lake: &Lake) -> BTreeMap<String, String> {
    let fresh = Lake::new();
    fresh.copy_bronze(lake);
    fresh.smelt(&["run"]);
    fresh.gold()
}

fn assert_gold_like_fresh(lake: &Lake) {
    assert_eq!(lake.gold(), like_fresh(lake));
    audit(lake);
}

#[test]
fn a_new_parameter_computes_its_kpi_alone() {
    let mut lake = lake_that_has_run();
    let (silver, gold, tables) = (lake.files("silver"), lake.gold(), lake.files("gold"));
    lake.change_pipeline(&[("limit = 10", "limit = 3")]);

    let plan = planned(&lake);
    assert_eq!(plan.keys().collect::<Vec<_>>(), ["top_products"]);
    assert!(plan["top_products"].contains("parameters"), "{plan:?}");
    let report = lake.json(&["run"]);

    assert_eq!((report["cleaned"].clone(), computed(&report)), (0.into(), vec!["top_products"]));
    assert_eq!(lake.files("silver"), silver);
    let mut now = lake.files("gold");
    now.retain(|name, _| !tables.contains_key(name));
    assert_eq!(now.keys().map(|name| name.split('/').next()).collect::<Vec<_>>(), [Some("top_products")]);
    let first: Vec<_> = gold["top_products"].lines().take(4).collect();
    assert_eq!(lake.gold()["top_products"].lines().collect::<Vec<_>>(), first);
    assert!(planned(&lake).is_empty());
}

#[test]
fn new_clicks_compute_no_kpi() {
    let lake = lake_that_has_run();
    let gold = lake.files("gold");
    lake.bronze("clicks_20990101T000000.txt", "{\"ip\": \"1.2.3.4\", \"ts\": \"2025-01-01T00:00:00Z\"}\n");

    assert!(planned(&lake).is_empty(), "no KPI reads clicks");
    let report = lake.json(&["run"]);

    assert_eq!((report["cleaned"].clone(), computed(&report)), (1.into(), vec![]));
    assert_eq!(lake.files("gold"), gold);
}

#[test]
fn silver_that_was_damaged_is_made_again_from_bronze() {
    let lake = lake_that_has_run();
    for (number, (name, mut body)) in lake.files("silver").into_iter().enumerate() {
        match number % 2 {
            0 => body.truncate(body.len() / 2),
            _ => body.extend(b"made up\n"),
        }
        std::fs::write(lake.path().join("silver").join(name), body).expect("it can be damaged");
    }
    generate(&lake, 4);
    lake.smelt(&["run"]);
    // Nothing reads clicks, so that theirs are damaged is not found out yet.
    assert_eq!(lake.gold(), like_fresh(&lake));
}

#[test]
fn kpis_over_thousands_of_objects_are_computed_on_one_core() {
    let lake = Lake::new();
    for number in 0..5_200 {
        let order = r#"{"order_id":"o#","total_amount":"1.00","order_ts":"2025-01-01T00:00:00Z"}"#;
        lake.bronze(&format!("orders_{number:05}.json"), order.replace('#', &number.to_string()));
    }
    let ended = lake.end_on_one_core(&["run"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(lake.gold()["aov"], "orders,revenue,aov\n5200,5200.00,1.00\n");
}

/// Sums and logs, which are kept to save work, can be lost, damaged, or replaced by something that is well formed but does
/// not belong there. smelt finds that out and rebuilds them from silver, and gold is what it should be.
#[test]
fn sums_and_logs_of_changes_that_are_lost_damaged_or_forged_change_nothing() {
    type Harm = fn(number: usize, body: &[u8], others: &[Vec<u8>]) -> Option<Vec<u8>>;
    let harms: [(&str, Harm); 4] = [
        ("lost", |_, _, _| None),
        ("cut", |_, body, _| Some(body[..body.len() / 2].to_vec())),
        ("flipped", |number, body, _| {
            let mut body = body.to_vec();
            let at = number * 31 % body.len();
            body[at] ^= 1;
            Some(body)
        }),
        ("forged", |number, _, others| Some(others[(number + 1) % others.len()].clone())),
    ];
    for layer in ["catalog/sums", "catalog/changes"] {
        for (harm, change) in harms {
            let lake = lake_that_has_run();
            // Cleaned only: what changed is yet to be read from its log.
            generate(&lake, 4);
            lake.smelt(&["clean"]);
            let files = lake.files(layer);
            assert!(files.len() >= 5, "there is something to harm: {:?}", files.keys());
            // Each with the content of another of about its size, so that it could be taken for it.
            let mut others: Vec<Vec<u8>> = files.values().cloned().collect();
            others.sort_by_key(Vec::len);
            for (number, (name, body)) in files.iter().enumerate() {
                let path = lake.path().join(layer).join(name);
                match change(number, body, &others) {
                    Some(body) => std::fs::write(path, body).expect("it can be written"),
                    None => std::fs::remove_file(path).expect("it can be removed"),
                }
            }
            let output = lake.try_smelt(&["run"]);
            assert!(output.status.success(), "{layer} {harm}: {}", String::from_utf8_lossy(&output.stderr));
            assert_gold_like_fresh(&lake);
            generate(&lake, 5);
            lake.smelt(&["run"]);
            assert_gold_like_fresh(&lake);
        }
    }
}

#[test]
fn a_catalog_that_was_damaged_is_made_again_from_bronze() {
    for layer in ["catalog/entries", "catalog/index"] {
        for cut in [false, true] {
            let lake = lake_that_has_run();
            for (name, mut body) in lake.files(layer) {
                body.truncate(if cut { body.len() / 2 } else { body.len() });
                body.iter_mut().step_by(97).for_each(|byte| *byte ^= 4);
                std::fs::write(lake.path().join(layer).join(name), body).expect("it can be damaged");
            }
            generate(&lake, 4);
            lake.smelt(&["run"]);
            assert_eq!(lake.gold(), like_fresh(&lake));
            // What the damaged part named is told from what is someone else's by whoever next writes alone.
            lake.smelt(&["run"]);
            assert_gold_like_fresh(&lake);
        }
    }
}

#[test]
fn a_table_that_is_gone_or_cut_off_is_written_again() {
    let lake = lake_that_has_run();
    let gold = lake.gold();
    let tables: Vec<_> = lake.files("gold").into_keys().map(|name| lake.path().join("gold").join(name)).collect();
    std::fs::remove_file(&tables[0]).expect("it can be removed");
    std::fs::write(&tables[1], "order").expect("it can be cut off");
    assert_eq!(planned(&lake).len(), 2, "{:?}", planned(&lake));
    assert_eq!(computed(&lake.json(&["run"])).len(), 2);
    assert_eq!(lake.gold(), gold);
    assert!(planned(&lake).is_empty());
}

#[test]
fn a_plan_says_how_much_it_would_be() {
    let mut lake = lake_that_has_run();
    let estimate = |plan: &Value, kind: &str, name: &str| {
        let key = kind.trim_end_matches('s');
        let all = plan[kind].as_array().expect("a list").iter();
        let found = all.filter(|it| it[key] == name).map(|it| it["estimate"].clone()).next().expect("it is planned");
        (found["rows"].as_u64(), found["plugin_seconds"].as_f64())
    };
    let history = lake.json(&["history"]);
    let totals = |dataset: &str, what: &str| {
        let all = history["datasets"].as_array().expect("datasets").iter();
        all.filter(|totals| totals["dataset"] == dataset).find_map(|totals| totals[what].as_u64())
    };
    lake.change_pipeline(&[("limit = 10", "limit = 3")]);
    let plan = lake.json(&["plan"]);
    assert_eq!(estimate(&plan, "kpis", "aov"), (None, None), "it is current");
    assert_eq!(estimate(&plan, "datasets", "orders").0, Some(0));
    let (rows, seconds) = estimate(&plan, "kpis", "top_products");
    assert_eq!(rows, totals("orders", "kept"), "all of silver");
    assert!(seconds.is_some_and(|seconds| seconds > 0.0), "{plan}");
    generate(&lake, 4);
    let plan = lake.json(&["plan"]);
    let (new, all) = (estimate(&plan, "datasets", "orders").0.expect("rows"), totals("orders", "read").expect("rows"));
    assert!(new > all / 6 && new < all / 2, "about a third of what three ticks brought: {new} of {all}");
    assert_eq!(estimate(&plan, "kpis", "aov").0, Some(new));
}
