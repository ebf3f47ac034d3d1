//! Components that do all they can to harm their host. Each sin is a guest and the words in which it must fail; each is tried
//! alone, and then all of them in one run, whose other datasets and KPIs must come out as without them.

mod figures;
mod guest;
mod load;
mod neighbours;
mod report;
mod stream;
mod usage;

use std::sync::{Arc, LazyLock};

use arrow_array::{RecordBatch, StringArray};
use smelt::privacy::Pseudonyms;
use smelt::wasm::{Binary, Cleaned, Cleaner, Engine, Limits};

pub use guest::{Description, FLOAT64, Guest, UTF8};

static ENGINE: LazyLock<Engine> = LazyLock::new(|| Engine::new(None).expect("the engine starts"));

/// One sin: its name, the guest that commits it, the words in which it fails.
pub struct Sin(pub &'static str, pub fn() -> Guest, pub &'static str);

/// What the guests may use: little, so that the tests are quick.
pub const LIMITS: &str = "\
    call_ms = 250
    start_ms = 250
    memory_bytes = 16_777_216
    memories = 2
    tables = 3
    table_elements = 1000
    instances = 8
    handles = 100
    output_bytes = 8_388_608
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
    let directory = tempfile::tempdir().expect("a directory");
    guest.write(directory.path());
    load_from(directory.path())
}

fn load_from(directory: &std::path::Path) -> Result<Cleaner, String> {
    let pseudonyms = Pseudonyms::from_hex(None).expect("no key is a key");
    let limits = limits();
    let binary = Binary::read(&directory.join("sin.wasm"), limits.component_bytes);
    let loaded = binary.and_then(|binary| Cleaner::load(&ENGINE, "sin", &binary, &limits, &pseudonyms));
    loaded.map_err(|error| error.to_string())
}

/// What becomes of three rows.
pub fn clean(cleaner: &Cleaner) -> Result<Cleaned, String> {
    let ids = Arc::new(StringArray::from(vec![Some("x"), Some("y"), Some("z")])) as _;
    let rows = RecordBatch::try_from_iter_with_nullable([("id", ids, true)]).expect("it is a batch");
    let cleaned = cleaner.open("{}", None).and_then(|mut session| session.clean(&rows));
    cleaned.map_err(|error| error.to_string())
}

/// The guest fails in these words, at most a line of them, whenever it is called.
#[track_caller]
fn fails(Sin(name, guest, words): Sin) {
    let error = load(&guest()).and_then(|cleaner| clean(&cleaner)).expect_err(name);
    assert!(error.contains(words), "{name}: `{words}` is not in: {error}");
    assert!(error.contains("plugin `sin`") || error.contains("sin.wasm`"), "{name}: {error}");
    assert!(error.len() < 2000 && !error.chars().any(char::is_control), "{name}: {error:?}");
}

/// A test for each sin, and a list of all.
macro_rules! sins {
    ($($name:ident: $guest:expr => $words:expr;)*) => {
        $(#[test] fn $name() { super::fails(super::Sin(stringify!($name), || $guest, $words)); })*

        pub const ALL: &[super::Sin] = &[$(super::Sin(stringify!($name), || $guest, $words)),*];
    };
}
use sins;

#[test]
fn a_guest_without_a_sin_does_not_fail() {
    let cleaned = load(&Guest::default()).and_then(|cleaner| clean(&cleaner)).expect("it is honest");
    assert_eq!((cleaned.kept.num_rows(), cleaned.kept_rows), (3, vec![0, 1, 2]));
    let made = Guest { kept: Some(stream::Batch::default().stream()), ..Guest::default() };
    assert_eq!(load(&made).and_then(|cleaner| clean(&cleaner)).expect("it is honest").kept, cleaned.kept);
}

#[test]
fn a_component_swapped_after_it_was_loaded_changes_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    Guest::default().write(directory.path());
    let loaded = load_from(directory.path()).expect("it is honest");
    Guest { clean: "(unreachable)".into(), ..Guest::default() }.write(directory.path());
    assert!(clean(&loaded).is_ok());
    assert!(load_from(directory.path()).and_then(|cleaner| clean(&cleaner)).is_err());
}
