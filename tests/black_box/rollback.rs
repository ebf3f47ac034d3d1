//! A rollback: the rows and tables that it brings back, and those that it leaves alone.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::support::{Lake, twin};

fn generated(ticks: &str) -> Lake {
    let lake = Lake::new();
    lake.smelt(&["generate", "--seed", "5", "--start", "2025-03-01T12:00:00Z", "--ticks", ticks]);
    lake
}

fn promote(lake: &Lake, plugin: &str) {
    lake.smelt(&["plugin", "promote", &twin(&lake.path().with_file_name(""), plugin)]);
}

/// Returns the gold of a new lake with the same bronze.
fn fresh(lake: &Lake) -> BTreeMap<String, String> {
    let fresh = Lake::new();
    fresh.copy_bronze(lake);
    fresh.smelt(&["run"]);
    fresh.gold()
}

#[test]
fn rows_that_were_given_up_do_not_come_back() {
    let mut lake = generated("3");
    lake.smelt(&["run"]);
    promote(&lake, "clean-orders");
    let name = lake.files("bronze").into_keys().find(|name| name.starts_with("orders_")).expect("orders");
    lake.remove(&format!("bronze/{name}"));
    lake.change_pipeline(&[("[schedule]", "[limits.decode]\nrecord_bytes = 1000000\n\n[schedule]")]);
    lake.smelt(&["run", "--forget-missing"]);
    assert_eq!(lake.gold(), fresh(&lake));
    // As it was when the former component ran.
    lake.change_pipeline(&[]);
    lake.smelt(&["plugin", "rollback", "clean-orders"]);
    lake.smelt(&["run"]);
    assert_eq!(lake.gold(), fresh(&lake));
}

#[test]
fn a_promotion_that_bronze_blocks_says_what_can_be_done() {
    let lake = generated("2");
    lake.smelt(&["run"]);
    let name = lake.files("bronze").into_keys().find(|name| name.starts_with("orders_")).expect("orders");
    lake.remove(&format!("bronze/{name}"));
    let twin = twin(&lake.path().with_file_name(""), "clean-orders");
    let output = lake.try_smelt(&["plugin", "promote", &twin]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    // If it names the flag, the command has it.
    let takes = lake.try_smelt(&["plugin", "promote", &twin, "--forget-missing"]).status.success();
    assert!(takes || !said.contains("--forget-missing"), "{said}");
}

#[test]
fn purging_one_object_leaves_what_is_kept_of_others() {
    let lake = generated("2");
    lake.smelt(&["run"]);
    promote(&lake, "clean-orders");
    let kept = || (lake.files("catalog/rollback"), lake.files("quarantine/for-rollback"));
    let before = kept();
    let name = lake.files("bronze").into_keys().find(|name| name.starts_with("clicks_")).expect("clicks");
    lake.smelt(&["quarantine", "purge", "--older-than", "0s", "--object", &name, "--delete"]);
    assert_eq!(kept(), before);
}

#[test]
fn rejected_rows_are_as_old_in_buckets_as_when_they_were_rejected() {
    for lake in [Lake::new(), Lake::new().on_s3()] {
        lake.copy_bronze(&generated("1"));
        lake.smelt(&["run"]);
        lake.grow_older(Duration::from_secs(6 * 60));
        promote(&lake, "clean-orders");
        let old = ["quarantine", "purge", "--older-than", "5m", "--dataset", "orders"];
        assert_eq!(lake.json(&old)["rollback_points"], serde_json::json!(["clean-orders"]), "what is kept");
        lake.smelt(&["plugin", "rollback", "clean-orders"]);
        assert_eq!(lake.json(&old)["objects"].as_array().map(Vec::len), Some(1), "what is brought back");
    }
}

#[test]
fn an_object_that_came_late_is_taken_in_after_a_rollback_in_buckets() {
    let lake = Lake::new().on_s3();
    let order = |number: usize| {
        format!(
            "{{\"order_id\":\"{number}\",\"total_amount\":\"1.00\",\"quantity\":\"1\",\"unit_price\":\"1.00\",\"order_ts\":\"2025-03-01T12:00:00Z\"}}\n"
        )
    };
    (1000..2100).for_each(|number| lake.bronze(&format!("orders_{number}.json"), order(number)));
    lake.smelt(&["run"]);
    promote(&lake, "clean-orders");
    lake.bronze("orders_0001.json", order(1));
    lake.smelt(&["run", "--reconcile"]);
    assert!(lake.gold()["aov"].contains("1101,"), "{}", lake.gold()["aov"]);
    lake.smelt(&["plugin", "rollback", "clean-orders"]);
    lake.smelt(&["run"]);
    assert_eq!(lake.gold()["aov"], fresh(&lake)["aov"]);
}

#[test]
fn gold_that_a_commit_names_is_no_garbage_beside_a_promotion() {
    let lake = generated("2");
    lake.smelt(&["run"]);
    promote(&lake, "clean-orders");
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                // It may find the catalog changed under its hands.
                lake.try_smelt(&["gc", "--grace", "0s", "--delete"]);
            }
        });
        (0..40).for_each(|_| drop(lake.try_smelt(&["plugin", "rollback", "clean-orders"])));
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    let verified = lake.try_smelt(&["verify"]);
    let found = String::from_utf8_lossy(&verified.stdout);
    assert!(!found.contains(" missing "), "{found}");
}

#[test]
fn a_table_keeps_its_lineage_when_rejected_rows_are_purged() {
    let lake = generated("2");
    lake.smelt(&["run"]);
    lake.smelt(&["quarantine", "purge", "--older-than", "0s", "--delete"]);
    lake.smelt(&["lineage", "aov"]);
}

#[test]
fn a_table_keeps_its_lineage_when_bronze_is_touched() {
    let lake = generated("2");
    lake.smelt(&["run"]);
    lake.files("bronze").iter().for_each(|(name, body)| {
        lake.remove(&format!("bronze/{name}"));
        lake.bronze(name, body);
    });
    assert_eq!(lake.json(&["run"])["cleaned"], 0);
    lake.smelt(&["lineage", "aov"]);
}

#[test]
fn a_table_without_one_of_its_datasets_is_made_again() {
    let lake = generated("2");
    let names: Vec<_> = lake.files("bronze").into_keys().filter(|name| name.starts_with("customers_")).collect();
    names.iter().for_each(|name| lake.remove(&format!("bronze/{name}")));
    lake.smelt(&["run"]);
    let history = lake.json(&["history"]);
    let table = &history["state"]["gold"]["revenue_by_country"]["relation"]["files"]["one"]["key"];
    lake.smelt(&["reproduce", table.as_str().expect("a key")]);
}

/// Loses the list of what is kept of the orders.
fn damage_what_is_kept(lake: &Lake) {
    let entries = lake.files("catalog/entries/orders");
    let former = entries.keys().find(|name| name.contains("former")).expect("it is known what is kept");
    lake.remove(&format!("catalog/entries/orders/{former}"));
}

#[test]
fn what_is_kept_and_damaged_can_be_let_go_of() {
    let lake = generated("2");
    lake.smelt(&["run"]);
    promote(&lake, "clean-orders");
    damage_what_is_kept(&lake);
    lake.smelt(&["gc", "--rollback-points", "--delete"]);
}

#[test]
fn what_is_kept_and_damaged_is_let_go_of_where_rejected_rows_grow_too_old() {
    let mut lake = generated("2");
    lake.change_pipeline(&[("[output]", "[privacy]\nquarantine_retention = \"30d\"\n\n[output]")]);
    lake.smelt(&["run"]);
    promote(&lake, "clean-orders");
    damage_what_is_kept(&lake);
    // How old it is cannot be told, nor can it be brought back.
    lake.smelt(&["run", "--reconcile"]);
    assert!(lake.smelt(&["history"]).contains("rollback point of clean-orders discarded"));
    lake.smelt(&["gc", "--grace", "0s", "--delete"]);
    assert!(lake.files("catalog/rollback").is_empty() && lake.files("quarantine/for-rollback").is_empty());
    assert_eq!(lake.gold(), fresh(&lake));
}
