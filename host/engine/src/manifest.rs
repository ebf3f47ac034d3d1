//! The manifest, `smelt.toml`: what a pipeline is, as plain data. Nothing here has been checked against a plugin yet.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value};

use smelt_catalog::ErrorText;
use smelt_common::error::Result;
use smelt_common::text::{NAME, PLUGIN, duration_field, is_word, optional_duration_field, wrong_heading};
use smelt_common::{Error, files};
use smelt_formats::{DecodeLimits, Format};
use smelt_runtime::Limits;
use smelt_storage::BucketUrl;
use smelt_storage::lake::LakeSection;

/// The file's name in a pipeline's directory.
pub const FILE: &str = "smelt.toml";
/// The longest name of a section, in bytes: it is part of names of files.
const NAME_BYTES: usize = 100;
/// The longest name of a plugin, in bytes, as the contract has it.
const PLUGIN_BYTES: usize = 255;

/// A pipeline: its datasets, KPIs and sources.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Name and plugin directories.
    pub pipeline: PipelineSection,
    /// Where the lake is, unless the command line says.
    #[serde(default)]
    pub lake: LakeSection,
    /// How often each role runs under `smelt up`.
    #[serde(default)]
    pub schedule: Schedule,
    /// How personal data is pseudonymised.
    #[serde(default)]
    pub privacy: Privacy,
    /// How silver and gold are written.
    #[serde(default)]
    pub output: Output,
    /// Limits on what is read and on what plugins use.
    #[serde(default)]
    pub limits: LimitsSection,
    /// What `smelt generate` makes, by name.
    #[serde(default)]
    pub source: BTreeMap<String, SourceSection>,
    /// Silver datasets, by name.
    pub dataset: BTreeMap<String, DatasetSection>,
    /// Gold tables, by name.
    #[serde(default)]
    pub kpi: BTreeMap<String, KpiSection>,
    /// Where the manifest was read from; paths in it are relative to this.
    #[serde(skip)]
    pub directory: PathBuf,
    /// Where its lock is, if it has one: the manifest's own name with `.lock`.
    #[serde(skip)]
    pub lock: PathBuf,
}

/// `[pipeline]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PipelineSection {
    /// Its name.
    pub name: String,
    /// Where components are looked for, in order: directories and `s3://bucket[/prefix]` with `<plugin>.wasm`, or
    /// `oci://registry/path[:tag]`.
    pub plugins: Vec<String>,
    /// Public keys of minisign: then every component must be signed with one of them.
    #[serde(default)]
    pub trusted: Vec<String>,
    /// Whether it runs only with a lock beside it. Default false.
    #[serde(default)]
    pub locked: bool,
}

/// `[schedule]`: durations such as `5s`, `500ms` or `1h`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Schedule {
    /// How often a tick begins. Default 5 s.
    #[serde(deserialize_with = "duration_field")]
    pub every: Duration,
    /// How often bronze is compared with the catalog in full, to find objects that were replaced. Default 1 h.
    #[serde(deserialize_with = "duration_field")]
    pub reconcile: Duration,
}

impl Default for Schedule {
    fn default() -> Self {
        Self { every: Duration::from_secs(5), reconcile: Duration::from_secs(3600) }
    }
}

/// `[privacy]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Privacy {
    /// A file with the key, 64 hexadecimal digits. Default: `<lake>.key`, if there is one.
    pub key_file: Option<PathBuf>,
    /// How rejected rows, which hold personal data, are kept. They are counted in any case.
    pub quarantine: Quarantine,
    /// For how long, such as `30d`; for ever by default. Looked after once in [`Schedule::reconcile`].
    #[serde(deserialize_with = "optional_duration_field")]
    pub quarantine_for: Option<Duration>,
    /// How the catalog keeps what a plugin says when it fails.
    pub error_text: ErrorText,
}

/// How rejected rows are kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Quarantine {
    /// As they arrived.
    #[default]
    Raw,
    /// With every letter as `x` and every digit as `0`: the place in bronze says where the original is.
    Masked,
    /// Not at all.
    Off,
}

/// `[output]`
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Output {
    /// Format of silver objects.
    pub silver: OutputFormat,
    /// Format of gold objects.
    pub gold: OutputFormat,
}

/// A format in which the host writes.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OutputFormat {
    /// RFC 4180 with a header.
    #[default]
    Csv,
}

/// `[limits]`
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitsSection {
    /// How often an object, or a KPI over the same silver, is tried that its plugin fails at. Default 3.
    pub tries: u32,
    /// Of reading bronze.
    pub decode: DecodeLimits,
    /// Of each plugin.
    pub plugin: Limits,
}

impl LimitsSection {
    /// The limits of one plugin: those of all, but for what its section says.
    pub fn of_plugin(&self, own: &Map<String, Value>) -> Result<Limits> {
        let mut all = match serde_json::to_value(&self.plugin) {
            Ok(Value::Object(all)) => all,
            other => return Err(Error::internal(format!("limits are no table: {other:?}"))),
        };
        all.extend(own.clone());
        let limits: Limits =
            serde_json::from_value(all.into()).map_err(|error| Error::config(format!("limits: {error}")))?;
        match limits.wrong() {
            None => Ok(limits),
            Some(wrong) => Err(Error::config(format!("limits: {wrong}"))),
        }
    }
}

impl Default for LimitsSection {
    fn default() -> Self {
        Self { tries: 3, decode: DecodeLimits::default(), plugin: Limits::default() }
    }
}

/// `[source.<name>]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceSection {
    /// The plugin's name.
    pub plugin: String,
    /// What its randomness is derived from. Default 0.
    #[serde(default)]
    pub seed: u64,
    /// The plugin's parameters.
    #[serde(default)]
    pub parameters: Map<String, Value>,
    /// What its plugin may use where that is not as in `[limits.plugin]`: some of the same keys.
    #[serde(default)]
    pub limits: Map<String, Value>,
}

/// `[dataset.<name>]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatasetSection {
    /// Which bronze objects belong to it: a name with one `*`, which matches anything but `/`.
    pub objects: String,
    /// How they are written.
    pub format: Format,
    /// The cleaner's name.
    pub plugin: String,
    /// The plugin's parameters.
    #[serde(default)]
    pub parameters: Map<String, Value>,
    /// What its plugin may use where that is not as in `[limits.plugin]`: some of the same keys.
    #[serde(default)]
    pub limits: Map<String, Value>,
}

/// `[kpi.<name>]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KpiSection {
    /// The plugin's name.
    pub plugin: String,
    /// Which dataset is each of the plugin's inputs; by default the one of the same name.
    #[serde(default)]
    pub inputs: BTreeMap<String, String>,
    /// The plugin's parameters.
    #[serde(default)]
    pub parameters: Map<String, Value>,
    /// What its plugin may use where that is not as in `[limits.plugin]`: some of the same keys.
    #[serde(default)]
    pub limits: Map<String, Value>,
}

/// A place that a manifest in the directory names: a URL, or a path relative to it.
fn relative_to(directory: &Path, place: String) -> Result<String> {
    if BucketUrl::is_meant(&place) {
        return Ok(place);
    }
    directory.join(&place).into_os_string().into_string().map_err(|path| {
        let path = Path::new(&path).display();
        Error::config(format!("[lake] url: the name of `{path}` is not UTF-8; `--lake` can be given an absolute path"))
    })
}

impl Manifest {
    /// Reads the manifest: a file, or `smelt.toml` in a directory.
    pub fn read(path: &Path) -> Result<Self> {
        let file = if path.is_dir() { path.join(FILE) } else { path.to_owned() };
        let text = files::read_text(&file, files::TEXT_BYTES)
            .map_err(|error| Error::unreadable(format!("the manifest `{}`", file.display()), &error))?;
        let directory = file.parent().unwrap_or(Path::new(".")).to_owned();
        let manifest = Self::parse(&text, directory).map_err(|error| error.context(file.display()))?;
        Ok(Self { lock: file.with_extension("lock"), ..manifest })
    }

    /// The manifest in the text; paths in it are relative to `directory`.
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
        for (section, plugin, _) in manifest.uses() {
            if !is_word(plugin, &PLUGIN, PLUGIN_BYTES) {
                return Err(Error::config(format!(
                    "[{section}]: plugin = \"{plugin}\": a plugin's name is lower-case letters, digits and `-`"
                )));
            }
        }
        if let Some(wrong) = wrong_heading(&manifest.pipeline.name) {
            return Err(Error::config(format!("[pipeline]: the name {wrong}")));
        }
        let LimitsSection { tries, decode, plugin } = &manifest.limits;
        for (key, is_zero) in [
            ("schedule.every", manifest.schedule.every.is_zero()),
            ("limits.tries", *tries == 0),
            ("limits.decode.batch_rows", decode.batch_rows == 0),
            ("limits.decode.batch_bytes", decode.batch_bytes == 0),
            ("limits.decode.record_bytes", decode.record_bytes == 0),
            ("limits.decode.depth", decode.depth == 0),
        ] {
            if is_zero {
                return Err(Error::config(format!("{key} must not be zero")));
            }
        }
        if let Some(wrong) = plugin.wrong() {
            return Err(Error::config(format!("limits.plugin.{wrong}")));
        }
        let mut lake = manifest.lake.clone();
        lake.url = lake.url.map(|url| relative_to(&directory, url)).transpose()?;
        Ok(Self { lock: directory.join(FILE).with_extension("lock"), directory, lake, ..manifest })
    }

    /// Every section that uses a plugin, as `kpi.aov`, with the plugin's name and what the section says of its limits.
    pub fn uses(&self) -> impl Iterator<Item = (String, &str, &Map<String, Value>)> {
        let sources = self.source.iter().map(|(name, of)| (format!("source.{name}"), of.plugin.as_str(), &of.limits));
        let datasets =
            self.dataset.iter().map(|(name, of)| (format!("dataset.{name}"), of.plugin.as_str(), &of.limits));
        let kpis = self.kpi.iter().map(|(name, of)| (format!("kpi.{name}"), of.plugin.as_str(), &of.limits));
        sources.chain(datasets).chain(kpis)
    }

    fn names(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let datasets = self.dataset.keys().map(|name| ("dataset", name.as_str()));
        let kpis = self.kpi.keys().map(|name| ("kpi", name.as_str()));
        let sources = self.source.keys().map(|name| ("source", name.as_str()));
        datasets.chain(kpis).chain(sources)
    }
}
