//! Accumulators: they take in rows of an input, and give what the rows add to a stage.

use arrow_array::RecordBatch;
use wasmtime::Store;
use wasmtime::component::ResourceAny;

use super::earlier::EarlierAccumulator;
use super::loaded_kpi::Kpi;
use crate::bindings::v0_3_0;
use crate::plugin::loaded::cost;
use crate::state::{State, arm, arm_with, outcome};
use crate::{KpiInputSpec, ipc, native};
use smelt_common::cost::Cost;
use smelt_common::error::Result;

/// A KPI at work on rows of one input, in a store of its own. After an error it must be dropped.
pub struct Accumulator<'p> {
    plugin: &'p Kpi,
    input: usize,
    as_of: i64,
    guest: Guest<'p>,
}

enum Guest<'p> {
    Current(Box<Current>),
    /// Before 0.3.0 an accumulator never forgot a row. So one is used up by each state, and the next row gets a new one,
    /// in an instance of its own: what the former one has left in its memory can change nothing.
    Earlier {
        open: Option<Box<EarlierAccumulator<'p>>>,
        /// The cost of those that are used up.
        spent: Cost,
    },
}

struct Current {
    store: Store<State>,
    instance: v0_3_0::kpi::Kpi,
    accumulator: ResourceAny,
    /// The current batch as it is sent to the guest.
    stream: Vec<u8>,
    native: Option<native::Instance>,
}

impl Kpi {
    /// Opens an accumulator of an input, which has seen no row. If its setting asks for a time, it is told `as_of`, in
    /// microseconds since the epoch.
    pub fn accumulator(&self, input: usize, as_of: i64) -> Result<Accumulator<'_>> {
        Accumulator::open(self, input, as_of)
    }
}

impl<'p> Accumulator<'p> {
    pub(super) fn open(plugin: &'p Kpi, input: usize, as_of: i64) -> Result<Self> {
        let guest = match plugin.is_current() {
            false => {
                let open = Some(Box::new(EarlierAccumulator::open(plugin, as_of)?));
                Guest::Earlier { open, spent: Cost::default() }
            }
            true => Guest::Current(Box::new(Current::open(plugin, input, as_of)?)),
        };
        Ok(Self { plugin, input, as_of, guest })
    }

    /// Adds rows. They have exactly the columns that the plugin declares for the input.
    pub fn update(&mut self, batch: &RecordBatch) -> Result<()> {
        match &mut self.guest {
            Guest::Current(current) => current.update(self.plugin, batch),
            Guest::Earlier { open, .. } => {
                let open = match open {
                    Some(open) => open,
                    None => open.insert(Box::new(EarlierAccumulator::open(self.plugin, self.as_of)?)),
                };
                open.update(self.input, batch)
            }
        }
    }

    /// Returns what the rows that were added since the last call contribute to the stage of the input, or the rows of
    /// the table that they make where there is no stage.
    pub fn state(&mut self) -> Result<RecordBatch> {
        let schema = self.plugin.spec.state_schema(self.input);
        match &mut self.guest {
            Guest::Current(current) => {
                let stream = current.state(self.plugin)?;
                self.plugin.decode("state", stream, schema)
            }
            Guest::Earlier { open, spent } => {
                let Some(mut used) = open.take() else { return Ok(RecordBatch::new_empty(schema.clone())) };
                let state = used.state();
                spent.merge(used.cost());
                state
            }
        }
    }

    /// Returns what it has used since it was opened.
    pub fn cost(&self) -> Cost {
        match &self.guest {
            Guest::Current(current) => cost(&current.store),
            Guest::Earlier { open, spent } => {
                let mut all = *spent;
                open.iter().for_each(|open| all.merge(open.cost()));
                all
            }
        }
    }
}

impl Current {
    fn open(plugin: &Kpi, input: usize, as_of: i64) -> Result<Self> {
        let mut store = plugin.loaded.store();
        let instance = plugin.current(&mut store)?;
        let KpiInputSpec { number, accumulator: setting, .. } = &plugin.spec.inputs[input];
        let (number, params, as_of) = (*number, setting.params.as_str(), setting.as_of(as_of));
        arm(&mut store, &plugin.loaded.limits);
        let called = instance.smelt_plugin_aggregation().accumulator().call_open(&mut store, number, params, as_of);
        let accumulator = outcome(&mut store, "open", called)?;
        let native = plugin.loaded.native(Some(native::Part::Accumulator(number)), params, as_of)?;
        Ok(Self { store, instance, accumulator, stream: vec![], native })
    }

    fn update(&mut self, plugin: &Kpi, batch: &RecordBatch) -> Result<()> {
        let Self { store, instance, accumulator, stream, native } = self;
        ipc::encode_into(batch, stream)?;
        arm_with(store, &plugin.loaded.limits, batch.num_rows(), stream);
        let called = match native {
            None => {
                let accumulators = instance.smelt_plugin_aggregation().accumulator();
                accumulators.call_update_batch(&mut *store, *accumulator, stream)
            }
            Some(native) => Ok(native.call("update-batch", &[stream]).map(|[]| ())),
        };
        outcome(store, "take in a batch", called)
    }

    fn state(&mut self, plugin: &Kpi) -> Result<Vec<u8>> {
        let Self { store, instance, accumulator, stream: _, native } = self;
        arm(store, &plugin.loaded.limits);
        let called = match native {
            None => instance.smelt_plugin_aggregation().accumulator().call_state(&mut *store, *accumulator),
            Some(native) => Ok(native.call("state", &[]).map(|[state]| state)),
        };
        outcome(store, "give its state", called)
    }
}
