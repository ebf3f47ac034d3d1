//! Silver and gold as Parquet: all that holds of lakes of CSV holds of them, other people's clients read the same rows, and a lake
//! goes over from one format to the other.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::support::audit::audit;
use crate::support::tables::{OUTPUT, output};
use crate::support::ticks::{arrive, assert_like_uninterrupted, ticks};
use crate::support::{Lake, root};

/// Tests that run once more, on lakes of Parquet: those that a format is most likely to break. In `random`, lakes go over from
/// one format to the other anyway.
const SUITES: [&str; 18] = [
    "accounting::of_rows_with_one_key_the_latest_wins_wherever_and_whenever_it_comes",
    "accounting::silver_that_is_rewritten_again_and_again_without_gold_stays_whole",
    "crash::hosts_that_work_at_once_come_to_the_same_as_one",
    "crash::runs_that_are_killed_come_to_the_same_as_one_that_is_not",
    "determinism::every_run_of_a_shipped_plugin_makes_the_same_bytes",
    "function::gold_is_a_function_of_the_rows_of_bronze",
    "graph::a_promotion_and_its_rollback_take_along_all_that_read_the_table",
    "graph::checks::hosts_that_are_killed_or_race_never_show_what_is_held",
    "graph::checks::whatever_arrives_is_seen_once_its_verdicts_pass",
    "graph::graphs_whose_hosts_are_killed_come_to_the_same",
    "graph::sinks::files_are_what_readers_see",
    "incremental::a_new_parameter_computes_its_kpi_alone",
    "incremental::a_table_that_is_gone_or_cut_off_is_written_again",
    "incremental::silver_that_was_damaged_is_made_again_from_bronze",
    "integrity::every_flipped_bit_and_every_missing_or_foreign_object_is_found",
    "promotion::what_was_kept_and_is_damaged_is_made_anew",
    "provenance::whatever_was_made_can_be_made_again_whatever_became_of_the_plugins",
    "rollback::rows_that_were_given_up_do_not_come_back",
];

#[test]
fn what_holds_of_lakes_of_csv_holds_of_lakes_of_parquet() {
    if output().is_some() {
        return;
    }
    let tests = std::env::current_exe().expect("this program has a path");
    let mut command = Command::new(tests);
    command.args(SUITES).env(OUTPUT, "parquet").env("SMELT_RUNS", "3");
    let ended = command.output().expect("it starts");
    let said = String::from_utf8_lossy(&ended.stdout);
    assert!(ended.status.success(), "{said}{}", String::from_utf8_lossy(&ended.stderr));
    for suite in SUITES {
        assert!(said.contains(&format!("test {suite}")), "there is no `{suite}`");
    }
}

/// Purchases with corrections, of which every tick rewrites silver of those before.
fn lake() -> Lake {
    let lake = Lake::new();
    for objects in ticks(3, 60) {
        arrive(&lake, &objects);
        lake.smelt(&["run"]);
    }
    lake
}

/// The changes of the manifest by which silver and gold become Parquet.
const SILVER: (&str, &str) = ("silver = \"csv\"", "silver = \"parquet\"");
const GOLD: (&str, &str) = ("gold = \"csv\"", "gold = \"parquet\"");

/// Returns the name and the reason of all that a run would make.
fn planned(lake: &Lake) -> BTreeMap<String, String> {
    let plan = lake.json(&["plan"]);
    let of = |list: &str, name: &str, reason: &str| -> Vec<(String, String)> {
        let all = plan[list].as_array().expect("a list").iter();
        all.filter_map(|it| Some((it[name].as_str()?.to_owned(), it[reason].as_str()?.to_owned()))).collect()
    };
    of("datasets", "dataset", "rebuild").into_iter().chain(of("kpis", "kpi", "reason")).collect()
}

/// Returns the keys below a layer that do not end so.
fn others(lake: &Lake, layer: &str, extension: &str) -> Vec<String> {
    lake.files(layer).into_keys().filter(|key| !key.ends_with(extension)).collect()
}

fn keys(lake: &Lake, layer: &str) -> Vec<String> {
    lake.files(layer).into_keys().map(|key| format!("{layer}/{key}")).collect()
}

const KPIS: [&str; 5] = ["aov", "revenue_by_channel", "revenue_by_country", "sales_by_day", "top_products"];

#[test]
fn a_lake_goes_over_to_another_format_and_back() {
    let mut lake = lake();
    let (gold, rows) = (lake.gold(), ["clicks", "customers", "orders"].map(|dataset| lake.silver(dataset)));
    let row = |lake: &Lake| {
        let traced = lake.json(&["lineage", "sales_by_day", "--row", &first_day(lake)]);
        let from = traced["from"].as_array().expect("objects").iter();
        let from: Vec<_> = from.map(|object| (object["bronze"].clone(), object["without"].clone())).collect();
        (traced["row"].clone(), from)
    };
    let before = row(&lake);

    lake.change_pipeline(&[GOLD]);
    let plan = planned(&lake);
    assert_eq!(plan.len(), 5, "{plan:?}");
    assert!(plan.values().all(|reason| reason == "it is written as parquet now"), "{plan:?}");
    assert_eq!(lake.json(&["run"])["cleaned"], 0);
    assert_eq!((lake.gold(), row(&lake)), (gold.clone(), before.clone()));
    assert!(planned(&lake).is_empty());

    lake.change_pipeline(&[SILVER, GOLD]);
    let plan = planned(&lake);
    assert!(plan["orders"].contains("depth=64 → ") && plan["orders"].ends_with("output=parquet"), "{plan:?}");
    // Objects are read as what they are.
    lake.smelt(&["verify"]);
    for made in [keys(&lake, "silver"), KPIS.map(str::to_owned).to_vec()].concat() {
        assert_eq!(lake.json(&["reproduce", &made])["same"], true, "{made}");
    }
    assert_eq!(row(&lake), before);
    lake.smelt(&["run", "--select", "orders"]);
    assert_eq!(others(&lake, "silver/orders", ".parquet"), Vec::<String>::new());
    assert_eq!(others(&lake, "silver/customers", ".csv"), Vec::<String>::new());
    lake.smelt(&["run"]);
    assert_eq!(others(&lake, "silver", ".parquet"), Vec::<String>::new());
    assert_like_uninterrupted(&lake);
    for made in [keys(&lake, "silver"), KPIS.map(str::to_owned).to_vec()].concat() {
        assert_eq!(lake.json(&["reproduce", &made])["same"], true, "{made}");
    }

    lake.change_pipeline(&[]);
    assert_eq!(planned(&lake).len(), 8, "three datasets, five KPIs");
    lake.smelt(&["run"]);
    assert_eq!(others(&lake, "silver", ".csv"), Vec::<String>::new());
    assert_eq!((lake.gold(), row(&lake)), (gold, before));
    assert_eq!(["clicks", "customers", "orders"].map(|dataset| lake.silver(dataset)), rows);
    audit(&lake);
}

/// Returns the first cell of the first row, as `--row` takes it.
fn first_day(lake: &Lake) -> String {
    let table = lake.smelt(&["show", "sales_by_day"]);
    let day = table.lines().nth(1).and_then(|row| row.split(',').next()).expect("a row");
    format!("order_date={day}")
}

#[test]
fn a_flipped_bit_in_parquet_is_found_and_its_dataset_made_again() {
    let mut lake = lake();
    lake.change_pipeline(&[SILVER, GOLD]);
    lake.smelt(&["run"]);
    let (name, mut body) = lake.files("silver/orders").into_iter().next().expect("orders");
    let place = body.len() / 3;
    body[place] ^= 1;
    lake.put(&format!("silver/orders/{name}"), &body);
    let found = lake.end(&["verify", "--json"]).json();
    assert_eq!(found["problems"][0]["found"], "damaged", "{found}");
    assert!(found["problems"][0]["object"].as_str().is_some_and(|object| object.ends_with(&name)), "{found}");
    lake.change_pipeline(&[SILVER, GOLD, ("limit = 10", "limit = 3")]);
    // The first run finds it when the KPI reads all of silver.
    lake.try_smelt(&["run"]);
    lake.smelt(&["run"]);
    lake.smelt(&["verify"]);
    lake.change_pipeline(&[SILVER, GOLD]);
    lake.smelt(&["run"]);
    assert_like_uninterrupted(&lake);
}

#[test]
fn text_is_exact_in_parquet_and_marked_in_csv() {
    let tables = |format: &str| {
        let manifest = format!(
            "[pipeline]\nname = \"x\"\nplugins = [{:?}, {:?}]\n[output]\ngold = \"{format}\"\n\
             [dataset.purchases]\nobjects = \"purchases_*.csv\"\nformat = \"csv\"\nplugin = \"clean-purchases\"\n\
             [kpi.rows]\nplugin = \"relay\"\ninputs = {{ rows = \"purchases\" }}\n",
            root().join("target/components"),
            crate::support::ended::fixtures()
        );
        let lake = Lake::with_manifest(&manifest);
        lake.bronze(
            "purchases_1.csv",
            "purchase_id,client_id,purchase_date,product,quantity,unit_price,amount\nP1,=C,2025-11-01,pen,1,1.00,1.00\n",
        );
        lake.smelt(&["run"]);
        let (name, body) = lake.files("gold").into_iter().next().expect("a table");
        crate::support::tables::as_csv(&name, body, smelt_formats::Formulas::Keep)
    };
    assert_eq!(tables("csv").replace("'=C", "=C"), tables("parquet"));
    assert!(tables("csv").contains(",'=C,") && tables("parquet").contains(",=C,"));
}

/// A lake of CSV and one of Parquet, with the same bronze.
fn both() -> (Lake, Lake) {
    let (plain, mut parquet) = (lake(), Lake::new());
    parquet.copy_bronze(&plain);
    parquet.change_pipeline(&[SILVER, GOLD]);
    parquet.smelt(&["run"]);
    (plain, parquet)
}

/// Has clients that are not ours compare the lakes; returns the number of rows that each read of each table.
fn read(python: PathBuf, arguments: &[&str]) -> Value {
    let (plain, parquet) = both();
    let mut command = Command::new(python);
    command.arg(root().join("tests/clients/read_tables.py")).args(arguments).arg(parquet.path()).arg(plain.path());
    let output = command.output().expect("Python starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let counts: Value = serde_json::from_slice(&output.stdout).expect("the script writes JSON");
    for counts in counts.as_object().expect("clients").values() {
        assert_eq!(counts.as_object().map(serde_json::Map::len), Some(8), "three datasets, five KPIs: {counts}");
        assert_eq!(counts["silver/orders"], plain.silver("orders").len());
    }
    counts
}

#[test]
fn duckdb_polars_and_pandas_read_of_parquet_what_is_in_csv() {
    let python = root().join("target/tools/clients/bin/python");
    let has_all = Command::new(&python).args(["-c", "import duckdb, pandas, polars, pyarrow"]).output();
    if !has_all.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: no DuckDB, pandas and Polars in target/tools/clients: `cargo xtask test` installs them");
        return;
    }
    let counts = read(python, &[]);
    assert_eq!(counts.as_object().expect("clients").keys().collect::<Vec<_>>(), ["duckdb", "pandas", "polars"]);
}

/// Spark takes half a minute and 400 MB, so nothing installs it.
#[test]
fn spark_reads_of_parquet_what_is_in_csv() {
    let python = std::env::var_os("SMELT_SPARK_PYTHON").map_or_else(|| PathBuf::from("python3"), PathBuf::from);
    let has_spark = Command::new(&python).args(["-c", "import pyspark"]).output();
    if !has_spark.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: no PySpark: set SMELT_SPARK_PYTHON to a Python that has pyspark");
        return;
    }
    read(python, &["--spark"]);
}
