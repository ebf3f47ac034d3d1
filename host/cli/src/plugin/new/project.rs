//! The files of a project, from `templates/`, by kind of plugin and language.

use clap::ValueEnum;

/// A file of a project: its path, and its text with placeholders such as `{{name}}`.
pub(super) type File = (&'static str, &'static str);

macro_rules! template {
    ($path:literal) => {
        include_str!(concat!("../../../../../templates/", $path))
    };
}

const README: File = ("README.md", template!("README.md"));
/// The contract of the languages that bring their own glue. A project in Rust has that of the SDK.
const WIT: File = ("wit/smelt.wit", include_str!("../../../../../wit/0.3.0/smelt.wit"));

const RUST: [File; 6] = [
    README,
    ("Cargo.toml", template!("rust/package.toml")),
    (".cargo/config.toml", template!("rust/config.toml")),
    ("rust-toolchain.toml", template!("rust/rust-toolchain.toml")),
    ("build.sh", template!("rust/build.sh")),
    (".gitignore", template!("rust/gitignore")),
];

const PYTHON: [File; 5] = [
    README,
    WIT,
    ("smelt.py", template!("python/smelt.py")),
    ("build.sh", template!("python/build.sh")),
    (".gitignore", template!("python/gitignore")),
];

const PYTHON_CLEANER: [File; 3] = [
    ("cleaning.py", template!("python/cleaning.py")),
    ("cleaner.py", template!("python/cleaner.py")),
    ("instants.py", template!("python/instants.py")),
];

const PYTHON_SOURCE: [File; 2] =
    [("generation.py", template!("python/generation.py")), ("instants.py", template!("python/instants.py"))];

const JAVASCRIPT: [File; 5] = [
    README,
    WIT,
    ("smelt.js", template!("javascript/smelt.js")),
    ("build.sh", template!("javascript/build.sh")),
    (".gitignore", template!("javascript/gitignore")),
];

const JAVASCRIPT_CLEANER: [File; 3] = [
    ("cleaning.js", template!("javascript/cleaning.js")),
    ("cleaner.js", template!("javascript/cleaner.js")),
    ("instants.js", template!("javascript/instants.js")),
];

const JAVASCRIPT_SOURCE: [File; 2] =
    [("generation.js", template!("javascript/generation.js")), ("instants.js", template!("javascript/instants.js"))];

const C: [File; 8] = [
    README,
    ("wit/deps/smelt.wit", WIT.1),
    ("wit/world.wit", template!("c/world.wit")),
    ("smelt.h", template!("c/smelt.h")),
    ("smelt.c", template!("c/smelt.c")),
    ("cc.mjs", template!("c/cc.mjs")),
    ("build.sh", template!("c/build.sh")),
    (".gitignore", template!("c/gitignore")),
];

const C_KPI: [File; 3] =
    [("aggregation.c", template!("c/aggregation.c")), ("kpi.h", template!("c/kpi.h")), ("kpi.c", template!("c/kpi.c"))];

const C_CLEANER: [File; 6] = [
    ("cleaning.c", template!("c/cleaning.c")),
    ("cleaner.h", template!("c/cleaner.h")),
    ("cleaner.c", template!("c/cleaner.c")),
    ("values.c", template!("c/values.c")),
    ("instants.h", template!("c/instants.h")),
    ("instants.c", template!("c/instants.c")),
];

const C_SOURCE: [File; 5] = [
    ("generation.c", template!("c/generation.c")),
    ("source.h", template!("c/source.h")),
    ("source.c", template!("c/source.c")),
    ("instants.h", template!("c/instants.h")),
    ("instants.c", template!("c/instants.c")),
];

const CLEANER_CASE: [File; 4] = [
    ("fixtures/first/input.csv", template!("fixtures/cleaner/first/input.csv")),
    ("fixtures/first/kept.csv", template!("fixtures/cleaner/first/kept.csv")),
    ("fixtures/first/rejected.csv", template!("fixtures/cleaner/first/rejected.csv")),
    ("fixtures/first/repaired.csv", template!("fixtures/cleaner/first/repaired.csv")),
];

const KPI_CASE: [File; 2] = [
    ("fixtures/first/events.csv", template!("fixtures/kpi/first/events.csv")),
    ("fixtures/first/table.csv", template!("fixtures/kpi/first/table.csv")),
];

const SOURCE_CASE: [File; 2] = [
    ("fixtures/first/parameters.json", template!("fixtures/source/first/parameters.json")),
    (
        "fixtures/first/objects/events_20250101T000000.csv",
        template!("fixtures/source/first/objects/events_20250101T000000.csv"),
    ),
];

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Kind {
    Cleaner,
    Kpi,
    Source,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Language {
    Rust,
    Python,
    #[value(name = "javascript")]
    JavaScript,
    C,
}

impl Kind {
    /// Returns the name of the kind's world in the contract.
    pub(super) fn world(self) -> &'static str {
        match self {
            Self::Cleaner => "cleaner",
            Self::Kpi => "kpi",
            Self::Source => "source",
        }
    }

    /// Returns the name of the interface that the world exports.
    pub(super) fn interface(self) -> &'static str {
        match self {
            Self::Cleaner => "cleaning",
            Self::Kpi => "aggregation",
            Self::Source => "generation",
        }
    }

    /// Returns the summary that the plugin gives of itself.
    pub(super) fn summary(self) -> &'static str {
        match self {
            Self::Cleaner => "A cleaner of events",
            Self::Kpi => "A KPI of events",
            Self::Source => "A source of events",
        }
    }

    /// Returns a golden case.
    pub(super) fn fixtures(self) -> &'static [File] {
        match self {
            Self::Cleaner => &CLEANER_CASE,
            Self::Kpi => &KPI_CASE,
            Self::Source => &SOURCE_CASE,
        }
    }
}

impl Language {
    /// Returns the language's name as people write it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Rust => "Rust",
            Self::Python => "Python",
            Self::JavaScript => "JavaScript",
            Self::C => "C",
        }
    }

    /// Returns the limits that a component needs above the defaults. A component in Python is linked from many modules of CPython and
    /// its library.
    pub(super) fn limits(self) -> &'static [(&'static str, u64)] {
        match self {
            Self::Rust | Self::JavaScript | Self::C => &[],
            Self::Python => &[("instances", 64)],
        }
    }

    /// Returns the files of a project without its fixtures.
    pub(super) fn files(self, kind: Kind) -> Vec<File> {
        let (common, own): (&[File], &[File]) = match (self, kind) {
            (Self::Rust, Kind::Cleaner) => (&RUST, &[("src/lib.rs", template!("rust/cleaner.rs"))]),
            (Self::Rust, Kind::Kpi) => (&RUST, &[("src/lib.rs", template!("rust/kpi.rs"))]),
            (Self::Rust, Kind::Source) => (&RUST, &[("src/lib.rs", template!("rust/source.rs"))]),
            (Self::Python, Kind::Cleaner) => (&PYTHON, &PYTHON_CLEANER),
            (Self::Python, Kind::Kpi) => (&PYTHON, &[("aggregation.py", template!("python/aggregation.py"))]),
            (Self::Python, Kind::Source) => (&PYTHON, &PYTHON_SOURCE),
            (Self::JavaScript, Kind::Cleaner) => (&JAVASCRIPT, &JAVASCRIPT_CLEANER),
            (Self::JavaScript, Kind::Kpi) => {
                (&JAVASCRIPT, &[("aggregation.js", template!("javascript/aggregation.js"))])
            }
            (Self::JavaScript, Kind::Source) => (&JAVASCRIPT, &JAVASCRIPT_SOURCE),
            (Self::C, Kind::Cleaner) => (&C, &C_CLEANER),
            (Self::C, Kind::Kpi) => (&C, &C_KPI),
            (Self::C, Kind::Source) => (&C, &C_SOURCE),
        };
        [common, own].concat()
    }
}
