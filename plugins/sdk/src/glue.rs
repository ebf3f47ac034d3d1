//! What the export macros call: the contract's calls, in terms of the SDK's traits. Not for plugins.
#![doc(hidden)]

use std::cell::RefCell;

use crate::bindings::types::{self, KpiDescription};
use crate::{Batch, Cleaned, Cleaner, CleanerDescription, Config, Fault, Kpi, Result, Source, Table, Tick, Timestamp};

pub use crate::host::report_panics;

/// A cleaner's session.
pub struct Session<T> {
    cleaner: RefCell<T>,
    description: CleanerDescription,
}

impl<T: Cleaner> Session<T> {
    pub fn open(params: &str, as_of: Option<i64>) -> Result<Self> {
        let description = T::describe();
        let config = Config::new(params, &description.identity.parameters, as_of.map(Timestamp))?;
        Ok(Self { cleaner: RefCell::new(T::open(&config)?), description })
    }

    pub fn clean(&self, batch: &[u8]) -> Result<types::Cleaned> {
        let batch = Batch::read(batch)?;
        let mut cleaned = Cleaned::new(&self.description, batch.len());
        self.cleaner.borrow_mut().clean(&batch, &mut cleaned)?;
        cleaned.finish()
    }
}

/// A KPI's accumulator.
pub struct Accumulator<T> {
    kpi: RefCell<T>,
    description: KpiDescription,
}

impl<T: Kpi> Accumulator<T> {
    pub fn open(params: &str, as_of: Option<i64>) -> Result<Self> {
        let description = T::describe();
        let config = Config::new(params, &description.identity.parameters, as_of.map(Timestamp))?;
        Ok(Self { kpi: RefCell::new(T::open(&config)?), description })
    }

    pub fn update_batch(&self, input: &str, batch: &[u8]) -> Result<()> {
        if !self.description.inputs.iter().any(|known| known.name == input) {
            return Err(Fault::invalid_input(format!("there is no input `{input}`")));
        }
        self.kpi.borrow_mut().update(input, &Batch::read(batch)?)
    }

    pub fn state(&self) -> Result<Vec<u8>> {
        let mut table = self.stage(0)?;
        self.kpi.borrow().state(&mut table)?;
        table.finish()
    }

    pub fn fold(&self, stage: u32, groups: &[u8]) -> Result<Vec<u8>> {
        let stage = stage as usize;
        let mut table = self.stage(stage + 1)?;
        self.kpi.borrow().fold(stage, &Batch::read(groups)?, &mut table)?;
        table.finish()
    }

    pub fn evaluate(&self, sums: &[u8]) -> Result<Vec<u8>> {
        let mut table = Table::new(&self.description.output);
        self.kpi.borrow().evaluate(&Batch::read(sums)?, &mut table)?;
        table.finish()
    }

    /// An empty table of that stage.
    fn stage(&self, stage: usize) -> Result<Table> {
        let declared = self.description.stages.get(stage);
        let declared = declared.ok_or_else(|| Fault::invalid_input(format!("there is no stage {stage}")))?;
        Ok(Table::new(&[&declared.key[..], &declared.sums].concat()))
    }
}

/// A source's `generate`.
pub fn generate<T: Source>(params: &str, seed: u64, tick: u64, as_of: i64) -> Result<Vec<types::Object>> {
    let config = Config::new(params, &T::describe().identity.parameters, None)?;
    T::generate(&config, Tick { seed, number: tick, as_of: Timestamp(as_of) })
}
