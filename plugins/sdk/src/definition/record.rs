//! The definition of a component: what the host is told of every part, and how the part is opened.

use super::out::Out;
use super::target::Target;
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

/// A component under its parameters: the description that the host reads, and the code of every part.
pub struct Definition {
    pub(crate) inputs: Vec<Input>,
    pub(crate) stages: Vec<Staged>,
    pub(crate) output: Vec<Field>,
    pub(crate) key: Option<Vec<String>>,
    /// Set if the one input stands for whichever is opened: see [`Flow::define_part`](super::Flow::define_part).
    pub(crate) is_part: bool,
}

/// One input, and how its accumulators are opened.
pub(crate) struct Input {
    pub(crate) name: String,
    pub(crate) columns: Vec<Field>,
    pub(crate) stage: u32,
    pub(crate) told: Told,
    pub(crate) open: Open<dyn Accumulate>,
}

/// One stage, and how its reducer is opened.
pub(crate) struct Staged {
    pub(crate) key: Vec<Field>,
    pub(crate) sums: Vec<Field>,
    pub(crate) group: u32,
    /// Set if the last sum counts the rows that were added, which is the SDK's business.
    pub(crate) counts: bool,
    pub(crate) told: Told,
    pub(crate) open: Open<dyn Reduce>,
}

/// The things that a part depends on: the parameters of these names, or all of them, and perhaps the time.
#[derive(Clone, Default)]
pub(crate) struct Told {
    pub(crate) parameters: Option<Vec<&'static str>>,
    /// The text that takes the place of the parameters.
    pub(crate) text: Option<String>,
    pub(crate) as_of: bool,
}

impl Told {
    fn setting(self, config: &Config) -> Result<Setting> {
        let params = match self.text {
            Some(text) => text,
            None => config.setting(self.parameters.as_deref())?,
        };
        Ok(Setting { params, uses_as_of: self.as_of })
    }
}

/// Opens a part that writes to the [`Target`].
pub(crate) type Open<Part> = Box<dyn FnOnce(Target) -> Result<Box<Part>>>;

/// An aggregate of rows of one input.
pub(crate) trait Accumulate {
    fn update(&mut self, rows: &Batch<'_>) -> Result<()>;
    /// Returns what the rows taken in since the last call add to the stage, and forgets them.
    fn state(&mut self) -> Result<Vec<u8>>;
}

/// An aggregate of rows of one input that the component writes itself, where a closure that sees one row does not do: it
/// takes batches as they come, and its columns may depend on parameters.
pub trait Gather<K> {
    /// Takes in rows, and adds rows of the stage or keeps what they are for [`state`](Self::state).
    ///
    /// # Errors
    /// A fault fails the call of the host.
    fn update(&mut self, rows: &Batch<'_>, out: &mut Out<K>) -> Result<()>;

    /// Adds what it kept of the rows since the last call, and forgets it.
    ///
    /// # Errors
    /// A fault fails the call of the host.
    fn state(&mut self, _out: &mut Out<K>) -> Result<()> {
        Ok(())
    }
}

/// Makes rows of the next stage, or of the table, of groups of one stage.
pub(crate) trait Reduce {
    /// Takes the next rows, where `ends` says how many rows come up to the end of each group. Returns the rows that they
    /// make, and whether the group that goes on needs no more.
    fn reduce(&mut self, rows: &Batch<'_>, ends: &[u32]) -> Result<(Vec<u8>, bool)>;

    /// Returns all that it remembers of the group that has begun; `None` if it gathers the group's rows.
    fn save(&self) -> Option<Vec<u8>> {
        None
    }

    /// Goes on in the middle of a group, where the one was that saved these bytes.
    fn resume(&mut self, _saved: &[u8]) -> Result<()> {
        Err(Fault::invalid_input("this part has saved nothing"))
    }
}

impl Definition {
    /// Returns the description that the contract has.
    pub(crate) fn describe(self, config: &Config) -> Result<KpiDescription> {
        let Self { inputs, stages, output, key, is_part: _ } = self;
        let inputs = inputs.into_iter().map(|Input { name, columns, stage, told, open: _ }| {
            Ok(KpiInput { name, columns, stage, accumulator: told.setting(config)? })
        });
        let stages = stages.into_iter().map(|Staged { key, sums, group, counts: _, told, open: _ }| {
            Ok(Stage { key, sums, group, reducer: told.setting(config)? })
        });
        Ok(KpiDescription {
            inputs: inputs.collect::<Result<_>>()?,
            stages: stages.collect::<Result<_>>()?,
            output,
            key,
        })
    }

    /// Opens an accumulator of the input with that index.
    pub(crate) fn accumulator(mut self, input: u32, as_of: Option<Timestamp>) -> Result<Box<dyn Accumulate>> {
        let index = if self.is_part { 0 } else { input as usize };
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
            Some(Staged { key, sums, counts, .. }) => {
                Target { fields: [&key[..], sums].concat(), of_stage: true, counts: *counts, as_of }
            }
            None => Target { fields: self.output.clone(), of_stage: false, counts: false, as_of },
        }
    }
}
