//! Accumulators of components before contract 0.3.0. One accumulator takes in rows of all inputs, and also folds and
//! evaluates.

use arrow_array::RecordBatch;
use wasmtime::Store;
use wasmtime::component::ResourceAny;

use super::loaded_kpi::Kpi;
use crate::bindings::{v0_1_0, v0_2_0};
use crate::plugin::loaded::cost;
use crate::state::{State, arm, arm_with, outcome};
use crate::versions::{Earlier, Versioned, earlier};
use crate::{ipc, native};
use smelt_common::Error;
use smelt_common::cost::Cost;
use smelt_common::error::Result;

/// Calls an accumulator, which is the same in all versions before 0.3.0.
macro_rules! accumulator {
    ($instance:ident.$call:ident($($argument:expr),*)) => {
        earlier!(&$instance, it => it.smelt_plugin_aggregation().accumulator().$call($($argument),*))
    };
}

/// An accumulator as the contracts before 0.3.0 have it, in a store of its own. Whoever runs a KPI uses
/// [`Accumulator`](super::Accumulator) and [`Reducer`](super::Reducer), which are the same for all versions.
pub struct EarlierAccumulator<'p> {
    plugin: &'p Kpi,
    store: Store<State>,
    instance: Earlier<v0_1_0::kpi::Kpi, v0_2_0::kpi::Kpi>,
    accumulator: ResourceAny,
    native: Option<native::Instance>,
}

impl Kpi {
    /// Opens an accumulator as it was before contract 0.3.0, to test what those contracts say. Returns `None` for a
    /// component of 0.3.0.
    pub fn earlier(&self, as_of: i64) -> Result<Option<EarlierAccumulator<'_>>> {
        (!self.is_current()).then(|| EarlierAccumulator::open(self, as_of)).transpose()
    }
}

impl<'p> EarlierAccumulator<'p> {
    /// Opens an accumulator that has seen no row.
    pub(super) fn open(plugin: &'p Kpi, as_of: i64) -> Result<Self> {
        let mut store = plugin.loaded.store();
        let Versioned::Earlier(instance) = Kpi::instance(plugin.code.pre()?, &mut store)? else {
            return Err(Error::internal("a component of 0.3.0 was called as an earlier one"));
        };
        // All parts of the plugin have the same setting.
        let setting = plugin.spec.settings().next();
        let setting = setting.ok_or_else(|| Error::internal("a KPI was loaded that has no input"))?;
        let (params, as_of) = (setting.params.as_str(), setting.as_of(as_of));
        arm(&mut store, &plugin.loaded.limits);
        let called = accumulator!(instance.call_open(&mut store, params, as_of));
        let accumulator = outcome(&mut store, "open", called)?;
        let native = plugin.loaded.native(None, params, as_of)?;
        Ok(Self { plugin, store, instance, accumulator, native })
    }

    /// Adds rows of an input. They have exactly the columns that the plugin declares for it.
    pub fn update(&mut self, input: usize, batch: &RecordBatch) -> Result<()> {
        let stream = ipc::encode(batch)?;
        let Self { plugin, store, instance, accumulator, native } = self;
        let input = plugin.spec.inputs[input].name.as_str();
        arm_with(store, &plugin.loaded.limits, batch.num_rows(), &stream);
        let called = match native {
            None => accumulator!(instance.call_update_batch(&mut *store, *accumulator, input, &stream)),
            Some(native) => Ok(native.call("update-batch", &[input.as_bytes(), &stream]).map(|[]| ())),
        };
        outcome(store, "take in a batch", called)
    }

    /// Returns what all rows that were ever added contribute to the first stage.
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

    /// Returns the KPI's table. `sums` are all rows of the last stage, sorted by key. The key of the table is not
    /// checked.
    pub fn evaluate(&mut self, sums: &RecordBatch) -> Result<RecordBatch> {
        let stream = ipc::encode(sums)?;
        let Self { plugin, store, instance, accumulator, native } = self;
        arm_with(store, &plugin.loaded.limits, sums.num_rows(), &stream);
        let called = match native {
            None => accumulator!(instance.call_evaluate(&mut *store, *accumulator, &stream)),
            Some(native) => Ok(native.call("evaluate", &[&stream]).map(|[table]| table)),
        };
        let stream = outcome(store, "evaluate", called)?;
        plugin.decode("evaluate", stream, &plugin.spec.output)
    }

    /// Returns what it has used since it was opened.
    pub fn cost(&self) -> Cost {
        cost(&self.store)
    }
}
