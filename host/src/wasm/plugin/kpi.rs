//! KPIs: what silver rows add to their sums, and what the sums come to.

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use wasmtime::Store;
use wasmtime::component::{HasSelf, Linker, ResourceAny};

use super::{Identity, Runtime, Usage, World, instantiated, loader, usage};
use crate::Error;
use crate::error::{Breach, Result};
use crate::wasm::bindings::kpi;
use crate::wasm::state::{State, arm, arm_with, outcome};
use crate::wasm::{KpiSpec, ipc, native};

/// A loaded KPI.
pub struct Kpi {
    runtime: Runtime,
    pre: kpi::KpiPre<State>,
    identity: Identity,
    spec: KpiSpec,
}

loader!(Kpi, kpi, Kpi, KpiPre, smelt_plugin_aggregation, KpiSpec);

/// An aggregate of some rows, in a store of its own.
pub struct Accumulator<'p> {
    plugin: &'p Kpi,
    store: Store<State>,
    instance: kpi::Kpi,
    accumulator: ResourceAny,
    native: Option<native::Instance>,
}

impl Kpi {
    /// An accumulator that has seen no row.
    pub fn open(&self, params: &str, as_of: Option<i64>) -> Result<Accumulator<'_>> {
        let limits = &self.runtime.limits;
        let mut store = self.runtime.store();
        let made = self.pre.instantiate(&mut store);
        let instance = instantiated(&mut store, made)?;
        arm(&mut store, limits);
        let called = instance.smelt_plugin_aggregation().accumulator().call_open(&mut store, params, as_of);
        let accumulator = outcome(&mut store, "open", called)?;
        let native = self.runtime.native(params, as_of)?;
        Ok(Accumulator { plugin: self, store, instance, accumulator, native })
    }
}

impl Accumulator<'_> {
    /// Takes in rows of the named input, which has exactly the columns declared for it.
    pub fn update(&mut self, input: &str, batch: &RecordBatch) -> Result<()> {
        let stream = ipc::encode(batch)?;
        let Self { plugin, store, instance, accumulator, native } = self;
        arm_with(store, &plugin.runtime.limits, batch.num_rows(), &stream);
        let guest = instance.smelt_plugin_aggregation().accumulator();
        let called = match native {
            None => guest.call_update_batch(&mut *store, *accumulator, input, &stream),
            Some(native) => Ok(native.call("update-batch", &[input.as_bytes(), &stream]).map(|[]| ())),
        };
        outcome(store, "take in a batch", called)
    }

    /// What the rows taken in add to the first stage.
    pub fn state(&mut self) -> Result<RecordBatch> {
        let Self { plugin, store, instance, accumulator, native } = self;
        arm(store, &plugin.runtime.limits);
        let guest = instance.smelt_plugin_aggregation().accumulator();
        let called = match native {
            None => guest.call_state(&mut *store, *accumulator),
            Some(native) => Ok(native.call("state", &[]).map(|[state]| state)),
        };
        let stream = outcome(store, "give its state", called)?;
        plugin.decode("state", stream, &plugin.spec.stages[0].schema)
    }

    /// What whole groups of a stage, which is not the last one, add to the next; sorted by key.
    pub fn fold(&mut self, stage: usize, groups: &RecordBatch) -> Result<RecordBatch> {
        let stream = ipc::encode(groups)?;
        let Self { plugin, store, instance, accumulator, native } = self;
        arm_with(store, &plugin.runtime.limits, groups.num_rows(), &stream);
        let guest = instance.smelt_plugin_aggregation().accumulator();
        let called = match native {
            None => guest.call_fold(&mut *store, *accumulator, stage as u32, &stream),
            Some(native) => Ok(native.call("fold", &[&(stage as u32).to_le_bytes(), &stream]).map(|[folded]| folded)),
        };
        let stream = outcome(store, "fold groups", called)?;
        plugin.decode("fold", stream, &plugin.spec.stages[stage + 1].schema)
    }

    /// The KPI's table, from all rows of the last stage, sorted by key.
    pub fn evaluate(&mut self, sums: &RecordBatch) -> Result<RecordBatch> {
        let stream = ipc::encode(sums)?;
        let Self { plugin, store, instance, accumulator, native } = self;
        arm_with(store, &plugin.runtime.limits, sums.num_rows(), &stream);
        let guest = instance.smelt_plugin_aggregation().accumulator();
        let called = match native {
            None => guest.call_evaluate(&mut *store, *accumulator, &stream),
            Some(native) => Ok(native.call("evaluate", &[&stream]).map(|[table]| table)),
        };
        let stream = outcome(store, "evaluate", called)?;
        plugin.decode("evaluate", stream, &plugin.spec.output)
    }

    /// What it has used since it was opened.
    pub fn usage(&self) -> Usage {
        usage(&self.store)
    }
}

impl Kpi {
    fn decode(&self, call: &str, stream: Vec<u8>, schema: &SchemaRef) -> Result<RecordBatch> {
        ipc::decode(stream, schema, self.runtime.limits.output_rows).map_err(|error| {
            let plugin = &self.runtime.name;
            Error::breach(Breach::Form, format!("plugin `{plugin}` broke the contract in `{call}`: {error}"))
        })
    }
}
