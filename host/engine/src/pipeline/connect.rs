//! Connects tables with what they read.

use std::collections::{BTreeMap, BTreeSet};

use arrow_schema::SchemaRef;

use super::dataset::DatasetStep;
use super::graph;
use super::section::{canonical, fingerprint, refused};
use super::table::{TableInput, TableStep};
use crate::host_relation::HostRelation;
use crate::manifest::{Layer, OutputFormat, TableSection};
use smelt_common::Error;
use smelt_common::error::Result;
use smelt_runtime::privacy::Pseudonyms;
use smelt_runtime::{Kpi, KpiInputSpec, schema_text};

/// A table whose plugin is loaded: the section, the name, the section's keys and the layer.
pub(super) type Loaded<'m> = (String, &'m str, &'m TableSection, Layer, Kpi);

/// Returns the names of the checks among the tables.
fn checks_of<'m>(loaded: &[Loaded<'m>]) -> Vec<&'m str> {
    loaded.iter().filter(|(section, ..)| section.starts_with("check.")).map(|(_, name, ..)| *name).collect()
}

/// Connects the tables with what they read, and returns them in an order in which each comes after all that it reads. Their
/// files are written as `output`.
pub(super) fn connected(
    loaded: Vec<Loaded<'_>>,
    datasets: &[DatasetStep],
    absent: &BTreeSet<String>,
    pseudonyms: &Pseudonyms,
    output: OutputFormat,
) -> Result<Vec<TableStep>> {
    let mut schemas: BTreeMap<&str, SchemaRef> = BTreeMap::new();
    schemas.extend(datasets.iter().map(|step| (step.name.as_str(), step.plugin.spec().output.clone())));
    schemas.extend(loaded.iter().map(|(_, name, .., plugin)| (*name, plugin.spec().output.clone())));
    for relation in HostRelation::all() {
        schemas.insert(relation.name(), relation.schema());
    }
    let (mut reads, checks) = (graph::Reads::new(), checks_of(&loaded));
    let verdicts = HostRelation::Checks.name();
    let mut connected = BTreeMap::new();
    for (section, name, own, _, plugin) in &loaded {
        let resolve = |input: &KpiInputSpec| {
            let relation = own.own.inputs.get(&input.name).unwrap_or(&input.name);
            match absent.contains(relation) {
                true => Ok(TableInput::of(input, relation, &input.columns)),
                false => resolve(plugin, input, relation, datasets, &schemas),
            }
        };
        let inputs = plugin.spec().inputs.iter().map(resolve).collect::<Result<Vec<_>>>();
        let mut inputs = inputs.map_err(|error| refused(error, &format!("[{section}]")))?;
        for input in inputs.iter_mut().filter(|input| input.relation == verdicts) {
            input.checks = checks.iter().map(|check| (*check).to_owned()).collect();
            // Verdicts come after all checks, so for the order they are a table that reads these.
            reads.insert(verdicts, checks.clone());
        }
        let tables = inputs.iter().filter_map(|input| schemas.get_key_value(input.relation.as_str()));
        let is_table = |table: &&str| {
            let is_of_host = HostRelation::named(table).is_some_and(|relation| relation != HostRelation::Checks);
            !is_of_host && datasets.iter().all(|step| step.name != **table)
        };
        reads.insert(name, tables.map(|(table, _)| *table).filter(is_table).collect());
        connected.insert(*name, inputs);
    }
    let levels = graph::levels(&reads)?;
    let mut steps = Vec::with_capacity(loaded.len());
    for (section, name, own, layer, plugin) in loaded {
        let inputs = connected.remove(name).unwrap_or_default();
        let parameters = canonical(&own.parameters)?;
        let mapped: BTreeSet<_> = inputs.iter().map(|input| format!("{}={}", input.name, input.relation)).collect();
        let mapped = mapped.into_iter().collect::<Vec<_>>().join(" ");
        let uses_as_of = plugin.spec().uses_as_of();
        let fingerprint = fingerprint(plugin.identity(), parameters, uses_as_of, mapped, pseudonyms);
        let (level, is_read) = (levels[name], reads.values().flatten().any(|read| *read == name));
        let (name, told) = (name.to_owned(), None);
        steps.push(TableStep { name, section, layer, output, level, is_read, plugin, inputs, fingerprint, told });
    }
    steps.sort_by(|a, b| (a.level, &a.name).cmp(&(b.level, &b.name)));
    Ok(steps)
}

/// Fails if the manifest names an input that the plugin does not have.
pub(super) fn check_mapping(plugin: &Kpi, mapping: &BTreeMap<String, String>) -> Result<()> {
    let declared = &plugin.spec().inputs;
    let Some(unknown) = mapping.keys().find(|name| !declared.iter().any(|input| input.name == **name)) else {
        return Ok(());
    };
    let known: BTreeSet<_> = declared.iter().map(|input| input.name.as_str()).collect();
    let known = known.into_iter().collect::<Vec<_>>().join(", ");
    let plugin = &plugin.identity().name;
    Err(Error::config(format!("plugin `{plugin}` has no input `{unknown}`; it has {known}")))
}

/// Returns an input of the table. Fails if the relation does not have its columns.
fn resolve(
    plugin: &Kpi,
    input: &KpiInputSpec,
    relation: &str,
    datasets: &[DatasetStep],
    schemas: &BTreeMap<&str, SchemaRef>,
) -> Result<TableInput> {
    let name = &plugin.identity().name;
    let Some(schema) = schemas.get(relation) else {
        let known = schemas.keys().copied().collect::<Vec<_>>().join(", ");
        return Err(Error::config(format!(
            "plugin `{name}` reads `{relation}`, which the manifest lacks; it has {known}"
        )));
    };
    for wanted in input.columns.fields() {
        let fits = schema.field_with_name(wanted.name()).is_ok_and(|found| {
            found.data_type() == wanted.data_type() && (wanted.is_nullable() || !found.is_nullable())
        });
        if !fits {
            let wanted = schema_text(&arrow_schema::Schema::new(vec![wanted.clone()]));
            let has = match datasets.iter().find(|step| step.name == relation) {
                Some(step) => format!(
                    "dataset `{relation}`, whose cleaner `{}` writes ({})",
                    step.plugin.identity().name,
                    schema_text(schema)
                ),
                None if HostRelation::named(relation).is_some() => {
                    format!("`{relation}` of the host, which has ({})", schema_text(schema))
                }
                None => format!("table `{relation}`, which has ({})", schema_text(schema)),
            };
            return Err(Error::config(format!("plugin `{name}` reads column ({wanted}) of {has}")));
        }
    }
    Ok(TableInput::of(input, relation, schema))
}
