//! What a component of world `kpi` does, in the contract's own parts: an accumulator for each input, and a reducer for
//! each stage. [`Kpi`](crate::Kpi) and [`table`](crate::table()) are two ways to make a [`Definition`].

mod kpi;

pub use kpi::OfKpi;

use crate::bindings::types::{Field, Identity, KpiDescription, KpiInput, Setting, Stage};
use crate::{Batch, Config, Fault, Result, Timestamp};

/// A component of world `kpi`, as the export macros see it.
#[doc(hidden)]
pub trait Component {
    /// Says who the component is, whatever its parameters.
    fn identify() -> Identity;
    /// Says what it does under these parameters.
    fn define(config: &Config) -> Result<Definition>;
}

/// What a component does under its parameters: the description that the host reads, and the code of every part.
pub struct Definition {
    pub(crate) inputs: Vec<Input>,
    pub(crate) stages: Vec<Staged>,
    pub(crate) output: Vec<Field>,
    pub(crate) key: Option<Vec<String>>,
}

/// One input, and how its accumulators are opened.
pub(crate) struct Input {
    pub(crate) name: String,
    pub(crate) columns: Vec<Field>,
    pub(crate) stage: u32,
    pub(crate) setting: Setting,
    pub(crate) open: Open<dyn Accumulate>,
}

/// One stage, and how its reducer is opened.
pub(crate) struct Staged {
    pub(crate) key: Vec<Field>,
    pub(crate) sums: Vec<Field>,
    pub(crate) group: u32,
    pub(crate) setting: Setting,
    pub(crate) open: Open<dyn Reduce>,
}

/// Opens a part that writes to the [`Target`].
pub(crate) type Open<Part> = Box<dyn FnOnce(Target) -> Result<Box<Part>>>;

/// What a part writes to, and what it is told.
pub(crate) struct Target {
    /// The columns of the next stage, or of the table.
    pub(crate) fields: Vec<Field>,
    /// How many of these columns are a key. All of them, if they are those of the table.
    pub(crate) keys: usize,
    pub(crate) as_of: Option<Timestamp>,
}

/// An aggregate of rows of one input.
pub(crate) trait Accumulate {
    fn update(&mut self, rows: &Batch<'_>) -> Result<()>;
    /// Returns what the rows taken in since the last call add to the stage, and forgets them.
    fn state(&mut self) -> Result<Vec<u8>>;
}

/// Makes rows of the next stage, or of the table, of groups of one stage.
pub(crate) trait Reduce {
    /// Takes the next rows, where `ends` says how many rows come up to the end of each group. Returns the rows that they
    /// make, and whether the group that goes on needs no more.
    fn reduce(&mut self, rows: &Batch<'_>, ends: &[u32]) -> Result<(Vec<u8>, bool)>;
}

impl Definition {
    /// Returns the description that the contract has.
    pub(crate) fn describe(self) -> KpiDescription {
        let Self { inputs, stages, output, key } = self;
        let inputs = inputs.into_iter().map(|Input { name, columns, stage, setting, open: _ }| KpiInput {
            name,
            columns,
            stage,
            accumulator: setting,
        });
        let stages = stages.into_iter().map(|Staged { key, sums, group, setting, open: _ }| Stage {
            key,
            sums,
            group,
            reducer: setting,
        });
        KpiDescription { inputs: inputs.collect(), stages: stages.collect(), output, key }
    }

    /// Opens an accumulator of the input with that index.
    pub(crate) fn accumulator(mut self, input: u32, as_of: Option<Timestamp>) -> Result<Box<dyn Accumulate>> {
        let index = input as usize;
        if index >= self.inputs.len() {
            return Err(Fault::invalid_input(format!("there is no input {input}")));
        }
        let Input { stage, open, .. } = self.inputs.swap_remove(index);
        open(self.target(stage as usize, as_of))
    }

    /// Opens a reducer of the stage with that index.
    pub(crate) fn reducer(mut self, stage: u32, as_of: Option<Timestamp>) -> Result<Box<dyn Reduce>> {
        let index = stage as usize;
        if index >= self.stages.len() {
            return Err(Fault::invalid_input(format!("there is no stage {stage}")));
        }
        let target = self.target(index + 1, as_of);
        (self.stages.swap_remove(index).open)(target)
    }

    /// Returns the stage with that index as a target, or the table if there are fewer stages.
    fn target(&self, stage: usize, as_of: Option<Timestamp>) -> Target {
        match self.stages.get(stage) {
            Some(Staged { key, sums, .. }) => Target { fields: [&key[..], sums].concat(), keys: key.len(), as_of },
            None => Target { fields: self.output.clone(), keys: self.output.len(), as_of },
        }
    }
}
