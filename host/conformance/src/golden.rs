//! Golden cases. A directory with input, parameters and expected output is a test.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use chrono::DateTime;
use serde_json::{Map, Value};

use crate::bench::Bench;
use crate::engines::Plugins;
use crate::report::{Failure, Report, Verdict, failed, failure, passed};
use crate::text;
use smelt_common::error::{Kind, Result};
use smelt_common::{Error, files};

/// The file with the parameters of a case.
const PARAMETERS: &str = "parameters.json";
/// The file with the time that the plugin is told.
const TIME: &str = "as-of";
/// The most bytes of a file.
const MOST_BYTES: u64 = 1 << 30;
/// The sentence that failures of cases quote.
pub(crate) const GOLDEN: &str = "a golden case: the output is what the author said it is";

/// A golden case.
pub(crate) struct Case {
    pub(crate) directory: PathBuf,
    /// The names of the files that the case has.
    pub(crate) names: Vec<String>,
}

/// The name of a file that a case should have, and its content.
pub(crate) type Output = (String, Vec<u8>);

/// Runs each golden case, if there is a directory of them.
pub(crate) fn test_all(report: &mut Report, bench: &Bench<'_>, mut run: impl FnMut(&Case) -> Verdict) {
    let Some(directory) = &bench.options.fixtures else { return };
    let cases = match cases(directory) {
        Ok(cases) => cases,
        Err(error) => return report.test("fixtures", &[], || Verdict::CouldNotRun(error.to_string())),
    };
    for case in cases {
        let name = case.directory.file_name().unwrap_or_default().to_string_lossy().into_owned();
        report.test(&format!("fixture {name}"), &["parameters"], || run(&case));
    }
}

fn cases(directory: &Path) -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for path in entries(directory)?.into_iter().filter(|path| path.is_dir()) {
        let mut names = Vec::new();
        for file in entries(&path)? {
            let name = name(&file);
            match file.is_dir() {
                true => names.extend(entries(&file)?.iter().map(|inner| format!("{name}/{}", self::name(inner)))),
                false => names.push(name),
            }
        }
        cases.push(Case { names, directory: path });
    }
    match cases.is_empty() {
        false => Ok(cases),
        true => Err(Error::config(format!("`{}` has no directory: each is a case", directory.display()))),
    }
}

fn entries(directory: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(directory).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let entries = entries.map_err(|error| unreadable(directory, &error))?;
    let mut paths: Vec<_> = entries.into_iter().map(|entry| entry.path()).collect();
    paths.retain(|path| !path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.')));
    paths.sort();
    Ok(paths)
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

pub(crate) fn unreadable(path: &Path, error: &io::Error) -> Error {
    Error::config(format!("cannot read `{}`: {error}", path.display()))
}

fn wrong(what: &str, told: String) -> Error {
    Error::config(format!("`{what}`: {told}"))
}

impl Case {
    pub(crate) fn read(&self, name: &str) -> Result<Vec<u8>> {
        let path = self.directory.join(name);
        files::read(&path, MOST_BYTES).map_err(|error| unreadable(&path, &error))
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.names.iter().any(|known| known == name)
    }

    /// Refuses files with unknown names, since a mistyped name is not an input without rows. A known name that ends in
    /// `/` is that of a directory.
    pub(crate) fn expect_only(&self, known: &[&str]) -> Result<()> {
        let known = [known, &[PARAMETERS, TIME]].concat();
        let is_known = |name: &str| known.iter().any(|&it| name == it || it.ends_with('/') && name.starts_with(it));
        match self.names.iter().find(|name| !is_known(name)) {
            None => Ok(()),
            Some(name) => Err(Error::config(format!("it has a file `{name}`; known are {}", known.join(", ")))),
        }
    }

    /// Returns the plugin with the parameters of the case, if it has its own.
    pub(crate) fn plugin<P>(&self, plugins: &Plugins<P>) -> Result<Option<P>> {
        if !self.has(PARAMETERS) {
            return Ok(None);
        }
        let given: Map<String, Value> = serde_json::from_slice(&self.read(PARAMETERS)?)
            .map_err(|error| wrong(PARAMETERS, format!("{error}; a JSON object would be right")))?;
        plugins.component.describe(&Value::Object(given).to_string()).map(Some)
    }

    /// Returns the time that the plugin is told. A case can have its own only if `is_told`.
    pub(crate) fn as_of(&self, bench: &Bench<'_>, is_told: bool) -> Result<i64> {
        if !self.has(TIME) {
            return Ok(bench.as_of);
        }
        let written = String::from_utf8_lossy(&self.read(TIME)?).trim().to_owned();
        let instant = DateTime::parse_from_rfc3339(&written)
            .map_err(|error| wrong(TIME, format!("{error}; such as 2025-01-01T00:00:00Z would be right")))?;
        match is_told {
            true => Ok(instant.timestamp_micros()),
            false => Err(wrong(TIME, "the plugin is never told the time: it lacks `uses-as-of`".into())),
        }
    }

    /// Compares the output with the expected output. With `bless`, writes the output as the expected one.
    pub(crate) fn judge(&self, bless: bool, sent: &str, outputs: &[Output]) -> Verdict {
        let mut failures: Vec<Failure> = Vec::new();
        let mut written = Vec::new();
        for (name, got) in outputs {
            let expected = self.has(name).then(|| self.read(name)).transpose();
            match expected {
                Ok(Some(expected)) if expected == *got => {}
                _ if bless => match files::write(&self.directory.join(name), got) {
                    Ok(()) => written.push(name.as_str()),
                    Err(error) => return Verdict::CouldNotRun(format!("cannot write `{name}`: {error}")),
                },
                Ok(Some(expected)) => {
                    let (expected, got) = (String::from_utf8_lossy(&expected), String::from_utf8_lossy(got));
                    let told = format!("{name} {}", text::difference(&expected, &got));
                    failures.push(failure(sent, told, GOLDEN));
                }
                Ok(None) => return Verdict::CouldNotRun(format!("it has no `{name}`; --bless writes it")),
                Err(error) => return Verdict::CouldNotRun(error.to_string()),
            }
        }
        match (failures.is_empty(), written.as_slice()) {
            (false, _) => Verdict::Failed(failures),
            (true, []) => passed(sent),
            (true, written) => passed(format!("{sent}; wrote {}", written.join(", "))),
        }
    }
}

/// Returns the verdict on a case. Errors of the plugin are failures; other errors mean that the case could not run.
pub(crate) fn verdict(sent: &str, made: Result<Verdict>) -> Verdict {
    made.unwrap_or_else(|error| match error.kind() {
        Kind::Plugin | Kind::LimitExceeded => failed(sent, error.to_string(), GOLDEN),
        _ => Verdict::CouldNotRun(error.to_string()),
    })
}

/// Returns the cases that can be read. The test of a case reports what is wrong with it.
pub(crate) fn readable(bench: &Bench<'_>) -> Vec<Case> {
    bench.options.fixtures.as_deref().and_then(|directory| cases(directory).ok()).unwrap_or_default()
}
