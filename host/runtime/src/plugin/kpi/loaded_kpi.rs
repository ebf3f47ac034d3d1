//! The loaded component of a KPI.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use wasmtime::Store;

use super::key;
use crate::bindings::{types, v0_1_0, v0_2_0, v0_3_0};
use crate::plugin::code::Code;
use crate::plugin::identity::Identity;
use crate::plugin::loaded::{Loaded, instantiated};
use crate::plugin::loader::loader;
use crate::plugin::world::World;
use crate::state::{State, outcome};
use crate::versions::{Earlier, Said, Versioned, earlier};
use crate::{Contract, KpiSpec, ipc};
use smelt_common::Error;
use smelt_common::error::{Breach, Result};

/// A loaded KPI.
pub struct Kpi {
    pub(super) loaded: Loaded,
    pub(super) code: Arc<Code<Pre>>,
    identity: Identity,
    pub(super) spec: KpiSpec,
    params: String,
}

loader!(Kpi, kpi, Kpi, KpiPre, smelt_plugin_aggregation, KpiDescription, KpiSpec);

impl Kpi {
    /// Makes the KPI have these of its inputs, each given by its index, as often as they are there: an input may read a
    /// relation that is made of several.
    pub fn repeat_inputs(&mut self, inputs: &[usize]) {
        self.spec.inputs = inputs.iter().filter_map(|&input| self.spec.inputs.get(input).cloned()).collect();
    }

    /// Checks that no two rows of the whole table agree in the declared key.
    ///
    /// # Errors
    /// The plugin broke the contract. The error names the columns, not their content.
    pub fn check_table(&self, table: &RecordBatch) -> Result<()> {
        let Some(key) = &self.spec.key else { return Ok(()) };
        let call = match self.is_current() {
            false => "evaluate",
            true if self.spec.stages.is_empty() => "state",
            true => "reduce",
        };
        key::check_key(key, table).map_err(|what| self.broken(call).in_words(what))
    }

    /// Returns whether it is a component of 0.3.0.
    pub(super) fn is_current(&self) -> bool {
        self.identity.contract.describes_parameters()
    }

    /// Returns a new instance of a component of 0.3.0.
    pub(super) fn current(&self, store: &mut Store<State>) -> Result<v0_3_0::kpi::Kpi> {
        match Self::instance(self.code.pre()?, store)? {
            Versioned::V0_3_0(instance) => Ok(instance),
            Versioned::Earlier(_) => Err(Error::internal("a component before 0.3.0 was called as one of 0.3.0")),
        }
    }

    pub(super) fn decode(&self, call: &str, stream: Vec<u8>, schema: &SchemaRef) -> Result<RecordBatch> {
        // The text may contain names that the guest gave its columns.
        ipc::decode(stream, schema, self.loaded.limits.output_rows).map_err(|error| self.broken(call).in_words(error))
    }

    pub(super) fn broken(&self, call: &str) -> Error {
        let plugin = &self.loaded.name;
        Error::breach(Breach::Form, format!("plugin `{plugin}` broke the contract in `{call}`"))
    }
}
