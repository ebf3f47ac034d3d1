//! The sections that run a plugin: `[source.<name>]`, `[dataset.<name>]`, `[table.<name>]`, `[kpi.<name>]` and `[check.<name>]`.
//!
//! All have the keys `plugin`, `parameters`, `files` and `limits`, and each kind has keys of its own. serde's `flatten` cannot be used for
//! that: it loses the line and column of an error, and with unknown keys the list of those that would have been right.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use serde::de::{self, DeserializeSeed, IntoDeserializer as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, forward_to_deserialize_any};
use serde_json::{Map, Value};

use super::bronze::DatasetKeys;
use smelt_common::text::optional_duration_field;
use smelt_connectors::{After, Rules, SourceKind};

/// A section that runs a plugin. `Own` has the keys of one kind of section.
#[derive(Debug, Clone)]
pub struct Section<Own> {
    /// The plugin's name.
    pub plugin: String,
    /// The plugin's parameters. Default: none.
    pub parameters: Map<String, Value>,
    /// Files whose text becomes a parameter, by the parameter's name. Default: none.
    pub files: BTreeMap<String, String>,
    /// The plugin's limits that differ from `[limits.plugin]`, under the same keys. Default: none.
    pub limits: Map<String, Value>,
    /// The keys that only this kind of section has.
    pub own: Own,
}

/// `[source.<name>]`
#[derive(Debug, Clone)]
pub enum SourceSection {
    /// A plugin makes files.
    Generated(Section<GeneratorKeys>),
    /// Another system has them.
    Connected(ConnectorKeys),
}
/// `[dataset.<name>]`
pub type DatasetSection = Section<DatasetKeys>;
/// `[table.<name>]`, `[kpi.<name>]` or `[check.<name>]`
pub type TableSection = Section<TableKeys>;

/// The keys that only a source with a plugin has.
#[derive(Debug, Clone)]
pub struct GeneratorKeys {
    /// The number from which the source derives its randomness. Default 0.
    pub seed: u64,
    /// The directory that gets the files. Default: bronze.
    pub to: Option<String>,
}

/// The keys of a source without a plugin.
#[derive(Debug, Clone)]
pub struct ConnectorKeys {
    /// The system that has the files.
    pub kind: SourceKind,
    /// The place in it.
    pub from: String,
    /// Patterns of the files' names. Default: what a dataset recognises.
    pub files: Option<Vec<String>>,
    /// The rules by which the files are taken, and left behind.
    pub rules: Rules,
}

/// The keys of all sources.
#[derive(Debug, Deserialize)]
struct AnySourceKeys {
    kind: Option<SourceKind>,
    from: Option<String>,
    files: Option<Vec<String>>,
    #[serde(default, deserialize_with = "optional_duration_field")]
    settle: Option<Duration>,
    stamped: Option<bool>,
    after: Option<After>,
    #[serde(default, deserialize_with = "optional_duration_field")]
    archive_for: Option<Duration>,
    seed: Option<u64>,
    to: Option<String>,
}

impl AnySourceKeys {
    /// Returns the keys of a source that a plugin makes.
    fn generated(self) -> Result<GeneratorKeys, &'static str> {
        let Self { kind, from, files, settle, stamped, after, archive_for, seed, to } = self;
        let is_connected = from.is_some() || files.is_some() || settle.is_some() || stamped.is_some();
        match (kind, is_connected || after.is_some() || archive_for.is_some()) {
            (Some(_), _) => {
                Err("expected either `plugin`, which makes files, or `kind`, which names a system that has them")
            }
            (None, true) => Err(
                "`from`, `files`, `settle`, `stamped`, `after` and `archive_for` belong to a source with a `kind`, such as \"directory\"",
            ),
            (None, false) => Ok(GeneratorKeys { seed: seed.unwrap_or(0), to }),
        }
    }

    /// Returns the keys of a source that another system has.
    fn connected(self, is_plain: bool) -> Result<ConnectorKeys, &'static str> {
        let Self { kind, from, files, settle, stamped, after, archive_for, seed, to } = self;
        if !is_plain || seed.is_some() || to.is_some() {
            return Err("`seed`, `to`, `parameters` and `limits` belong to a source with a `plugin`");
        }
        let kind = kind.ok_or("expected `plugin`, which makes files, or `kind`, which names a system that has them")?;
        let from = from.ok_or("missing field `from`: the directory or bucket that has the files")?;
        let default = Rules::default();
        let rules = Rules {
            settle: settle.unwrap_or(default.settle),
            stamped: stamped.unwrap_or(default.stamped),
            after: after.unwrap_or(default.after),
            archive_for,
        };
        Ok(ConnectorKeys { kind, from, files, rules })
    }
}

impl<'de> Deserialize<'de> for SourceSection {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (own, shared): (AnySourceKeys, Shared) = deserializer.deserialize_map(KeysVisitor(PhantomData))?;
        let Shared { plugin, parameters, files, limits } = shared;
        match plugin {
            Some(plugin) => {
                let own = own.generated().map_err(de::Error::custom)?;
                Ok(Self::Generated(Section { plugin, parameters, files, limits, own }))
            }
            None => {
                let is_plain = parameters.is_empty() && files.is_empty() && limits.is_empty();
                own.connected(is_plain).map(Self::Connected).map_err(de::Error::custom)
            }
        }
    }
}

/// The keys that only a table or a KPI has.
#[derive(Debug, Clone, Deserialize)]
pub struct TableKeys {
    /// The relation that each of the plugin's inputs reads: a dataset, a table or a KPI. Default: for each input the one
    /// of the same name.
    #[serde(default)]
    pub inputs: BTreeMap<String, String>,
    /// The layer of the table. Default: silver for a `[table]`, gold for a `[kpi]`.
    #[serde(default)]
    pub layer: Option<Layer>,
    /// The datasets whose objects a check judges, each by itself. Only a check has them.
    #[serde(skip)]
    pub on: Vec<String>,
}

/// The keys that only a check has. It is a table that always lies in silver.
#[derive(Debug, Clone, Deserialize)]
struct CheckKeys {
    /// As [`TableKeys::inputs`].
    #[serde(default)]
    inputs: BTreeMap<String, String>,
    /// As [`TableKeys::on`].
    #[serde(default)]
    on: Vec<String>,
}

/// Reads the sections `[check.<name>]`.
pub(super) fn checks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, TableSection>, D::Error> {
    let sections = BTreeMap::<String, Section<CheckKeys>>::deserialize(deserializer)?;
    let table = |Section { plugin, parameters, files, limits, own: CheckKeys { inputs, on } }| {
        let own = TableKeys { inputs, layer: Some(Layer::Silver), on };
        Section { plugin, parameters, files, limits, own }
    };
    Ok(sections.into_iter().map(|(name, section)| (name, table(section))).collect())
}

/// The layer in which a table lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layer {
    /// For other tables to read.
    Silver,
    /// For people and programs to read: each commit that changes it writes the table as a file.
    Gold,
}

/// The keys that all sections have, as messages list them after a section's own.
const SHARED: [&str; 4] = ["plugin", "parameters", "files", "limits"];

/// The values of the shared keys that were read so far.
#[derive(Default)]
struct Shared {
    plugin: Option<String>,
    parameters: Map<String, Value>,
    files: BTreeMap<String, String>,
    limits: Map<String, Value>,
}

impl<'de, Own: Deserialize<'de>> Deserialize<'de> for Section<Own> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (own, shared): (Own, Shared) = deserializer.deserialize_map(KeysVisitor(PhantomData))?;
        let Shared { plugin, parameters, files, limits } = shared;
        let plugin = plugin.ok_or_else(|| de::Error::missing_field("plugin"))?;
        Ok(Self { plugin, parameters, files, limits, own })
    }
}

/// Reads the keys of a section: its own, and those that all have.
struct KeysVisitor<Own>(PhantomData<Own>);

impl<'de, Own: Deserialize<'de>> Visitor<'de> for KeysVisitor<Own> {
    type Value = (Own, Shared);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        let mut shared = Shared::default();
        let own = Own::deserialize(OwnKeys { map, own: &[], shared: &mut shared })?;
        Ok((own, shared))
    }
}

/// A section without its shared keys, which are read into `shared` on the way.
struct OwnKeys<'s, A> {
    map: A,
    /// The fields of the struct that is read.
    own: &'static [&'static str],
    shared: &'s mut Shared,
}

impl<'de, A: MapAccess<'de>> Deserializer<'de> for OwnKeys<'_, A> {
    type Error = A::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, A::Error> {
        visitor.visit_map(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        own: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        visitor.visit_map(Self { own, ..self })
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for OwnKeys<'_, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        while let Some(key) = self.map.next_key_seed(Key { own: self.own })? {
            match key.as_str() {
                own if self.own.contains(&own) => return seed.deserialize(own.into_deserializer()).map(Some),
                "plugin" => self.shared.plugin = Some(self.map.next_value()?),
                "parameters" => self.shared.parameters = self.map.next_value()?,
                "files" => self.shared.files = self.map.next_value()?,
                "limits" => self.shared.limits = self.map.next_value()?,
                own => return seed.deserialize(own.into_deserializer()).map(Some),
            }
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.map.next_value_seed(seed)
    }
}

/// Reads a key. Refuses one that is neither shared nor among `own`, while the deserializer still knows its line and column.
struct Key {
    own: &'static [&'static str],
}

impl<'de> DeserializeSeed<'de> for Key {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        let key = String::deserialize(deserializer)?;
        let known = || self.own.iter().chain(SHARED.iter().filter(|shared| !self.own.contains(shared)));
        if known().any(|known| *known == key) {
            return Ok(key);
        }
        let known: Vec<_> = known().map(|known| format!("`{known}`")).collect();
        Err(de::Error::custom(format!("unknown field `{key}`, expected one of {}", known.join(", "))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_keys_and_own_keys_stand_in_any_order() {
        let text =
            "limits = { handles = 7 }\nformat = \"csv\"\nplugin = \"x\"\nobjects = \"x_*\"\nparameters = { a = [1] }";
        let DatasetSection { plugin, parameters, files: _, limits, own } =
            toml::from_str(text).expect("it is a section");
        let files = own.files().expect("they fit together");
        assert_eq!((plugin.as_str(), files[0].objects.to_string().as_str()), ("x", "x_*"));
        assert_eq!((&parameters["a"], &limits["handles"]), (&serde_json::json!([1]), &Value::from(7)));
        let check = toml::from_str::<Section<CheckKeys>>("plugin = \"x\"").expect("it is a section");
        assert_eq!((check.parameters.len(), check.own.inputs.len()), (0, 0));
    }

    #[test]
    fn a_source_has_a_plugin_or_a_kind_with_the_keys_that_belong_to_it() {
        let source = |text: &str| toml::from_str::<SourceSection>(text).map_err(|error| error.to_string());
        let made = source("plugin = \"x\"\nseed = 3\nto = \"in\"\nparameters = { a = 1 }").expect("it is a section");
        let SourceSection::Generated(Section { own, parameters, .. }) = made else { panic!("a plugin makes it") };
        assert_eq!((own.seed, own.to.as_deref(), parameters.len()), (3, Some("in"), 1));
        let had = source("kind = \"directory\"\nfrom = \"in\"\nfiles = [\"x*.csv\"]").expect("it is a section");
        let SourceSection::Connected(ConnectorKeys { from, files, .. }) = had else { panic!("a system has it") };
        assert_eq!((from.as_str(), files.map_or(0, |files| files.len())), ("in", 1));
        let text = "kind = \"directory\"\nfrom = \"in\"\nsettle = \"5s\"\nstamped = true\nafter = \"archive\"\narchive_for = \"365d\"";
        let SourceSection::Connected(ConnectorKeys { files, rules, .. }) = source(text).expect("it is a section")
        else {
            panic!("a system has it")
        };
        let settle = Duration::from_secs(5);
        let archive_for = Some(Duration::from_secs(365 * 86_400));
        assert_eq!((files, rules), (None, Rules { settle, stamped: true, after: After::Archive, archive_for }));
        for (text, expected) in [
            ("seed = 1", "`plugin`"),
            ("from = \"in\"", "expected `plugin`, which makes files, or `kind`"),
            ("plugin = \"x\"\nkind = \"directory\"", "expected either `plugin`"),
            ("plugin = \"x\"\nfiles = []", "belong to a source with a `kind`"),
            ("kind = \"directory\"\nfrom = \"in\"\nfiles = []\nseed = 1", "belong to a source with a `plugin`"),
            ("kind = \"directory\"\nfiles = []", "missing field `from`"),
            ("plugin = \"x\"\nafter = \"archive\"", "belong to a source with a `kind`"),
            ("kind = \"directory\"\nfrom = \"in\"\nafter = \"burn\"", "expected one of `keep`, `archive`, `delete`"),
            ("kind = \"directory\"\nfrom = \"in\"\nsettle = \"soon\"", "soon"),
            ("kind = \"ftp\"\nfrom = \"in\"", "unknown variant `ftp`"),
            (
                "plugin = \"x\"\ncolour = 1",
                "expected one of `kind`, `from`, `files`, `settle`, `stamped`, `after`, `archive_for`, `seed`, `to`, `plugin`",
            ),
        ] {
            let said = source(text).expect_err("it is refused");
            assert!(said.contains(expected), "{text}: {said}");
        }
    }

    #[test]
    fn a_wrong_key_is_named_with_its_place_and_the_right_ones() {
        let dataset = "objects = \"x_*\"\nformat = \"csv\"\nplugin = \"x\"\n";
        let said = |text: &str| toml::from_str::<DatasetSection>(text).expect_err("it is refused").to_string();
        let unknown = said(&format!("{dataset}colour = 1"));
        assert!(unknown.contains("line 4, column 1"), "{unknown}");
        let expected = "unknown field `colour`, expected one of `objects`, `format`, `columns`, `compression`";
        assert!(
            unknown.contains(expected) && unknown.contains("`plugin`, `parameters`, `files`, `limits`"),
            "{unknown}"
        );
        assert!(said("objects = \"x_*\"\nformat = \"csv\"").contains("missing field `plugin`"));
        let wrong = said(&dataset.replace("\"csv\"", "\"xml\""));
        assert!(wrong.contains("line 2, column 10") && wrong.contains("unknown variant `xml`"), "{wrong}");
    }
}
