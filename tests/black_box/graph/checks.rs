//! Checks: tables of verdicts that keep what was made from being published.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::collection::vec;
use proptest::sample::select;
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;
use serde_json::Value;

use super::fails;
use super::lake::{DAY, assert_like_fresh, buy, held, lake, lake_of, manifest, rows, run};
use crate::support::ended::Ended;
use crate::support::process::{Running, spread, wait_until};
use crate::support::{Lake, twin};

/// A KPI that is its file alone, one that others read, a table, and a check of the last one.
pub(super) const CHECKED: &str = r#"
[table.all]
plugin = "relay"
inputs = { rows = "purchases" }
[kpi.greatest]
plugin = "relay"
inputs = { rows = "all" }
parameters = { form = "top" }
[kpi.read]
plugin = "relay"
inputs = { rows = "greatest" }
[check.affordable]
plugin = "judge"
inputs = { rows = "read" }
"#;

/// The files in the directory of gold, as people read it.
fn gold(lake: &Lake) -> BTreeMap<String, Vec<u8>> {
    lake.files("gold")
}

/// Runs a lake in which a check fails; returns what the command says.
#[track_caller]
fn holds(lake: &Lake) -> String {
    fails(lake, &["run", "--as-of", DAY], 1)
}

/// Returns the rows of all tables but the checks, and the directory of gold, as readers see them.
fn seen(lake: &Lake) -> (BTreeMap<String, String>, BTreeMap<String, Vec<u8>>) {
    let mut rows = rows(lake);
    rows.retain(|name, _| name != "affordable");
    (rows, gold(lake))
}

fn newest(lake: &Lake, table: &str) -> String {
    lake.smelt(&["show", table, "--newest"])
}

#[test]
fn a_failed_check_holds_tables_and_files_until_it_passes() {
    let lake = lake_of(CHECKED, &[("P1", "A", "9.00")]);
    let before = seen(&lake);

    buy(&lake, 1, &[("P2", "B", "99.00")]);
    let said = holds(&lake);
    let verdict = "check `affordable`: expectation `affordable` failed \
                   (subject: all, expectation: affordable, severity: fail, passed: false, over: 1)";
    for words in [
        verdict,
        "the tables stay as of commit 3",
        "`smelt show affordable`",
        "`smelt show TABLE --newest`",
        "`smelt publish --despite affordable --why TEXT`",
    ] {
        assert!(said.contains(words), "`{words}` is not in: {said}");
    }
    assert_eq!(seen(&lake), before);
    assert!(newest(&lake, "all").contains("P2") && newest(&lake, "greatest").contains("P2"));
    assert!(lake.smelt(&["show", "affordable"]).contains("affordable,fail,false,1"), "verdicts are the newest");
    assert_eq!(lake.silver("purchases").len(), 2, "a dataset is never held");

    // Nothing is new, and it says so again without making a table.
    let (commits, again) = (lake.files("catalog/commits").len(), holds(&lake));
    assert!(again.contains(verdict), "{again}");
    assert_eq!(lake.files("catalog/commits").len(), commits);
    assert!(lake.smelt(&["plan", "--as-of", DAY]).contains(verdict));
    assert!(lake.smelt(&["history"]).contains("read 1.0.0, held"));

    // Incremental work goes on behind what is held.
    buy(&lake, 2, &[("P3", "B", "3.00")]);
    assert!(holds(&lake).contains("the tables stay as of commit 3"));
    assert_eq!(seen(&lake), before);
    lake.smelt(&["verify"]);

    // A later object replaces the purchase.
    buy(&lake, 3, &[("P2", "B", "2.00")]);
    run(&lake);
    assert_like_fresh(&lake, CHECKED);
    assert!(lake.files("catalog/held").is_empty(), "{:?}", lake.files("catalog/held").keys());
    lake.smelt(&["verify"]);
    assert_eq!(newest(&lake, "all"), lake.smelt(&["show", "all"]));
}

#[test]
fn a_lake_whose_first_verdict_fails_publishes_nothing() {
    let lake = lake(CHECKED);
    buy(&lake, 0, &[("P1", "A", "99.00")]);
    assert!(holds(&lake).contains("no table is published yet"));
    assert!(gold(&lake).is_empty());
    let said = fails(&lake, &["show", "greatest"], 2);
    assert!(said.contains("`greatest` are held") && said.contains("--newest"), "{said}");
    let said = fails(&lake, &["lineage", "greatest"], 2);
    assert!(said.contains("held since commit 2"), "{said}");
    lake.smelt(&["verify"]);
    assert!(lake.smelt(&["lineage", "affordable"]).contains("purchases_000"), "a check is traced as it is");
    lake.smelt(&["reproduce", "affordable"]);

    buy(&lake, 1, &[("P1", "A", "9.00")]);
    run(&lake);
    assert_like_fresh(&lake, CHECKED);
}

#[test]
fn a_verdict_that_warns_holds_nothing() {
    let tables = CHECKED.to_owned() + "parameters = { severity = \"warn\" }\n";
    let lake = lake(&tables);
    buy(&lake, 0, &[("P1", "A", "99.00")]);
    let ran = lake.json(&["run", "--as-of", DAY]);
    let warned = ran["warnings"][0].as_str().expect("a warning");
    assert!(warned.contains("check `affordable`: expectation `affordable` failed (subject: all"), "{warned}");
    assert_eq!(ran["held"], Value::Null);
    assert!(lake.smelt(&["show", "greatest"]).contains("P1"));
    assert_eq!(gold(&lake).len(), 2);
}

#[test]
fn programs_are_told_what_is_held() {
    let lake = lake_of(CHECKED, &[("P1", "A", "9.00")]);
    buy(&lake, 1, &[("P2", "B", "99.00")]);
    let Ended { code, stdout, .. } = lake.end(&["run", "--as-of", DAY, "--json"]);
    let ran: Value = serde_json::from_str(&stdout).expect("JSON");
    let held = &ran["held"];
    assert_eq!((code, &held["since"], &held["published"]), (Some(1), &4.into(), &3.into()));
    assert_eq!(held["tables"], serde_json::json!(["all", "greatest", "read"]));
    let row = serde_json::json!({
        "subject": "all", "expectation": "affordable", "severity": "fail", "passed": "false", "over": "1",
    });
    let verdict = serde_json::json!({"check": "affordable", "expectation": "affordable", "row": row});
    assert_eq!(held["verdicts"], serde_json::json!([verdict]));
    assert_eq!(&lake.json(&["plan", "--as-of", DAY])["held"], held);
    let tables = ran["kpis"].as_array().expect("tables").iter().filter_map(|kpi| kpi["table"]["key"].as_str());
    assert!(tables.clone().count() == 2 && tables.clone().all(|key| key.starts_with("gold/")), "{ran}");
}

/// Readers see what a fresh lake made of the last delivery whose verdicts passed; behind that, the newest tables are those
/// of a fresh lake of all deliveries.
#[test]
fn whatever_arrives_is_seen_once_its_verdicts_pass() {
    let tables = format!("{CHECKED}[table.told]\nplugin = \"judge\"\nparameters = {{ form = \"tally\" }}\n");
    let (mut random, lake) = (TestRunner::deterministic(), lake(&tables));
    let purchase = (0..4u32, 0..3u32, select(vec!["1.00", "2.00", "3.00", "99.00"]));
    let purchases = vec(purchase, 1..3);
    let (mut good, mut outcomes) = (None, [0, 0]);
    for number in 0..12 {
        let chosen = purchases.new_tree(&mut random).expect("purchases").current();
        let chosen = chosen.into_iter().map(|(id, client, amount)| (format!("P{id}"), format!("C{client}"), amount));
        let chosen: Vec<_> = chosen.collect();
        let few: Vec<_> = chosen.iter().map(|(id, client, amount)| (id.as_str(), client.as_str(), *amount)).collect();
        buy(&lake, number, if number == 0 { &[("P0", "C0", "1.00")] } else { &few });
        let Ended { code, stderr, .. } = lake.end(&["run", "--as-of", DAY]);
        let fresh = super::lake::lake(&tables);
        fresh.copy_bronze(&lake);
        assert_eq!(fresh.end(&["run", "--as-of", DAY]).code, code, "{stderr}");
        for table in ["read", "told"] {
            assert_eq!(newest(&lake, table), newest(&fresh, table), "{table}");
        }
        outcomes[code.expect("it ended") as usize] += 1;
        if code == Some(0) {
            assert_eq!((rows(&lake), lake.gold()), (rows(&fresh), fresh.gold()));
            good = Some(seen(&lake));
        }
        assert_eq!(Some(seen(&lake)), good);
    }
    lake.smelt(&["verify"]);
    assert!(outcomes.iter().all(|&many| many > 1), "{outcomes:?}");
}

/// Readers see the tables from before, whatever happens meanwhile, and later the newest.
#[test]
fn what_is_held_and_what_is_seen_outlast_gc_and_ticks() {
    let lake = lake_of(CHECKED, &[("P1", "A", "9.00"), ("P0", "A", "1.00")]);
    let before = seen(&lake);
    buy(&lake, 1, &[("P2", "B", "99.00")]);
    for number in 2..8 {
        holds(&lake);
        lake.smelt(&["gc", "--delete", "--grace", "0s", "--rollback-points"]);
        lake.smelt(&["verify"]);
        assert_eq!(seen(&lake), before);
        lake.smelt(&["reproduce", "greatest"]);
        lake.smelt(&["lineage", "read"]);
        buy(&lake, number, &[(&format!("P{number}0"), "A", "2.50"), ("P1", "A", &format!("8.0{number}"))]);
    }
    // A host that was killed leaves a mark, so the next one looks for orphans of all commits.
    let mut running = Running::start(&lake, &["run", "--as-of", DAY]);
    running.runs_until(40);
    running.kill();
    holds(&lake);
    assert_eq!(seen(&lake), before);
    lake.smelt(&["verify"]);
    buy(&lake, 9, &[("P2", "B", "9.90")]);
    run(&lake);
    assert_like_fresh(&lake, CHECKED);
    lake.smelt(&["verify"]);
}

#[test]
fn hosts_that_are_killed_or_race_never_show_what_is_held() {
    let lake = lake_of(CHECKED, &[("P1", "A", "9.00")]);
    let before = seen(&lake);
    let whole = {
        let alone = lake_of(CHECKED, &[("P1", "A", "9.00")]);
        buy(&alone, 1, &[("P2", "B", "9.90")]);
        Running::start(&alone, &["run", "--as-of", DAY]).calls_in_all()
    };
    buy(&lake, 1, &[("P2", "B", "99.00")]);
    for moment in spread(whole).take(30) {
        let mut running = Running::start(&lake, &["run", "--as-of", DAY]);
        running.runs_until(moment);
        running.kill();
        assert_eq!(gold(&lake), before.1);
    }
    buy(&lake, 2, &[("P3", "B", "98.00")]);
    for role in ["run", "aggregate", "run"].map(|verb| Running::start(&lake, &[verb, "--as-of", DAY])) {
        assert_eq!(role.wait(Duration::from_secs(60)).code(), Some(1));
    }
    holds(&lake);
    assert_eq!(seen(&lake), before);
    lake.smelt(&["verify"]);

    buy(&lake, 3, &[("P2", "B", "2.00"), ("P3", "B", "3.00")]);
    for moment in spread(whole).take(30) {
        let mut running = Running::start(&lake, &["run", "--as-of", DAY]);
        let ended = !running.runs_until(moment);
        running.kill();
        if ended {
            break;
        }
    }
    run(&lake);
    assert_like_fresh(&lake, CHECKED);
    lake.smelt(&["verify"]);
}

#[test]
fn a_person_publishes_despite_verdicts_as_they_are() {
    let lake = lake_of(CHECKED, &[("P1", "A", "9.00")]);
    let why = ["--why", "a gift, agreed with B"];
    let publish = |check: &'static str| [&["publish", "--despite", check][..], &why].concat();
    assert!(fails(&lake, &publish("affordable"), 1).contains("nothing is held"));
    buy(&lake, 1, &[("P2", "B", "99.00")]);
    holds(&lake);
    assert!(fails(&lake, &publish("all"), 1).contains("held by `affordable`"));
    fails(&lake, &["publish", "--despite", "affordable"], 2);

    let commits = lake.files("catalog/commits").len();
    let told = lake.smelt(&publish("affordable"));
    assert!(told.contains("published: all, greatest, read") && told.contains("over: 1"), "{told}");
    assert_eq!(lake.files("catalog/commits").len(), commits + 1);
    assert!(lake.smelt(&["show", "greatest"]).contains("P2"));
    assert_eq!(lake.gold()["greatest"], lake.smelt(&["show", "greatest"]));
    assert!(lake.files("catalog/held").is_empty());
    let history = lake.smelt(&["history"]);
    assert!(
        history.contains("despite `affordable`: a gift, agreed with B") && history.contains("over: 1"),
        "{history}"
    );
    lake.smelt(&["verify"]);

    // The same verdict holds nothing, though the tables go on.
    buy(&lake, 2, &[("P3", "B", "3.00")]);
    run(&lake);
    assert!(lake.smelt(&["show", "all"]).contains("P3"));
    // With other figures it is another one.
    buy(&lake, 3, &[("P4", "B", "98.00")]);
    assert!(holds(&lake).contains("over: 2"));
    buy(&lake, 4, &[("P4", "B", "4.00")]);
    run(&lake);
    // It is met in between, so it fails anew.
    buy(&lake, 5, &[("P2", "B", "2.00")]);
    run(&lake);
    buy(&lake, 6, &[("P2", "B", "99.00")]);
    assert!(holds(&lake).contains("over: 1"));
    assert!(lake.smelt(&["show", "all"]).contains("P2,B,2.00"));
}

#[test]
fn a_verdict_of_each_row_is_decided_row_by_row() {
    let tables = CHECKED.to_owned() + "parameters = { form = \"clients\" }\n";
    let lake = lake_of(
        &tables,
        &[("P1", "A", "99.00"), ("P2", "B", "98.00"), ("P3", "C", "9.00")]
            .map(|(purchase, client, _)| (purchase, client, "1.00")),
    );
    buy(&lake, 1, &[("P1", "A", "99.00"), ("P2", "B", "98.00")]);
    let said = holds(&lake);
    assert!(said.contains("subject: A") && said.contains("subject: B") && !said.contains("subject: C"), "{said}");
    lake.smelt(&["publish", "--despite", "affordable", "--why", "both are known"]);
    buy(&lake, 2, &[("P1", "A", "1.00")]);
    run(&lake);
    buy(&lake, 3, &[("P3", "C", "97.00")]);
    let said = holds(&lake);
    assert!(said.contains("subject: C") && !said.contains("subject: B"), "{said}");
}

#[test]
fn a_check_that_cannot_judge_holds_what_it_was_to_judge() {
    let failing = CHECKED.to_owned() + "parameters = { refuses = \"P2\" }\n";
    let mut lake = lake_of(&failing, &[("P1", "A", "9.00")]);
    let before = seen(&lake);
    buy(&lake, 1, &[("P2", "B", "2.00")]);
    for _ in 0..4 {
        let said = holds(&lake);
        assert!(said.contains("check `affordable` has not judged the newest tables: "), "{said}");
    }
    assert_eq!(seen(&lake), before);
    lake.set_manifest(&manifest(CHECKED));
    run(&lake);
    assert_like_fresh(&lake, CHECKED);

    // One that is not selected has not judged either.
    buy(&lake, 2, &[("P3", "B", "3.00")]);
    let said = fails(&lake, &["run", "--as-of", DAY, "--select", "+read"], 1);
    assert!(said.contains("check `affordable` has not judged the newest tables: new silver"), "{said}");
    assert!(!lake.smelt(&["show", "greatest"]).contains("P3"));
    run(&lake);
    assert_like_fresh(&lake, CHECKED);
}

#[test]
fn a_check_that_says_nothing_breaks_the_contract() {
    for (parameters, words) in [
        ("severity = \"error\"", "has a severity that is neither `fail` nor `warn`"),
        ("form = \"mute\"", "does not say whether it passed"),
    ] {
        let lake = lake(&format!("{CHECKED}parameters = {{ {parameters} }}\n"));
        buy(&lake, 0, &[("P1", "A", "1.00")]);
        let said = holds(&lake);
        assert!(said.contains("plugin `judge` broke the contract") && said.contains(words), "{said}");
        assert!(gold(&lake).is_empty(), "what was not judged is not published");
        // Once it is parked, the next host removes what it left.
        (0..3).for_each(|_| drop(holds(&lake)));
        lake.smelt(&["verify"]);
    }
}

#[test]
fn a_check_that_leaves_the_manifest_holds_nothing_any_more() {
    let mut lake = lake_of(CHECKED, &[("P1", "A", "9.00")]);
    buy(&lake, 1, &[("P2", "B", "99.00")]);
    holds(&lake);
    let tables = CHECKED.replace("[check.affordable]", "[table.affordable]");
    lake.set_manifest(&manifest(&tables));
    run(&lake);
    assert_like_fresh(&lake, &tables);
    // A table that is a check again judges without being made again.
    let made = super::lake::made(&lake);
    lake.set_manifest(&manifest(CHECKED));
    assert!(holds(&lake).contains("over: 1"));
    assert_eq!(super::lake::made(&lake), made);
    // Another manifest of the lake may lack it, so it holds until it is dropped.
    let unchecked = CHECKED.split("[check.").next().expect("tables");
    lake.set_manifest(&manifest(unchecked));
    buy(&lake, 2, &[("P3", "B", "3.00")]);
    let said = holds(&lake);
    assert!(said.contains("over: 1") && said.contains("smelt drop affordable"), "{said}");
    assert!(!lake.gold()["read"].contains("P3"));
    lake.smelt(&["drop", "affordable", "--delete"]);
    assert!(lake.gold()["read"].contains("P3"));
    run(&lake);
    assert_like_fresh(&lake, unchecked);
    assert!(lake.files("catalog/held").is_empty());
    lake.smelt(&["verify"]);
}

#[test]
fn up_goes_on_while_tables_are_held() {
    let lake = lake_of(CHECKED, &[("P1", "A", "9.00")]);
    buy(&lake, 1, &[("P2", "B", "99.00")]);
    let up = Running::start(&lake, &["up", "--no-generate", "--every", "50ms"]);
    assert!(wait_until(Duration::from_secs(60), || newest(&lake, "all").contains("P2")));
    assert!(!lake.smelt(&["show", "all"]).contains("P2"));
    buy(&lake, 2, &[("P2", "B", "2.00")]);
    assert!(wait_until(Duration::from_secs(60), || lake.smelt(&["show", "all"]).contains("P2")));
    up.kill();
}

#[test]
fn a_lake_in_a_bucket_holds_tables_too() {
    let lake = lake(CHECKED).on_s3();
    buy(&lake, 0, &[("P1", "A", "9.00")]);
    run(&lake);
    let before = seen(&lake);
    buy(&lake, 1, &[("P2", "B", "99.00")]);
    holds(&lake);
    assert_eq!(seen(&lake), before);
    buy(&lake, 2, &[("P2", "B", "2.00")]);
    run(&lake);
    assert_eq!(lake.gold()["greatest"], newest(&lake, "greatest"));
    assert!(lake.files("catalog/held").is_empty());
    lake.smelt(&["verify"]);
}

#[test]
fn a_promotion_is_held_and_its_rollback_is_seen() {
    let lake = lake_of(CHECKED, &[("P1", "A", "9.00")]);
    buy(&lake, 1, &[("P2", "B", "99.00")]);
    holds(&lake);
    let before = seen(&lake);
    std::fs::create_dir(lake.beside("fixtures")).expect("a directory can be made");
    let twin = twin(&lake.path().with_file_name(""), "fixtures/relay");
    let said = fails(&lake, &["plugin", "promote", &twin], 1);
    assert!(said.contains("expectation `affordable` failed"), "{said}");
    assert_eq!(seen(&lake), before);
    lake.smelt(&["gc", "--delete", "--grace", "0s"]);
    lake.smelt(&["verify"]);
    fails(&lake, &["plugin", "rollback", "relay"], 1);
    assert_eq!(seen(&lake), before);
    lake.smelt(&["gc", "--delete", "--grace", "0s", "--rollback-points"]);
    lake.smelt(&["verify"]);

    buy(&lake, 2, &[("P2", "B", "2.00")]);
    run(&lake);
    assert_like_fresh(&lake, CHECKED);
    // A promotion whose verdicts pass is published in its own commit.
    let commits = lake.files("catalog/commits").len();
    lake.smelt(&["plugin", "promote", &twin]);
    assert_eq!(lake.files("catalog/commits").len(), commits + 1);
    lake.smelt(&["verify"]);
    lake.smelt(&["plugin", "rollback", "relay"]);
    run(&lake);
    assert_like_fresh(&lake, CHECKED);
    lake.smelt(&["verify"]);
}

#[test]
fn a_check_is_refused_if_it_cannot_judge() {
    let check = |keys: &str| format!("[check.c]\nplugin = \"judge\"\ninputs = {{ rows = \"purchases\" }}\n{keys}\n");
    for (tables, words) in [
        (check("parameters = { form = \"loose\" }"), "plugin `judge` is no check: its table lacks `passed` boolean"),
        (check("on = [\"purchases\"]"), "'dataset' was unexpected"),
        (check("on = [\"nothing\"]"), "on: there is no dataset `nothing`; there are clients, purchases"),
        (check("layer = \"gold\""), "unknown field `layer`"),
        (check("") + "[kpi.c]\nplugin = \"relay\"\n", "[check.c] and [kpi.c]"),
        ("[check.c]\nplugin = \"judge\"\nparameters = { form = \"tally\" }\n".to_owned(), "`c` → `smelt.checks` → `c`"),
        (
            check("").replace("purchases", "t")
                + "[table.t]\nplugin = \"relay\"\ninputs = { rows = \"u\" }\n"
                + "[table.u]\nplugin = \"relay\"\ninputs = { rows = \"smelt.checks\" }\n",
            "of the host, which has (check: utf8",
        ),
    ] {
        let lake = lake(&tables);
        buy(&lake, 0, &[("P1", "A", "1.00")]);
        let said = fails(&lake, &["run"], 2);
        assert!(said.contains(words), "`{words}` is not in: {said}");
        assert!(lake.files("").keys().all(|name| name.starts_with("bronze/")), "nothing was begun");
    }
}

/// The checks of the lake, a table of what all of them say, and a table of that one.
const TALLIED: &str = r#"
[table.all]
plugin = "relay"
inputs = { rows = "purchases" }
[check.of_all]
plugin = "judge"
inputs = { rows = "all" }
parameters = { severity = "warn" }
[check.of_clients]
plugin = "judge"
inputs = { rows = "purchases" }
parameters = { form = "clients", severity = "warn", limit = 500 }
[table.tally]
plugin = "judge"
parameters = { form = "tally" }
"#;

#[test]
fn the_relation_of_all_verdicts_follows_them() {
    let lake = lake(TALLIED);
    let deliveries: [&[(&str, &str, &str)]; 5] = [
        &[("P1", "A", "1.00")],
        &[("P2", "B", "99.00"), ("P3", "C", "7.00")],
        &[("P3", "C", "1.00"), ("P4", "D", "98.00")],
        &[],
        &[("P2", "A", "6.00")],
    ];
    for (number, purchases) in deliveries.into_iter().enumerate() {
        buy(&lake, number, purchases);
        run(&lake);
        assert_like_fresh(&lake, TALLIED);
    }
    let tally = lake.smelt(&["show", "tally"]);
    assert_eq!(tally, "subject,expectation,severity,passed,over\nof_all affordable,,,,1\nof_clients affordable,,,,2\n");
    let inputs = held(&lake)["tally"]["inputs"].as_object().expect("inputs by name").clone();
    assert_eq!(inputs.keys().collect::<Vec<_>>(), ["smelt.checks/of_all", "smelt.checks/of_clients"]);
    let graph = lake.smelt(&["graph"]);
    assert!(graph.contains("check    of_all") && graph.contains("smelt.checks"), "{graph}");

    // A row of a table of verdicts comes from the objects without which the verdicts would be others.
    lake.smelt(&["reproduce", "tally"]);
    let traced = lake.json(&["lineage", "tally", "--row", "subject=of_all affordable"]);
    let from: Vec<_> = traced["from"].as_array().expect("objects").iter().map(|it| it["bronze"].as_str()).collect();
    assert_eq!(from, [Some("bronze/purchases_002.csv")], "{traced}");
    lake.smelt(&["verify"]);
}

#[test]
fn a_check_that_comes_or_goes_changes_what_is_told_of_all() {
    let one = "[check.of_all]\nplugin = \"judge\"\ninputs = { rows = \"purchases\" }\n\
               [table.tally]\nplugin = \"judge\"\nparameters = { form = \"tally\" }\n";
    let two = format!("{one}[check.another]\nplugin = \"judge\"\ninputs = {{ rows = \"purchases\" }}\n");
    let mut lake = lake_of(one, &[("P1", "A", "1.00")]);
    for tables in [two.as_str(), one] {
        lake.set_manifest(&manifest(tables));
        run(&lake);
        let fresh = super::lake::lake(tables);
        fresh.copy_bronze(&lake);
        run(&fresh);
        assert_eq!(lake.smelt(&["show", "tally"]), fresh.smelt(&["show", "tally"]));
    }
}
