//! All sins in one run, and what is beside them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use super::stream::{Batch, END, body, of, schema};
use super::{Description, FLOAT64, Guest, LIMITS, Sin, report, usage};
use crate::support::Lake;
use crate::support::audit::audit;
use crate::support::ended::{Ended, fixtures};

const READINGS: &str =
    "station,taken_at,revision,celsius\nA,2001-01-01T00:00:00Z,1,20\nB,,1,5\nA,2001-01-02T00:00:00Z,1,-3\n";
const ROWS: &str = "id\nx\ny\nz\n";

/// A lake with the honest datasets and one for each guest, which has three rows.
pub fn lake_with(guests: &[(&str, Guest)]) -> Lake {
    let mut lake = Lake::new();
    let directory = lake.beside("plugins");
    fs::create_dir(&directory).expect("a directory can be made");
    let mut manifest = format!(
        "[pipeline]\nname = \"hostile\"\nplugins = [{:?}, {directory:?}]\n\
         [dataset.readings]\nobjects = \"readings-*.csv\"\nformat = \"csv\"\nplugin = \"clean-readings\"\n\
         [kpi.hottest]\nplugin = \"hottest\"\n\
         [kpi.stale_stations]\nplugin = \"stale-stations\"\n",
        fixtures()
    );
    for (name, guest) in guests {
        let plugin = name.replace('_', "-");
        let description = Description { name: plugin.clone(), ..guest.description.clone() };
        let component = Guest { description, ..guest.clone() };
        component.write(&directory);
        manifest += &format!(
            "[dataset.{name}]\nobjects = \"{plugin}-*.csv\"\nformat = \"csv\"\nplugin = \"{plugin}\"\n\
             [dataset.{name}.limits]\n{LIMITS}\n"
        );
        lake.bronze(&format!("{plugin}-1.csv"), ROWS);
    }
    lake.set_manifest(&manifest);
    lake.bronze("readings-1.csv", READINGS);
    lake
}

/// What the honest plugins made.
fn made(lake: &Lake) -> [BTreeMap<String, Vec<u8>>; 3] {
    // The names of gold hold the time.
    let gold = lake.gold().into_iter().map(|(kpi, table)| (kpi, table.into_bytes())).collect();
    [gold, lake.files("silver/readings"), lake.files("quarantine/readings")]
}

#[test]
fn all_sins_at_once_harm_nobody_else() {
    let alone = lake_with(&[]);
    alone.smelt(&["run"]);
    let sins: Vec<_> = usage::ALL.iter().chain(report::ALL).collect();
    let guests: Vec<_> = sins.iter().map(|Sin(name, guest, _)| (*name, guest())).collect();
    let lake = lake_with(&guests);
    let ended = lake.end(&["run", "--json"]);
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    let failures = ended.failures();
    for Sin(name, _, words) in &sins {
        let plugin = name.replace('_', "-");
        let failure = failures.iter().find(|failure| failure.starts_with(&format!("bronze/{plugin}-1.csv: ")));
        let failure = failure.unwrap_or_else(|| panic!("{name} is not among {failures:?}"));
        assert!(failure.contains(&words.replace("`sin`", &format!("`{plugin}`"))), "{name}: {failure}");
        assert!(failure.contains(&format!("plugin `{plugin}`")), "{failure}");
    }
    assert_eq!(failures.len(), sins.len(), "{failures:?}");
    audit(&lake);
    let expected = made(&alone);
    assert_eq!(expected.each_ref().map(BTreeMap::len), [2, 1, 1]);
    assert_eq!(made(&lake), expected);
    assert!(ended.stderr.len() < 100_000 && !ended.stderr.contains('\x1b'), "{} bytes", ended.stderr.len());
}

#[test]
fn sins_have_names_of_their_own() {
    let all: Vec<_> = usage::ALL.iter().chain(report::ALL).chain(super::load::ALL).map(|Sin(name, ..)| name).collect();
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
}

/// The silver of a guest that gives this stream.
fn silver(kept: Vec<u8>, kind: u8) -> Vec<String> {
    let mut guest = Guest { kept: Some(kept), ..Guest::default() };
    guest.description.output[0].1 = kind;
    let lake = lake_with(&[("guest", guest)]);
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
    let lake = lake_with(&[("guest", Guest::default())]);
    let cache = lake.beside("cache");
    let run = || Ended::from(lake.command(&["run"]).env("SMELT_CACHE_DIR", &cache).output().expect("smelt starts"));
    assert_eq!(run().code, Some(0));
    let files = cached(&cache);
    assert_eq!(files.len(), 4, "{files:?}");
    let good: Vec<_> = files.iter().map(|path| fs::read(path).expect("it can be read")).collect();
    // Somebody else's code in place of each, as whole as any.
    for (path, code) in files.iter().zip(good.iter().cycle().skip(1)) {
        fs::write(path, code).expect("it can be written");
    }
    lake.bronze("guest-2.csv", ROWS);
    lake.bronze("readings-2.csv", READINGS);
    let ended = run();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stderr.contains("the cached code is not what was put there; it is made again"), "{}", ended.stderr);
    audit(&lake);
    assert_eq!(lake.silver("guest").len(), 6);
}
