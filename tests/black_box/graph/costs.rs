//! A change in a graph costs what depends on it, counted in rows.

use super::lake::{DAY, DEEP, assert_like_fresh, buy, lake_of, manifest, run};
use crate::support::Lake;
use serde_json::Value;

#[test]
fn a_change_is_passed_on_as_the_rows_that_differ() {
    let many: Vec<(String, String)> =
        (0..3000).map(|number| (format!("P{number}"), format!("C{}", number % 1000))).collect();
    let many: Vec<_> = many.iter().map(|(purchase, client)| (purchase.as_str(), client.as_str(), "1.00")).collect();
    let lake = lake_of(DEEP, &many);
    buy(&lake, 1, &[("P9999", "C7", "2.00")]);
    run(&lake);

    let history = lake.json(&["history"]);
    let commit = history["commits"].as_array().and_then(|commits| commits.last()).expect("a commit");
    let changed = |table: &str| {
        let change = &commit["relations"][table];
        let many = |rows: &Value| rows["rows"].as_u64().unwrap_or(0);
        (many(&change["added"]), many(&change["removed"]["rows"]))
    };
    assert_eq!(changed("fact_sales"), (1, 0), "{commit}");
    assert_eq!(changed("spent"), (1, 0), "the purchase is the client's last: {commit}");
    assert_like_fresh(&lake, DEEP);
}

/// Runs, and returns the rows that accumulators and reducers of `relay` were given.
fn given(lake: &Lake) -> (u64, u64) {
    let ran = lake.json(&["run", "--as-of", DAY, "--profile"]);
    let stages = ran["profile"]["stages"].as_array().expect("stages");
    let rows = |call: &str| {
        let calls = stages.iter().filter(|stage| stage["stage"] == call && stage["of"] == "relay");
        calls.map(|stage| stage["rows"].as_u64().expect("a number")).sum()
    };
    (rows("take in a batch"), rows("reduce groups"))
}

/// Twenty thousand purchases, each of its own amount, of two thousand clients.
fn many_purchases() -> Vec<(String, String, String)> {
    let amount = |number: u32| format!("{}.{:02}", number / 100, number % 100);
    let purchase = |number: u32| (format!("P{number:05}"), format!("C{}", number % 2000), amount(number));
    (0..20_000).map(purchase).collect()
}

fn texts(purchases: &[(String, String, String)]) -> Vec<(&str, &str, &str)> {
    purchases.iter().map(|(purchase, client, amount)| (&**purchase, &**client, &**amount)).collect()
}

#[test]
fn a_ranking_looks_at_its_first_rows_and_not_at_all() {
    let ranking =
        "[kpi.greatest]\nplugin = \"relay\"\ninputs = { rows = \"purchases\" }\nparameters = { form = \"top\" }\n";
    let lake = lake_of(ranking, &texts(&many_purchases()));
    buy(&lake, 1, &[("P99999", "C1", "999.00")]);
    let (taken, reduced) = given(&lake);
    assert_eq!(taken, 1);
    assert!(reduced <= 2048, "{reduced} of 20,001 rows");
    let first = "purchase_id,client_id,amount\nP99999,C1,999.00\nP19999,C1999,199.99\nP19998,C1998,199.98\n";
    assert_eq!(lake.smelt(&["show", "greatest"]), first);
    assert_like_fresh(&lake, ranking);
}

#[test]
fn another_setting_rebuilds_what_follows_from_it_alone() {
    let tables = |limit: u32| {
        format!(
            "[table.pages]\nplugin = \"relay\"\ninputs = {{ rows = \"purchases\" }}\nparameters = {{ form = \"paged\", limit = {limit} }}\n\
             [table.after]\nplugin = \"relay\"\ninputs = {{ rows = \"pages\" }}\n"
        )
    };
    let mut lake = lake_of(&tables(10), &texts(&many_purchases()));
    lake.set_manifest(&manifest(&tables(9)));
    // The last purchase of each client stands on another page. The others go through the first table and no further.
    assert_eq!(given(&lake), (2 * 2000, 20_000));
    assert_like_fresh(&lake, &tables(9));

    // The settings of a tick that also brings rows are those of all rows.
    lake.set_manifest(&manifest(&tables(4)));
    buy(&lake, 1, &[("P99999", "C1", "999.00"), ("P00000", "C3", "0.01")]);
    run(&lake);
    assert_like_fresh(&lake, &tables(4));
}

/// Purchases of one client.
fn of_one_client(many: u32) -> Vec<(String, String, String)> {
    (0..many).map(|number| (format!("P{number:05}"), "C1".to_owned(), format!("{}.00", number % 97 + 1))).collect()
}

#[test]
fn a_change_in_a_large_group_costs_its_neighbourhood() {
    let tables = "[table.before]\nplugin = \"relay\"\ninputs = { rows = \"purchases\" }\nparameters = { form = \"previous\" }\n\
                  [table.after]\nplugin = \"relay\"\ninputs = { rows = \"before\" }\n";
    let lake = lake_of(tables, &texts(&of_one_client(40_000)));
    // Each of these changes itself and the one after it. The last one, in the same neighbourhood, is corrected.
    for (number, purchase) in [(1, "P20000a"), (2, "P00000"), (3, "P39999a"), (4, "P39990")] {
        buy(&lake, number, &[(purchase, "C1", "500.00")]);
        let (taken, reduced) = given(&lake);
        assert!(taken <= 2 + 4, "{taken} rows come and go for {purchase}");
        assert!(reduced <= 4 * 4096 + 4, "{reduced} of 80,001 rows for {purchase}");
    }
    assert_like_fresh(&lake, tables);
}

#[test]
fn no_more_is_sent_of_a_group_of_which_there_is_enough() {
    let tables = |limit: u32| {
        format!(
            "[kpi.firsts]\nplugin = \"relay\"\ninputs = {{ rows = \"purchases\" }}\nparameters = {{ form = \"firsts\", limit = {limit} }}\n"
        )
    };
    let mut lake = lake_of(&tables(3), &texts(&of_one_client(5000)));
    lake.set_manifest(&manifest(&tables(4)));
    let (taken, reduced) = given(&lake);
    assert!(taken == 0 && reduced <= 1024, "{taken} rows were read and {reduced} of 5,000 reduced");
    assert_like_fresh(&lake, &tables(4));
}
