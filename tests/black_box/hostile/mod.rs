//! Components that do all they can to harm their host. Each sin is a guest and the words in which it must fail; each is tried
//! alone, and then all of them in one run, whose other datasets and KPIs must come out as without them.

mod figures;
mod guest;
pub mod kpis;
mod load;
mod neighbours;
mod report;
mod sources;
mod stream;
mod usage;

use std::path::Path;
use std::sync::{Arc, LazyLock};

use arrow_array::{Int64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema};
use smelt_common::binary::Binary;
use smelt_runtime::privacy::Pseudonyms;
use smelt_runtime::{Cleaned, Cleaner, Engine, Limits, Tick};

pub use guest::{Call, Component, Description, FLOAT64, Guest, INT64, Kpi, Source, Stage, UTF8};

static ENGINE: LazyLock<Engine> = LazyLock::new(|| Engine::new(None).expect("the engine starts"));

/// One sin: its name, the guest that commits it, the words in which it fails.
pub struct Sin(pub &'static str, pub fn() -> Sinner, pub &'static str);

/// A guest of any world.
#[derive(Clone)]
pub enum Sinner {
    Cleaner(Guest),
    Kpi(Kpi),
    Source(Source),
}

impl From<Guest> for Sinner {
    fn from(guest: Guest) -> Self {
        Self::Cleaner(guest)
    }
}

impl From<Kpi> for Sinner {
    fn from(guest: Kpi) -> Self {
        Self::Kpi(guest)
    }
}

impl From<Source> for Sinner {
    fn from(guest: Source) -> Self {
        Self::Source(guest)
    }
}

/// Returns the limits of the guests: they are low, so that the tests are quick.
pub const LIMITS: &str = "\
    call_ms = 250
    start_ms = 250
    memory_bytes = 16_777_216
    memories = 2
    tables = 3
    table_elements = 1000
    instances = 8
    handles = 100
    output_bytes = 12_582_912
    output_rows = 1000
    log_bytes = 1000
    error_bytes = 500
    component_bytes = 3_145_728
    functions = 100";

pub fn limits() -> Limits {
    toml::from_str(LIMITS).expect("they are limits")
}

/// Loads the guest.
pub fn load(guest: &Guest) -> Result<Cleaner, String> {
    load_as(Cleaner::load, guest)
}

const TICK: Tick = Tick { seed: 0, number: 0, starts: 0, ends: 1 };

/// `load` of a kind of plugin.
type Load<P> = fn(&Engine, &str, &Binary, &Limits, &Pseudonyms, &str) -> smelt_common::Result<P>;

fn load_as<P>(load: Load<P>, guest: &dyn Component) -> Result<P, String> {
    let directory = tempfile::tempdir().expect("a directory");
    guest.write(directory.path(), "sin");
    load_from(load, directory.path())
}

fn load_from<P>(load: Load<P>, directory: &Path) -> Result<P, String> {
    let pseudonyms = Pseudonyms::from_hex(None).expect("no key is a key");
    let limits = limits();
    let binary = Binary::read(&directory.join("sin.wasm"), limits.component_bytes);
    let loaded = binary.and_then(|binary| load(&ENGINE, "sin", &binary, &limits, &pseudonyms, "{}"));
    loaded.map_err(|error| error.to_string())
}

/// Returns the fate of three rows.
pub fn clean(cleaner: &Cleaner) -> Result<Cleaned, String> {
    let ids = Arc::new(StringArray::from(vec![Some("x"), Some("y"), Some("z")])) as _;
    let rows = RecordBatch::try_from_iter_with_nullable([("id", ids, true)]).expect("it is a batch");
    let cleaned = cleaner.open(0).and_then(|mut session| session.clean(&rows));
    cleaned.map_err(|error| error.to_string())
}

/// Readings of two stations.
fn readings() -> RecordBatch {
    let columns = [("station", DataType::Utf8), ("revision", DataType::Int64)];
    let schema = Schema::new(columns.map(|(name, kind)| Field::new(name, kind, false)).to_vec());
    let (stations, revisions) = (StringArray::from(vec!["A", "B"]), Int64Array::from(vec![1, 2]));
    RecordBatch::try_new(schema.into(), vec![Arc::new(stations), Arc::new(revisions)]).expect("it is a batch")
}

/// The table of readings, all the way that a run goes but for the host's adding up.
fn aggregate(kpi: &smelt_runtime::Kpi) -> Result<RecordBatch, String> {
    let table = kpi.accumulator(0, 0).and_then(|mut accumulator| {
        accumulator.update(&readings())?;
        let state = accumulator.state()?;
        let folded = kpi.reducer(0, 0)?.reduce(&state, &[state.num_rows() as u32])?.rows;
        kpi.reducer(1, 0)?.reduce(&folded, &[folded.num_rows() as u32])
    });
    let table = table.and_then(|reduced| kpi.check_table(&reduced.rows).map(|()| reduced.rows));
    table.map_err(|error| error.to_string())
}

impl Sinner {
    /// Gives the guest data, and returns the outcome.
    fn tried(&self) -> Result<(), String> {
        match self {
            Self::Cleaner(guest) => load(guest).and_then(|cleaner| clean(&cleaner)).map(|_| ()),
            Self::Kpi(guest) => load_as(smelt_runtime::Kpi::load, guest).and_then(|kpi| aggregate(&kpi)).map(|_| ()),
            Self::Source(guest) => load_as(smelt_runtime::Generator::load, guest)
                .and_then(|source| source.generate(TICK).map(|_| ()).map_err(|error| error.to_string())),
        }
    }
}

/// The guest fails in these words, at most a line of them, whenever it is called.
#[track_caller]
fn fails(Sin(name, guest, words): Sin) {
    let error = guest().tried().expect_err(name);
    assert!(error.contains(words), "{name}: `{words}` is not in: {error}");
    assert!(error.contains("plugin `sin`") || error.contains("sin.wasm`"), "{name}: {error}");
    assert!(error.len() < 2000 && !error.chars().any(char::is_control), "{name}: {error:?}");
}

/// A test for each sin, and a list of all.
macro_rules! sins {
    ($($name:ident: $guest:expr => $words:expr;)*) => {
        $(#[test] fn $name() { super::fails(super::Sin(stringify!($name), || $guest.into(), $words)); })*

        pub const ALL: &[super::Sin] = &[$(super::Sin(stringify!($name), || $guest.into(), $words)),*];
    };
}
use sins;

#[test]
fn a_guest_without_a_sin_does_not_fail() {
    let cleaned = load(&Guest::default()).and_then(|cleaner| clean(&cleaner)).expect("it is honest");
    assert_eq!((cleaned.kept.num_rows(), cleaned.kept_rows), (3, vec![0, 1, 2]));
    let made = Guest { kept: Some(stream::Batch::default().stream()), ..Guest::default() };
    assert_eq!(load(&made).and_then(|cleaner| clean(&cleaner)).expect("it is honest").kept, cleaned.kept);

    let kpi = load_as(smelt_runtime::Kpi::load, &Kpi::default());
    assert_eq!(kpi.and_then(|kpi| aggregate(&kpi)).expect("it is honest"), readings());
    let source = load_as(smelt_runtime::Generator::load, &Source::default()).expect("it is honest");
    let objects = source.generate(TICK).expect("it is honest");
    assert_eq!(objects.iter().map(|object| object.name.as_str()).collect::<Vec<_>>(), ["made-1.csv"]);
}

#[test]
fn a_component_swapped_after_it_was_loaded_changes_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    Guest::default().write(directory.path(), "sin");
    let loaded = load_from(Cleaner::load, directory.path()).expect("it is honest");
    Guest { clean: "(unreachable)".into(), ..Guest::default() }.write(directory.path(), "sin");
    assert!(clean(&loaded).is_ok());
    assert!(load_from(Cleaner::load, directory.path()).and_then(|cleaner| clean(&cleaner)).is_err());
}
