//! The sections that run a plugin: `[source.<name>]`, `[dataset.<name>]`, `[table.<name>]`, `[kpi.<name>]` and `[check.<name>]`.
//!
//! All have the keys `plugin`, `parameters` and `limits`, and each kind has keys of its own. serde's `flatten` cannot be used for
//! that: it loses the line and column of an error, and with unknown keys the list of those that would have been right.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, DeserializeSeed, IntoDeserializer as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, forward_to_deserialize_any};
use serde_json::{Map, Value};

use smelt_formats::Format;

/// A section that runs a plugin. `Own` has the keys of one kind of section.
#[derive(Debug, Clone)]
pub struct Section<Own> {
    /// The plugin's name.
    pub plugin: String,
    /// The plugin's parameters. Default: none.
    pub parameters: Map<String, Value>,
    /// The plugin's limits that differ from `[limits.plugin]`, under the same keys. Default: none.
    pub limits: Map<String, Value>,
    /// The keys that only this kind of section has.
    pub own: Own,
}

/// `[source.<name>]`
pub type SourceSection = Section<SourceKeys>;
/// `[dataset.<name>]`
pub type DatasetSection = Section<DatasetKeys>;
/// `[table.<name>]`, `[kpi.<name>]` or `[check.<name>]`
pub type TableSection = Section<TableKeys>;

/// The keys that only a source has.
#[derive(Debug, Clone, Deserialize)]
pub struct SourceKeys {
    /// The number from which the source derives its randomness. Default 0.
    #[serde(default)]
    pub seed: u64,
}

/// The keys that only a dataset has.
#[derive(Debug, Clone, Deserialize)]
pub struct DatasetKeys {
    /// The bronze objects that belong to the dataset: a name with one `*`, which matches any text without `/`.
    pub objects: String,
    /// The format of these objects.
    pub format: Format,
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
}

/// The keys that only a check has. It is a table that always lies in silver.
#[derive(Debug, Clone, Deserialize)]
struct CheckKeys {
    /// As [`TableKeys::inputs`].
    #[serde(default)]
    inputs: BTreeMap<String, String>,
}

/// Reads the sections `[check.<name>]`.
pub(super) fn checks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, TableSection>, D::Error> {
    let sections = BTreeMap::<String, Section<CheckKeys>>::deserialize(deserializer)?;
    let table = |Section { plugin, parameters, limits, own: CheckKeys { inputs } }| {
        let own = TableKeys { inputs, layer: Some(Layer::Silver) };
        Section { plugin, parameters, limits, own }
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
const SHARED: [&str; 3] = ["plugin", "parameters", "limits"];

/// The values of the shared keys that were read so far.
#[derive(Default)]
struct Shared {
    plugin: Option<String>,
    parameters: Map<String, Value>,
    limits: Map<String, Value>,
}

impl<'de, Own: Deserialize<'de>> Deserialize<'de> for Section<Own> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(SectionVisitor(PhantomData))
    }
}

struct SectionVisitor<Own>(PhantomData<Own>);

impl<'de, Own: Deserialize<'de>> Visitor<'de> for SectionVisitor<Own> {
    type Value = Section<Own>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Section<Own>, A::Error> {
        let mut shared = Shared::default();
        let own = Own::deserialize(OwnKeys { map, own: &[], shared: &mut shared })?;
        let Shared { plugin, parameters, limits } = shared;
        let plugin = plugin.ok_or_else(|| de::Error::missing_field("plugin"))?;
        Ok(Section { plugin, parameters, limits, own })
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
                "plugin" => self.shared.plugin = Some(self.map.next_value()?),
                "parameters" => self.shared.parameters = self.map.next_value()?,
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
        let known = || self.own.iter().chain(&SHARED);
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
        let DatasetSection { plugin, parameters, limits, own } = toml::from_str(text).expect("it is a section");
        assert_eq!((plugin.as_str(), own.objects.as_str(), own.format), ("x", "x_*", Format::Csv));
        assert_eq!((&parameters["a"], &limits["handles"]), (&serde_json::json!([1]), &Value::from(7)));
        let SourceSection { parameters, own, .. } = toml::from_str("plugin = \"x\"").expect("it is a section");
        assert_eq!((parameters.len(), own.seed), (0, 0));
    }

    #[test]
    fn a_wrong_key_is_named_with_its_place_and_the_right_ones() {
        let dataset = "objects = \"x_*\"\nformat = \"csv\"\nplugin = \"x\"\n";
        let said = |text: &str| toml::from_str::<DatasetSection>(text).expect_err("it is refused").to_string();
        let unknown = said(&format!("{dataset}colour = 1"));
        assert!(unknown.contains("line 4, column 1"), "{unknown}");
        let expected = "unknown field `colour`, expected one of `objects`, `format`, `plugin`, `parameters`, `limits`";
        assert!(unknown.contains(expected), "{unknown}");
        assert!(said("objects = \"x_*\"\nformat = \"csv\"").contains("missing field `plugin`"));
        assert!(said("objects = \"x_*\"\nplugin = \"x\"").contains("missing field `format`"));
        let wrong = said(&dataset.replace("\"csv\"", "\"xml\""));
        assert!(wrong.contains("line 2, column 10") && wrong.contains("unknown variant `xml`"), "{wrong}");
    }
}
