//! One lake, what happens to it, and what is known of it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::{self, File, FileTimes};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngSeed, TestRunner};

use super::settled::Settled;
use crate::support::process::{Running, Signal};
use crate::support::random_rows::{click, customer, order};
use crate::support::reference::{Bronze, answer};
use crate::support::rows::{Dataset, Row};
use crate::support::{Lake, root, twin};

/// Longer than anything takes that does not wait for ever.
const LONG: Duration = Duration::from_secs(60);
/// Changes of the manifest, each of which may be made and taken back.
const CHANGES: [(&str, &str); 6] = [
    ("limit = 10", "limit = 3"),
    ("[kpi.aov]\nplugin = \"aov\"\n", ""),
    ("[output]", "[limits.decode]\nrecord_bytes = 150\n\n[output]"),
    ("[schedule]", "[privacy]\nquarantine = \"off\"\n\n[schedule]"),
    ("silver = \"csv\"", "silver = \"parquet\""),
    ("gold = \"csv\"", "gold = \"parquet\""),
];
const KPIS: [&str; 5] = ["aov", "revenue_by_channel", "revenue_by_country", "sales_by_day", "top_products"];
/// The number of an object of each dataset that is never removed: a dataset that had objects is not one that never had any.
const LASTING: usize = 0;
const PLUGINS: [&str; 4] = ["clean-customers", "clean-orders", "aov", "revenue-by-country"];

/// An event: one step of a lake's life.
#[derive(Debug, Clone)]
enum Happening {
    Arrives {
        dataset: Dataset,
        number: usize,
        style: usize,
        how: How,
    },
    IsCut {
        which: usize,
        at: usize,
    },
    IsRemoved {
        which: usize,
    },
    IsTouched {
        which: usize,
        hours: i64,
    },
    /// Other bytes, as many as before, and the former time.
    IsSwapped {
        which: usize,
    },
    Strangers {
        name: String,
    },
    Acts {
        verb: &'static [&'static str],
        fate: Fate,
    },
    Promotes {
        plugin: Option<&'static str>,
        fate: Fate,
    },
    RollsBack {
        plugin: &'static str,
        fate: Fate,
    },
    ClockMoves {
        by: &'static str,
    },
    KeyIsLost,
    IsBackedUp,
    IsRestored {
        bronze_too: bool,
    },
    ManifestChanges {
        change: usize,
    },
}

/// How a bronze object is written.
#[derive(Debug, Clone, Copy)]
enum How {
    InPlace,
    Renamed,
    Appended,
}

/// The fate of a process. A moment is a number of calls of `read` and `write`.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Whole,
    Killed(u64),
    BesideAnother,
    /// Stopped, and continued after another one ran.
    Stopped(u64),
    StoppedAndKilled(u64),
}

/// A lake and what is known of it.
pub(super) struct World {
    seed: u64,
    lake: Lake,
    runner: TestRunner,
    has_key: bool,
    /// The rows of every body that was written whole.
    written: HashMap<Vec<u8>, (Dataset, Vec<Row>)>,
    /// The objects that others put into bronze.
    strangers: BTreeMap<String, &'static [u8]>,
    changes: BTreeSet<usize>,
    /// A copy of the lake.
    backup: Option<PathBuf>,
    /// Set if an object that was read may be gone.
    is_missing: bool,
    told: Vec<String>,
    /// The last comparison: the content of a fresh lake, and what it was made from.
    fresh: Option<(Made, Settled)>,
}

/// The causes from which a lake's content follows.
#[derive(PartialEq)]
struct Made {
    bronze: BTreeMap<String, Vec<u8>>,
    changes: BTreeSet<usize>,
    next_cleaner: bool,
}

impl World {
    /// An empty lake, in every second seed with a key.
    pub(super) fn new(seed: u64) -> Self {
        let config = Config { rng_seed: RngSeed::Fixed(seed), failure_persistence: None, ..Config::default() };
        let mut lake = Lake::new();
        lake.change_pipeline(&[]);
        lake.smelt(&["init"]);
        let has_key = seed % 2 == 1;
        if !has_key {
            fs::remove_file(lake.beside("lake.key")).expect("`init` made a key");
        }
        let mut world = Self {
            seed,
            lake,
            runner: TestRunner::new(config),
            has_key,
            written: HashMap::new(),
            strangers: BTreeMap::new(),
            changes: BTreeSet::new(),
            backup: None,
            is_missing: false,
            told: vec![],
            fresh: None,
        };
        for dataset in Dataset::ALL {
            world.arrives(dataset, LASTING, 0, How::InPlace);
        }
        world
    }

    fn draw<S: Strategy>(&mut self, strategy: S) -> S::Value {
        strategy.new_tree(&mut self.runner).expect("a value").current()
    }

    /// Lets something happen.
    pub(super) fn step(&mut self) {
        let happening = self.draw(happening());
        self.told.push(format!("{happening:?}"));
        match happening {
            Happening::Arrives { dataset, number, style, how } => self.arrives(dataset, number, style, how),
            Happening::IsCut { which, at } => self.with_object(which, |path| {
                let file = File::options().write(true).open(path).expect("it is there");
                let bytes = file.metadata().expect("it is there").len();
                file.set_len(bytes * at as u64 / 100).expect("it can be cut");
            }),
            Happening::IsRemoved { which } => {
                self.with_object(which, |path| {
                    if !path.to_string_lossy().contains(&format!("T{LASTING:06}.")) {
                        fs::remove_file(path).expect("it can be removed");
                    }
                });
                self.is_missing = true;
            }
            Happening::IsTouched { which, hours } => self.with_object(which, |path| {
                let hour = Duration::from_secs(3600);
                let time = match u32::try_from(hours) {
                    Ok(hours) => now() + hour * hours,
                    Err(_) => now() - hour * hours.unsigned_abs() as u32,
                };
                set_time(path, time);
            }),
            Happening::IsSwapped { which } => self.with_object(which, |path| {
                let time = fs::metadata(path).and_then(|metadata| metadata.modified()).expect("it has a time");
                let mut body = fs::read(path).expect("it can be read");
                body.iter_mut().filter(|byte| **byte == b'1').for_each(|byte| *byte = b'2');
                fs::write(path, body).expect("it can be written");
                set_time(path, time);
            }),
            Happening::Strangers { name } => {
                self.lake.bronze(&name, "not smelt's");
                self.strangers.insert(name, b"not smelt's");
            }
            Happening::Acts { verb, fate } => self.acts(verb, fate),
            Happening::Promotes { plugin, fate } => {
                let component = match plugin {
                    Some(plugin) => twin(&self.lake.beside(""), plugin),
                    None => self.next_cleaner(),
                };
                self.acts(&["plugin", "promote", &component, "--forget-missing"], fate);
            }
            Happening::RollsBack { plugin, fate } => {
                self.acts(&["plugin", "rollback", plugin, "--forget-missing"], fate);
            }
            Happening::ClockMoves { by } => {
                if let Some(library) = faketime() {
                    let mut run = self.lake.command(&["run"]);
                    run.env("LD_PRELOAD", library).env("FAKETIME", by).env("NO_FAKE_STAT", "1");
                    run.env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
                    self.end(&mut run);
                }
            }
            Happening::KeyIsLost => self.key_is_lost(),
            Happening::IsBackedUp => {
                let backup = self.lake.beside("backup");
                copy(&self.lake.path(), &backup);
                self.backup = Some(backup);
            }
            Happening::IsRestored { bronze_too } => self.is_restored(bronze_too),
            Happening::ManifestChanges { change } => {
                if !self.changes.remove(&change) {
                    self.changes.insert(change);
                }
                let changes: Vec<_> = self.changes.iter().map(|&change| CHANGES[change]).collect();
                self.lake.change_pipeline(&changes);
            }
        }
    }

    fn arrives(&mut self, dataset: Dataset, number: usize, style: usize, how: How) {
        let rows = match dataset {
            Dataset::Clicks => self.draw(vec(click(), 0..8)),
            Dataset::Customers => self.draw(vec(customer(), 0..8)),
            Dataset::Orders => self.draw(vec(order(), 0..12)),
        };
        let (name, body) = (dataset.object(number), dataset.body(&rows, style));
        let path = self.lake.path().join("bronze").join(&name);
        match how {
            How::InPlace => self.lake.bronze(&name, &body),
            How::Renamed => {
                let beside = self.lake.beside("on its way");
                fs::write(&beside, &body).expect("it can be written");
                fs::rename(beside, &path).expect("it can be renamed");
            }
            How::Appended => {
                let file = File::options().append(true).create(true).open(&path);
                file.and_then(|mut file| file.write_all(body.as_bytes())).expect("it can be written");
                return;
            }
        }
        self.written.insert(body.into_bytes(), (dataset, rows));
    }

    /// Does that with a bronze object that is not a stranger's, if there is one.
    fn with_object(&self, which: usize, act: impl FnOnce(&Path)) {
        let bronze = self.bronze();
        if let Some(name) = bronze.keys().nth(which % bronze.len().max(1)) {
            act(&self.lake.path().join("bronze").join(name));
        }
    }

    fn bronze(&self) -> BTreeMap<String, Vec<u8>> {
        let mut bronze = self.lake.files("bronze");
        bronze.retain(|name, _| !self.strangers.contains_key(name));
        bronze
    }

    fn acts(&mut self, verb: &[&str], fate: Fate) {
        let start = || Running::start(&self.lake, verb);
        let other = || Running::start(&self.lake, &["run"]).wait(LONG);
        match fate {
            Fate::Whole => self.end(&mut self.lake.command(verb)),
            Fate::Killed(at) => {
                let mut running = start();
                running.runs_until(at);
                running.kill();
            }
            Fate::BesideAnother => {
                let running = start();
                other();
                running.wait(LONG);
            }
            Fate::Stopped(at) | Fate::StoppedAndKilled(at) => {
                let mut running = start();
                if !running.runs_until(at) {
                    // It was done before.
                    other();
                    return;
                }
                running.signal(Signal::STOP);
                other();
                if matches!(fate, Fate::StoppedAndKilled(_)) {
                    return running.kill();
                }
                running.signal(Signal::CONT);
                running.wait(LONG);
            }
        }
    }

    /// It may fail, but neither panic nor be killed.
    fn end(&self, command: &mut Command) {
        let output = command.output().expect("smelt starts");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code().is_some_and(|code| code <= 2), "{}: {stderr}", output.status);
        assert!(!stderr.contains("panicked"), "{stderr}");
    }

    fn key_is_lost(&mut self) {
        let (key, away) = (self.lake.beside("lake.key"), self.lake.beside("away.key"));
        let is_keyed = self.has_key && !self.lake.silver("customers").is_empty();
        if is_keyed {
            fs::rename(&key, &away).expect("it can be moved");
            let files = || {
                let mut files = self.lake.files("");
                // Who is writing.
                files.remove("catalog/writers.lock");
                files
            };
            let before = files();
            let run = self.lake.try_smelt(&["run"]);
            assert_eq!(run.status.code(), Some(2), "{}", String::from_utf8_lossy(&run.stderr));
            assert!(before == files(), "a run without the key changed the lake");
            fs::rename(&away, &key).expect("it can be moved back");
        }
    }

    fn is_restored(&mut self, bronze_too: bool) {
        let Some(backup) = &self.backup else { return };
        let (lake, bronze) = (self.lake.path(), self.lake.beside("bronze"));
        if !bronze_too {
            fs::rename(lake.join("bronze"), &bronze).expect("it can be moved");
        }
        fs::remove_dir_all(&lake).expect("it can be removed");
        copy(backup, &lake);
        if bronze_too {
            let bronze = self.lake.files("bronze");
            self.strangers.retain(|name, _| bronze.contains_key(name));
        } else {
            fs::remove_dir_all(lake.join("bronze")).expect("it can be removed");
            fs::rename(bronze, lake.join("bronze")).expect("it can be moved");
            self.is_missing = true;
        }
    }

    /// Another version of the cleaner of clicks, under its own name.
    fn next_cleaner(&self) -> String {
        let path = self.lake.beside("clean-clicks.wasm");
        let next = root().join("target/components/fixtures/next-clean-clicks.wasm");
        fs::copy(next, &path).expect("the fixtures were built");
        path.to_str().expect("a UTF-8 path").to_owned()
    }

    /// Has the lake take in what happened, and compares it with a fresh one.
    pub(super) fn settle(&mut self) {
        let arguments: &[&str] = if self.is_missing { &["run", "--forget-missing"] } else { &["run"] };
        self.lake.smelt(arguments);
        self.is_missing = false;
        let kpis: Vec<_> = KPIS.into_iter().filter(|kpi| !(*kpi == "aov" && self.changes.contains(&1))).collect();
        let settled = Settled::read(&self.lake, &kpis);
        let made =
            Made { bronze: self.bronze(), changes: self.changes.clone(), next_cleaner: self.runs_next_cleaner() };
        let fresh = match self.fresh.take() {
            Some((of, fresh)) if of == made => fresh,
            _ => self.fresh(&made, &kpis),
        };
        assert_eq!(settled, fresh, "left: the lake; right: a fresh one");
        self.fresh = Some((made, fresh));
        if let Some(answer) = self.answer() {
            assert_eq!(settled.gold, answer.gold, "left: the lake; right: the answer");
            assert_eq!(settled.silver, answer.silver, "left: the lake; right: the answer");
        }

        let again = self.lake.json(&["run"]);
        assert_eq!(again["cleaned"], 0, "a second run cleans: {again}");
        let verified = self.lake.try_smelt(&["verify"]);
        assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
        let bronze = self.lake.files("bronze");
        for (name, body) in &self.strangers {
            assert_eq!(bronze.get(name).map(Vec::as_slice), Some(*body), "bronze/{name} is not smelt's");
        }
        let files = self.lake.files("");
        let left: Vec<_> = files.keys().filter(|name| name.contains(".tmp-") && !name.starts_with("bronze/")).collect();
        assert!(left.is_empty(), "half-written files are left: {left:?}");
    }

    fn runs_next_cleaner(&self) -> bool {
        let history = self.lake.json(&["history"]);
        history["state"]["datasets"]["clicks"]["relation"]["fingerprint"]["version"] == "2.0.0"
            || history["state"]["promoted"]["clean-clicks"]["version"] == "2.0.0"
    }

    fn fresh(&self, made: &Made, kpis: &[&str]) -> Settled {
        let mut fresh = Lake::new();
        fresh.change_pipeline(&made.changes.iter().map(|&change| CHANGES[change]).collect::<Vec<_>>());
        if self.has_key {
            fs::copy(self.lake.beside("lake.key"), fresh.beside("lake.key")).expect("the key can be copied");
        }
        made.bronze.iter().for_each(|(name, body)| fresh.bronze(name, body));
        fresh.smelt(&["run"]);
        if made.next_cleaner {
            fresh.smelt(&["plugin", "promote", &self.next_cleaner()]);
            fresh.smelt(&["run"]);
        }
        Settled::read(&fresh, kpis)
    }

    /// Returns what the rows come to, computed without smelt, if they are known and nothing was changed.
    fn answer(&self) -> Option<crate::support::reference::Answer> {
        if self.has_key || !self.changes.is_empty() || self.runs_next_cleaner() {
            return None;
        }
        let mut rows = Bronze::new();
        for (name, body) in self.bronze() {
            let (dataset, more) = self.written.get(&body).filter(|(dataset, _)| name.starts_with(dataset.name()))?;
            rows.entry(*dataset).or_default().extend(more.iter().cloned());
        }
        Some(answer(&rows))
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let kept = root().join("target/random").join(self.seed.to_string());
            let _ = fs::remove_dir_all(&kept);
            copy(&self.lake.beside(""), &kept);
            eprintln!(
                "SMELT_SEED={}, kept in {}; it went through\n  {}",
                self.seed,
                kept.display(),
                self.told.join("\n  ")
            );
        }
    }
}

fn happening() -> impl Strategy<Value = Happening> {
    let dataset = || select(Dataset::ALL.to_vec());
    let how = select(vec![How::InPlace, How::Renamed, How::Renamed, How::Appended]);
    let which = || 0..1000_usize;
    let verbs: Vec<&[&str]> = vec![
        &["run"],
        &["run"],
        &["run"],
        &["run"],
        &["clean"],
        &["aggregate"],
        &["run", "--reconcile"],
        &["quarantine", "purge", "--older-than", "0s", "--delete"],
        &["gc", "--grace", "0s", "--delete"],
        &["gc", "--rollback-points", "--grace", "0s", "--delete"],
        // Refused while the manifest has it.
        &["drop", "aov", "--delete"],
    ];
    let strangers = select(vec![".tmp-upload", "notes.md", "sub/.tmp-0123456789abcdef-1", ".tmp-0123456789abcdef-7"]);
    prop_oneof![
        9 => (dataset(), 0..12_usize, 0..4_usize, how)
            .prop_map(|(dataset, number, style, how)| Happening::Arrives { dataset, number, style, how }),
        1 => (which(), 0..100_usize).prop_map(|(which, at)| Happening::IsCut { which, at }),
        1 => which().prop_map(|which| Happening::IsRemoved { which }),
        1 => (which(), -5000..5000_i64).prop_map(|(which, hours)| Happening::IsTouched { which, hours }),
        1 => which().prop_map(|which| Happening::IsSwapped { which }),
        1 => strangers.prop_map(|name| Happening::Strangers { name: name.to_owned() }),
        8 => (select(verbs), fate()).prop_map(|(verb, fate)| Happening::Acts { verb, fate }),
        1 => (select(PLUGINS.to_vec()), fate())
            .prop_map(|(plugin, fate)| Happening::Promotes { plugin: Some(plugin), fate }),
        1 => fate().prop_map(|fate| Happening::Promotes { plugin: None, fate }),
        2 => (select([&PLUGINS[..], &["clean-clicks"; 3]].concat()), fate())
            .prop_map(|(plugin, fate)| Happening::RollsBack { plugin, fate }),
        1 => select(vec!["+400d", "-400d", "+2h", "-2h", "+10y"]).prop_map(|by| Happening::ClockMoves { by }),
        1 => Just(Happening::KeyIsLost),
        1 => Just(Happening::IsBackedUp),
        1 => any::<bool>().prop_map(|bronze_too| Happening::IsRestored { bronze_too }),
        1 => (0..CHANGES.len()).prop_map(|change| Happening::ManifestChanges { change }),
    ]
}

fn fate() -> impl Strategy<Value = Fate> {
    // A command that has little to do makes about 450 calls.
    let moment = || 0..600_u64;
    prop_oneof![
        4 => Just(Fate::Whole),
        3 => moment().prop_map(Fate::Killed),
        1 => Just(Fate::BesideAnother),
        1 => moment().prop_map(Fate::Stopped),
        2 => moment().prop_map(Fate::StoppedAndKilled),
    ]
}

/// The library that tells a process another time, if it is installed.
fn faketime() -> Option<PathBuf> {
    let places = fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    let found = places.map(|place| place.path().join("faketime/libfaketime.so.1")).find(|library| library.exists());
    if found.is_none() {
        eprintln!("the clock is not moved: libfaketime is not installed");
    }
    found
}

#[expect(clippy::disallowed_methods, reason = "times of files are the machine's")]
fn now() -> SystemTime {
    SystemTime::now()
}

fn set_time(path: &Path, time: SystemTime) {
    let file = File::options().append(true).open(path).expect("it is there");
    file.set_times(FileTimes::new().set_modified(time)).expect("it is ours");
}

/// Copies a directory as backups do.
fn copy(from: &Path, to: &Path) {
    let _ = fs::remove_dir_all(to);
    fs::create_dir_all(to.parent().expect("it has a parent")).expect("it can be made");
    let status = Command::new("cp").arg("-a").arg(from).arg(to).status().expect("cp starts");
    assert!(status.success(), "cp -a {} {}: {status}", from.display(), to.display());
}
