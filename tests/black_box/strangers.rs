//! The things that others do beside smelt: files that are still being written or are replaced, names that lead to pipes, file systems and
//! lakes that were copied. Nothing that is not smelt's is touched, and nothing half written becomes a figure.

use std::fs::{self, File, FileTimes};
use std::io::Read;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use smelt_common::Result;
use smelt_storage::delegate_store;
use smelt_storage::{DirStore, Meta, Store};

use crate::support::Lake;
use crate::support::audit::audit;
use crate::support::embedded::{NOW, host};
use crate::support::process::Running;
use crate::support::root;

const LONG: Duration = Duration::from_secs(60);
const HEADER: &str = "customer_id,first_name,last_name,email,country,signup_date\n";

fn customers(ids: &[&str], country: &str) -> String {
    let rows = ids.iter().map(|id| format!("{id},a,b,e@x.org,{country},2025-01-01\n"));
    std::iter::once(HEADER.to_owned()).chain(rows).collect()
}

fn order(id: &str, total: u32) -> String {
    format!("{{\"order_id\":\"{id}\",\"total_amount\":\"{total}\",\"order_ts\":\"2025-01-01T00:00:00Z\"}}\n")
}

/// As `cp -p`, `rsync --inplace -t` and `tar` leave it: other bytes in the same file, of the same time.
fn replace_in_place(path: &Path, body: &str) {
    let file = File::options().write(true).open(path).expect("it is there");
    let time = file.metadata().and_then(|metadata| metadata.modified()).expect("a time");
    file.write_all_at(body.as_bytes(), 0).expect("a write");
    file.set_len(body.len() as u64).expect("it is ours");
    file.set_times(FileTimes::new().set_modified(time)).expect("it is ours");
}

fn set_time(path: &Path, seconds: u64) {
    let time = FileTimes::new().set_modified(UNIX_EPOCH + Duration::from_secs(seconds));
    File::options().write(true).open(path).and_then(|file| file.set_times(time)).expect("it is ours");
}

/// The mark of a run that was killed.
fn mark_killed(lake: &Lake) {
    let marks = lake.path().join("catalog/writers.lock");
    fs::write(&marks, [fs::read(&marks).expect("a run was here"), b"b".to_vec()].concat()).expect("a write");
}

fn pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().expect("mkfifo is there").success());
}

#[test]
fn uploads_of_others_under_temporary_names_stay_after_a_run_was_killed() {
    let lake = Lake::new();
    lake.bronze("orders_1.json", order("A", 1));
    lake.smelt(&["run"]);
    mark_killed(&lake);
    for layer in ["bronze", "bronze/sub", "silver/orders", "gold", "quarantine", "catalog"] {
        let directory = lake.path().join(layer);
        fs::create_dir_all(&directory).expect("a directory");
        fs::write(directory.join(".tmp-orders_2.json"), "half").expect("a write");
        fs::write(directory.join(".tmp-0123456789abcdef-0"), "half").expect("a write");
    }
    let before = lake.files("").keys().filter(|name| name.contains(".tmp-")).count();
    lake.smelt(&["run"]);
    let left: Vec<PathBuf> = lake.files("").into_keys().filter(|name| name.contains(".tmp-")).map(Into::into).collect();
    assert_eq!((before, left.len()), (12, 12), "{left:?}");
    left.iter().for_each(|path| fs::remove_file(lake.path().join(path)).expect("it is there"));
    audit(&lake);
}

#[test]
fn an_upload_that_ends_after_it_was_read_is_read_again_however_many_objects_there_are() {
    let lake = Lake::new();
    for number in 0..300 {
        lake.bronze(&format!("customers_{number:03}.csv"), customers(&[&format!("C{number}")], "FR"));
    }
    // One of them, of a clock that is ahead, in the midst of the names.
    let whole = customers(&["X1", "X2", "X3"], "FR");
    for name in ["customers_150_part.csv", "customers_900.csv"] {
        lake.bronze(name, &whole[..whole.len() - 40]);
    }
    set_time(&lake.path().join("bronze/customers_150_part.csv"), 4_000_000_000);
    lake.smelt(&["run"]);
    assert_eq!(lake.json(&["plan"])["datasets"][0]["rebuild"], serde_json::Value::Null);
    let whole = |prefix: &str| {
        customers(&["X1", "X2", "X3"].map(|id| format!("{prefix}{id}")).each_ref().map(String::as_str), "FR")
    };
    replace_in_place(&lake.path().join("bronze/customers_150_part.csv"), &whole("A"));
    replace_in_place(&lake.path().join("bronze/customers_900.csv"), &whole("B"));
    lake.smelt(&["run"]);
    let silver = lake.silver("customers");
    assert_eq!((silver.len(), silver.iter().filter(|row| row.contains('X')).count()), (306, 6));
    assert_eq!(lake.json(&["run"])["cleaned"], 0, "there is nothing left to do");
    audit(&lake);
}

#[test]
fn a_file_that_was_replaced_by_one_of_its_size_and_time_is_noticed() {
    let lake = Lake::new();
    lake.bronze("customers_1.csv", customers(&["C1"], "FR"));
    let path = lake.path().join("bronze/customers_1.csv");
    set_time(&path, 1_700_000_000);
    lake.smelt(&["run"]);
    replace_in_place(&path, &customers(&["C1"], "DE"));
    lake.smelt(&["run"]);
    assert!(lake.silver("customers")[0].contains(",DE,"), "{:?}", lake.silver("customers"));
}

#[test]
fn a_lake_that_was_restored_from_a_copy_is_read_and_not_made_anew() {
    let lake = Lake::new();
    for number in 0..3 {
        lake.bronze(&format!("orders_{number}.json"), order(&format!("O{number}"), number));
        lake.bronze(&format!("customers_{number}.csv"), customers(&[&format!("C{number}")], "FR"));
    }
    lake.smelt(&["run"]);
    let (silver, gold) = (lake.files("silver"), lake.files("gold"));
    let copy = lake.beside("copy");
    let copied = Command::new("cp").arg("-a").arg(lake.path()).arg(&copy).status().expect("cp is there");
    assert!(copied.success());
    fs::remove_dir_all(lake.path()).and_then(|()| fs::rename(&copy, lake.path())).expect("it can be restored");
    let report = lake.json(&["run"]);
    assert_eq!(report["cleaned"], 0);
    assert_eq!((lake.files("silver"), lake.files("gold")), (silver, gold));
    let commits = lake.files("catalog/commits").len();
    lake.smelt(&["run"]);
    assert_eq!(lake.files("catalog/commits").len(), commits, "that it looked is remembered");
}

/// A directory in which a file of bronze is written anew as soon as some of it was read.
struct Rewritten {
    store: DirStore,
    root: PathBuf,
    body: &'static [u8],
    armed: Arc<AtomicBool>,
}

struct Reader {
    inner: Box<dyn Read + Send>,
    path: PathBuf,
    body: &'static [u8],
    armed: Arc<AtomicBool>,
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let most = buffer.len().min(1000);
        let read = self.inner.read(&mut buffer[..most])?;
        if self.armed.swap(false, Ordering::Relaxed) {
            File::options().write(true).open(&self.path)?.write_all_at(self.body, 0)?;
        }
        Ok(read)
    }
}

impl Store for Rewritten {
    fn open(&self, key: &str) -> Result<(Meta, Box<dyn Read + Send>)> {
        let (meta, inner) = self.store.open(key)?;
        if key != "bronze/orders_1.json" {
            return Ok((meta, inner));
        }
        let (path, body, armed) = (self.root.join(key), self.body, Arc::clone(&self.armed));
        Ok((meta, Box::new(Reader { inner, path, body, armed })))
    }

    delegate_store!(store: list_new, look, read_ranges, exists, create, delete, begin, clock, describe);
}

/// However long the time between runs is, what was young is looked at once it is old, and then no more.
#[test]
fn young_files_are_settled_by_the_first_run_after_they_are_old() {
    let lake = Lake::new();
    (0..300).for_each(|number| lake.bronze(&format!("orders_{number:03}.json"), order(&format!("O{number}"), 1)));
    let run = |minutes: i64| {
        let report = host(Box::new(DirStore::new(lake.path())), NOW + 60 * minutes).run().expect("it runs");
        // The orders here lack keys.
        let is_told = |warning: &String| warning.contains("is in no record");
        assert!(report.failures.is_empty() && report.warnings.iter().all(is_told), "{:?}", report.warnings);
        (report.cleaned, lake.files("catalog/commits").len())
    };
    let (cleaned, commits) = run(0);
    assert_eq!(cleaned, 300);
    assert_eq!(run(0), (0, commits), "they are still young");
    replace_in_place(&lake.path().join("bronze/orders_150.json"), &order("O150", 7));
    let (cleaned, commits) = run(20);
    assert_eq!(cleaned, 300, "one of them was not whole");
    assert!(lake.gold()["aov"].contains("300,306.00,"), "{}", lake.gold()["aov"]);
    assert_eq!(run(30), (0, commits + 1), "they are settled");
    assert_eq!(run(30), (0, commits + 1), "and looked at no more");
    audit(&lake);
}

#[test]
fn a_file_that_is_written_anew_while_it_is_read_is_taken_whole_or_not_at_all() {
    let body = |total: u32| (0..2000).map(|number| order(&format!("O{number:04}"), total)).collect::<String>();
    let new: &'static [u8] = body(7).into_bytes().leak();
    let lake = Lake::new();
    lake.bronze("orders_1.json", body(1));
    lake.bronze("orders_2.json", order("other", 5));
    let armed = Arc::new(AtomicBool::new(true));
    let store =
        Rewritten { store: DirStore::new(lake.path()), root: lake.path(), body: new, armed: Arc::clone(&armed) };
    let host = host(Box::new(store), NOW);

    let report = host.run().expect("it runs");
    assert!(!armed.load(Ordering::Relaxed), "something was read");
    assert!(report.failures.is_empty() && report.parked.is_empty(), "{:?}", report.failures);
    let told = report.warnings.iter().filter(|warning| warning.contains("changed while it was read")).count();
    assert_eq!((report.cleaned, told), (1, 1), "{:?}", report.warnings);
    let report = host.run().expect("it runs");
    assert_eq!(report.cleaned, 1, "{:?}", report.warnings);
    assert!(lake.gold()["aov"].contains("2001,14005.00,"), "{}", lake.gold()["aov"]);
    audit(&lake);
}

#[test]
fn a_pipe_in_a_file_s_place_keeps_nobody_waiting() {
    // Each is named, and what can go on does.
    type Place = fn(&Lake) -> PathBuf;
    let places: [(&str, Place, &[&str]); 5] = [
        ("the key", |lake| lake.beside("lake.key"), &["plan"]),
        ("the lock of writers", |lake| lake.path().join("catalog/writers.lock"), &["run"]),
        ("a commit", |lake| lake.path().join("catalog/commits/00000000000000000001.json"), &["run"]),
        ("a heartbeat", |lake| lake.beside("beat"), &["health", "--heartbeat", "PIPE"]),
        ("parameters", |lake| lake.beside("parameters"), &["plugin", "test", "AOV", "--parameters", "PIPE"]),
    ];
    for (what, place, arguments) in places {
        let lake = Lake::new();
        lake.bronze("orders_1.json", order("A", 1));
        let path = place(&lake);
        fs::create_dir_all(path.parent().expect("it is in a directory")).expect("a directory");
        pipe(&path);
        let (shown, aov) =
            (path.display().to_string(), root().join("target/components/aov.wasm").display().to_string());
        let arguments = arguments.iter().map(|argument| match *argument {
            "PIPE" => shown.as_str(),
            "AOV" => aov.as_str(),
            plain => plain,
        });
        let arguments: Vec<&str> = arguments.collect();
        let status = Running::start(&lake, &arguments).wait(LONG);
        assert!(!status.success(), "{what}");
        let stderr = String::from_utf8_lossy(&lake.try_smelt(&arguments).stderr).into_owned();
        let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
        assert!(stderr.contains("it is a pipe, not a regular file") && stderr.contains(name), "{what}: {stderr}");
    }
}

#[test]
fn names_that_smelt_would_write_and_that_lead_elsewhere_are_left_to_others() {
    let lake = Lake::new();
    lake.bronze("orders_1.json", order("A", 1));
    fs::create_dir_all(lake.path().join("silver/orders")).expect("a directory");
    pipe(&lake.path().join("silver/orders/orders_clean_1.csv"));
    fs::create_dir_all(lake.path().join("silver/orders/orders_clean_1.2.csv")).expect("a directory");
    assert!(Running::start(&lake, &["run"]).wait(LONG).success());
    let silver = fs::read_to_string(lake.path().join("silver/orders/orders_clean_1.3.csv")).expect("silver");
    assert_eq!(silver.lines().count(), 2);

    let (other, made) = (Lake::new(), ["generate", "--start", "2025-01-01T00:00:00Z"]);
    other.smelt(&made);
    let names: Vec<_> = other.files("bronze").into_keys().collect();
    fs::create_dir_all(lake.path().join("bronze")).expect("a directory");
    pipe(&lake.path().join("bronze").join(&names[0]));
    assert!(Running::start(&lake, &made).wait(LONG).success());
    let (stem, extension) = names[0].split_once('.').expect("an extension");
    assert!(lake.path().join(format!("bronze/{stem}_2.{extension}")).is_file());
}

#[test]
fn a_manifest_lock_or_component_that_is_a_pipe_is_named() {
    let mut lake = Lake::new();
    lake.change_pipeline(&[]);
    let directory = lake.beside("smelt.toml").parent().expect("a directory").to_owned();
    pipe(&directory.join("smelt.lock"));
    let refused = |lake: &Lake, what: &str| {
        assert_eq!(Running::start(lake, &["plan"]).wait(LONG).code(), Some(2), "{what}");
        let output = lake.try_smelt(&["plan"]);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(stderr.contains(what) && stderr.contains("it is a pipe, not a regular file"), "{what}: {stderr}");
    };
    refused(&lake, "smelt.lock");
    fs::remove_file(directory.join("smelt.lock")).expect("it is there");
    lake.change_pipeline(&[("plugins = [", &format!("plugins = [\"{}\", ", directory.display()))]);
    pipe(&directory.join("aov.wasm"));
    refused(&lake, "aov.wasm");
    fs::remove_file(directory.join("smelt.toml")).expect("it is there");
    pipe(&directory.join("smelt.toml"));
    refused(&lake, "smelt.toml");
}

#[test]
fn the_lake_that_a_manifest_names_lies_beside_the_manifest() {
    let mut lake = Lake::new();
    lake.change_pipeline(&[("[pipeline]", "[lake]\nurl = \"raw/lake\"\n\n[pipeline]")]);
    let (manifest, elsewhere) = (lake.beside("smelt.toml"), lake.beside("elsewhere"));
    let raw = lake.beside("raw/lake");
    fs::create_dir_all(raw.join("bronze")).and_then(|()| fs::create_dir(&elsewhere)).expect("directories");
    fs::write(raw.join("bronze/orders_1.json"), order("A", 1)).expect("a write");
    let smelt = |directory: &Path, pipeline: &Path, verb: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_smelt"));
        command.arg(verb).arg("--pipeline").arg(pipeline).current_dir(directory);
        command.env("SMELT_CACHE_DIR", root().join("target/components/cache"));
        let output = command.env_remove("SMELT_LAKE").env_remove("SMELT_PII_KEY").output().expect("smelt starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    smelt(&elsewhere, &manifest, "run");
    smelt(elsewhere.parent().expect("a directory"), Path::new("smelt.toml"), "plan");
    smelt(&elsewhere, Path::new(".."), "init");
    assert!(raw.join("silver/orders").is_dir() && lake.beside("raw/lake.key").is_file());
    assert_eq!(fs::read_dir(&elsewhere).expect("it is there").count(), 0);
}
