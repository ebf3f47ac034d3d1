//! Tables that read tables: whatever happens to a graph, every table is what a fresh lake makes of the same bronze; a change costs
//! what depends on it; and readers never see tables of different moments.

mod checks;
mod costs;
mod lake;
mod sinks;
mod unwell;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Instant;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use serde_json::Value;

use self::lake::{
    DAY, DEEP, GREATEST, assert_like_fresh, buy, held, lake, lake_of, made, made_since, manifest, names, rows, run,
};
use crate::support::ended::Ended;
use crate::support::process::{Running, kill_runs};
use crate::support::rows::csv_cell;
use crate::support::{Lake, twin};

/// Asserts that a command fails with that status, and returns what it says.
#[track_caller]
fn fails(lake: &Lake, arguments: &[&str], status: i32) -> String {
    let Ended { code, stderr, .. } = lake.end(arguments);
    assert_eq!(code, Some(status), "{arguments:?}: {stderr}");
    stderr
}

/// An object of bronze that comes next: its name sorts before or after those that came.
fn delivery() -> impl Strategy<Value = (String, String)> {
    let client = || prop_oneof![9 => (0..6u32).prop_map(|id| format!("C{id}")), 1 => Just("=C".to_owned())];
    let signup = select(vec!["2025-03-11", "2024-01-01", "no day"]);
    let country = select(vec!["FR", "DE", "ch", "", "Côte d'Ivoire"]);
    let registered =
        (client(), signup, country).prop_map(|(id, day, country)| format!("{id},n,{id}@example.org,{day},{country}"));
    let day = select(vec!["2025-11-18", "2025-11-19", "2025-10-20", "2025-10-19", "2025-08-20", "2024-02-29", "32/1"]);
    // Few ids, so that purchases are corrected, and few amounts, so that there are ties.
    let bought = (0..25u32, client(), day, select(vec!["0.00", "1.00", "1.00", "20.50", "99.99", "-1", ""]))
        .prop_map(|(id, client, day, amount)| format!("P{id},{client},{day},{},1,,{amount}", csv_cell("pen, blue")));
    let clients = (Just("clients"), Just("client_id,name,email,signup_date,country"), vec(registered, 0..4));
    let header = "purchase_id,client_id,purchase_date,product,quantity,unit_price,amount";
    let purchases = (Just("purchases"), Just(header), vec(bought, 0..9));
    let object = |((dataset, header, rows), place): ((&str, &str, Vec<String>), u32)| {
        (format!("{dataset}_{place:05}.csv"), [&[header.to_owned()], &rows[..]].concat().join("\n") + "\n")
    };
    (prop_oneof![1 => clients, 2 => purchases], 0..100_000u32).prop_map(object)
}

/// Random deliveries, always the same for a seed.
struct Deliveries(TestRunner);

impl Deliveries {
    fn of(seed: u64) -> Self {
        Self(TestRunner::new(Config { rng_seed: RngSeed::Fixed(seed), ..Config::default() }))
    }

    fn arrive(&mut self, lake: &Lake, many: usize) {
        for _ in 0..many {
            let (name, body) = delivery().new_tree(&mut self.0).expect("a delivery").current();
            lake.bronze(&name, body);
        }
    }
}

/// Returns a lake to which deliveries came while its hosts were killed, made to the end.
fn made_amid_kills(tables: &str, seed: u64) -> Lake {
    const RUN: [&str; 3] = ["run", "--as-of", DAY];
    let (lake, alone) = (lake(tables), lake(tables));
    Deliveries::of(seed).arrive(&alone, 2);
    let whole = Running::start(&alone, &RUN).calls_in_all();
    let (mut deliveries, mut left) = (Deliveries::of(seed), 0..8);
    kill_runs(&lake, &RUN, whole, 60, || left.next().inspect(|_| deliveries.arrive(&lake, 2)).is_some());
    run(&lake);
    lake
}

#[test]
fn tables_that_grow_tick_by_tick_are_those_of_a_fresh_lake() {
    let began = Instant::now();
    for seed in 0.. {
        let (lake, mut deliveries) = (lake(DEEP), Deliveries::of(seed));
        for many in [3, 1, 1, 2, 4] {
            deliveries.arrive(&lake, many);
            run(&lake);
        }
        eprintln!("seed {seed}");
        assert_like_fresh(&lake, DEEP);
        if began.elapsed().as_secs() > 15 {
            break;
        }
    }
}

#[test]
fn a_table_that_comes_out_the_same_is_the_end_of_a_change() {
    let lake = lake_of(GREATEST, &[("P1", "A", "9.00"), ("P2", "A", "8.00"), ("P3", "B", "7.00")]);
    let before = made(&lake);

    buy(&lake, 1, &[("P4", "A", "1.00")]);
    run(&lake);
    assert_eq!(made_since(&lake, &before), names(["all", "greatest"]), "the greatest are the same");

    let before = made(&lake);
    buy(&lake, 2, &[("P5", "B", "8.50")]);
    run(&lake);
    assert_eq!(made_since(&lake, &before), names(["all", "greatest", "of_greatest"]));
    assert_like_fresh(&lake, GREATEST);
}

#[test]
fn graphs_whose_hosts_are_killed_come_to_the_same() {
    let lake = made_amid_kills(DEEP, 1);
    assert_like_fresh(&lake, DEEP);
    lake.smelt(&["verify"]);
}

#[test]
fn hosts_that_make_a_graph_at_once_come_to_the_same_as_one() {
    let (lake, mut deliveries) = (lake(DEEP), Deliveries::of(2));
    for _ in 0..4 {
        deliveries.arrive(&lake, 3);
        let roles = ["run", "aggregate", "run"].map(|verb| Running::start(&lake, &[verb, "--as-of", DAY]));
        for role in roles {
            role.calls_in_all();
        }
    }
    run(&lake);
    assert_like_fresh(&lake, DEEP);
    lake.smelt(&["verify"]);
}

#[test]
fn a_table_that_fails_leaves_all_that_read_it_as_they_were() {
    let tables = format!("{GREATEST}[table.aside]\nplugin = \"relay\"\ninputs = {{ rows = \"all\" }}\n");
    let failing = tables.replace("form = \"top\"", "form = \"top\", refuses = \"P9\"");
    let mut lake = lake_of(&failing, &[("P1", "A", "9.00"), ("P2", "A", "8.00")]);
    let before = rows(&lake);
    buy(&lake, 1, &[("P9", "B", "99.00")]);

    let said = fails(&lake, &["run", "--as-of", DAY], 1);
    assert!(said.contains("greatest: ") && said.contains("`of_greatest` is not brought up to date"), "{said}");
    let after = rows(&lake);
    assert_eq!((&after["greatest"], &after["of_greatest"]), (&before["greatest"], &before["of_greatest"]));
    assert_ne!(after["aside"], before["aside"], "what does not depend on it goes on");
    assert!(after["all"].contains("P9"));

    lake.set_manifest(&manifest(&tables));
    run(&lake);
    assert_like_fresh(&lake, &tables);
}

#[test]
fn what_reads_a_parked_table_waits_for_it() {
    let failing = GREATEST.replace("form = \"top\"", "form = \"top\", refuses = \"P9\"");
    let lake = lake_of(&failing, &[("P1", "A", "9.00")]);
    buy(&lake, 1, &[("P9", "B", "99.00")]);
    for _ in 0..3 {
        fails(&lake, &["run", "--as-of", DAY], 1);
    }
    run(&lake);
    let plan = lake.json(&["plan", "--as-of", DAY]);
    let of = |name: &str| {
        plan["kpis"].as_array().expect("tables").iter().find(|table| table["kpi"] == name).expect("it is there")
    };
    assert!(of("greatest")["parked"].is_object(), "{plan}");
    assert_eq!((&of("of_greatest")["reason"], &of("of_greatest")["waits_for"]), (&Value::Null, &"greatest".into()));
    let said = lake.smelt(&["plan", "--as-of", DAY]);
    assert!(said.contains("waits for `greatest`"), "{said}");
}

#[test]
fn a_graph_that_cannot_be_made_is_refused_with_its_path() {
    let refused = |tables: &str, words: &[&str]| {
        let lake = lake(tables);
        buy(&lake, 0, &[("P1", "A", "1.00")]);
        let said = fails(&lake, &["run"], 2);
        for word in words {
            assert!(said.contains(word), "`{word}` is not in: {said}");
        }
        assert!(lake.files("").keys().all(|name| name.starts_with("bronze/")), "nothing was begun");
    };
    let relay =
        |name: &str, reads: &str| format!("[table.{name}]\nplugin = \"relay\"\ninputs = {{ rows = \"{reads}\" }}\n");
    refused(&[relay("a", "c"), relay("b", "a"), relay("c", "b"), relay("d", "a")].concat(), &["`a` → `c` → `b` → `a`"]);
    refused(&relay("a", "a"), &["`a` → `a`"]);
    refused(&relay("a", "nothing"), &["[table.a]", "`nothing`", "clients, purchases"]);
    refused(&relay("a", "clients"), &["[table.a]", "purchase_id", "dataset `clients`"]);
    let months = "[kpi.months]\nplugin = \"sales-by-period\"\ninputs = { sales = \"fact_sales\" }\n";
    let facts = "[table.fact_sales]\nplugin = \"fact-sales\"\n";
    refused(&[months, facts, &relay("a", "months")].concat(), &["[table.a]", "table `months`", "purchase_id"]);
    refused("[table.clients]\nplugin = \"fact-sales\"\n", &["clients"]);
}

#[test]
fn twenty_tables_in_a_row_are_made_verified_reproduced_and_traced() {
    let mut tables = String::new();
    for number in 0..20 {
        let reads = if number == 0 { "purchases".to_owned() } else { format!("t{:02}", number - 1) };
        let form = ["same", "running", "numbered", "dated"][number % 4];
        let inputs = format!("inputs = {{ rows = \"{reads}\" }}\nparameters = {{ form = \"{form}\" }}\n");
        writeln!(tables, "[table.t{number:02}]\nplugin = \"relay\"\n{inputs}").expect("text");
    }
    let lake = lake_of(&tables, &[("P1", "A", "1.00"), ("P2", "A", "2.00"), ("P3", "B", "3.00")]);
    buy(&lake, 1, &[("P0", "A", "5.00")]);
    buy(&lake, 2, &[("P4", "B", "0.00")]);
    run(&lake);
    assert_like_fresh(&lake, &tables);
    assert_eq!(held(&lake).len(), 20);
    lake.smelt(&["verify"]);
    lake.smelt(&["reproduce", "t19"]);

    // The row without an object is the row of a lake that never got it.
    let traced = lake.json(&["lineage", "t19", "--row", "purchase_id=P2"]);
    let from = traced["from"].as_array().expect("objects");
    for number in 0..3 {
        let fresh = self::lake(&tables);
        fresh.copy_bronze(&lake);
        let object = format!("bronze/purchases_{number:03}.csv");
        fresh.remove(&object);
        run(&fresh);
        let row = |lake: &Lake| {
            let table = lake.smelt(&["show", "t19"]);
            table.lines().find(|line| line.starts_with("P2,")).map(str::to_owned)
        };
        let told = from.iter().find(|influence| influence["bronze"] == object.as_str());
        let cells = |row: &Value| {
            let cells = row.as_array()?.iter().map(|cell| cell.as_str().expect("text"));
            Some(cells.collect::<Vec<_>>().join(","))
        };
        let without = told.map_or_else(|| row(&lake), |influence| cells(&influence["without"]));
        assert_eq!(without, row(&fresh), "{object}: {traced}");
    }
}

#[test]
fn only_what_is_selected_is_made() {
    let lake = lake_of(DEEP, &[("P1", "A", "1.00")]);
    let mut number = 0;
    let mut selects = |selected: &str, expected: BTreeSet<String>| {
        number += 1;
        buy(&lake, number, &[(&format!("Q{number}"), "A", "50.00")]);
        lake.smelt(&["clean"]);
        let before = made(&lake);
        lake.smelt(&["run", "--as-of", DAY, "--select", selected]);
        assert_eq!(made_since(&lake, &before), expected, "{selected}");
    };
    selects("fact_sales", names(["fact_sales"]));
    selects("spent", names(["spent"]));
    selects("+ranked", names(["fact_sales", "spent", "ranked"]));
    selects("+greatest, months", names(["fact_sales", "spent", "greatest", "months"]));
    // The new purchase has not reached `spent`, and `greatest` has read `spent`.
    selects("spent+", names(["ranked", "others", "dated", "last"]));
    let said = fails(&lake, &["run", "--select", "+nothing"], 2);
    assert!(said.contains("`+nothing`") && said.contains("gold_summary"), "{said}");
    run(&lake);
    assert_like_fresh(&lake, DEEP);
}

#[test]
fn another_day_makes_what_depends_on_it() {
    let lake = lake_of(DEEP, &[("P1", "A", "1.00"), ("P2", "B", "3.00"), ("P3", "B", "3.00"), ("P4", "C", "9.00")]);
    let before = made(&lake);
    lake.smelt(&["run", "--as-of", "2025-12-31"]);
    assert_eq!(made_since(&lake, &before), names(["client_kpis", "gold_summary", "dated", "last"]));
    lake.smelt(&["run", "--as-of", DAY]);
    assert_like_fresh(&lake, DEEP);
}

#[test]
fn tables_of_different_days_are_reproduced_and_traced_each_with_its_own() {
    let tables = "[table.first]\nplugin = \"relay\"\ninputs = { rows = \"purchases\" }\nparameters = { form = \"dated\" }\n\
                  [table.second]\nplugin = \"relay\"\ninputs = { rows = \"first\" }\nparameters = { form = \"dated\" }\n";
    let lake = lake_of(tables, &[("P1", "A", "1.00")]);
    lake.smelt(&["run", "--select", "second", "--as-of", "2025-11-20"]);
    // A Tuesday and a Thursday.
    assert_eq!(lake.smelt(&["show", "second"]).lines().last(), Some("P1,A,1.06"));
    lake.smelt(&["reproduce", "second"]);
    let traced = lake.json(&["lineage", "second", "--row", "purchase_id=P1"]);
    assert_eq!(traced["from"][0]["without"], Value::Null, "{traced}");
}

#[test]
fn a_promotion_and_its_rollback_take_along_all_that_read_the_table() {
    let lake = lake(DEEP);
    let mut deliveries = Deliveries::of(3);
    deliveries.arrive(&lake, 6);
    run(&lake);
    let before = rows(&lake);
    let commits = || lake.files("catalog/commits").len();
    for plugin in ["fact-sales", "client-kpis"] {
        let began = commits();
        lake.smelt(&["plugin", "promote", &twin(&lake.path().with_file_name(""), plugin)]);
        assert_eq!(commits(), began + 1, "one moment");
    }
    run(&lake);
    assert_eq!(rows(&lake), before);
    // A rollback point outlasts many ticks of the tables that go on.
    for _ in 0..6 {
        deliveries.arrive(&lake, 2);
        run(&lake);
        lake.smelt(&["gc", "--delete", "--grace", "0s"]);
        lake.smelt(&["verify"]);
    }
    for plugin in ["client-kpis", "fact-sales"] {
        lake.smelt(&["plugin", "rollback", plugin]);
        run(&lake);
        assert_like_fresh(&lake, DEEP);
        lake.smelt(&["verify"]);
    }
}

/// The table came later than the promotion, so nothing is kept of it that could be brought back.
#[test]
fn a_rollback_takes_along_a_table_that_is_newer_than_the_promotion() {
    let facts = "[table.facts]\nplugin = \"fact-sales\"\n";
    let mut lake = lake(facts);
    buy(&lake, 0, &[("P1", "A", "1.00")]);
    run(&lake);
    lake.smelt(&["plugin", "promote", &twin(&lake.path().with_file_name(""), "fact-sales")]);
    buy(&lake, 1, &[("P2", "A", "2.00")]);
    let tables = format!("{facts}[table.newer]\nplugin = \"relay\"\ninputs = {{ rows = \"facts\" }}\n");
    lake.set_manifest(&manifest(&tables));
    run(&lake);

    lake.smelt(&["plugin", "rollback", "fact-sales"]);
    let purchases = |table: &str| {
        let rows = lake.smelt(&["show", table]);
        rows.lines().skip(1).map(|row| row[..2].to_owned()).collect::<Vec<_>>()
    };
    assert_eq!((purchases("facts"), purchases("newer")), (vec!["P1".to_owned()], vec!["P1".to_owned()]));
    run(&lake);
    assert_like_fresh(&lake, &tables);
}

#[test]
fn a_table_that_is_moved_to_another_layer_keeps_its_rows() {
    let (mut lake, mut deliveries) = (lake(DEEP), Deliveries::of(4));
    for (from, to) in [("[table.", "[kpi."), ("[kpi.", "[table."), ("[unmoved.", "[unmoved.")] {
        deliveries.arrive(&lake, 3);
        run(&lake);
        let tables = DEEP.replace(from, to);
        lake.set_manifest(&manifest(&tables));
        run(&lake);
        let files: BTreeSet<String> =
            held(&lake).into_iter().filter(|(_, table)| has_file(table)).map(|(name, _)| name).collect();
        let kpis = tables.lines().filter_map(|line| line.strip_prefix("[kpi.")?.strip_suffix(']').map(str::to_owned));
        assert_eq!(files, kpis.collect(), "only a KPI has a file");
        for name in held(&lake).into_keys() {
            lake.smelt(&["reproduce", &name]);
        }
    }
    // Files that were made when a table was a KPI stay in gold, as all former ones do.
    let fresh = self::lake(DEEP);
    fresh.copy_bronze(&lake);
    run(&fresh);
    assert_eq!(rows(&lake), rows(&fresh));
}

fn has_file(table: &Value) -> bool {
    table["file"].is_object() || table["relation"]["files"]["one"].is_object()
}

#[test]
fn a_new_table_reads_the_rows_of_a_kpi_and_not_its_file() {
    let kpi =
        "[kpi.greatest]\nplugin = \"relay\"\ninputs = { rows = \"purchases\" }\nparameters = { form = \"top\" }\n";
    // A file for people has an apostrophe before the `=`.
    let mut lake = lake_of(kpi, &[("P1", "=A", "1.00")]);
    let tables = format!("{kpi}[table.reads]\nplugin = \"relay\"\ninputs = {{ rows = \"greatest\" }}\n");
    lake.set_manifest(&manifest(&tables));
    let Ended { code, stderr, .. } = lake.end(&["run", "--as-of", DAY, "--select", "reads"]);
    assert_eq!(code, Some(0), "{stderr}");
    assert!(!held(&lake).contains_key("reads") && stderr.contains("`greatest`"), "{stderr}");
    lake.smelt(&["run", "--as-of", DAY, "--select", "+reads"]);
    let held = held(&lake);
    assert_eq!(held["reads"]["relation"]["content"], held["greatest"]["relation"]["content"]);
    lake.smelt(&["reproduce", "reads"]);
}

#[test]
fn a_name_is_not_given_to_a_table_while_a_dataset_has_it() {
    let mut lake =
        lake_of("[table.all]\nplugin = \"relay\"\ninputs = { rows = \"purchases\" }\n", &[("P1", "A", "1.00")]);
    let renamed = manifest("").replace("[dataset.purchases]", "[dataset.raw]")
        + "[table.purchases]\nplugin = \"relay\"\ninputs = { rows = \"raw\" }\nparameters = { adds = 100 }\n\
           [table.all]\nplugin = \"relay\"\ninputs = { rows = \"purchases\" }\n";
    lake.set_manifest(&renamed);
    for command in [&["run"][..], &["plan"], &["aggregate"]] {
        let said = fails(&lake, command, 2);
        assert!(said.contains("`purchases`") && said.contains("smelt drop purchases"), "{said}");
    }
    lake.smelt(&["drop", "purchases", "--delete"]);
    run(&lake);
    assert_eq!(lake.smelt(&["show", "all"]).lines().last(), Some("P1,A,2.00"));
}

#[test]
fn a_table_that_reads_one_without_rows_is_reproduced_and_traced() {
    let tables = "[table.all]\nplugin = \"relay\"\ninputs = { rows = \"purchases\" }\n\
                  [table.none]\nplugin = \"relay\"\ninputs = { rows = \"refunds\" }\n\
                  [table.left]\nplugin = \"relay\"\ninputs = { rows = \"all\", others = \"none\" }\n\
                  parameters = { form = \"without\" }\n\
                  [dataset.refunds]\nobjects = \"refunds_*.csv\"\nformat = \"csv\"\nplugin = \"clean-purchases\"\n";
    let lake = lake_of(tables, &[("P1", "A", "1.00")]);
    assert!(!held(&lake).contains_key("none"));
    lake.smelt(&["reproduce", "left"]);
    let traced = lake.json(&["lineage", "left", "--row", "purchase_id=P1"]);
    assert_eq!(traced["from"][0]["bronze"], "bronze/purchases_000.csv");
}

/// The rows of a table lie nowhere else, and may be all that is left of those before it.
#[test]
fn tables_whose_rows_are_lost_are_made_again_through_all_levels() {
    let lost = |lake: &Lake| {
        let sums = lake.files("catalog/sums");
        sums.into_keys().for_each(|name| lake.remove(&format!("catalog/sums/{name}")));
    };
    let chain = "[table.a]\nplugin = \"relay\"\ninputs = { rows = \"purchases\" }\n\
                 [table.b]\nplugin = \"relay\"\ninputs = { rows = \"a\" }\n\
                 [table.c]\nplugin = \"relay\"\ninputs = { rows = \"b\" }\n";
    let mut lake = lake_of(chain, &[("P1", "A", "1.00"), ("P2", "A", "2.00")]);
    lost(&lake);
    lake.smelt(&["run", "--as-of", DAY, "--reconcile"]);
    assert_like_fresh(&lake, chain);

    // A table that is new reads all rows of the one before, and that one likewise.
    lost(&lake);
    let longer = format!("{chain}[table.d]\nplugin = \"relay\"\ninputs = {{ rows = \"c\" }}\n");
    lake.set_manifest(&manifest(&longer));
    run(&lake);
    assert_like_fresh(&lake, &longer);
}
