//! KPIs: plugins that turn rows of relations into rows of sums, and sums into a table.
//!
//! - `accumulator` takes in rows of an input, and `reducer` takes groups of a stage.
//! - `earlier` calls components before contract 0.3.0, in which accumulators did all of that.
//! - `key` checks the key of the table.

mod accumulator;
mod earlier;
mod key;
mod reducer;
#[cfg(test)]
mod tests;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use wasmtime::Store;

pub use accumulator::Accumulator;
pub use earlier::EarlierAccumulator;
pub use reducer::{Reduced, Reducer};

use super::identity::Identity;
use super::loaded::{Loaded, instantiated};
use super::loader::loader;
use super::world::World;
use crate::bindings::{types, v0_1_0, v0_2_0, v0_3_0};
use crate::state::{State, outcome};
use crate::versions::{Earlier, Said, Versioned, earlier};
use crate::{Contract, KpiSpec, ipc};
use smelt_common::Error;
use smelt_common::error::{Breach, Result};

/// A loaded KPI.
pub struct Kpi {
    loaded: Loaded,
    pre: Pre,
    identity: Identity,
    spec: KpiSpec,
    params: String,
}

loader!(Kpi, kpi, Kpi, KpiPre, smelt_plugin_aggregation, KpiDescription, KpiSpec);

impl Kpi {
    /// Opens an accumulator of an input, which has seen no row. If its setting asks for a time, it is told `as_of`, in
    /// microseconds since the epoch.
    pub fn accumulator(&self, input: usize, as_of: i64) -> Result<Accumulator<'_>> {
        Accumulator::open(self, input, as_of)
    }

    /// Opens a reducer of a stage, which has seen no group. If its setting asks for a time, it is told `as_of`, in
    /// microseconds since the epoch.
    pub fn reducer(&self, stage: usize, as_of: i64) -> Result<Reducer<'_>> {
        Reducer::open(self, stage, as_of)
    }

    /// Opens an accumulator as it was before contract 0.3.0, to test what those contracts say. Returns `None` for a
    /// component of 0.3.0.
    pub fn earlier(&self, as_of: i64) -> Result<Option<EarlierAccumulator<'_>>> {
        match self.pre {
            Versioned::Earlier(_) => EarlierAccumulator::open(self, as_of).map(Some),
            Versioned::V0_3_0(_) => Ok(None),
        }
    }

    /// Checks that no two rows of the whole table agree in the declared key.
    ///
    /// # Errors
    /// The plugin broke the contract. The error names the columns, not their content.
    pub fn check_table(&self, table: &RecordBatch) -> Result<()> {
        let Some(key) = &self.spec.key else { return Ok(()) };
        let call = match self.pre {
            Versioned::Earlier(_) => "evaluate",
            Versioned::V0_3_0(_) if self.spec.stages.is_empty() => "state",
            Versioned::V0_3_0(_) => "reduce",
        };
        key::check_key(key, table).map_err(|what| self.broken(call).in_words(what))
    }

    /// Returns a new instance of a component of 0.3.0.
    fn current(&self, store: &mut Store<State>) -> Result<v0_3_0::kpi::Kpi> {
        match Self::instance(&self.pre, store)? {
            Versioned::V0_3_0(instance) => Ok(instance),
            Versioned::Earlier(_) => Err(Error::internal("a component before 0.3.0 was called as one of 0.3.0")),
        }
    }

    fn decode(&self, call: &str, stream: Vec<u8>, schema: &SchemaRef) -> Result<RecordBatch> {
        // The text may contain names that the guest gave its columns.
        ipc::decode(stream, schema, self.loaded.limits.output_rows).map_err(|error| self.broken(call).in_words(error))
    }

    fn broken(&self, call: &str) -> Error {
        let plugin = &self.loaded.name;
        Error::breach(Breach::Form, format!("plugin `{plugin}` broke the contract in `{call}`"))
    }
}
