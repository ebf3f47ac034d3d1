//! KPIs: plugins that turn silver rows into rows of sums, and sums into a table.

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use wasmtime::Store;
use wasmtime::component::ResourceAny;

use super::identity::Identity;
use super::loaded::{Loaded, cost, instantiated};
use super::loader::loader;
use super::world::World;
use crate::bindings::{types, v0_1_0, v0_2_0};
use crate::state::{State, arm, arm_with, outcome};
use crate::versions::{Versioned, whichever};
use crate::{Contract, KpiSpec, ipc, native};
use smelt_common::Error;
use smelt_common::cost::Cost;
use smelt_common::error::{Breach, Result};
use smelt_common::ordered::Column;

/// A loaded KPI.
pub struct Kpi {
    loaded: Loaded,
    pre: Pre,
    identity: Identity,
    spec: KpiSpec,
}

loader!(Kpi, kpi, Kpi, KpiPre, smelt_plugin_aggregation, KpiDescription, KpiSpec);

/// Calls an accumulator, which is the same in all versions of the contract.
macro_rules! accumulator {
    ($instance:ident.$call:ident($($argument:expr),*)) => {
        whichever!(&$instance, it => it.smelt_plugin_aggregation().accumulator().$call($($argument),*))
    };
}

/// A KPI at work on some rows, in a store of its own.
pub struct Accumulator<'p> {
    plugin: &'p Kpi,
    store: Store<State>,
    instance: Instance,
    accumulator: ResourceAny,
    native: Option<native::Instance>,
}

impl Kpi {
    /// Opens an accumulator that has seen no row.
    pub fn open(&self, params: &str, as_of: Option<i64>) -> Result<Accumulator<'_>> {
        let limits = &self.loaded.limits;
        let mut store = self.loaded.store();
        let instance = Self::instance(&self.pre, &mut store)?;
        arm(&mut store, limits);
        let called = accumulator!(instance.call_open(&mut store, params, as_of));
        let accumulator = outcome(&mut store, "open", called)?;
        let native = self.loaded.native(params, as_of)?;
        Ok(Accumulator { plugin: self, store, instance, accumulator, native })
    }
}

impl Accumulator<'_> {
    /// Adds rows of the named input. They have exactly the columns that the plugin declares for it.
    pub fn update(&mut self, input: &str, batch: &RecordBatch) -> Result<()> {
        let stream = ipc::encode(batch)?;
        let Self { plugin, store, instance, accumulator, native } = self;
        arm_with(store, &plugin.loaded.limits, batch.num_rows(), &stream);
        let called = match native {
            None => accumulator!(instance.call_update_batch(&mut *store, *accumulator, input, &stream)),
            Some(native) => Ok(native.call("update-batch", &[input.as_bytes(), &stream]).map(|[]| ())),
        };
        outcome(store, "take in a batch", called)
    }

    /// Returns what the added rows contribute to the first stage.
    pub fn state(&mut self) -> Result<RecordBatch> {
        let Self { plugin, store, instance, accumulator, native } = self;
        arm(store, &plugin.loaded.limits);
        let called = match native {
            None => accumulator!(instance.call_state(&mut *store, *accumulator)),
            Some(native) => Ok(native.call("state", &[]).map(|[state]| state)),
        };
        let stream = outcome(store, "give its state", called)?;
        plugin.decode("state", stream, &plugin.spec.stages[0].schema)
    }

    /// Returns what groups of a stage contribute to the next stage. The stage must not be the last one, and the groups
    /// must be complete and sorted by key.
    pub fn fold(&mut self, stage: usize, groups: &RecordBatch) -> Result<RecordBatch> {
        let stream = ipc::encode(groups)?;
        let Self { plugin, store, instance, accumulator, native } = self;
        arm_with(store, &plugin.loaded.limits, groups.num_rows(), &stream);
        let called = match native {
            None => accumulator!(instance.call_fold(&mut *store, *accumulator, stage as u32, &stream)),
            Some(native) => Ok(native.call("fold", &[&(stage as u32).to_le_bytes(), &stream]).map(|[folded]| folded)),
        };
        let stream = outcome(store, "fold groups", called)?;
        plugin.decode("fold", stream, &plugin.spec.stages[stage + 1].schema)
    }

    /// Returns the KPI's table. `sums` are all rows of the last stage, sorted by key.
    pub fn evaluate(&mut self, sums: &RecordBatch) -> Result<RecordBatch> {
        let stream = ipc::encode(sums)?;
        let Self { plugin, store, instance, accumulator, native } = self;
        arm_with(store, &plugin.loaded.limits, sums.num_rows(), &stream);
        let called = match native {
            None => accumulator!(instance.call_evaluate(&mut *store, *accumulator, &stream)),
            Some(native) => Ok(native.call("evaluate", &[&stream]).map(|[table]| table)),
        };
        let stream = outcome(store, "evaluate", called)?;
        let table = plugin.decode("evaluate", stream, &plugin.spec.output)?;
        let checked = plugin.spec.key.as_ref().map_or(Ok(()), |key| check_key(key, &table));
        checked.map_err(|what| plugin.broken("evaluate").in_words(what))?;
        Ok(table)
    }

    /// Returns what it has used since it was opened.
    pub fn cost(&self) -> Cost {
        cost(&self.store)
    }
}

impl Kpi {
    fn decode(&self, call: &str, stream: Vec<u8>, schema: &SchemaRef) -> Result<RecordBatch> {
        // The text may contain names that the guest gave its columns.
        ipc::decode(stream, schema, self.loaded.limits.output_rows).map_err(|error| self.broken(call).in_words(error))
    }

    fn broken(&self, call: &str) -> Error {
        let plugin = &self.loaded.name;
        Error::breach(Breach::Form, format!("plugin `{plugin}` broke the contract in `{call}`"))
    }
}

/// Checks that no two rows agree in all key columns. The error names the columns, not their content.
fn check_key(key: &[usize], table: &RecordBatch) -> Result<(), String> {
    let columns: Vec<_> = key.iter().map(|&at| Column::of(table.column(at))).collect();
    let (mut bytes, mut ends) = (Vec::new(), Vec::with_capacity(table.num_rows()));
    for row in 0..table.num_rows() {
        columns.iter().for_each(|column| column.encode(row, &mut bytes));
        ends.push(bytes.len());
    }
    let key_of = |row: usize| &bytes[row.checked_sub(1).map_or(0, |before| ends[before])..ends[row]];
    let mut rows: Vec<_> = (0..table.num_rows()).collect();
    rows.sort_unstable_by_key(|&row| (key_of(row), row));
    let Some(two) = rows.windows(2).find(|two| key_of(two[0]) == key_of(two[1])) else { return Ok(()) };
    Err(match key {
        [] => format!("its key is empty, so its table has at most one row, not {}", table.num_rows()),
        _ => {
            let schema = table.schema_ref();
            let names: Vec<_> = key.iter().map(|&at| format!("`{}`", schema.field(at).name())).collect();
            format!("rows {} and {} of its table agree in the key {}", two[0], two[1], names.join(", "))
        }
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Float64Array, StringArray};

    use super::*;

    fn table(texts: &[Option<&str>], numbers: &[f64]) -> RecordBatch {
        let columns: [(_, ArrayRef); 2] = [
            ("name", Arc::new(StringArray::from(texts.to_vec()))),
            ("number", Arc::new(Float64Array::from(numbers.to_vec()))),
        ];
        RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true))).expect("a table")
    }

    #[test]
    fn a_key_tells_rows_apart_by_all_of_its_columns() {
        let rows = table(&[Some("a"), None, Some(""), Some("a")], &[1.0, 2.0, 2.0, 3.0]);
        assert_eq!(check_key(&[0, 1], &rows), Ok(()));
        assert_eq!(check_key(&[0], &rows), Err("rows 0 and 3 of its table agree in the key `name`".to_owned()));
        let same = table(&[None, Some("b"), None], &[0.0, 2.0, -0.0]);
        assert_eq!(
            check_key(&[0, 1], &same),
            Err("rows 0 and 2 of its table agree in the key `name`, `number`".to_owned())
        );
        assert!(check_key(&[1], &table(&[None, None], &[f64::NAN, -f64::NAN])).is_err());
    }

    #[test]
    fn a_key_of_no_column_is_that_of_one_row() {
        for rows in 0..2 {
            assert_eq!(check_key(&[], &table(&vec![None; rows], &vec![0.0; rows])), Ok(()));
        }
        let told = check_key(&[], &table(&[Some("a"), Some("b")], &[0.0, 1.0]));
        assert_eq!(told, Err("its key is empty, so its table has at most one row, not 2".to_owned()));
    }
}
