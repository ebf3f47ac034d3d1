//! Checks that judge objects as a whole before a row of them counts: `inspector` judges clients by their ids, and purchases
//! by the clients that silver has.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use serde_json::Value;

use crate::support::ended::{Ended, fixtures};
use crate::support::process::Running;
use crate::support::{Lake, root};

const DAY: &str = "2025-11-18";

/// The most bad records of a hundred: those that warn and those that fail, of purchases.
type Bounds = (i64, i64);

fn manifest((warn, fail): Bounds) -> String {
    let (components, fixtures) = (root().join("target/components"), fixtures());
    format!(
        "[pipeline]\nname = \"gate\"\nplugins = [{components:?}, {fixtures:?}]\n\
         [dataset.clients]\nobjects = \"clients_*\"\nformat = \"csv\"\nplugin = \"clean-clients\"\n\
         [dataset.purchases]\nobjects = \"purchases_*\"\nformat = \"csv\"\nplugin = \"clean-purchases\"\n\
         [check.named]\nplugin = \"inspector\"\non = [\"clients\"]\nparameters = {{ column = \"client_id\", fail = 20 }}\n\
         [check.known]\nplugin = \"inspector\"\non = [\"purchases\"]\ninputs = {{ known = \"clients\" }}\n\
         parameters = {{ column = \"client_id\", refers = \"client_id\", warn = {warn}, fail = {fail} }}\n\
         [table.all]\nplugin = \"relay\"\ninputs = {{ rows = \"purchases\" }}\n\
         [kpi.greatest]\nplugin = \"relay\"\ninputs = {{ rows = \"all\" }}\nparameters = {{ form = \"top\" }}\n\
         [table.report]\nplugin = \"quality-report\"\ninputs = {{ objects = \"smelt.objects\", rules = \"smelt.rules\" }}\n"
    )
}

const BOUNDS: Bounds = (0, 40);

fn lake() -> Lake {
    Lake::with_manifest(&manifest(BOUNDS))
}

fn clients(ids: &[&str]) -> String {
    let mut body = "client_id,name,email,signup_date,country\n".to_owned();
    ids.iter().for_each(|id| writeln!(body, "{id},Name,{id}@b.org,2024-01-01,FR").expect("text"));
    body
}

fn purchases(rows: &[(&str, &str)]) -> String {
    let mut body = "purchase_id,client_id,purchase_date,product,quantity,unit_price,amount\n".to_owned();
    rows.iter().for_each(|(id, client)| writeln!(body, "{id},{client},2025-11-01,pen,1,2.00,2.00").expect("text"));
    body
}

fn run(lake: &Lake) {
    lake.smelt(&["run", "--as-of", DAY]);
}

/// The status of each object.
fn statuses(lake: &Lake) -> BTreeMap<String, String> {
    let quality = lake.json(&["quality"]);
    let text = |value: &Value| value.as_str().unwrap_or("staged").to_owned();
    let objects = quality["objects"].as_array().expect("a list").iter();
    objects.map(|object| (text(&object["object"]), text(&object["status"]))).collect()
}

fn status(lake: &Lake, object: &str) -> String {
    statuses(lake).remove(object).expect("it is judged")
}

/// The ids of the purchases that count.
fn bought(lake: &Lake) -> BTreeSet<String> {
    let shown = lake.smelt(&["show", "all"]);
    shown.lines().skip(1).filter_map(|line| Some(line.split(',').next()?.to_owned())).collect()
}

fn ids<const N: usize>(ids: [&str; N]) -> BTreeSet<String> {
    ids.map(str::to_owned).into()
}

/// The account of a dataset: rows read, kept, rejected, superseded and held.
fn account(lake: &Lake, dataset: &str) -> [u64; 5] {
    let history = lake.json(&["history"]);
    let totals = history["datasets"].as_array().expect("a list").iter().find(|it| it["dataset"] == dataset);
    let totals = totals.expect("the lake has it");
    let number = |key: &str| totals[key].as_u64().unwrap_or_default();
    let rejected = totals["rejected"].as_object().expect("by rule").values().filter_map(Value::as_u64).sum();
    [number("read"), number("kept"), rejected, number("superseded"), number("held")]
}

#[test]
fn no_row_of_a_refused_object_counts_until_a_person_lets_it_in() {
    let lake = lake();
    lake.bronze("clients_1.csv", clients(&["A", "B"]));
    lake.bronze("purchases_1.csv", purchases(&[("P1", "A"), ("P2", "B")]));
    lake.bronze("purchases_2.csv", purchases(&[("P3", "A"), ("P4", "X"), ("P5", "Y")]));
    lake.bronze("purchases_3.csv", purchases(&[("P6", "A"), ("P7", "B"), ("P8", "A"), ("P9", "X")]));
    run(&lake);
    assert_eq!(status(&lake, "purchases_1.csv"), "admitted");
    assert_eq!(status(&lake, "purchases_2.csv"), "refused");
    assert_eq!(status(&lake, "purchases_3.csv"), "warned");
    assert_eq!(bought(&lake), ids(["P1", "P2", "P6", "P7", "P8", "P9"]));
    assert_eq!(account(&lake, "purchases"), [9, 6, 0, 0, 3]);
    lake.smelt(&["verify"]);

    let shown = lake.smelt(&["quality", "show", "purchases_2.csv"]);
    assert!(shown.contains("refused") && shown.contains("good"), "{shown}");
    let strict = Ended::from(lake.try_smelt(&["quality", "--strict"]));
    assert_eq!(strict.code, Some(1));

    lake.smelt(&["quality", "release", "purchases_2.csv", "--why", "they are new"]);
    run(&lake);
    assert_eq!(status(&lake, "purchases_2.csv"), "released");
    assert_eq!(account(&lake, "purchases"), [9, 9, 0, 0, 0]);
    assert_eq!(bought(&lake).len(), 9);

    lake.smelt(&["quality", "withhold", "purchases_1.csv", "--why", "a test"]);
    run(&lake);
    assert_eq!(account(&lake, "purchases"), [9, 7, 0, 0, 2]);
    assert!(!bought(&lake).contains("P1"));

    lake.smelt(&["quality", "undo", "purchases_1.csv"]);
    lake.smelt(&["quality", "undo", "purchases_2.csv"]);
    run(&lake);
    assert_eq!(bought(&lake), ids(["P1", "P2", "P6", "P7", "P8", "P9"]));
    assert_eq!(account(&lake, "purchases"), [9, 6, 0, 0, 3]);
    lake.smelt(&["gc", "--grace", "0s", "--delete"]);
    lake.smelt(&["verify"]);
    let files: Vec<_> = lake.files("bronze").into_keys().collect();
    assert_eq!(files.len(), 4, "bronze stays whole: {files:?}");
}

#[test]
fn the_greatest_revision_that_counts_counts_alone() {
    let lake = lake();
    lake.bronze("clients_1.csv", clients(&["A"]));
    lake.bronze("purchases_1.csv", purchases(&[("P1", "A"), ("P2", "X")]));
    run(&lake);
    assert_eq!(status(&lake, "purchases_1.csv"), "refused");

    lake.bronze("purchases_1.csv.r02", purchases(&[("P1", "A"), ("P2", "A")]));
    run(&lake);
    assert_eq!(status(&lake, "purchases_1.csv"), "replaced");
    assert_eq!(status(&lake, "purchases_1.csv.r02"), "admitted");
    assert_eq!(bought(&lake), ids(["P1", "P2"]));

    lake.bronze("purchases_1.csv.r03", purchases(&[("P1", "A"), ("P3", "A")]));
    run(&lake);
    assert_eq!(status(&lake, "purchases_1.csv.r02"), "replaced");
    assert_eq!(bought(&lake), ids(["P1", "P3"]));

    lake.smelt(&["quality", "withhold", "purchases_1.csv.r03", "--why", "it lacks one"]);
    run(&lake);
    assert_eq!(status(&lake, "purchases_1.csv.r02"), "admitted");
    assert_eq!(bought(&lake), ids(["P1", "P2"]));
    lake.smelt(&["verify"]);
}

#[test]
fn what_a_dataset_refers_to_is_judged_before_it() {
    let lake = lake();
    lake.bronze("purchases_1.csv", purchases(&[("P1", "A"), ("P2", "B")]));
    run(&lake);
    assert_eq!(status(&lake, "purchases_1.csv"), "refused", "nobody is known");
    // A third of its records has no id, so the object is refused, and nobody becomes known.
    lake.bronze("clients_1.csv", clients(&["A", "B", ""]));
    run(&lake);
    assert_eq!(status(&lake, "clients_1.csv"), "refused");
    assert_eq!(status(&lake, "purchases_1.csv"), "refused");
    lake.smelt(&["quality", "release", "clients_1.csv", "--why", "two are good"]);
    run(&lake);
    assert_eq!(status(&lake, "purchases_1.csv"), "admitted", "one run does it all");
    assert_eq!(bought(&lake), ids(["P1", "P2"]));
}

#[test]
fn objects_that_cannot_be_read_are_refused_and_cannot_be_released() {
    let lake = lake();
    lake.bronze("clients_1.csv", clients(&["A"]));
    lake.bronze("clients_2.csv", "");
    lake.bronze("clients_3.csv", b"\x1f\x8b\x08\0\0\0\0\0\0\0\x01\x02".as_slice());
    run(&lake);
    for object in ["clients_2.csv", "clients_3.csv"] {
        assert_eq!(status(&lake, object), "refused");
        let refused = Ended::from(lake.try_smelt(&["quality", "release", object, "--why", "x"]));
        assert!(refused.code == Some(2) && refused.stderr.contains("cannot be released"), "{}", refused.stderr);
    }
    assert_eq!(account(&lake, "clients"), [1, 1, 0, 0, 0]);
    for (arguments, expected) in [
        (&["quality", "undo", "clients_1.csv"][..], "nothing to take back"),
        (&["quality", "withhold", "clients_9.csv", "--why", "x"], "no check judges an object `clients_9.csv`"),
        (&["quality", "show", "clients_9.csv"], "no check judges an object `clients_9.csv`"),
    ] {
        let refused = Ended::from(lake.try_smelt(arguments));
        assert!(refused.code == Some(2) && refused.stderr.contains(expected), "{}", refused.stderr);
    }
}

#[test]
fn decisions_outlive_a_change_of_how_records_are_read() {
    let lake = lake();
    lake.bronze("clients_1.csv", clients(&["A", ""]));
    run(&lake);
    lake.smelt(&["quality", "release", "clients_1.csv", "--why", "one is good"]);
    run(&lake);
    let mut changed = lake;
    changed.set_manifest(
        &manifest(BOUNDS).replace("format = \"csv\"", "format = \"csv\"\nskip_lines = 0\ncomment = \"#\""),
    );
    run(&changed);
    assert_eq!(status(&changed, "clients_1.csv"), "released");
    changed.smelt(&["verify"]);
}

/// One thing that happens to a lake.
#[derive(Debug, Clone)]
enum Step {
    Clients(usize, Vec<&'static str>),
    Purchases(usize, usize, Vec<(u8, &'static str)>),
    Decide(bool, usize),
    Undo(usize),
    Bounds(Bounds),
    Run,
    Clean,
    Kill(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let id = || select(vec!["A", "B", "C", "D", ""]);
    prop_oneof![
        3 => (0..4usize, prop::collection::vec(id(), 0..4)).prop_map(|(number, ids)| Step::Clients(number, ids)),
        5 => (0..4usize, 1..4usize, prop::collection::vec((0..12u8, id()), 0..5))
            .prop_map(|(number, revision, rows)| Step::Purchases(number, revision, rows)),
        2 => (any::<bool>(), 0..12usize).prop_map(|(release, at)| Step::Decide(release, at)),
        1 => (0..12usize).prop_map(Step::Undo),
        1 => select(vec![(0, 40), (0, 0), (10, 60), (50, 20)]).prop_map(Step::Bounds),
        4 => Just(Step::Run),
        1 => Just(Step::Clean),
        2 => (100..700u64).prop_map(Step::Kill),
    ]
}

/// What the steps have come to, as a person would work it out.
#[derive(Default)]
struct Model {
    /// The ids in each object of clients, and the purchases in each of theirs: id and client.
    clients: BTreeMap<String, Vec<&'static str>>,
    purchases: BTreeMap<String, Vec<(u8, &'static str)>>,
    /// Whether a person lets an object in.
    decisions: BTreeMap<String, bool>,
    bounds: Bounds,
}

impl Model {
    /// The status of each object of one dataset, of which `bad` says how many of how many records are bad.
    fn statuses<'o>(
        &self,
        objects: impl Iterator<Item = (&'o String, usize, usize)>,
        (warn, fail): Bounds,
    ) -> BTreeMap<String, &'static str> {
        let mut statuses: BTreeMap<String, &'static str> = BTreeMap::new();
        for (name, bad, all) in objects {
            let past = |bound: i64| bad as i64 * 100 > bound * all as i64;
            let status = match self.decisions.get(name) {
                Some(false) => "withheld",
                Some(true) if past(fail) => "released",
                _ if past(fail) => "refused",
                _ if past(warn) => "warned",
                _ => "admitted",
            };
            statuses.insert(name.clone(), status);
        }
        let counts = |status: &str| ["admitted", "warned", "released"].contains(&status);
        let stem = |name: &str| name.split(".csv").next().unwrap_or_default().to_owned();
        let counting: Vec<String> =
            statuses.iter().filter(|(_, it)| counts(it)).map(|(name, _)| name.clone()).collect();
        for (name, status) in &mut statuses {
            if counting.iter().any(|other| stem(other) == stem(name) && other > name) {
                *status = "replaced";
            }
        }
        statuses
    }

    /// All statuses, and the ids of the purchases that count.
    fn answer(&self) -> (BTreeMap<String, String>, BTreeSet<String>) {
        let bad = |ids: &Vec<&str>| ids.iter().filter(|id| id.is_empty()).count();
        let of_clients = self.clients.iter().map(|(name, ids)| (name, bad(ids), ids.len()));
        let mut all = self.statuses(of_clients, (0, 20));
        let counts = |status: &str| ["admitted", "warned", "released"].contains(&status);
        let known: BTreeSet<&str> = self
            .clients
            .iter()
            .filter(|(name, _)| counts(all[*name]))
            .flat_map(|(_, ids)| ids.iter().copied())
            .collect();
        let is_bad = |client: &str| client.is_empty() || !known.contains(client);
        let of_purchases = self
            .purchases
            .iter()
            .map(|(name, rows)| (name, rows.iter().filter(|(_, client)| is_bad(client)).count(), rows.len()));
        let purchases = self.statuses(of_purchases, self.bounds);
        let counting = self.purchases.iter().filter(|(name, _)| counts(purchases[*name]));
        // The cleaner refuses a purchase without a client.
        let rows = counting.flat_map(|(_, rows)| rows).filter(|(_, client)| !client.is_empty());
        let bought = rows.map(|(id, _)| format!("P{id}")).collect();
        all.extend(purchases);
        (all.into_iter().map(|(name, status)| (name, status.to_owned())).collect(), bought)
    }

    /// Lets the step happen to the lake.
    fn happen(&mut self, lake: &mut Lake, step: &Step) {
        let names: Vec<String> = self.clients.keys().chain(self.purchases.keys()).cloned().collect();
        let chosen = |at: usize| names.get(at % names.len().max(1));
        match step {
            // Bronze never changes.
            Step::Clients(number, ids) => {
                if let Entry::Vacant(new) = self.clients.entry(format!("clients_{number}.csv")) {
                    lake.bronze(new.key(), clients(ids));
                    new.insert(ids.clone());
                }
            }
            Step::Purchases(number, revision, rows) => {
                let end = if *revision == 1 { String::new() } else { format!(".r{revision:02}") };
                if let Entry::Vacant(new) = self.purchases.entry(format!("purchases_{number}.csv{end}")) {
                    let texts: Vec<_> = rows.iter().map(|(id, client)| (format!("P{id}"), *client)).collect();
                    let texts: Vec<_> = texts.iter().map(|(id, client)| (id.as_str(), *client)).collect();
                    lake.bronze(new.key(), purchases(&texts));
                    new.insert(rows.clone());
                }
            }
            Step::Decide(release, at) => {
                let Some(name) = chosen(*at) else { return };
                let verb = if *release { "release" } else { "withhold" };
                // An object that no run has looked at is not known yet.
                if lake.try_smelt(&["quality", verb, name, "--why", "because"]).status.success() {
                    self.decisions.insert(name.clone(), *release);
                }
            }
            Step::Undo(at) => {
                let Some(name) = chosen(*at) else { return };
                let done = lake.try_smelt(&["quality", "undo", name]).status.success();
                assert_eq!(done, self.decisions.remove(name).is_some(), "{name}");
            }
            Step::Bounds(bounds) => {
                lake.set_manifest(&manifest(*bounds));
                self.bounds = *bounds;
            }
            Step::Run => run(lake),
            Step::Clean => drop(lake.smelt(&["clean", "--as-of", DAY])),
            Step::Kill(calls) => {
                let mut running = Running::start(lake, &["run", "--as-of", DAY]);
                running.runs_until(*calls);
                running.kill();
            }
        }
    }
}

#[test]
fn statuses_are_a_function_of_objects_bounds_and_decisions() {
    let seed = std::env::var("SMELT_TEST_SEED").ok().map_or(7, |seed| seed.parse().expect("a number"));
    let cases = std::env::var("PROPTEST_CASES").ok().map_or(12, |cases| cases.parse().expect("a number"));
    let config = Config {
        cases,
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: None,
        max_shrink_iters: 60,
        ..Config::default()
    };
    let result = TestRunner::new(config).run(&prop::collection::vec(step(), 4..16), |steps| {
        let mut lake = lake();
        let mut model = Model { bounds: BOUNDS, ..Model::default() };
        for step in &steps {
            model.happen(&mut lake, step);
        }
        run(&lake);
        let (expected, expected_bought) = model.answer();
        prop_assert_eq!(statuses(&lake), expected);
        if lake.json(&["history"])["state"]["gold"].get("all").is_some() {
            prop_assert_eq!(bought(&lake), expected_bought);
        }
        for dataset in ["clients", "purchases"] {
            let found = lake.json(&["history"])["datasets"]
                .as_array()
                .expect("a list")
                .iter()
                .any(|it| it["dataset"] == dataset);
            if found {
                let [read, kept, rejected, superseded, held] = account(&lake, dataset);
                prop_assert_eq!(read, kept + rejected + superseded + held);
            }
        }
        let before = lake.json(&["history"])["commits"].as_array().map(Vec::len);
        run(&lake);
        prop_assert_eq!(
            lake.json(&["history"])["commits"].as_array().map(Vec::len),
            before,
            "a second run changes nothing"
        );
        lake.smelt(&["verify"]);
        Ok(())
    });
    if let Err(error) = result {
        panic!("SMELT_TEST_SEED={seed}: {error}");
    }
}
