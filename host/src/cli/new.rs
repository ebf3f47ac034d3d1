//! `smelt plugin new`: a small project that builds to a component, from the files in `templates/`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::{Common, print, print_json};
use crate::Error;
use crate::error::{Kind, Result};

#[derive(Debug, Args)]
pub(super) struct New {
    /// The plugin's name: lower-case letters, digits and `-`
    name: String,
    /// What it is
    #[arg(long, value_enum)]
    kind: Which,
    /// What it is written in
    #[arg(long, value_enum, default_value_t = Language::Rust)]
    lang: Language,
    /// Where the project's directory is made
    #[arg(long, value_name = "DIR", default_value = ".")]
    into: PathBuf,
    /// The crate smelt-sdk; by default that of the clone that this smelt was built in, or in which it is called
    #[arg(long, value_name = "PATH")]
    sdk: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Which {
    Cleaner,
    Kpi,
    Source,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Language {
    Rust,
    Python,
}

/// A file of a project: where it goes, and its text with `{{…}}` where something is filled in.
type File = (&'static str, &'static str);

macro_rules! template {
    ($path:literal) => {
        include_str!(concat!("../../../templates/", $path))
    };
}

const README: File = ("README.md", template!("README.md"));

const PYTHON: [File; 4] = [
    ("smelt.py", template!("python/smelt.py")),
    ("wit/smelt.wit", include_str!("../../../wit/0.1.0/smelt.wit")),
    ("build.sh", template!("python/build.sh")),
    (".gitignore", template!("python/gitignore")),
];

const RUST: [File; 5] = [
    ("Cargo.toml", template!("rust/package.toml")),
    (".cargo/config.toml", template!("rust/config.toml")),
    ("rust-toolchain.toml", template!("rust/rust-toolchain.toml")),
    ("build.sh", template!("rust/build.sh")),
    (".gitignore", template!("rust/gitignore")),
];

impl New {
    pub(super) fn run(&self, common: &Common) -> Result<ExitCode> {
        let Self { name, kind, lang, into, sdk: _ } = self;
        check_name(name)?;
        let directory = into.join(name);
        if directory.exists() {
            let directory = directory.display();
            return Err(Error::config(format!(
                "`{directory}` is there already; another name or --into would be right"
            )));
        }
        let mut files = vec![README];
        files.extend(lang.files(*kind)?);
        let filled = self.filled()?;
        files.extend(kind.fixtures());
        for (path, text) in &files {
            let text = filled.iter().fold((*text).to_owned(), |text, (mark, value)| text.replace(mark, value));
            write(&directory.join(path), &text)?;
        }
        let shown = directory.display();
        match common.json {
            true => print_json(&json!({
                "directory": directory,
                "files": files.iter().map(|(path, _)| path).collect::<Vec<_>>(),
            }))?,
            false => {
                print(&format!("{shown}: {} files\n  cd {shown}\n  sh build.sh\n  {}\n", files.len(), self.check()))
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    /// What stands where in the files.
    fn filled(&self) -> Result<Vec<(&'static str, String)>> {
        let Self { name, kind, lang, into: _, sdk } = self;
        let cases = if kind.fixtures().is_empty() { "" } else { " and gives what the cases in `fixtures/` expect" };
        let mut filled = vec![
            ("{{check}}", self.check()),
            ("{{cases}}", cases.to_owned()),
            ("{{manifest}}", self.manifest()),
            ("{{summary}}", kind.summary().to_owned()),
            ("{{language}}", lang.name().to_owned()),
            ("{{kind}}", kind.world().to_owned()),
            ("{{file}}", name.replace('-', "_")),
            ("{{name}}", name.clone()),
        ];
        if *lang == Language::Rust {
            let sdk = find_sdk(sdk.as_deref())?;
            // As it stands between quotes in TOML.
            filled.push(("{{sdk}}", sdk.display().to_string().replace('\\', "\\\\").replace('"', "\\\"")));
        }
        Ok(filled)
    }
}

impl New {
    /// The command that checks the component.
    fn check(&self) -> String {
        let fixtures = if self.kind.fixtures().is_empty() { "" } else { " --fixtures fixtures" };
        let limits: Vec<_> = self.lang.limits().iter().map(|(key, value)| format!("\"{key}\": {value}")).collect();
        let limits = if limits.is_empty() { String::new() } else { format!(" --limits '{{{}}}'", limits.join(", ")) };
        format!("smelt plugin check {}.wasm{fixtures}{limits}", self.name)
    }

    /// The section of a manifest that uses it.
    fn manifest(&self) -> String {
        let (name, section) = (&self.name, self.name.replace('-', "_"));
        let head = match self.kind {
            Which::Cleaner => "[dataset.events]\nobjects = \"events_*.csv\"\nformat = \"csv\"".to_owned(),
            Which::Kpi => format!("[kpi.{section}]"),
            Which::Source => format!("[source.{section}]"),
        };
        let limits: Vec<_> = self.lang.limits().iter().map(|(key, value)| format!("{key} = {value}")).collect();
        let limits = if limits.is_empty() { String::new() } else { format!("\nlimits = {{ {} }}", limits.join(", ")) };
        format!("{head}\nplugin = \"{name}\"{limits}")
    }
}

impl Language {
    fn name(self) -> &'static str {
        match self {
            Self::Rust => "Rust",
            Self::Python => "Python",
        }
    }

    /// What its components need beyond the default limits: CPython and its library are linked from many modules.
    fn limits(self) -> &'static [(&'static str, u64)] {
        match self {
            Self::Rust => &[],
            Self::Python => &[("instances", 64)],
        }
    }

    fn files(self, kind: Which) -> Result<Vec<File>> {
        match self {
            Self::Rust => {
                let source = match kind {
                    Which::Cleaner => template!("rust/cleaner.rs"),
                    Which::Kpi => template!("rust/kpi.rs"),
                    Which::Source => template!("rust/source.rs"),
                };
                Ok(RUST.into_iter().chain([("src/lib.rs", source)]).collect())
            }
            Self::Python => {
                let source = match kind {
                    Which::Kpi => ("aggregation.py", template!("python/kpi.py")),
                    Which::Cleaner | Which::Source => {
                        return Err(Error::config(
                            "there is no project of that kind in Python yet: --kind kpi, or --lang rust, would be right",
                        ));
                    }
                };
                Ok(PYTHON.into_iter().chain([source]).collect())
            }
        }
    }
}

impl Which {
    /// Its name in the contract.
    fn world(self) -> &'static str {
        match self {
            Self::Cleaner => "cleaner",
            Self::Kpi => "kpi",
            Self::Source => "source",
        }
    }

    fn summary(self) -> &'static str {
        match self {
            Self::Cleaner => "A cleaner of events",
            Self::Kpi => "A KPI of events",
            Self::Source => "A source of events",
        }
    }

    /// A golden case; the kit has none for sources.
    fn fixtures(self) -> Vec<File> {
        match self {
            Self::Cleaner => vec![
                ("fixtures/first/input.csv", template!("fixtures/cleaner/first/input.csv")),
                ("fixtures/first/kept.csv", template!("fixtures/cleaner/first/kept.csv")),
                ("fixtures/first/rejected.csv", template!("fixtures/cleaner/first/rejected.csv")),
                ("fixtures/first/repaired.csv", template!("fixtures/cleaner/first/repaired.csv")),
            ],
            Self::Kpi => vec![
                ("fixtures/first/events.csv", template!("fixtures/kpi/first/events.csv")),
                ("fixtures/first/table.csv", template!("fixtures/kpi/first/table.csv")),
            ],
            Self::Source => Vec::new(),
        }
    }
}

/// A name that is a crate's, a plugin's and, with `_` for `-`, a section's.
fn check_name(name: &str) -> Result<()> {
    let known = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let ends = |c: Option<char>| c.is_some_and(|c| c != '-');
    let right = name.len() <= 64
        && name.chars().all(known)
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && ends(name.chars().last());
    match right {
        true => Ok(()),
        false => Err(Error::config(format!(
            "`{name}` is no plugin's name: that is up to 64 lower-case letters, digits and `-`, the first a letter"
        ))),
    }
}

/// The SDK's crate: as given, or in a clone of smelt above this program or the working directory.
fn find_sdk(given: Option<&Path>) -> Result<PathBuf> {
    let is_sdk = |path: &Path| path.join("Cargo.toml").is_file() && path.join("src/lib.rs").is_file();
    let absolute = |path: &Path| fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if let Some(path) = given {
        return match is_sdk(path) {
            true => Ok(absolute(path)),
            false => {
                Err(Error::config(format!("--sdk: `{}` is no crate; a clone's plugins/sdk would be", path.display())))
            }
        };
    }
    let starts = [std::env::current_exe().ok(), std::env::current_dir().ok()];
    let found = starts.iter().flatten().flat_map(|start| start.ancestors()).map(|above| above.join("plugins/sdk"));
    let found = found.filter(|path| is_sdk(path)).map(|path| absolute(&path)).next();
    found.ok_or_else(|| {
        Error::config("no smelt-sdk above this program or here: --sdk PATH with a clone's plugins/sdk would be right")
    })
}

fn write(path: &Path, text: &str) -> Result<()> {
    let made = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(path, text));
    made.map_err(|error| Error::new(Kind::Unavailable, format!("cannot write `{}`: {error}", path.display())))
}
