//! Connects tables with what they read.

use std::collections::{BTreeMap, BTreeSet};

use arrow_schema::{DataType, SchemaRef};

use super::bronze::{bronze_columns, bronze_name};
use super::dataset::DatasetStep;
use super::graph;
use super::section::{fingerprint, refused};
use super::table::{TableInput, TableStep};
use crate::host_relation::HostRelation;
use crate::manifest::{Layer, OutputFormat, TableSection};
use smelt_catalog::BRONZE_PREFIX;
use smelt_common::Error;
use smelt_common::error::Result;
use smelt_runtime::privacy::Pseudonyms;
use smelt_runtime::{Kpi, KpiInputSpec, schema_text};

/// A table whose plugin is loaded.
pub(super) struct Loaded<'m> {
    /// The name of the section, such as `kpi.aov`.
    pub(super) section: String,
    pub(super) name: String,
    pub(super) keys: &'m TableSection,
    pub(super) layer: Layer,
    pub(super) plugin: Kpi,
    /// The dataset whose objects it judges, if it does.
    pub(super) on: Option<String>,
    /// The parameters as canonical JSON.
    pub(super) parameters: String,
}

impl Loaded<'_> {
    fn is_check(&self) -> bool {
        self.section.starts_with("check.")
    }

    /// Returns whether it is the part of that check which judges the objects of one dataset.
    fn is_part_of(&self, check: &str) -> bool {
        let of = self.on.as_ref().and_then(|dataset| self.name.strip_suffix(dataset.as_str())?.strip_suffix('.'));
        of == Some(check)
    }

    /// Returns the name of the relation that an input reads.
    fn relation<'l>(&'l self, input: &'l KpiInputSpec) -> &'l String {
        self.keys.own.inputs.get(&input.name).unwrap_or(&input.name)
    }

    /// Returns the columns of bronze that it reads, if it judges objects of that dataset.
    pub(super) fn asked_of(&self, dataset: &str) -> Vec<String> {
        let bronze = bronze_name(dataset);
        let inputs = self.plugin.spec().inputs.iter().filter(|input| *self.relation(input) == bronze);
        let columns = inputs.flat_map(|input| input.columns.fields()).map(|field| field.name().clone());
        columns.filter(|name| bronze_columns().iter().all(|own| own.name() != name)).collect()
    }
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
    schemas.extend(loaded.iter().map(|it| (it.name.as_str(), it.plugin.spec().output.clone())));
    for relation in HostRelation::all() {
        schemas.insert(relation.name(), relation.schema());
    }
    let checks: Vec<&str> = loaded.iter().filter(|it| it.is_check()).map(|it| it.name.as_str()).collect();
    let mut reads = graph::Reads::new();
    let judged = datasets.iter().filter(|step| !step.judged_by.is_empty());
    // What is in silver follows from the verdicts, so for the order a dataset that is judged is a table that reads its checks.
    let judged: Vec<_> = judged.map(|step| (step.name.as_str(), &step.judged_by)).collect();
    reads.extend(judged.iter().map(|(name, checks)| (*name, checks.iter().map(String::as_str).collect())));
    for relation in HostRelation::all().filter(|relation| relation.reads_datasets()) {
        reads.insert(relation.name(), judged.iter().map(|(name, _)| *name).collect());
    }
    reads.insert(HostRelation::Checks.name(), checks.clone());
    let mut connected = BTreeMap::new();
    for it in &loaded {
        let resolve = |input: &KpiInputSpec, relation: &str| match absent.contains(relation) {
            true => Ok(TableInput::of(input, relation, &input.columns)),
            false => resolve(it, input, relation, datasets, &schemas),
        };
        let (mut indices, mut inputs) = (Vec::new(), Vec::new());
        for (index, input) in it.plugin.spec().inputs.iter().enumerate() {
            let relation = it.relation(input);
            let parts: Vec<&Loaded<'_>> = loaded.iter().filter(|it| it.is_part_of(relation)).collect();
            // A check of objects has a table for each dataset, and is one relation to those who read it.
            let resolved = match parts.is_empty() {
                true => vec![resolve(input, relation)],
                false => parts.iter().map(|part| Ok(resolve(input, &part.name)?.of_part(&part.name))).collect(),
            };
            let resolved: Result<Vec<_>> = resolved.into_iter().collect();
            let resolved = resolved.map_err(|error| refused(error, &format!("[{}]", it.section)))?;
            indices.extend(std::iter::repeat_n(index, resolved.len()));
            inputs.extend(resolved);
        }
        for input in inputs.iter_mut().filter(|input| input.relation == HostRelation::Checks.name()) {
            input.checks = checks.iter().map(|check| (*check).to_owned()).collect();
        }
        let tables = inputs.iter().filter_map(|input| schemas.get_key_value(input.relation.as_str()));
        let is_made = |name: &&str| reads.contains_key(name) || loaded.iter().any(|it| it.name == **name);
        let tables = tables.map(|(table, _)| *table).filter(is_made).collect();
        connected.insert(it.name.as_str(), (indices, inputs, tables));
    }
    let mut all_inputs: BTreeMap<String, (Vec<usize>, Vec<TableInput>)> = BTreeMap::new();
    for (name, (indices, inputs, tables)) in connected {
        reads.insert(name, tables);
        all_inputs.insert(name.to_owned(), (indices, inputs));
    }
    let levels = graph::levels(&reads)?;
    let placed: BTreeMap<String, (usize, bool)> = loaded
        .iter()
        .map(|it| {
            let is_read = reads.values().flatten().any(|read| *read == it.name);
            (it.name.clone(), (levels[it.name.as_str()], is_read))
        })
        .collect();
    let mut steps = Vec::with_capacity(loaded.len());
    for Loaded { section, name, layer, mut plugin, on, parameters, .. } in loaded {
        let (indices, inputs) = all_inputs.remove(&name).unwrap_or_default();
        plugin.repeat_inputs(&indices);
        let mapped: BTreeSet<_> = inputs.iter().map(|input| format!("{}={}", input.name, input.relation)).collect();
        let mapped = mapped.into_iter().collect::<Vec<_>>().join(" ");
        let uses_as_of = plugin.spec().uses_as_of();
        let fingerprint = fingerprint(plugin.identity(), parameters, uses_as_of, mapped, pseudonyms);
        let ((level, is_read), told) = (placed[&name], None);
        steps.push(TableStep { name, section, layer, output, level, is_read, plugin, inputs, fingerprint, told, on });
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
    of: &Loaded<'_>,
    input: &KpiInputSpec,
    relation: &str,
    datasets: &[DatasetStep],
    schemas: &BTreeMap<&str, SchemaRef>,
) -> Result<TableInput> {
    let name = &of.plugin.identity().name;
    if let Some(dataset) = relation.strip_prefix(BRONZE_PREFIX) {
        if of.on.as_deref() != Some(dataset) {
            return Err(Error::config(format!(
                "plugin `{name}` reads `{relation}`, which only a check may that judges its objects: `on = [\"{dataset}\"]`"
            )));
        }
        let own = bronze_columns();
        for wanted in input.columns.fields() {
            let of_host = own.iter().find(|own| own.name() == wanted.name());
            let fits = match of_host {
                Some(own) => own.data_type() == wanted.data_type() && (wanted.is_nullable() || !own.is_nullable()),
                None => wanted.data_type() == &DataType::Utf8 && wanted.is_nullable(),
            };
            if !fits {
                let wanted = schema_text(&arrow_schema::Schema::new(vec![wanted.clone()]));
                let own = schema_text(&arrow_schema::Schema::new(own));
                return Err(Error::config(format!(
                    "plugin `{name}` reads column ({wanted}) of `{relation}`, which has ({own}), and any other column as utf8 \
                     that may lack values"
                )));
            }
        }
        // Columns that others ask for do not matter.
        return Ok(TableInput::of(input, relation, &input.columns));
    }
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
                    step.plugin.identity().map_or("", |identity| &identity.name),
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
