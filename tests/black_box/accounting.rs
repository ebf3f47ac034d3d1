//! The account of every row: quarantine, superseded rows, and bronze objects that are replaced, repeated, gone or foreign.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::support::audit::{audit, entry};
use crate::support::reference::hex;
use crate::support::{Lake, root};

/// An order of one euro a piece of that product.
fn order(id: &str, day: u32, product: &str, total: u32) -> String {
    format!(
        r#"{{"order_id": "{id}", "customer_id": "C1", "product": "{product}", "quantity": 1, "unit_price": 1, "total_amount": {total}, "order_ts": "2025-01-{day:02}T00:00:00Z", "channel": "web"}}"#
    )
}

fn orders(all: &[String]) -> String {
    format!("[{}]\n", all.join(",\n "))
}

/// `<order> <product>` of every order in silver.
fn silver_orders(lake: &Lake) -> Vec<String> {
    let line = |line: &String| {
        let cells: Vec<_> = line.split(',').collect();
        format!("{} {}", cells[0], cells[2])
    };
    lake.silver("orders").iter().map(line).collect()
}

fn superseded(lake: &Lake, object: &str) -> Value {
    entry(lake, "orders", object)["superseded"].clone()
}

#[test]
fn quarantine_has_rule_place_and_raw_text_of_every_rejected_row() {
    let lake = Lake::new();
    let customers = "\u{feff}customer_id,first_name,last_name,email,country,signup_date\r\n\
        C1,Ada,L,a@b.c,FR,2025-01-01\r\n,No,Id,a@b.c,FR,2025-01-01\r\nC2,\"two\nlines\",L,a@b.c,FR,32/13/2025\r\n\
        C3,too,few\r\nC4,é,L,,,\r\n";
    let orders = "[{\"order_id\": \"O1\", \"order_ts\": \"2025-01-01T00:00:00Z\"},\n  {\"order_id\": \" \"} , 17,\n\
        {\"order_id\": \"O2\", \"order_ts\": \"2025-02-30T00:00:00Z\"}]";
    let clicks = "{\"ip\": \"1.2.3.4\", \"ts\": \"2025-01-01T00:00:00Z\"}\n{\"ip\": \"999.999.999.999\"}\nbroken \"é\n\
        {\"ip\": \"1.2.3.4\", \"ts\": \"24:00:00\"}\n{}";
    let bronze = [("customers_1.csv", customers), ("orders_1.json", orders), ("clicks_1.txt", clicks)];
    bronze.iter().for_each(|(name, body)| lake.bronze(name, body));
    lake.smelt(&["run"]);

    let expected = [
        (
            "clicks",
            "clean-clicks",
            vec![(1, "invalid_ip"), (2, "malformed_line"), (3, "invalid_ts"), (4, "invalid_ip")],
        ),
        (
            "customers",
            "clean-customers",
            vec![
                (1, "missing_customer_id"),
                (2, "invalid_signup_date"),
                (3, "malformed_line"),
                (4, "invalid_signup_date"),
            ],
        ),
        ("orders", "clean-orders", vec![(1, "missing_order_id"), (2, "malformed_record"), (3, "invalid_order_ts")]),
    ];
    let raw = BTreeMap::from([
        ("customers_1.csv", "\"two\nlines\""),
        ("orders_1.json", "\"2025-02-30T00:00:00Z\"}"),
        ("clicks_1.txt", "broken \"é"),
    ]);
    for (dataset, plugin, expected) in expected {
        let files = lake.files(&format!("quarantine/{dataset}"));
        assert_eq!(files.len(), 1, "{:?}", files.keys());
        let text = String::from_utf8(files.into_values().flatten().collect()).expect("quarantine is text");
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON Lines")).collect();
        let places: Vec<_> = lines.iter().map(|line| (line["row"].clone(), line["rule"].clone())).collect();
        let expected: Vec<_> = expected.into_iter().map(|(row, rule)| (json!(row), json!(rule))).collect();
        assert_eq!(places, expected, "{dataset}");

        let (object, body) = bronze.iter().find(|(name, _)| name.starts_with(dataset)).expect("an object of each");
        let component = std::fs::read(root().join(format!("target/components/{plugin}.wasm"))).expect("a component");
        let mut counts = BTreeMap::<&str, u64>::new();
        for line in &lines {
            let number = |name: &str| line[name].as_u64().expect("a number") as usize;
            let (from, to) = (number("offset"), number("offset") + number("bytes"));
            assert_eq!(line["raw"], body[from..to], "{line}");
            assert_eq!(line["object"], *object);
            assert_eq!(line["component"], hex(&Sha256::digest(&component)));
            *counts.entry(line["rule"].as_str().expect("text")).or_default() += 1;
        }
        assert!(lines.iter().any(|line| line["raw"].as_str().expect("text").contains(raw[object])), "{lines:?}");
        assert_eq!(entry(&lake, dataset, object)["rejected"], json!(counts));
    }
    audit(&lake);
}

#[test]
fn of_rows_with_one_key_the_latest_wins_wherever_and_whenever_it_comes() {
    let lake = Lake::new();
    lake.bronze("orders_2.json", orders(&[order("A", 5, "a2", 1), order("B", 5, "b2", 1), order("C", 5, "c2", 1)]));
    lake.smelt(&["run"]);
    assert_eq!(silver_orders(&lake), ["A a2", "B b2", "C c2"]);

    // A loses by its time, B by the name of its object though it came later, C wins by its time.
    lake.bronze("orders_1.json", orders(&[order("A", 4, "a1", 1), order("B", 5, "b1", 1), order("C", 6, "c1", 1)]));
    lake.smelt(&["run"]);
    assert_eq!(silver_orders(&lake), ["A a2", "B b2", "C c1"]);
    assert_eq!((superseded(&lake, "orders_1.json"), superseded(&lake, "orders_2.json")), (json!([0, 1]), json!([2])));

    // Ties: between objects the greater name wins, in one object the later row.
    lake.bronze(
        "orders_3.json",
        orders(&[order("A", 5, "a3", 1), order("A", 5, "a3 again", 1), order("B", 4, "b3", 1)]),
    );
    lake.smelt(&["run"]);
    assert_eq!(silver_orders(&lake), ["A a3 again", "B b2", "C c1"]);
    assert_eq!(
        (superseded(&lake, "orders_2.json"), superseded(&lake, "orders_3.json")),
        (json!([0, 2]), json!([0, 2]))
    );

    let totals = audit(&lake);
    assert_eq!(totals["orders"], json!({"read": 9, "kept": 3, "superseded": 6, "rejected": {}, "repaired": {}}));
    assert_eq!(lake.gold()["aov"], "orders,revenue,aov\n3,3.00,1.00\n");
}

#[test]
fn of_a_customer_s_rows_that_of_the_greatest_object_name_wins_whenever_it_comes() {
    let lake = Lake::new();
    let customer = |country: &str| {
        format!("customer_id,first_name,last_name,email,country,signup_date\nC1,A,B,a@b.c,{country},2025-01-01\n")
    };
    lake.bronze("orders_1.json", orders(&[order("A", 5, "a", 7)]));
    for (object, country, winner) in
        [("customers_5.csv", "FR", "FR"), ("customers_4.csv", "DE", "FR"), ("customers_6.csv", "BE", "BE")]
    {
        lake.bronze(object, customer(country));
        lake.smelt(&["run"]);
        assert_eq!(lake.gold()["revenue_by_country"], format!("country,revenue\n{winner},7.00\n"), "{object}");
    }
    assert_eq!(audit(&lake)["customers"]["superseded"], 2);
}

#[test]
fn silver_that_is_rewritten_again_and_again_without_gold_stays_whole() {
    let lake = Lake::new();
    lake.bronze("orders_1.json", orders(&["A", "B", "C", "D"].map(|id| order(id, 1, "first", 1))));
    lake.smelt(&["clean"]);
    for (number, id) in ["A", "B", "C"].into_iter().enumerate() {
        lake.bronze(&format!("orders_{}.json", number + 2), orders(&[order(id, 2, "second", 1)]));
        lake.smelt(&["clean"]);
        audit(&lake);
    }
    assert_eq!(silver_orders(&lake), ["A second", "B second", "C second", "D first"]);
}

#[test]
fn a_replaced_object_makes_its_dataset_anew() {
    let lake = Lake::new();
    lake.bronze("orders_1.json", orders(&[order("A", 1, "tea", 5), order("B", 9, "ink", 5)]));
    lake.bronze("orders_2.json", orders(&[order("A", 2, "pen", 7), order("B", 2, "cup", 7), "17".to_owned()]));
    lake.smelt(&["run"]);
    // A comes back to life in another object, B is not to be found any more.
    lake.bronze("orders_2.json", orders(&[order("D", 2, "hat", 7)]));

    let plan = lake.json(&["plan"]);
    let planned = plan["datasets"].as_array().expect("a list").iter().find(|plan| plan["dataset"] == "orders");
    let why = planned.expect("orders are planned")["rebuild"].as_str().expect("orders are made anew").to_owned();
    assert!(why.contains("orders_2.json") && why.contains("replaced"), "{why}");
    lake.smelt(&["run"]);

    let fresh = Lake::new();
    fresh.copy_bronze(&lake);
    fresh.smelt(&["run"]);
    assert_eq!(silver_orders(&lake), ["A tea", "B ink", "D hat"]);
    assert_eq!(lake.gold(), fresh.gold());
    assert_eq!(audit(&lake), audit(&fresh));
}

#[test]
fn the_same_bytes_under_two_names_count_once_where_there_is_a_key() {
    let lake = Lake::new();
    let click = "{\"customer_id\": \"C1\", \"page\": \"/\", \"ip\": \"1.2.3.4\", \"ts\": \"2025-01-01T00:00:00Z\"}\n";
    let body = orders(&[order("A", 1, "tea", 5), order("B", 1, "ink", 5)]);
    for number in [1, 2] {
        lake.bronze(&format!("orders_{number}.json"), &body);
        lake.bronze(&format!("clicks_{number}.txt"), click);
        lake.smelt(&["run"]);
    }
    assert_eq!(lake.gold()["aov"], "orders,revenue,aov\n2,10.00,5.00\n");
    assert_eq!((superseded(&lake, "orders_1.json"), superseded(&lake, "orders_2.json")), (json!([0, 1]), json!([])));
    // Clicks have no key: two equal ones are two.
    assert_eq!(lake.silver("clicks").len(), 2);
    audit(&lake);
}

#[test]
fn an_object_that_matches_no_dataset_is_reported_and_left_alone() {
    let lake = Lake::new();
    lake.bronze("orders_1.json", orders(&[order("A", 1, "tea", 5)]));
    lake.bronze("orders_1.json.bak", "not ours");
    lake.bronze("sub/orders_2.json", orders(&[order("B", 1, "ink", 5)]));
    let foreign = ["orders_1.json.bak", "sub/orders_2.json"];

    assert_eq!(lake.json(&["plan"])["unmatched"], json!(foreign));
    assert_eq!(lake.json(&["run"])["unmatched"], json!(foreign));
    let said = String::from_utf8_lossy(&lake.try_smelt(&["run"]).stderr).into_owned();
    assert!(foreign.iter().all(|name| said.contains(name)), "{said}");
    assert_eq!(lake.files("bronze")["orders_1.json.bak"], b"not ours");
    assert_eq!(lake.gold()["aov"], "orders,revenue,aov\n1,5.00,5.00\n");
}

#[test]
fn a_bronze_object_that_vanishes_leaves_silver_as_it_is_and_is_reported() {
    let lake = Lake::new();
    lake.bronze("orders_1.json", orders(&[order("A", 1, "tea", 5), order("B", 1, "ink", 5)]));
    lake.smelt(&["run"]);
    let before = (lake.files("silver"), lake.gold());
    std::fs::remove_file(lake.path().join("bronze/orders_1.json")).expect("it was there");

    let report = lake.json(&["run"]);
    let warnings = report["warnings"].to_string();
    assert!(warnings.contains("orders_1.json") && warnings.contains("gone"), "{warnings}");
    assert_eq!((lake.files("silver"), lake.gold()), before);

    // Its rows still lose to later ones.
    lake.bronze("orders_2.json", orders(&[order("A", 2, "pen", 9)]));
    lake.smelt(&["run"]);
    assert_eq!(silver_orders(&lake), ["A pen", "B ink"]);
    audit(&lake);
}

/// Bronze no longer holds what a dataset was made from, and the dataset must be made anew.
#[test]
fn rows_of_a_vanished_object_are_given_up_only_when_told_to() {
    let lake = Lake::new();
    let customer = |id: u8| format!("customer_id,signup_date,country\n{id},2025-01-0{id},FR\n");
    lake.bronze("customers_1.csv", customer(1));
    lake.bronze("customers_2.csv", customer(2));
    lake.smelt(&["run"]);
    let before = lake.files("silver");
    std::fs::remove_file(lake.path().join("bronze/customers_1.csv")).expect("it is there");

    let key = "0b".repeat(32);
    let run = |arguments: &[&str]| lake.command(arguments).env("SMELT_PII_KEY", &key).output().expect("smelt starts");
    let refused = run(&["run"]);
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("customers_1.csv") && said.contains("--forget-missing"), "{said}");
    assert_eq!(lake.files("silver"), before);

    assert_eq!(run(&["run", "--forget-missing"]).status.code(), Some(0));
    let customers: Vec<_> = lake.files("silver").into_keys().filter(|file| file.starts_with("customers")).collect();
    assert_eq!(customers.len(), 1, "{customers:?}");
}

#[test]
fn an_object_that_comes_back_after_it_was_given_up_has_its_silver() {
    let mut lake = Lake::new();
    lake.bronze("clicks_1.txt", r#"{"customer_id":"c","page":"/","ip":"1.2.3.4","ts":"2025-01-01T00:00:00Z"}"#);
    lake.smelt(&["clean"]);
    let bronze = lake.path().join("bronze/clicks_1.txt");
    std::fs::rename(&bronze, lake.path().join("aside")).expect("it is there");
    lake.change_pipeline(&[("[schedule]", "[limits.decode]\ndepth = 32\n\n[schedule]")]);
    lake.smelt(&["clean", "--forget-missing"]);
    std::fs::rename(lake.path().join("aside"), &bronze).expect("it is there");
    lake.smelt(&["clean"]);
    crate::support::audit::audit(&lake);
    assert_eq!(lake.files("silver").len(), 1);
}
