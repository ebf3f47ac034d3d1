//! A table or KPI of a pipeline.

use std::collections::BTreeSet;

use arrow_schema::SchemaRef;

use super::section;
use crate::manifest::{Layer, OutputFormat};
use smelt_catalog::{Fingerprint, Gold, Shape};
use smelt_common::digest::of_parts;
use smelt_common::error::Result;
use smelt_runtime::{Accumulator, Kpi, KpiInputSpec, Reducer, Setting, schema_text};

/// A table or KPI, ready to be made.
pub struct TableStep {
    /// The name in the manifest.
    pub name: String,
    /// The section of the manifest, such as `kpi.aov`.
    pub section: String,
    /// The layer in which it lies.
    pub layer: Layer,
    /// The format of its file, if it has one.
    pub output: OutputFormat,
    /// 0 if it reads no table, otherwise one more than the greatest level that it reads.
    pub level: usize,
    /// Set if another table reads it.
    pub is_read: bool,
    /// The loaded component.
    pub plugin: Kpi,
    /// The plugin's inputs, with the relation and the columns that each reads.
    pub inputs: Vec<TableInput>,
    /// Everything that the table depends on besides what it reads.
    pub fingerprint: Fingerprint,
    /// The time that the plugin is told in place of that of the pass, in microseconds since the epoch.
    pub told: Option<i64>,
    /// The dataset whose objects it judges before a row of them counts, if it is such a check.
    pub on: Option<String>,
}

/// A relation that a table reads.
pub struct TableInput {
    /// The plugin's name for the input.
    pub name: String,
    /// The name of the relation in the manifest.
    pub relation: String,
    /// The columns that the table reads.
    pub columns: SchemaRef,
    /// The relation's whole schema as text. The meaning of its bytes depends on it.
    pub schema: String,
    /// The names of all checks, if the relation is that of their verdicts.
    pub checks: Vec<String>,
}

impl TableInput {
    /// Returns the input that reads that relation, which has this schema.
    pub(super) fn of(input: &KpiInputSpec, relation: &str, schema: &SchemaRef) -> Self {
        let (name, columns) = (input.name.clone(), input.columns.clone());
        Self { name, relation: relation.to_owned(), columns, schema: schema_text(schema), checks: vec![] }
    }

    /// Returns the input as one of several that read parts of one relation.
    pub(super) fn of_part(self, part: &str) -> Self {
        Self { name: format!("{}/{part}", self.name), ..self }
    }

    /// Returns the names of all that the input is made from: the relation and, if it is that of all verdicts, the checks.
    pub fn made_from(&self) -> impl Iterator<Item = &String> {
        self.checks.iter().chain([&self.relation])
    }
}

impl TableStep {
    /// Returns whether it has verdicts: about objects, or about what is to be published.
    pub fn has_verdicts(&self) -> bool {
        self.section.starts_with("check.")
    }

    /// Returns whether it is a check of tables, which may keep them from being published.
    pub fn is_check(&self) -> bool {
        self.has_verdicts() && self.on.is_none()
    }

    /// Returns the names of the relations that it reads, each once.
    pub fn reads(&self) -> BTreeSet<&str> {
        self.inputs.iter().map(|input| input.relation.as_str()).collect()
    }

    /// Opens an accumulator of an input. If its setting asks for a time, it gets `as_of`, in microseconds since the
    /// epoch.
    pub fn accumulator(&self, input: usize, as_of: i64) -> Result<Accumulator<'_>> {
        self.plugin.accumulator(input, self.told.unwrap_or(as_of))
    }

    /// Opens a reducer of a stage. If its setting asks for a time, it gets `as_of`, in microseconds since the epoch.
    pub fn reducer(&self, stage: usize, as_of: i64) -> Result<Reducer<'_>> {
        self.plugin.reducer(stage, self.told.unwrap_or(as_of))
    }

    /// Opens a reducer of a stage as [`reducer`](Self::reducer) does, in the middle of a group: where the one was that saved
    /// these bytes.
    pub fn reducer_from(&self, stage: usize, as_of: i64, saved: &[u8]) -> Result<Reducer<'_>> {
        self.plugin.reducer_from(stage, self.told.unwrap_or(as_of), saved)
    }

    /// Returns everything that the table depends on besides what it reads, in a pass at that time.
    pub fn fingerprint_at(&self, as_of: i64) -> Fingerprint {
        self.fingerprint.at(self.told.unwrap_or(as_of))
    }

    /// Returns the table's columns, for readers without the plugin.
    pub fn shape(&self) -> Shape {
        let spec = self.plugin.spec();
        let shape = section::shape(&spec.output, spec.key.as_deref().unwrap_or_default());
        Shape { own_order: self.is_whole(), ..shape }
    }

    /// Returns the index of the stage that the rows of an input are added to. Where there is no stage, they are rows of
    /// the table, which come after all stages.
    pub fn target(&self, input: usize) -> usize {
        let spec = self.plugin.spec();
        spec.inputs[input].stage.min(spec.stages.len())
    }

    /// Returns whether the table is made from all rows of the last stage at once.
    pub fn is_whole(&self) -> bool {
        self.plugin.spec().stages.last().is_some_and(|stage| stage.group == 0)
    }

    /// Returns whether the rows of the table are kept by key, so that others can read what changes.
    pub fn keeps_rows(&self) -> bool {
        !self.is_whole() || self.is_read || self.layer == Layer::Silver
    }

    /// Returns whether the catalog holds the table in the form in which it is to be kept.
    pub fn lies_as(&self, gold: &Gold) -> bool {
        let written = gold.table().map(|table| OutputFormat::of_key(&table.key));
        let is_described = gold.relation.shape.as_ref() == Some(&self.shape());
        is_described && self.has_rows_as(gold) && written == (self.layer == Layer::Gold).then_some(self.output)
    }

    /// Returns whether the catalog holds the table's rows by key if they are to be kept so, and not otherwise.
    pub fn has_rows_as(&self, gold: &Gold) -> bool {
        gold.rows().is_some() == self.keeps_rows()
    }

    /// Returns a digest of all that each part of the work depends on besides rows: the accumulators of each input, the
    /// reducer of each stage, and the form of the rows.
    pub fn parts(&self, as_of: i64) -> Vec<String> {
        let Fingerprint { component, contract, host, .. } = &self.fingerprint;
        let spec = self.plugin.spec();
        // The form of what a part gives.
        let form = |level: usize| match spec.stages.get(level) {
            Some(stage) => format!("{} by {}, {}", schema_text(&stage.schema), stage.keys, stage.group),
            None => format!("{} by {:?}", schema_text(&spec.output), spec.key),
        };
        let part = |setting: &Setting, level| {
            let as_of = setting.as_of(self.told.unwrap_or(as_of)).map(|as_of| as_of.to_string()).unwrap_or_default();
            of_parts([component.as_str(), contract, host, &setting.params, &as_of, &form(level)])
        };
        let accumulators = spec.inputs.iter().enumerate().map(|(at, input)| part(&input.accumulator, self.target(at)));
        let reducers = spec.stages.iter().enumerate().map(|(at, stage)| part(&stage.reducer, at + 1));
        accumulators.chain(reducers).chain([form(spec.stages.len())]).collect()
    }

    /// Returns how many of the stages hold as they are kept, from the first one on, so that they can be added to. The rows
    /// of the table count as one more. A stage holds if the accumulators that give it rows are the same, and so is the
    /// reducer that does, and the stage before holds.
    pub fn levels_that_hold(&self, gold: &Gold, as_of: i64) -> usize {
        let now = self.parts(as_of);
        let (inputs, stages) = (self.inputs.len(), self.plugin.spec().stages.len());
        if !self.has_rows_as(gold) || now.len() != gold.parts.len() || gold.stages.len() != stages {
            return 0;
        }
        let is_same = |part: usize| now[part] == gold.parts[part];
        let holds = |level: usize| {
            (0..inputs).all(|input| self.target(input) != level || is_same(input))
                && level.checked_sub(1).is_none_or(|stage| is_same(inputs + stage))
        };
        (0..=stages).take_while(|&level| holds(level)).count()
    }

    /// Returns whether the rows that the catalog holds are of the form that they have now, so that both can be compared.
    pub fn has_form_of(&self, gold: &Gold, as_of: i64) -> bool {
        gold.rows().is_some() && self.parts(as_of).last() == gold.parts.last()
    }

    /// Returns whether all that is kept of the table still holds. The reducer of all rows runs in any case, so it does not
    /// matter whether its setting is another one.
    pub fn goes_on_from(&self, gold: &Gold, as_of: i64) -> bool {
        self.levels_that_hold(gold, as_of) + usize::from(self.is_whole()) > self.plugin.spec().stages.len()
    }
}
