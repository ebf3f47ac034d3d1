//! Another component of a plugin becomes current in one commit, with all that it makes, and is taken back likewise.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use chrono::DateTime;
use serde_json::Value;
use smelt_common::Result;
use smelt_common::digest;
use smelt_engine::run::Way;
use smelt_storage::{DirStore, Store, Upload, delegate_store};

use crate::support::audit::audit;
use crate::support::embedded::{NOW, host_with};
use crate::support::ended::fixtures;
use crate::support::process::{Running, Signal, wait_until};
use crate::support::{Lake, NewLake, root, twin};

/// The other version of that plugin, under the name that the plugin has.
fn next(lake: &Lake, plugin: &str) -> PathBuf {
    let path = lake.path().with_file_name(format!("{plugin}.wasm"));
    let built = ["next-aov", "next-clean-clicks"].into_iter().find(|name| name.strip_prefix("next-") == Some(plugin));
    let built = fixtures().join(built.expect("it has another version")).with_extension("wasm");
    std::fs::copy(built, &path).expect("the fixtures were built");
    path
}

const LONG: Duration = Duration::from_secs(60);

fn lake() -> Lake {
    let lake = Lake::new();
    add(&lake, 0);
    lake.smelt(&["run"]);
    lake
}

fn add(lake: &Lake, tick: usize) {
    let start = format!("2025-03-01T{:02}:00:00Z", 12 + tick);
    let more = Lake::new();
    more.smelt(&["generate", "--seed", "5", "--start", &start, "--first", &tick.to_string(), "--ticks", "1"]);
    lake.copy_bronze(&more);
}

/// Returns the gold of a lake with the same bronze and these components in place of the pipeline's.
fn with(lake: &Lake, plugins: &[&str]) -> BTreeMap<String, String> {
    let mut fresh = Lake::new();
    fresh.copy_bronze(lake);
    let directory = fresh.path().with_file_name("plugins");
    std::fs::create_dir(&directory).expect("a directory can be made");
    for plugin in plugins {
        std::fs::rename(next(&fresh, plugin), directory.join(format!("{plugin}.wasm"))).expect("a file can be moved");
    }
    let components = root().join("target/components");
    let own = format!("plugins = [\"{}\"", components.display());
    fresh.change_pipeline(&[(&own, &format!("plugins = [\"{}\", \"{}\"", directory.display(), components.display()))]);
    fresh.smelt(&["run"]);
    fresh.gold()
}

fn promote(lake: &Lake, plugin: &str) -> Value {
    let path = next(lake, plugin);
    lake.json(&["plugin", "promote", path.to_str().expect("UTF-8")])
}

/// The tables that the newest commit names: while a host runs, files come and go.
fn current(lake: &Lake) -> BTreeMap<String, String> {
    let history = lake.json(&["history"]);
    let gold = history["state"]["gold"].as_object().expect("tables by KPI").iter();
    gold.map(|(kpi, gold)| {
        let key = gold["relation"]["files"]["one"]["key"].as_str().expect("a key");
        (kpi.clone(), std::fs::read_to_string(lake.path().join(key)).expect("gold is never deleted"))
    })
    .collect()
}

fn commits(lake: &Lake) -> usize {
    lake.files("catalog/commits").len()
}

#[test]
fn a_kpi_is_promoted_and_rolled_back_by_one_commit_each() {
    let lake = lake();
    let (before, silver, made) = (lake.gold(), lake.files("silver"), commits(&lake));
    let promoted = promote(&lake, "aov");
    assert_eq!((&promoted["kpis"], &promoted["datasets"]), (&serde_json::json!(["aov"]), &serde_json::json!([])));
    assert_eq!(commits(&lake), made + 1);
    assert_eq!(lake.gold(), with(&lake, &["aov"]));
    assert!(lake.smelt(&["plugin", "list"]).contains("was promoted and runs in its place"));
    assert_ne!(lake.gold()["aov"], before["aov"]);
    assert_eq!(lake.files("silver"), silver);
    assert_eq!(lake.json(&["run"])["cleaned"], 0);
    assert_eq!(commits(&lake), made + 1, "everything is current");

    // What came since is taken in with it.
    add(&lake, 1);
    lake.smelt(&["run"]);
    assert_eq!(lake.gold(), with(&lake, &["aov"]));

    let made = commits(&lake);
    let restored = lake.json(&["plugin", "rollback", "aov"]);
    assert_eq!(restored["restored"], serde_json::json!({"datasets": [], "kpis": ["aov"]}));
    assert_eq!(restored["kpis"], serde_json::json!([]));
    assert_eq!(commits(&lake), made + 1);
    assert_eq!(lake.gold()["aov"], before["aov"], "as it was, without what came since");
    lake.smelt(&["run"]);
    assert_eq!(lake.gold(), with(&lake, &[]), "and what came since is taken in");

    lake.smelt(&["plugin", "rollback", "aov"]);
    lake.smelt(&["run"]);
    assert_eq!(lake.gold(), with(&lake, &["aov"]), "and back again");
    audit(&lake);
    lake.smelt(&["verify"]);
    lake.smelt(&["gc", "--grace", "0s", "--delete"]);
    lake.smelt(&["plugin", "rollback", "aov"]);
    lake.smelt(&["run"]);
    assert_eq!(lake.gold(), with(&lake, &[]), "what was kept is no garbage");
}

#[test]
fn a_cleaner_is_promoted_with_all_that_reads_its_dataset() {
    let lake = lake();
    let (before, made) = (lake.gold(), commits(&lake));
    let clicks = lake.silver("clicks");
    let promoted = promote(&lake, "clean-clicks");
    assert_eq!(promoted["datasets"], serde_json::json!(["clicks"]));
    assert_eq!(commits(&lake), made + 1);
    assert!(lake.silver("clicks").len() > clicks.len(), "clicks with another IP are kept now");
    assert_eq!(lake.json(&["run"])["cleaned"], 0);
    assert_eq!(lake.gold(), before, "no KPI reads clicks");
    audit(&lake);
    lake.smelt(&["plugin", "rollback", "clean-clicks"]);
    assert_eq!(lake.silver("clicks"), clicks);
    assert_eq!(commits(&lake), made + 2);
    audit(&lake);
}

fn beside(lake: &Lake) -> PathBuf {
    lake.path().with_file_name("")
}

const OF_ORDERS: [&str; 5] = ["aov", "revenue_by_channel", "revenue_by_country", "sales_by_day", "top_products"];

pub fn what_a_cleaner_made_is_kept_and_brought_back_without_bronze(new: &NewLake<'_>) {
    let lake = &new();
    add(lake, 0);
    lake.smelt(&["run"]);
    let (gold, orders, rejected) = (lake.gold(), lake.silver("orders"), lake.files("quarantine/orders").len());
    let (kept, made) = (|| lake.files("catalog/rollback"), commits(lake));
    let kept_rejected = || lake.files("quarantine/for-rollback");
    let promoted = lake.json(&["plugin", "promote", &twin(&beside(lake), "clean-orders")]);
    assert_eq!(promoted["datasets"], serde_json::json!(["orders"]));
    assert_eq!(promoted["kpis"], serde_json::json!(OF_ORDERS));
    // Rejected rows stay in their layer.
    assert!(kept().keys().all(|name| name.starts_with("silver/orders/")) && !kept().is_empty());
    assert!(kept_rejected().keys().all(|name| name.starts_with("orders/")) && !kept_rejected().is_empty());
    lake.smelt(&["verify"]);
    lake.smelt(&["gc", "--grace", "0s", "--delete"]);
    lake.smelt(&["quarantine", "purge", "--older-than", "1h", "--delete"]);

    // Nothing is read but what was kept, and nothing is computed.
    let bronze = lake.files("bronze");
    bronze.keys().for_each(|name| lake.remove(&format!("bronze/{name}")));
    let back = lake.json(&["plugin", "rollback", "clean-orders"]);
    assert_eq!((&back["datasets"], &back["kpis"]), (&serde_json::json!([]), &serde_json::json!([])));
    assert_eq!(back["restored"], serde_json::json!({"datasets": ["orders"], "kpis": OF_ORDERS}));
    assert_eq!(commits(lake), made + 2);
    bronze.iter().for_each(|(name, body)| lake.bronze(name, body));
    assert_eq!((lake.gold(), lake.silver("orders")), (gold, orders));
    assert_eq!(lake.files("quarantine/orders").len(), rejected);
    audit(lake);
    lake.smelt(&["verify"]);
    let table = lake.json(&["history"])["state"]["gold"]["aov"]["relation"]["files"]["one"]["key"].clone();
    lake.smelt(&["reproduce", table.as_str().expect("a key")]);

    // And it goes on from there, forth and back.
    for tick in 1..4 {
        add(lake, tick);
        // Only what is new, and the orders that the other component had taken in since.
        assert_eq!(lake.json(&["run"])["cleaned"], if tick == 1 { 3 } else { 4 });
        assert_eq!(lake.gold(), with(lake, &[]));
        let back = lake.json(&["plugin", "rollback", "clean-orders"]);
        assert_eq!(back["restored"]["datasets"], serde_json::json!(["orders"]));
    }
    lake.smelt(&["run"]);
    assert_eq!(lake.gold(), with(lake, &[]));
    audit(lake);

    assert!(lake.smelt(&["history"]).contains("clean-orders, orders: rolled back"));

    // What is let go of is made anew.
    assert!(lake.smelt(&["gc", "--rollback-points"]).contains("catalog/rollback/silver/orders"));
    lake.smelt(&["gc", "--rollback-points", "--delete"]);
    assert!(kept().is_empty() && kept_rejected().is_empty());
    lake.smelt(&["verify"]);
    let back = lake.json(&["plugin", "rollback", "clean-orders"]);
    assert_eq!(back["datasets"], serde_json::json!(["orders"]));
    // Rejected rows are kept no longer for a rollback than otherwise.
    assert!(!kept_rejected().is_empty());
    let purged = lake.json(&["quarantine", "purge", "--older-than", "0s", "--dataset", "orders", "--delete"]);
    assert_eq!(purged["rollback_points"], serde_json::json!(["clean-orders"]));
    assert!(kept().is_empty() && kept_rejected().is_empty());
    assert!(lake.smelt(&["history"]).contains("rollback point of clean-orders discarded"));
    lake.smelt(&["plugin", "rollback", "clean-orders"]);
    lake.smelt(&["run"]);
    assert_eq!(lake.gold(), with(lake, &[]));
}

#[test]
fn what_was_kept_and_is_damaged_is_made_anew() {
    let lake = lake();
    lake.smelt(&["plugin", "promote", &twin(&beside(&lake), "clean-orders")]);
    let files = lake.files("catalog/rollback/silver");
    let first = files.keys().next().expect("silver is kept");
    // One that is changed is found out when it is read, one that is gone at once.
    std::fs::write(lake.path().join("catalog/rollback/silver").join(first), "nonsense").expect("a write");
    lake.smelt(&["plugin", "rollback", "clean-orders"]);
    lake.smelt(&["run", "--reconcile"]);
    add(&lake, 1);
    lake.smelt(&["run"]);
    assert_eq!(lake.gold(), with(&lake, &[]));
    lake.smelt(&["plugin", "rollback", "clean-orders"]);
    lake.smelt(&["run"]);
    let files = lake.files("catalog/rollback/silver");
    lake.remove(&format!("catalog/rollback/silver/{}", files.keys().next().expect("silver is kept")));
    let back = lake.json(&["plugin", "rollback", "clean-orders"]);
    assert_eq!(back["datasets"], serde_json::json!(["orders"]));
    lake.smelt(&["run"]);
    assert_eq!(lake.gold(), with(&lake, &[]));
    audit(&lake);
}

#[test]
fn what_fails_is_not_promoted() {
    let lake = lake();
    let before = lake.files("");
    let broken = lake.path().with_file_name("clean-clicks.wasm");
    std::fs::copy(root().join("target/components/fixtures/sinner.wasm"), &broken).expect("the fixtures were built");
    let output = lake.try_smelt(&["plugin", "promote", broken.to_str().expect("UTF-8")]);
    assert_eq!(output.status.code(), Some(2), "it calls itself otherwise");
    assert_eq!(lake.files(""), before);
    let output = lake.try_smelt(&["plugin", "rollback", "aov"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("nothing to roll back"), "{output:?}");
}

#[test]
fn a_running_host_follows_a_promotion_and_its_files() {
    let mut lake = Lake::new();
    lake.change_pipeline(&[]);
    add(&lake, 0);
    let running = Running::start(&lake, &["up", "--no-generate", "--every", "100ms"]);
    let expect = |what: &str, is_so: &dyn Fn() -> bool| assert!(wait_until(LONG, is_so), "{what}");
    let wanted = with(&lake, &[]);
    expect("a first run", &|| current(&lake) == wanted);
    promote(&lake, "aov");
    let promoted = with(&lake, &["aov"]);
    assert_eq!(current(&lake), promoted);
    add(&lake, 1);
    let wanted = with(&lake, &["aov"]);
    expect("new data with what was promoted", &|| current(&lake) == wanted);
    lake.change_pipeline(&[("limit = 10", "limit = 3")]);
    expect("another parameter", &|| current(&lake)["top_products"].lines().count() == 4);
    // A manifest that cannot be loaded changes nothing.
    lake.change_pipeline(&[("limit = 10", "limit = -3")]);
    add(&lake, 2);
    let wanted = with(&lake, &["aov"]);
    expect("new data as before", &|| current(&lake)["aov"] == wanted["aov"]);
    assert_eq!(current(&lake)["top_products"].lines().count(), 4);
    running.signal(Signal::TERM);
    assert!(running.wait(LONG).success());
}

#[test]
fn the_lock_pins_what_was_promoted() {
    let mut lake = Lake::new();
    lake.change_pipeline(&[]);
    add(&lake, 0);
    lake.smelt(&["plugin", "lock"]);
    lake.smelt(&["run", "--locked"]);
    promote(&lake, "aov");
    lake.smelt(&["run", "--locked"]);
    assert_eq!(lake.gold(), with(&lake, &["aov"]));
    lake.smelt(&["plugin", "lock"]);
    let list = lake.json(&["plugin", "list"]);
    assert!(list.as_array().into_iter().flatten().all(|row| row["locked"] != false), "{list}");
    // Another machine has not heard of it.
    let lock = lake.path().with_file_name("smelt.lock");
    let text = std::fs::read_to_string(&lock).expect("the lock");
    lake.smelt(&["plugin", "rollback", "aov"]);
    std::fs::write(&lock, text).expect("a write");
    let output = lake.try_smelt(&["run", "--locked"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("the lock pins"), "{output:?}");
}

/// `smelt plugin diff`, whose exit status must say whether something is different.
fn diff(lake: &Lake, arguments: &[&str]) -> Value {
    let output = lake.try_smelt(&[&["plugin", "diff"], arguments, &["--json"]].concat());
    let diff: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    let count = |value: &Value| value.as_array().map_or(value.as_u64().unwrap_or(0), |all| all.len() as u64);
    let parts = ["datasets", "kpis"].into_iter().flat_map(|part| diff[part].as_array().expect("a list"));
    let differences: u64 =
        parts.map(|part| ["changed", "added", "removed"].map(|key| count(&part[key])).iter().sum::<u64>()).sum();
    assert_eq!(output.status.code(), Some(i32::from(differences > 0)), "{diff}");
    diff
}

#[test]
fn a_diff_of_kpis_says_what_promoting_does_and_changes_nothing() {
    let lake = lake();
    let before = lake.files("");
    let path = next(&lake, "aov");
    let page = lake.path().with_file_name("diff.html");
    let found = diff(&lake, &["aov", path.to_str().expect("UTF-8"), "--html", page.to_str().expect("UTF-8")]);
    assert_eq!(lake.files(""), before);
    let table = &found["kpis"][0];
    let row = |side: &str| -> Vec<String> {
        let cells = table["changed"][0][side].as_array().expect("a row");
        cells.iter().map(|cell| cell.as_str().expect("text").to_owned()).collect()
    };
    assert_eq!(table["key"], serde_json::json!([]), "a table of one row");
    assert!(lake.gold()["aov"].ends_with(&format!("{}\n", row("old").join(","))));
    assert_eq!(found["kpis"][0]["cost"]["old"]["fuel"].as_u64().map(|fuel| fuel > 0), Some(true));
    promote(&lake, "aov");
    assert!(lake.gold()["aov"].ends_with(&format!("{}\n", row("new").join(","))));
    let page = std::fs::read_to_string(page).expect("a page");
    assert!(page.contains(&format!("<ins>{}</ins>", row("new")[0])) && page.ends_with("</html>\n"), "{page}");

    // Against what ran before, named by its digest.
    let former = found["old"]["sha256"].as_str().expect("a digest");
    let back = diff(&lake, &["aov", &former[..12]]);
    assert_eq!(back["kpis"][0]["changed"][0]["new"], table["changed"][0]["old"]);
    diff(&lake, &["aov", "aov"]);
}

#[test]
fn a_diff_of_cleaners_counts_rows_cells_and_rules() {
    let lake = lake();
    let path = next(&lake, "clean-clicks");
    let found = diff(&lake, &["clean-clicks", path.to_str().expect("UTF-8")]);
    let clicks = &found["datasets"][0];
    let count = |value: &Value| value.as_u64().expect("a number");
    let silver = lake.silver("clicks");
    assert_eq!(count(&clicks["same"]) + count(&clicks["changed"]) + count(&clicks["removed"]), silver.len() as u64);
    promote(&lake, "clean-clicks");
    let after = lake.silver("clicks");
    assert_eq!(count(&clicks["added"]), after.len() as u64 - (silver.len() as u64 - count(&clicks["removed"])));
    assert!(count(&clicks["added"]) > 0);
    let entries = lake.json(&["history"]);
    let totals = entries["datasets"].as_array().expect("datasets").iter().find(|totals| totals["dataset"] == "clicks");
    for rule in ["invalid_ts", "invalid_ip"] {
        let now = totals.map(|totals| totals["rejected"][rule].as_u64().unwrap_or(0));
        assert_eq!(Some(clicks["rejected"][rule]["new"].as_u64().unwrap_or(0)), now, "{rule}");
    }
    assert!(count(&clicks["rejected"]["invalid_ip"]["old"]) >= count(&clicks["added"]));
    let sampled = diff(&lake, &["clean-clicks", path.to_str().expect("UTF-8"), "--sample", "1"]);
    assert_eq!(sampled["datasets"][0]["objects"], 1);
    let output = lake.try_smelt(&["plugin", "diff", "clean-clicks", "aov"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn what_has_made_nothing_yet_is_promoted_and_taken_back() {
    let lake = Lake::new();
    promote(&lake, "aov");
    lake.smelt(&["plugin", "rollback", "aov"]);
    lake.smelt(&["plugin", "rollback", "aov"]);
    add(&lake, 0);
    lake.smelt(&["run"]);
    assert_eq!(lake.gold(), with(&lake, &["aov"]));
}

/// A lake in a directory where someone else comes just before the first commit is written.
struct Overtaken {
    store: DirStore,
    by: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl Store for Overtaken {
    fn create(&self, near: &str) -> Result<Box<dyn Upload + '_>> {
        if near.starts_with("catalog/commits/")
            && let Some(other) = self.by.lock().expect("no one panics while holding it").take()
        {
            other();
        }
        self.store.create(near)
    }

    delegate_store!(store: list_new, open, look, read_ranges, exists, delete, begin, clock, describe);
}

/// Promotes a twin of the KPI's component, as decided while the pipeline's own ran, and is overtaken. Returns what is said.
fn overtaken(lake: &Lake, by: impl FnOnce() + Send + 'static) -> String {
    let own = std::fs::read(root().join("target/components/aov.wasm")).expect("it was built");
    let twin = PathBuf::from(twin(lake.path().parent().expect("it is in a directory"), "aov"));
    let store = Overtaken { store: DirStore::new(lake.path()), by: Mutex::new(Some(Box::new(by))) };
    let now = DateTime::from_timestamp(NOW, 0).expect("an instant");
    let host = host_with(&root().join("pipelines/ecommerce"), Box::new(store), now, Some(("aov", &twin)));
    let own = digest::hex(&own);
    host.promote("aov", &own, &own, Way::Forward).map(drop).expect_err("it was overtaken").to_string()
}

#[test]
fn of_two_promotions_at_once_the_second_is_refused_and_changes_nothing() {
    let lake = std::sync::Arc::new(lake());
    let before = lake.gold();
    let other = std::sync::Arc::clone(&lake);
    let said = overtaken(&lake, move || drop(promote(&other, "aov")));
    assert!(said.contains("another component was promoted meanwhile"), "{said}");
    assert_eq!(current(&lake), with(&lake, &["aov"]), "the first stays");
    lake.smelt(&["plugin", "rollback", "aov"]);
    assert_eq!(current(&lake), before, "and takes back what ran before both");
    audit(&lake);
}

#[test]
fn a_promotion_is_refused_once_another_component_runs_than_it_was_decided_against() {
    let lake = lake();
    promote(&lake, "aov");
    let made = commits(&lake);
    let state = lake.json(&["history"])["state"].clone();
    let own = digest::hex(std::fs::read(root().join("target/components/aov.wasm")).expect("it was built"));
    let twin = PathBuf::from(twin(lake.path().parent().expect("it is in a directory"), "aov"));
    let now = DateTime::from_timestamp(NOW, 0).expect("an instant");
    let store = Box::new(DirStore::new(lake.path()));
    let state = serde_json::from_value(state).expect("it is a state");
    let host = host_with(&root().join("pipelines/ecommerce"), store, now, Some(("aov", &twin)));
    let host = host.as_of_commit(&state, smelt_catalog::Known::default());
    let said = host.promote("aov", &own, &own, Way::Forward).map(drop).expect_err("another one runs").to_string();
    assert!(said.contains("plugin `aov` runs component") && said.contains("nothing was changed"), "{said}");
    assert_eq!(commits(&lake), made);
}
