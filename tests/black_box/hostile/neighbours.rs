//! All sins in one run, and what is beside them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use super::stream::{Batch, END, body, of, schema};
use super::{Component as _, FLOAT64, Guest, Kpi, LIMITS, Sin, Sinner, Source, kpis, load, report, sources, usage};
use crate::support::Lake;
use crate::support::audit::audit;
use crate::support::ended::{Ended, fixtures};
use crate::support::process::{Running, wait_until};

const READINGS: &str =
    "station,taken_at,revision,celsius\nA,2001-01-01T00:00:00Z,1,20\nB,,1,5\nA,2001-01-02T00:00:00Z,1,-3\n";
const ROWS: &str = "id\nx\ny\nz\n";

/// A lake with the honest datasets and KPIs, and what each guest is for: a dataset of three rows, a KPI, a source.
pub fn lake_with(guests: &[(&str, Sinner)]) -> Lake {
    let mut lake = Lake::new();
    let directory = lake.beside("plugins");
    fs::create_dir(&directory).expect("a directory can be made");
    let mut manifest = format!(
        "[pipeline]\nname = \"hostile\"\nplugins = [{:?}, {directory:?}]\n\
         [source.zealous]\nplugin = \"sinful-source\"\n\
         [dataset.readings]\nobjects = \"readings-*.csv\"\nformat = \"csv\"\nplugin = \"clean-readings\"\n\
         [kpi.hottest]\nplugin = \"hottest\"\n\
         [kpi.stale_stations]\nplugin = \"stale-stations\"\n",
        fixtures()
    );
    for (name, guest) in guests {
        let plugin = name.replace('_', "-");
        let kind = match guest {
            Sinner::Cleaner(guest) => {
                guest.write(&directory, &plugin);
                lake.bronze(&format!("{plugin}-1.csv"), ROWS);
                manifest += &format!("[dataset.{name}]\nobjects = \"{plugin}-*.csv\"\nformat = \"csv\"\n");
                "dataset"
            }
            Sinner::Kpi(guest) => {
                guest.write(&directory, &plugin);
                manifest += &format!("[kpi.{name}]\n");
                "kpi"
            }
            Sinner::Source(guest) => {
                guest.write(&directory, &plugin);
                manifest += &format!("[source.{name}]\n");
                "source"
            }
        };
        manifest += &format!("plugin = \"{plugin}\"\n[{kind}.{name}.limits]\n{LIMITS}\n");
    }
    lake.set_manifest(&manifest);
    lake.bronze("readings-1.csv", READINGS);
    lake
}

/// Returns what the honest plugins made.
fn made(lake: &Lake) -> [BTreeMap<String, Vec<u8>>; 3] {
    // The names of gold hold the time.
    let gold = lake.gold().into_iter().map(|(kpi, table)| (kpi, table.into_bytes())).collect();
    [gold, lake.files("silver/readings"), lake.files("quarantine/readings")]
}

/// The command fails for all of these and for nothing else, and says so in few words.
fn all_fail(lake: &Lake, command: &str, sins: &[&Sin]) {
    let ended = lake.end(&[command, "--json"]);
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    let failures = ended.failures();
    for Sin(name, guest, words) in sins {
        let plugin = name.replace('_', "-");
        let what = match guest() {
            Sinner::Cleaner(_) => format!("bronze/{plugin}-1.csv: "),
            Sinner::Kpi(_) => format!("{name}: "),
            Sinner::Source(_) => format!("source.{name}: "),
        };
        let failure = failures.iter().find(|failure| failure.starts_with(&what));
        let failure = failure.unwrap_or_else(|| panic!("{name} is not among {failures:?}"));
        assert!(failure.contains(&words.replace("`sin`", &format!("`{plugin}`"))), "{name}: {failure}");
    }
    assert_eq!(failures.len(), sins.len(), "{failures:?}");
    assert!(ended.stderr.len() < 100_000 && !ended.stderr.contains('\x1b'), "{} bytes", ended.stderr.len());
}

#[test]
fn all_sins_at_once_harm_nobody_else() {
    let alone = lake_with(&[]);
    alone.smelt(&["run"]);
    let cleaners_and_kpis: Vec<_> =
        [usage::ALL, report::ALL, kpis::ALL, kpis::ADDED_UP].into_iter().flatten().collect();
    let of_sources: Vec<_> = [sources::ALL, sources::WRITTEN].into_iter().flatten().collect();
    let all = cleaners_and_kpis.iter().chain(&of_sources);
    let guests: Vec<_> = all.map(|Sin(name, guest, _)| (*name, guest())).collect();
    let lake = lake_with(&guests);
    all_fail(&lake, "run", &cleaners_and_kpis);
    audit(&lake);
    let expected = made(&alone);
    assert_eq!(expected.each_ref().map(BTreeMap::len), [2, 1, 1]);
    assert_eq!(made(&lake), expected);

    // The last of all is honest.
    all_fail(&lake, "generate", &of_sources);
    let bronze: Vec<_> = lake.files("bronze").into_keys().filter(|name| !name.ends_with("-1.csv")).collect();
    assert_eq!(bronze, ["rows_0.csv"]);
}

#[test]
fn what_a_kpi_invents_is_in_its_own_table_alone() {
    let guests: [(&str, Kpi); 4] = [
        ("invents", kpis::state(kpis::gives(kpis::rows(&["Nowhere"], &[-5])))),
        ("folds", Kpi { fold: kpis::gives(kpis::rows(&["Nowhere", "A", "Nowhere"], &[3, -1, 4])), ..Kpi::default() }),
        ("doubles", Kpi { evaluate: kpis::gives(kpis::rows(&["A", "A"], &[1, 1])), ..Kpi::default() }),
        ("forgets", kpis::state(kpis::gives(kpis::rows(&[], &[])))),
    ];
    let lakes = [lake_with(&[]), lake_with(&guests.map(|(name, guest)| (name, guest.into())))];
    // Then one reading is superseded: what it had added is taken away.
    for more in ["C,2001-01-01T00:00:00Z,1,7\n", "A,2001-01-01T00:00:00Z,2,21\nB,2001-01-01T00:00:00Z,3,1\n"] {
        for lake in &lakes {
            let number = lake.files("bronze").len() + 1;
            lake.bronze(&format!("readings-{number}.csv"), format!("station,taken_at,revision,celsius\n{more}"));
            lake.smelt(&["run"]);
            audit(lake);
        }
    }
    let [alone, lake] = lakes.each_ref().map(made);
    let (mut gold, others) = (lake[0].clone(), &lake[1..]);
    let own: Vec<_> = ["invents", "folds", "doubles", "forgets"].map(|kpi| gold.remove(kpi)).into();
    assert_eq!((&gold, others), (&alone[0], &alone[1..]));
    let own: Vec<_> = own.into_iter().flatten().map(|table| String::from_utf8(table).expect("gold is text")).collect();
    // How often they are called, and so what they come to, is the host's affair.
    assert!(own.iter().all(|table| table.starts_with("station,revision\n")), "{own:?}");
    assert!(own[0].contains("Nowhere,-") && own[1].contains("Nowhere,"), "{own:?}");
    assert_eq!(own[2], "station,revision\nA,1\nA,1\n");
}

#[test]
fn a_source_that_fails_does_not_keep_the_others_from_their_tick() {
    let lake = lake_with(&[("made", Source { generate: "(unreachable)".into(), ..Source::default() }.into())]);
    let file = lake.beside("alive");
    let heartbeat = file.to_str().expect("a UTF-8 path");
    let up = Running::start(&lake, &["up", "--every", "50ms", "--heartbeat", heartbeat]);
    let is_done = |lake: &Lake| file.exists() && lake.gold().len() == 2;
    assert!(wait_until(Duration::from_secs(60), || is_done(&lake)), "the tick goes on");
    up.kill();
    assert!(lake.files("bronze").contains_key("rows_0.csv"), "the other source goes on");
}

/// A source that makes these objects in every tick.
fn makes(objects: impl IntoIterator<Item = (String, String)>) -> Sinner {
    let objects = objects.into_iter().map(|(name, body)| (name, body.into_bytes())).collect();
    Source { objects, pages: 64, ..Source::default() }.into()
}

#[test]
fn a_source_whose_objects_cannot_be_written_keeps_no_one_from_their_tick() {
    let name = format!("made-{}.csv", "1".repeat(300));
    let lake = lake_with(&[("made", makes([(name, "id\nx\n".into())]))]);
    let ended = lake.end(&["generate", "--json"]);
    let failures = ended.failures();
    assert_eq!((ended.code, failures.len()), (Some(1), 1), "{failures:?}");
    assert!(failures[0].starts_with("source.made: "), "{failures:?}");
    assert!(lake.path().join("bronze/rows_0.csv").exists(), "the other source makes its own");
    let file = lake.beside("alive");
    let heartbeat = file.to_str().expect("a UTF-8 path");
    let up = Running::start(&lake, &["up", "--every", "50ms", "--heartbeat", heartbeat]);
    assert!(wait_until(Duration::from_secs(60), || file.exists() && lake.gold().len() == 2), "the tick goes on");
    up.kill();
}

#[test]
fn a_name_that_is_taken_gives_way_within_its_family_and_its_length() {
    let longest = format!("made-{}.csv", "1".repeat(246));
    let objects = [(longest.as_str(), "a"), ("made-2.csv", "a"), (&longest, "b"), ("made-2.csv", "a"), (&longest, "c")];
    let lake = lake_with(&[("made", makes(objects.map(|(name, body)| (name.to_owned(), body.to_owned()))))]);
    fs::create_dir_all(lake.path().join("bronze/made-2.csv")).expect("a directory can be in the way");
    for _ in 0..2 {
        // Made again they are the same.
        lake.smelt(&["generate"]);
        let mut bronze = lake.files("bronze");
        bronze.retain(|name, _| name.starts_with("made-"));
        let stem = &longest[..longest.len() - 6];
        let expected = [
            (longest.clone(), "a"),
            (format!("{stem}_2.csv"), "b"),
            (format!("{stem}_3.csv"), "c"),
            ("made-2_2.csv".to_owned(), "a"),
        ];
        let expected: BTreeMap<_, _> = expected.map(|(name, body)| (name, body.as_bytes().to_vec())).into();
        assert_eq!(bronze, expected);
    }
}

#[test]
fn a_source_may_make_many_objects_in_a_tick() {
    let objects = (0..2000).map(|number| (format!("made-{number}.csv"), format!("id\n{number}\n")));
    let lake = lake_with(&[("made", makes(objects))]);
    let keys = lake.json(&["generate"])["objects"].as_array().expect("keys").clone();
    assert_eq!((keys.len(), keys[1999].as_str()), (2001, Some("bronze/made-1999.csv")));
    assert_eq!(keys[2000], "bronze/rows_0.csv", "in their order");
}

#[test]
fn sins_have_names_of_their_own() {
    let all = [usage::ALL, report::ALL, load::ALL, kpis::ALL, kpis::ADDED_UP, sources::ALL, sources::WRITTEN];
    let all: Vec<_> = all.into_iter().flatten().map(|Sin(name, ..)| name).collect();
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
}

/// The silver of a guest that gives this stream.
fn silver(kept: Vec<u8>, kind: u8) -> Vec<String> {
    let mut guest = Guest { kept: Some(kept), ..Guest::default() };
    guest.description.output[0].1 = kind;
    let lake = lake_with(&[("guest", guest.into())]);
    lake.smelt(&["run"]);
    lake.silver("guest")
}

#[test]
fn what_lies_under_a_missing_value_is_nowhere() {
    let with = |middle: &[u8; 3]| Batch {
        nodes: vec![(3, 1)],
        buffers: vec![(0, 1), (8, 16), (24, 3)],
        body: body([0, 1, 2, 3], middle),
        ..Batch::default()
    };
    let expected = ["", "x", "z"];
    assert_eq!(silver(with(b"xyz").stream(), super::UTF8), expected);
    assert_eq!(silver(with(b"x!z").stream(), super::UTF8), expected);
}

#[test]
fn every_nan_is_the_same() {
    let stream = |bits: u64| {
        let values = [bits, 1.5_f64.to_bits(), bits | 1 << 63].iter().flat_map(|bits| bits.to_le_bytes()).collect();
        let batch = Batch { buffers: vec![(0, 0), (0, 24)], body: values, ..Batch::default() };
        [schema(&of(arrow_schema::DataType::Float64)), batch.message(), END.to_vec()].concat()
    };
    let expected = silver(stream(f64::NAN.to_bits()), FLOAT64);
    assert_eq!(expected.len(), 3);
    assert_eq!(silver(stream(0x7ff0_dead_beef_0001), FLOAT64), expected);
}

/// The files of compiled code in a cache.
fn cached(cache: &std::path::Path) -> Vec<PathBuf> {
    let files = fs::read_dir(cache).expect("there is a cache").map(|entry| entry.expect("it can be read").path());
    files.filter(|path| path.extension().is_some_and(|extension| extension == "cwasm")).collect()
}

#[test]
fn compiled_code_that_was_tampered_with_is_never_run() {
    let lake = lake_with(&[("guest", Guest::default().into())]);
    let cache = lake.beside("cache");
    let run = || Ended::from(lake.command(&["run"]).env("SMELT_CACHE_DIR", &cache).output().expect("smelt starts"));
    assert_eq!(run().code, Some(0));
    let files = cached(&cache);
    assert_eq!(files.len(), 5, "{files:?}");
    let good: Vec<_> = files.iter().map(|path| fs::read(path).expect("it can be read")).collect();
    // Somebody else's code in place of each, as whole as any.
    for (path, code) in files.iter().zip(good.iter().cycle().skip(1)) {
        fs::write(path, code).expect("it can be written");
    }
    lake.bronze("guest-2.csv", ROWS);
    lake.bronze("readings-2.csv", READINGS);
    let ended = run();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("the cached file has changed since it was put there; it is made again"),
        "{}",
        ended.stderr
    );
    audit(&lake);
    assert_eq!(lake.silver("guest").len(), 6);
}

/// A component's code is loaded when it is called, and not before: what it said of itself is remembered.
#[test]
fn code_is_loaded_when_it_is_called() {
    let lake = lake_with(&[("guest", Guest::default().into())]);
    let cache = lake.beside("cache");
    let smelt = |arguments: &[&str]| {
        let ended = lake.command(arguments).env("SMELT_CACHE_DIR", &cache).output().expect("smelt starts");
        assert!(ended.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&ended.stderr));
        String::from_utf8_lossy(&ended.stdout).into_owned()
    };
    let plan = smelt(&["plan"]);
    let remove_code = || cached(&cache).iter().for_each(|path| fs::remove_file(path).expect("it is there"));
    remove_code();
    assert_eq!(smelt(&["plan"]), plan);
    assert!(cached(&cache).is_empty(), "nothing was called");
    smelt(&["run"]);
    let called = cached(&cache).len();
    assert!(called > 0);
    remove_code();
    smelt(&["run"]);
    assert!(cached(&cache).is_empty(), "nothing was new, so nothing was called");

    // An answer that was remembered is trusted as little as code is.
    for entry in fs::read_dir(&cache).expect("there is a cache").flatten() {
        if entry.path().extension().is_some_and(|extension| extension == "told") {
            let told = fs::read_to_string(entry.path()).unwrap_or_default();
            fs::write(entry.path(), told.replace("utf8", "int64")).expect("it can be written");
        }
    }
    assert_eq!(smelt(&["plan"]), smelt(&["plan"]));
    lake.bronze("guest-2.csv", ROWS);
    smelt(&["run"]);
    assert_eq!(lake.silver("guest").len(), 6);
}
