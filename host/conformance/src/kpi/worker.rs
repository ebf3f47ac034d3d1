//! Does all the work of a KPI, with the calls that its contract has.

use arrow_array::RecordBatch;

use super::opened::Calls;
use smelt_common::Error;
use smelt_common::cost::Cost;
use smelt_common::error::Result;
use smelt_runtime::sums::Groups;
use smelt_runtime::{Accumulator, EarlierAccumulator, Reducer};

/// A KPI at work.
pub(super) enum Worker<'k> {
    /// Before 0.3.0 one accumulator does everything.
    Earlier { accumulator: Box<EarlierAccumulator<'k>>, last_stage: usize },
    /// Since 0.3.0 each input has an accumulator, and each stage a reducer, which is opened when it is needed.
    Parts(Parts<'k>),
}

pub(super) struct Parts<'k> {
    calls: Calls<'k>,
    accumulators: Vec<Accumulator<'k>>,
    reducers: Vec<Option<Reducer<'k>>>,
}

impl<'k> Worker<'k> {
    pub(super) fn open(calls: Calls<'k>) -> Result<Self> {
        if let Some(accumulator) = calls.plugin.earlier(calls.as_of)? {
            return Ok(Self::Earlier { accumulator: Box::new(accumulator), last_stage: calls.stages.len() - 1 });
        }
        let inputs = 0..calls.plugin.spec().inputs.len();
        let accumulators = inputs.map(|input| calls.plugin.accumulator(input, calls.as_of)).collect::<Result<_>>()?;
        let reducers = calls.plugin.spec().stages.iter().map(|_| None).collect();
        Ok(Self::Parts(Parts { calls, accumulators, reducers }))
    }

    /// Opens the reducers of all stages too.
    pub(super) fn open_all(&mut self) -> Result<()> {
        let Self::Parts(parts) = self else { return Ok(()) };
        (0..parts.reducers.len()).try_for_each(|stage| parts.reducer(stage).map(|_| ()))
    }

    pub(super) fn update(&mut self, input: usize, rows: &RecordBatch) -> Result<()> {
        match self {
            Self::Earlier { accumulator, .. } => accumulator.update(input, rows),
            Self::Parts(parts) => parts.accumulators[input].update(rows),
        }
    }

    /// Returns what rows add to the stages: all rows that were taken in, or, since 0.3.0, those since the last call.
    pub(super) fn states(&mut self) -> Result<Vec<(usize, RecordBatch)>> {
        match self {
            Self::Earlier { accumulator, .. } => Ok(vec![(0, accumulator.state()?)]),
            Self::Parts(Parts { calls, accumulators, .. }) => {
                let inputs = accumulators.iter_mut().zip(&calls.plugin.spec().inputs);
                inputs.map(|(accumulator, input)| Ok((input.stage, accumulator.state()?))).collect()
            }
        }
    }

    /// Returns what groups of a stage are reduced to, if they are cut into pieces of at most `most` rows. Before 0.3.0
    /// they are not cut.
    pub(super) fn reduce(&mut self, stage: usize, groups: &Groups, most: usize) -> Result<RecordBatch> {
        let Groups { rows, ends } = groups;
        match self {
            Self::Earlier { accumulator, last_stage } if stage < *last_stage => accumulator.fold(stage, rows),
            Self::Earlier { accumulator, .. } => accumulator.evaluate(rows),
            Self::Parts(parts) => {
                let reducer = parts.reducer(stage)?;
                match most {
                    usize::MAX => reducer.reduce(rows, ends),
                    most => reducer.reduce_in_pieces(rows, ends, most),
                }
                .map(|reduced| reduced.rows)
            }
        }
    }

    pub(super) fn cost(&self) -> Cost {
        match self {
            Self::Earlier { accumulator, .. } => accumulator.cost(),
            Self::Parts(Parts { accumulators, reducers, .. }) => {
                let mut all = Cost::default();
                accumulators.iter().for_each(|accumulator| all.merge(accumulator.cost()));
                reducers.iter().flatten().for_each(|reducer| all.merge(reducer.cost()));
                all
            }
        }
    }
}

impl<'k> Parts<'k> {
    fn reducer(&mut self, stage: usize) -> Result<&mut Reducer<'k>> {
        let Self { calls, reducers, .. } = self;
        let reducer = reducers.get_mut(stage).ok_or_else(|| Error::internal("a stage is reduced that is not there"))?;
        match reducer {
            Some(open) => Ok(open),
            None => Ok(reducer.insert(calls.plugin.reducer(stage, calls.as_of)?)),
        }
    }
}
