//! The descriptions of plugins as the host uses them: with Arrow schemas, and with indices in place of names.

use std::sync::Arc;

use arrow_schema::{Field, Schema, SchemaRef};

use super::bindings::types;
use smelt_formats::type_text;

/// All that a part of the work may depend on besides its rows. A component before 0.3.0 has one for all of its parts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Setting {
    /// The text that the part is opened with. Usually a JSON object; the host compares it byte by byte.
    pub params: String,
    /// True if the part is also told the time of the run.
    pub uses_as_of: bool,
}

impl Setting {
    /// Returns the time if the part is told it.
    pub fn as_of(&self, as_of: i64) -> Option<i64> {
        self.uses_as_of.then_some(as_of)
    }
}

/// The description of a generator.
#[derive(Debug, Clone)]
pub struct GeneratorSpec {
    /// The names of its objects: a glob for each family.
    pub objects: Vec<String>,
}

/// The description of a cleaner.
#[derive(Debug, Clone)]
pub struct CleanerSpec {
    /// The bronze columns it reads.
    pub input: Vec<String>,
    /// The silver schema it writes.
    pub output: SchemaRef,
    /// The indices of the output columns that identify a row. Empty if rows have no key.
    pub key: Vec<usize>,
    /// How rows with the same key are compared, to decide which one holds it.
    pub order_by: Vec<OrderSpec>,
    /// Its rules.
    pub rules: Vec<types::Rule>,
    /// The setting of its sessions.
    pub session: Setting,
}

/// One column by which rows with the same key are compared.
#[derive(Debug, Clone)]
pub struct OrderSpec {
    /// The index of the output column.
    pub column: usize,
    /// The end that wins: the least or the greatest value.
    pub prefer: types::Preference,
}

/// The description of a KPI.
#[derive(Debug, Clone)]
pub struct KpiSpec {
    /// The relations it reads. A name may be there several times, so an input is known by its index.
    pub inputs: Vec<KpiInputSpec>,
    /// The tables of sums from which it is computed, one after the other. Without any, what accumulators give are rows
    /// of the table.
    pub stages: Vec<StageSpec>,
    /// The schema of its table.
    pub output: SchemaRef,
    /// The indices of the output columns that identify a row of its table, if it declares them.
    pub key: Option<Vec<usize>>,
}

impl KpiSpec {
    /// Returns the names of the columns that identify a row of its table, if it declares them.
    pub fn key_names(&self) -> Option<Vec<&str>> {
        let name = |&at: &usize| self.output.field(at).name().as_str();
        self.key.as_ref().map(|key| key.iter().map(name).collect())
    }

    /// Returns the settings of all its parts: of its inputs, then of its stages.
    pub fn settings(&self) -> impl Iterator<Item = &Setting> {
        let accumulators = self.inputs.iter().map(|input| &input.accumulator);
        accumulators.chain(self.stages.iter().map(|stage| &stage.reducer))
    }

    /// Returns whether any part of it is told the time of the run.
    pub fn uses_as_of(&self) -> bool {
        self.settings().any(|setting| setting.uses_as_of)
    }

    /// Returns the schema of what the accumulators of an input give: that of the input's stage or, where there is no
    /// stage, of the table.
    pub fn state_schema(&self, input: usize) -> &SchemaRef {
        self.stages.get(self.inputs[input].stage).map_or(&self.output, |stage| &stage.schema)
    }

    /// Returns the schema of what the reducers of a stage give: that of the next stage or, of the last one, of the
    /// table.
    pub fn reduced_schema(&self, stage: usize) -> &SchemaRef {
        self.stages.get(stage + 1).map_or(&self.output, |next| &next.schema)
    }
}

/// The description of a table of sums.
#[derive(Debug, Clone)]
pub struct StageSpec {
    /// The key columns, then the sums.
    pub schema: SchemaRef,
    /// The number of columns that are the key.
    pub keys: usize,
    /// The number of leading key columns that make a group for the reducer. With 0 all rows are one group.
    pub group: usize,
    /// The setting of its reducers.
    pub reducer: Setting,
}

/// The description of one relation that a KPI reads.
#[derive(Debug, Clone)]
pub struct KpiInputSpec {
    /// The plugin's name for it.
    pub name: String,
    /// The plugin's number of it, which its accumulators are opened with.
    pub number: u32,
    /// The columns it reads.
    pub columns: SchemaRef,
    /// The index of the stage that its rows are added to. 0 if there is no stage.
    pub stage: usize,
    /// The setting of its accumulators.
    pub accumulator: Setting,
}

/// Returns the schema as text for messages: `day: date32, total: decimal128(38,2)?`. A `?` marks a column that may lack
/// values.
pub fn schema_text(schema: &Schema) -> String {
    let field = |field: &Arc<Field>| format!("{}: {}", field.name(), type_text(field));
    schema.fields().iter().map(field).collect::<Vec<_>>().join(", ")
}
