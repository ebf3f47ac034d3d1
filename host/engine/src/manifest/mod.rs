//! The manifest, `smelt.toml`: a pipeline as plain data. It is not compared with the plugins here; `pipeline` does that.

mod bronze;
mod limits;
mod section;
mod settings;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

pub use self::bronze::{ColumnNames, Files};
pub use self::limits::LimitsSection;
pub use self::section::{
    ConnectorKeys, DatasetSection, GeneratorKeys, Layer, Section, SourceSection, TableKeys, TableSection,
};
pub use self::settings::{Output, OutputFormat, PipelineSection, Privacy, Quarantine, Schedule};
use smelt_common::error::Result;
use smelt_common::text::{NAME, PLUGIN, is_word, wrong_heading};
use smelt_common::{Error, files};
use smelt_connectors::SinkSection;
use smelt_formats::Pointer;
use smelt_storage::BucketUrl;
use smelt_storage::lake::LakeSection;

/// The name of the manifest in a pipeline's directory.
pub const FILE: &str = "smelt.toml";
/// The most bytes of a section's name, which is part of names of files.
const NAME_BYTES: usize = 100;
/// The most bytes of a plugin's name, as the contract has it.
const PLUGIN_BYTES: usize = 255;

/// A pipeline: its sources, datasets, tables, KPIs, checks and sinks, and how they run.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The pipeline's name, and the places of its components.
    pub pipeline: PipelineSection,
    /// The place of the lake, unless the command line or the environment gives another.
    #[serde(default)]
    pub lake: LakeSection,
    /// The times of `smelt up`.
    #[serde(default)]
    pub schedule: Schedule,
    /// How smelt treats personal data.
    #[serde(default)]
    pub privacy: Privacy,
    /// The formats of silver and gold.
    #[serde(default)]
    pub output: Output,
    /// Limits on what smelt reads, and on what plugins use.
    #[serde(default)]
    pub limits: LimitsSection,
    /// The sources, which have raw files or make them, by name.
    #[serde(default)]
    pub source: BTreeMap<String, SourceSection>,
    /// The datasets of silver, by name.
    pub dataset: BTreeMap<String, DatasetSection>,
    /// The tables, by name.
    #[serde(default)]
    pub table: BTreeMap<String, TableSection>,
    /// The KPIs, which are tables of gold unless they say otherwise, by name.
    #[serde(default)]
    pub kpi: BTreeMap<String, TableSection>,
    /// The checks, which are tables of verdicts, by name.
    #[serde(default, deserialize_with = "section::checks")]
    pub check: BTreeMap<String, TableSection>,
    /// The sinks, which get what is published, by name.
    #[serde(default)]
    pub sink: BTreeMap<String, SinkSection>,
    /// The directory of the manifest. Paths in the manifest are relative to it.
    #[serde(skip)]
    pub directory: PathBuf,
    /// The path of the lock, which need not exist: the manifest's path with the extension `.lock`.
    #[serde(skip)]
    pub lock: PathBuf,
}

fn uses_of<'m, Own>(
    kind: &'static str,
    sections: &'m BTreeMap<String, Section<Own>>,
) -> impl Iterator<Item = (String, &'m str, &'m Map<String, Value>)> {
    sections.iter().map(move |(name, section)| (format!("{kind}.{name}"), section.plugin.as_str(), &section.limits))
}

/// Returns a place as a manifest in `directory` means it: a URL as it is, and a path relative to the directory.
fn relative_to(directory: &Path, place: String) -> Result<String> {
    if BucketUrl::is_meant(&place) {
        return Ok(place);
    }
    directory.join(&place).into_os_string().into_string().map_err(|path| {
        let path = Path::new(&path).display();
        Error::config(format!("[lake] url: the name of `{path}` is not UTF-8; `--lake` can be given an absolute path"))
    })
}

/// Returns the part of a JSON text at that place, a JSON Pointer, as it is written.
fn part_of(text: &str, place: &str) -> std::result::Result<String, String> {
    let pointer = Pointer::parse(place).map_err(|wrong| wrong.to_string())?;
    let mut part: Box<RawValue> = serde_json::from_str(text).map_err(|error| error.to_string())?;
    for name in pointer.names() {
        let mut members: BTreeMap<String, Box<RawValue>> =
            serde_json::from_str(part.get()).map_err(|_| format!("there is no `{name}`, since it is no object"))?;
        let known = members.keys().cloned().collect::<Vec<_>>().join(", ");
        part = members.remove(name).ok_or_else(|| format!("there is no `{name}`; there are {known}"))?;
    }
    Ok(part.get().to_owned())
}

impl Manifest {
    /// Reads a manifest from a file, or from `smelt.toml` in a directory.
    pub fn read(path: &Path) -> Result<Self> {
        let file = if path.is_dir() { path.join(FILE) } else { path.to_owned() };
        let text = files::read_text(&file, files::TEXT_BYTES)
            .map_err(|error| Error::unreadable(format!("the manifest `{}`", file.display()), &error))?;
        let directory = file.parent().unwrap_or(Path::new(".")).to_owned();
        let manifest = Self::parse(&text, directory).map_err(|error| error.context(file.display()))?;
        Ok(Self { lock: file.with_extension("lock"), ..manifest })
    }

    /// Parses a manifest. Paths in it are relative to `directory`.
    pub fn parse(text: &str, directory: PathBuf) -> Result<Self> {
        let manifest: Self =
            toml::from_str(text).map_err(|error| Error::config(error.to_string().trim_end().to_owned()))?;
        for (table, name) in manifest.names() {
            if !is_word(name, &NAME, NAME_BYTES) {
                let most = format!("1 to {NAME_BYTES} of them");
                return Err(Error::config(format!(
                    "[{table}.{name}]: a name is lower-case letters, digits and `_`, {most}"
                )));
            }
        }
        let mut relations: BTreeMap<&str, &str> = BTreeMap::new();
        for (kind, name) in manifest.names().filter(|(kind, _)| !["source", "sink"].contains(kind)) {
            if let Some(other) = relations.insert(name, kind) {
                return Err(Error::config(format!(
                    "[{kind}.{name}] and [{other}.{name}]: inputs name datasets, tables, KPIs and checks alike, so each needs a name of its own"
                )));
            }
        }
        for (section, plugin, _) in manifest.uses() {
            if !is_word(plugin, &PLUGIN, PLUGIN_BYTES) {
                return Err(Error::config(format!(
                    "[{section}]: plugin = \"{plugin}\": a plugin's name is lower-case letters, digits and `-`"
                )));
            }
        }
        for (name, section) in &manifest.dataset {
            section.own.files().map_err(|error| error.context(format!("[dataset.{name}]")))?;
        }
        if let Some(wrong) = wrong_heading(&manifest.pipeline.name) {
            return Err(Error::config(format!("[pipeline]: the name {wrong}")));
        }
        let LimitsSection { max_attempts, decode, plugin } = &manifest.limits;
        for (key, is_zero) in [
            ("schedule.every", manifest.schedule.every.is_zero()),
            ("limits.max_attempts", *max_attempts == 0),
            ("limits.decode.batch_rows", decode.batch_rows == 0),
            ("limits.decode.batch_bytes", decode.batch_bytes == 0),
            ("limits.decode.record_bytes", decode.record_bytes == 0),
            ("limits.decode.depth", decode.depth == 0),
        ] {
            if is_zero {
                return Err(Error::config(format!("{key} must not be zero")));
            }
        }
        for (key, format) in [("silver", manifest.output.silver), ("gold", manifest.output.gold)] {
            format.of_table().check_built().map_err(|error| error.context(format!("[output] {key}")))?;
        }
        if let Some(wrong) = plugin.wrong() {
            return Err(Error::config(format!("limits.plugin.{wrong}")));
        }
        let mut lake = manifest.lake.clone();
        lake.url = lake.url.map(|url| relative_to(&directory, url)).transpose()?;
        let lock = directory.join(FILE).with_extension("lock");
        let mut manifest = Self { lock, directory, lake, ..manifest };
        manifest.read_files()?;
        Ok(manifest)
    }

    /// Returns every section that uses a plugin: its name (`kpi.aov`), the plugin's name, and the limits that the section has.
    pub fn uses(&self) -> impl Iterator<Item = (String, &str, &Map<String, Value>)> {
        let sources = self
            .generators()
            .map(|(name, section)| (format!("source.{name}"), section.plugin.as_str(), &section.limits));
        let tables =
            uses_of("table", &self.table).chain(uses_of("kpi", &self.kpi)).chain(uses_of("check", &self.check));
        sources.chain(uses_of("dataset", &self.dataset)).chain(tables)
    }

    /// Returns the sources that a plugin makes, by name.
    pub fn generators(&self) -> impl Iterator<Item = (&String, &Section<GeneratorKeys>)> {
        self.source.iter().filter_map(|(name, section)| match section {
            SourceSection::Generated(section) => Some((name, section)),
            SourceSection::Connected(_) => None,
        })
    }

    /// Returns the sources that another system has, by name.
    pub fn connectors(&self) -> impl Iterator<Item = (&String, &ConnectorKeys)> {
        self.source.iter().filter_map(|(name, section)| match section {
            SourceSection::Generated(_) => None,
            SourceSection::Connected(keys) => Some((name, keys)),
        })
    }

    /// Returns the tables, KPIs and checks: the name of the section (`kpi.aov`), the table's name, the section, and its layer.
    pub fn tables(&self) -> impl Iterator<Item = (String, &str, &TableSection, Layer)> {
        let of = |kind: &'static str, sections, layer| {
            let sections: &BTreeMap<String, TableSection> = sections;
            sections.iter().map(move |(name, section)| {
                (format!("{kind}.{name}"), name.as_str(), section, section.own.layer.unwrap_or(layer))
            })
        };
        let tables = of("table", &self.table, Layer::Silver).chain(of("kpi", &self.kpi, Layer::Gold));
        tables.chain(of("check", &self.check, Layer::Silver))
    }

    /// Reads the files of all sections into their parameters, under the names that the sections give them.
    fn read_files(&mut self) -> Result<()> {
        let directory = &self.directory;
        let of = |kind: &'static str, name: &str, files: &BTreeMap<String, String>, into: &mut Map<String, Value>| {
            for (parameter, file) in files {
                let wrong = |what: String| Error::config(format!("[{kind}.{name}]: files: `{parameter}`: {what}"));
                if into.contains_key(parameter) {
                    return Err(wrong("is among the parameters too; expected one of both".to_owned()));
                }
                let (path, place) = file.split_once('#').map_or((file.as_str(), None), |(path, it)| (path, Some(it)));
                let text = files::read_text(&directory.join(path), files::TEXT_BYTES);
                let text = text.map_err(|error| wrong(format!("cannot read `{path}`: {error}")))?;
                let part = match place {
                    None => text,
                    Some(place) => part_of(&text, place).map_err(|what| wrong(format!("`{file}`: {what}")))?,
                };
                into.insert(parameter.clone(), Value::String(part));
            }
            Ok(())
        };
        for (name, section) in &mut self.dataset {
            of("dataset", name, &section.files, &mut section.parameters)?;
        }
        for (kind, sections) in [("table", &mut self.table), ("kpi", &mut self.kpi), ("check", &mut self.check)] {
            for (name, section) in sections {
                of(kind, name, &section.files, &mut section.parameters)?;
            }
        }
        for (name, section) in &mut self.source {
            if let SourceSection::Generated(section) = section {
                of("source", name, &section.files, &mut section.parameters)?;
            }
        }
        Ok(())
    }

    fn names(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let datasets = self.dataset.keys().map(|name| ("dataset", name.as_str()));
        let tables = self.table.keys().map(|name| ("table", name.as_str()));
        let kpis = self.kpi.keys().map(|name| ("kpi", name.as_str()));
        let checks = self.check.keys().map(|name| ("check", name.as_str()));
        let sources = self.source.keys().map(|name| ("source", name.as_str()));
        let sinks = self.sink.keys().map(|name| ("sink", name.as_str()));
        datasets.chain(tables).chain(kpis).chain(checks).chain(sources).chain(sinks)
    }
}
