//! Objects and parts that vanished, were restored or copied, or left the manifest: smelt says so at once, makes nothing in their
//! place, and a run repairs what it can.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::support::process::wait_until;
use crate::support::ticks::{arrive, assert_like_uninterrupted, ticks};
use crate::support::{Lake, twin};

const LONG: Duration = Duration::from_secs(60);

/// A lake that has run twice, the second time over rows that supersede some of the first; and how it was in between.
fn lake() -> (Lake, PathBuf) {
    let (lake, ticks) = (Lake::new(), ticks(2, 60));
    arrive(&lake, &ticks[0]);
    lake.smelt(&["run"]);
    let before = lake.path().with_file_name("before");
    copy(&lake.path(), &before);
    arrive(&lake, &ticks[1]);
    lake.smelt(&["run"]);
    (lake, before)
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a directory can be made");
    for entry in fs::read_dir(from).expect("a directory").map(|entry| entry.expect("an entry")) {
        let to = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => copy(&entry.path(), &to),
            false => drop(fs::copy(entry.path(), to).expect("a file can be copied")),
        }
    }
}

/// Puts what the layer held then in place of what it holds.
fn restore(lake: &Lake, before: &Path, layer: &str) {
    let place = lake.path().join(layer);
    fs::remove_dir_all(&place).expect("it can be removed");
    copy(&before.join(layer), &place);
}

/// Returns what the command says when it fails with that status.
fn fails(lake: &Lake, arguments: &[&str], code: i32) -> String {
    let output = lake.try_smelt(arguments);
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    said
}

fn commits(lake: &Lake) -> Vec<PathBuf> {
    lake.files("catalog/commits").into_keys().map(|name| lake.path().join("catalog/commits").join(name)).collect()
}

fn name(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).expect("UTF-8")
}

/// Where the commit after that one would lie.
fn next(commit: &Path) -> PathBuf {
    let number: u64 = name(commit).trim_end_matches(".json").parse().expect("commits are numbered");
    commit.with_file_name(format!("{:020}.json", number + 1))
}

/// A `smelt up` whose ticks can be waited for.
struct Up {
    child: Child,
    heartbeat: PathBuf,
}

impl Up {
    /// Starts a host that ticks at once and then again so long after each tick. Returns after the first tick.
    fn start(lake: &Lake, said: &Path, every: &str) -> Self {
        let heartbeat = said.with_extension("heartbeat");
        let _ = fs::remove_file(&heartbeat);
        let arguments = ["up", "--no-generate", "--every", every, "--heartbeat", heartbeat.to_str().expect("UTF-8")];
        let mut command = lake.command(&arguments);
        let child = command.stdout(Stdio::null()).stderr(fs::File::create(said).expect("a file")).spawn();
        let up = Self { child: child.expect("smelt starts"), heartbeat };
        assert!(wait_until(LONG, || up.heartbeat.exists()), "no tick");
        up
    }

    /// Returns whether a sign of life comes from now on before that is so.
    fn beats_before(&self, is_so: impl Fn() -> bool) -> bool {
        let old = SystemTime::UNIX_EPOCH + Duration::from_secs(1);
        fs::File::open(&self.heartbeat).and_then(|file| file.set_modified(old)).expect("a time can be set");
        let beats = || fs::metadata(&self.heartbeat).and_then(|file| file.modified()).expect("a time") != old;
        assert!(wait_until(LONG, || beats() || is_so()), "neither");
        beats()
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How often the file says it.
fn times(file: &Path, words: &str) -> usize {
    let lines = BufReader::new(fs::File::open(file).expect("a file")).lines();
    lines.filter(|line| line.as_ref().is_ok_and(|line| line.contains(words))).count()
}

#[test]
fn what_goes_away_under_a_host_is_an_error_until_it_is_back() {
    let (lake, _) = lake();
    let newest = format!("catalog/commits/{}", name(commits(&lake).last().expect("commits")));
    let aside = lake.path().with_file_name("aside");
    // What goes away, and what is left in its place.
    for (part, leaves, words) in [
        ("", false, "no longer has"),
        ("", true, "no longer has"),
        ("catalog", false, "no longer has"),
        ("catalog/commits", true, "no longer has"),
        (newest.as_str(), false, "no longer has"),
        ("bronze", false, "bronze` is gone"),
    ] {
        let said = lake.path().with_file_name("said");
        let up = Up::start(&lake, &said, "20ms");
        let place = if part.is_empty() { lake.path() } else { lake.path().join(part) };
        fs::rename(&place, &aside).expect("it can be moved");
        if leaves {
            fs::create_dir(&place).expect("an empty one can be made");
        }
        // The tick under way may end well.
        let missed = || times(&said, words) >= 2;
        assert!(wait_until(LONG, missed), "{part}: {}", fs::read_to_string(&said).expect("UTF-8"));
        let until = times(&said, words) + 3;
        assert!(!up.beats_before(|| times(&said, words) >= until), "{part}: it goes on as if all were well");
        if leaves {
            fs::remove_dir(&place).unwrap_or_else(|error| panic!("{part}: something was made in its place: {error}"));
        } else {
            assert!(!place.exists(), "{part}: it was made anew");
        }
        fs::rename(&aside, &place).expect("it can be moved");
        assert!(up.beats_before(|| false), "{part}: it does not go on");
    }
    assert_like_uninterrupted(&lake);
}

#[test]
fn a_bucket_that_was_emptied_is_an_error_and_no_new_lake() {
    let lake = Lake::new().on_s3();
    ticks(1, 20).iter().for_each(|objects| arrive(&lake, objects));
    lake.smelt(&["run"]);
    let said = lake.path().with_file_name("said");
    // Between two ticks there is time to remove all of it. A tick that has begun heals what goes away under it.
    let up = Up::start(&lake, &said, "2s");
    let held = ["silver", "gold"].map(|layer| lake.files(layer));
    lake.files("catalog").keys().for_each(|name| lake.remove(&format!("catalog/{name}")));
    let words = "no longer has";
    let all = || fs::read_to_string(&said).unwrap_or_default();
    assert!(wait_until(LONG, || times(&said, words) >= 2), "{}", all());
    let until = times(&said, words) + 2;
    assert!(!up.beats_before(|| times(&said, words) >= until), "it goes on as if all were well");
    drop(up);
    assert_eq!(lake.files("catalog/commits"), BTreeMap::new(), "nothing was begun in its place");
    for verb in ["run", "plan"] {
        assert!(fails(&lake, &[verb], 2).contains("its catalog is gone"));
    }
    assert_eq!(["silver", "gold"].map(|layer| lake.files(layer)), held);
}

#[test]
fn a_host_with_nothing_to_generate_needs_a_lake() {
    let lake = Lake::new();
    fs::remove_dir(lake.path()).expect("it is empty");
    for arguments in [&["up", "--no-generate"][..], &["up", "--role", "clean"], &["up", "--role", "aggregate"]] {
        assert!(fails(&lake, arguments, 2).contains("there is no lake"));
        assert!(!lake.path().exists());
    }
}

#[test]
fn a_lake_without_its_catalog_is_made_anew_only_when_told_to() {
    for layer in ["catalog", "catalog/commits"] {
        let (lake, _) = lake();
        let held = ["silver", "gold", "quarantine"].map(|layer| lake.files(layer));
        fs::remove_dir_all(lake.path().join(layer)).expect("it can be removed");
        if layer != "catalog" {
            // As a writer leaves it that died, or whose lake went away.
            fs::write(lake.path().join("catalog/writers.lock"), "b").expect("a write");
        }
        for verb in ["run", "clean", "aggregate", "plan"] {
            let said = fails(&lake, &[verb], 2);
            assert!(said.contains("its catalog is gone") && said.contains("--rebuild"), "{said}");
        }
        assert_eq!(["silver", "gold", "quarantine"].map(|layer| lake.files(layer)), held);
        lake.smelt(&["run", "--rebuild"]);
        assert_like_uninterrupted(&lake);
        lake.smelt(&["verify"]);
    }
}

#[test]
fn a_run_makes_good_what_was_restored_in_part() {
    for layers in [&["catalog"][..], &["silver"], &["gold"], &["silver", "quarantine", "gold"], &["catalog", "gold"]] {
        let (lake, before) = lake();
        layers.iter().for_each(|layer| restore(&lake, &before, layer));
        lake.smelt(&["run"]);
        assert_like_uninterrupted(&lake);
        if !layers.contains(&"gold") {
            lake.smelt(&["verify"]);
        }
    }
    // A single file that a hand removed.
    let (lake, _) = lake();
    let silver = lake.files("silver").into_keys().next().expect("silver");
    lake.remove(&format!("silver/{silver}"));
    lake.smelt(&["run"]);
    assert_like_uninterrupted(&lake);
}

const VERBS: [&[&str]; 10] = [
    &["run"],
    &["clean"],
    &["aggregate"],
    &["plan"],
    &["history"],
    &["lineage", "aov"],
    &["gc", "--delete", "--grace", "0s"],
    &["gc", "--grace", "0s"],
    &["verify"],
    &["quarantine", "stats"],
];

#[test]
fn a_newest_commit_that_is_not_what_it_should_be_is_named_by_every_verb_and_can_be_removed() {
    let body = |path: &PathBuf| fs::read(path).expect("a commit");
    let (other, _) = lake();
    // What is done to the commits; returns the one that is wrong then.
    type Harm<'h> = (&'h str, &'h dyn Fn(&[PathBuf]) -> PathBuf);
    let put = |path: &PathBuf, body: &[u8]| {
        fs::write(path, body).expect("a write");
        path.clone()
    };
    let harms: [Harm<'_>; 8] = [
        ("empty", &|all| put(&all[all.len() - 1], b"")),
        ("cut off", &|all| put(&all[all.len() - 1], &body(&all[all.len() - 1])[..500])),
        ("no JSON", &|all| put(&all[all.len() - 1], &[0; 4096])),
        ("copied as the next", &|all| put(&next(&all[all.len() - 1]), &body(&all[all.len() - 1]))),
        ("an older one copied as the next", &|all| put(&next(&all[all.len() - 1]), &body(&all[1]))),
        ("an older one copied over it", &|all| put(&all[all.len() - 1], &body(&all[all.len() - 2]))),
        ("renamed", &|all| {
            let (newest, to) = (&all[all.len() - 1], next(&all[all.len() - 1]));
            fs::rename(newest, &to).expect("it can be renamed");
            // Where the gap is found first, what lies beyond it is named too.
            to
        }),
        ("of another lake", &|all| put(&all[all.len() - 1], &body(&commits(&other)[all.len() - 1]))),
    ];
    for (harm, harmed) in harms {
        let (lake, _) = lake();
        let wrong = harmed(&commits(&lake));
        let held = lake.files("silver");
        for verb in VERBS {
            let said = fails(&lake, verb, 1);
            assert!(said.contains(name(&wrong)) && said.contains("remove"), "{harm}: {verb:?}: {said}");
        }
        assert_eq!(lake.files("silver"), held, "{harm}: nothing was done");
        let shown = lake.end(&["gc", "--grace", "0s", "--json"]).json();
        assert!(shown["objects"].is_array(), "{harm}: what the readable commits do not name is shown");
        fs::remove_file(&wrong).expect("it can be removed");
        lake.smelt(&["run"]);
        assert_like_uninterrupted(&lake);
        lake.smelt(&["verify"]);
    }
}

#[test]
fn a_former_commit_that_is_damaged_stops_nothing_and_is_named() {
    for harm in [&b""[..], b"{"] {
        let (lake, _) = lake();
        let former = commits(&lake)[1].clone();
        fs::write(&former, harm).expect("a write");
        lake.smelt(&["run"]);
        for verb in [&["verify"][..], &["history"]] {
            let said = fails(&lake, verb, 1);
            assert!(said.contains(name(&former)), "{verb:?}: {said}");
        }
        let held = ["silver", "gold", "catalog/changes"].map(|layer| lake.files(layer));
        lake.smelt(&["gc", "--grace", "0s", "--delete"]);
        assert_eq!(["silver", "gold", "catalog/changes"].map(|layer| lake.files(layer)), held);
    }
}

#[test]
fn rows_of_what_is_gone_from_bronze_leave_when_told_to() {
    let (lake, all) = (Lake::new(), ticks(3, 60));
    all.iter().for_each(|objects| arrive(&lake, objects));
    // More of them than are looked at in every tick.
    (0..300).for_each(|number| lake.bronze(&format!("clicks_{number:04}.txt"), ""));
    lake.smelt(&["run"]);
    let twin = twin(&lake.path().with_file_name(""), "clean-orders");
    lake.smelt(&["plugin", "promote", &twin]);
    // Of each dataset one, of the orders the last one: rows that it superseded come back.
    for (name, _) in all.last().expect("a tick") {
        lake.remove(&format!("bronze/{name}"));
    }
    lake.smelt(&["run", "--forget-missing"]);
    assert_like_uninterrupted(&lake);
    assert_eq!(lake.files("catalog/rollback"), BTreeMap::new(), "what is kept for a rollback has them no more");
    lake.smelt(&["verify"]);
    assert_eq!(lake.json(&["run", "--forget-missing"])["cleaned"], 0, "once is enough");
}

#[test]
fn rows_that_a_promotion_gives_up_do_not_come_back_with_a_rollback() {
    let (lake, all) = (Lake::new(), ticks(2, 60));
    all.iter().for_each(|objects| arrive(&lake, objects));
    lake.smelt(&["run"]);
    for (name, _) in all.last().expect("a tick").iter().filter(|(name, _)| name.starts_with("orders_")) {
        lake.remove(&format!("bronze/{name}"));
    }
    let twin = twin(&lake.path().with_file_name(""), "clean-orders");
    lake.smelt(&["plugin", "promote", &twin, "--forget-missing"]);
    assert_like_uninterrupted(&lake);
    lake.smelt(&["plugin", "rollback", "clean-orders"]);
    assert_like_uninterrupted(&lake);
}

/// A manifest in which the dataset and the KPI have those names.
fn manifest(lake: &mut Lake, customers: &str, aov: &str) {
    lake.change_pipeline(&[
        ("[dataset.customers]", &format!("[dataset.{customers}]")),
        ("customers = \"customers\"", &format!("customers = \"{customers}\"")),
        ("[kpi.aov]", &format!("[kpi.{aov}]")),
    ]);
}

#[test]
fn what_left_the_manifest_is_named_and_can_be_dropped() {
    let (mut lake, _) = lake();
    let twin = twin(&lake.path().with_file_name(""), "clean-customers");
    lake.smelt(&["plugin", "promote", &twin]);
    manifest(&mut lake, "clients", "basket");
    let plan = lake.json(&["plan"]);
    assert_eq!(plan["unlisted"], json!({"datasets": ["customers"], "kpis": ["aov"]}));
    assert!(lake.smelt(&["plan"]).contains("dataset `customers`: the lake has it and the manifest does not"));
    let warnings = lake.json(&["run"])["warnings"].to_string();
    assert!(warnings.contains("`smelt drop customers`") && warnings.contains("`smelt drop aov`"), "{warnings}");

    assert!(fails(&lake, &["drop", "clients", "--delete"], 2).contains("the pipeline has `clients`"));
    assert!(fails(&lake, &["drop", "customer", "--delete"], 2).contains("dataset `customers`, table `aov`"));
    let before = lake.files("");
    let shown = lake.json(&["drop", "customers", "aov"]);
    assert_eq!(lake.files(""), before, "nothing is dropped yet");
    let dropped = lake.json(&["drop", "customers", "aov", "--delete"]);
    assert_eq!((&shown["deleted"], &dropped["deleted"]), (&json!(false), &json!(true)));
    assert_eq!(shown["objects"], dropped["objects"]);

    let is_of = |path: &&String| path.split('/').any(|part| part == "customers" || part == "aov");
    let files = lake.files("");
    assert_eq!(files.keys().filter(is_of).collect::<Vec<_>>(), Vec::<&String>::new());
    let kept = |files: &BTreeMap<String, Vec<u8>>| -> BTreeMap<String, Vec<u8>> {
        let layers = ["bronze/", "silver/", "gold/", "quarantine/"];
        let files = files.iter().filter(|(path, _)| layers.iter().any(|layer| path.starts_with(layer)) && !is_of(path));
        files.map(|(path, body)| (path.clone(), body.clone())).collect()
    };
    assert_eq!(kept(&files), kept(&before), "all else stays");
    lake.smelt(&["verify"]);
    assert_eq!(lake.json(&["gc", "--grace", "0s"])["objects"], json!([]));
    assert!(lake.smelt(&["history"]).contains("dataset `customers` dropped"));
    lake.smelt(&["lineage", "basket"]);
    assert_eq!(lake.json(&["plan"])["unlisted"], json!({"datasets": [], "kpis": []}));
    assert_eq!(lake.json(&["run"])["warnings"], json!([]));

    // Under its old name it begins anew.
    manifest(&mut lake, "customers", "aov");
    lake.smelt(&["run"]);
    lake.smelt(&["drop", "clients", "basket", "--delete"]);
    lake.smelt(&["verify"]);
    assert_like_uninterrupted(&lake);
}

#[test]
fn promoting_what_ran_before_makes_it_of_the_lake_as_it_is_now() {
    let (lake, all) = (Lake::new(), ticks(2, 60));
    let directory = lake.path().with_file_name("own");
    fs::create_dir(&directory).expect("a directory can be made");
    for plugin in ["clean-orders", "aov"] {
        let own = directory.join(plugin).with_extension("wasm");
        let components = crate::support::root().join("target/components");
        fs::copy(components.join(plugin).with_extension("wasm"), &own).expect("it was built");
    }
    let own = |plugin: &str| directory.join(plugin).with_extension("wasm").to_str().expect("UTF-8").to_owned();
    arrive(&lake, &all[0]);
    lake.smelt(&["run"]);
    for plugin in ["clean-orders", "aov"] {
        lake.smelt(&["plugin", "promote", &twin(&lake.path().with_file_name(""), plugin)]);
        // Of a lake that is as it was, what was kept is all that is needed.
        let back = lake.json(&["plugin", "promote", &own(plugin)]);
        assert_eq!((&back["datasets"], &back["kpis"]), (&json!([]), &json!([])), "{back}");
        lake.smelt(&["plugin", "promote", &twin(&lake.path().with_file_name(""), plugin)]);
    }
    arrive(&lake, &all[1]);
    lake.smelt(&["run"]);
    for plugin in ["clean-orders", "aov"] {
        let back = lake.json(&["plugin", "promote", &own(plugin)]);
        assert_eq!(back["behind"], json!({"datasets": [], "kpis": []}), "{back}");
        assert_like_uninterrupted(&lake);
    }
}

#[test]
fn a_rollback_says_what_it_lacks_and_the_next_run_takes_that_in() {
    let (lake, all) = (Lake::new(), ticks(3, 60));
    arrive(&lake, &all[0]);
    lake.smelt(&["run"]);
    lake.smelt(&["plugin", "promote", &twin(&lake.path().with_file_name(""), "clean-orders")]);
    let none = lake.json(&["plugin", "rollback", "clean-orders"]);
    assert_eq!(none["behind"], json!({"datasets": [], "kpis": []}));
    arrive(&lake, &all[1]);
    lake.smelt(&["run"]);
    let back: Value = lake.json(&["plugin", "rollback", "clean-orders"]);
    assert_eq!(back["behind"]["datasets"], json!(["orders"]));
    assert!(back["behind"]["kpis"].to_string().contains("aov"), "{back}");
    lake.smelt(&["run"]);
    assert_like_uninterrupted(&lake);
    arrive(&lake, &all[2]);
    let text = lake.smelt(&["plugin", "rollback", "clean-orders"]);
    assert!(text.contains("lacking what came since: orders") && text.contains("`smelt run`"), "{text}");
}
