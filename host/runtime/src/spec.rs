//! The descriptions of plugins as the host uses them: with Arrow schemas, and with indices in place of names.

use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};

use super::bindings::types;

/// The description of a generator.
#[derive(Debug, Clone)]
pub struct GeneratorSpec {
    /// Its name, version and parameters.
    pub identity: types::Identity,
    /// The names of its objects: a glob for each family.
    pub objects: Vec<String>,
}

/// The description of a cleaner.
#[derive(Debug, Clone)]
pub struct CleanerSpec {
    /// Its name, version and parameters.
    pub identity: types::Identity,
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
    /// Its name, version and parameters.
    pub identity: types::Identity,
    /// The datasets it reads.
    pub inputs: Vec<KpiInputSpec>,
    /// The tables of sums from which it is computed, one after the other. There is at least one.
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
}

/// The description of a table of sums.
#[derive(Debug, Clone)]
pub struct StageSpec {
    /// The key columns, then the sums.
    pub schema: SchemaRef,
    /// The number of columns that are the key.
    pub keys: usize,
    /// The number of key columns that make a group, which is folded into the next stage. 0 in the last stage.
    pub group: usize,
}

/// The description of one dataset that a KPI reads.
#[derive(Debug, Clone)]
pub struct KpiInputSpec {
    /// The plugin's name for it.
    pub name: String,
    /// The columns it reads.
    pub columns: SchemaRef,
}

/// Returns the schema as text for messages: `day: date32, total: decimal128(38,2)?`. A `?` marks a column that may lack
/// values.
pub fn schema_text(schema: &Schema) -> String {
    let field = |field: &Arc<Field>| {
        let data_type = match field.data_type() {
            DataType::Timestamp(TimeUnit::Microsecond, Some(_)) => "timestamp".to_owned(),
            DataType::Decimal128(precision, scale) => format!("decimal128({precision},{scale})"),
            other => other.to_string().to_lowercase(),
        };
        format!("{}: {data_type}{}", field.name(), if field.is_nullable() { "?" } else { "" })
    };
    schema.fields().iter().map(field).collect::<Vec<_>>().join(", ")
}
