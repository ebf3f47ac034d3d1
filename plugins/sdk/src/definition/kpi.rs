//! A [`Kpi`] as a definition. `fold` and `evaluate` take whole groups, so the reducers of a KPI gather them.

use std::marker::PhantomData;

use super::record::{Accumulate, Component, Definition, Input, Reduce, Staged, Told};
use super::target::Target;
use crate::bindings::types::Identity;
use crate::{Batch, Config, Kpi, Result, Table};

/// The component that a [`Kpi`] is.
#[doc(hidden)]
pub struct OfKpi<T>(PhantomData<T>);

impl<T: Kpi> Component for OfKpi<T> {
    fn identify() -> Identity {
        T::describe().identity
    }

    fn define(config: &Config) -> Result<Definition> {
        let description = T::describe();
        // A KPI has one `open` for all its parts, so all of them may depend on everything.
        let told = Told { parameters: None, text: None, as_of: description.uses_as_of };
        let inputs = description.inputs.into_iter().map(|input| {
            let (config, name) = (config.clone(), input.name.clone());
            Input {
                name: input.name,
                columns: input.columns,
                stage: 0,
                told: told.clone(),
                open: Box::new(move |target| Ok(Box::new(Taken::<T>::open(config, name, &target)?))),
            }
        });
        let last = description.stages.len().saturating_sub(1);
        let stages = description.stages.into_iter().enumerate().map(|(index, stage)| {
            let (config, columns) = (config.clone(), [&stage.key[..], &stage.sums].concat());
            Staged {
                key: stage.key,
                sums: stage.sums,
                group: stage.group,
                counts: false,
                told: told.clone(),
                open: Box::new(move |target| {
                    let (rows, out) = (Table::new(&columns), Table::new(&target.fields));
                    let stage = (index < last).then_some(index);
                    Ok(Box::new(Groups { kpi: T::open(&config)?, stage, begun: rows, out }))
                }),
            }
        });
        Ok(Definition {
            inputs: inputs.collect(),
            stages: stages.collect(),
            output: description.output,
            key: description.key,
            is_part: false,
        })
    }
}

/// A KPI that takes in rows of one input.
struct Taken<T> {
    kpi: T,
    config: Config,
    input: String,
    out: Table,
}

impl<T: Kpi> Taken<T> {
    fn open(config: Config, input: String, target: &Target) -> Result<Self> {
        Ok(Self { kpi: T::open(&config)?, config, input, out: Table::new(&target.fields) })
    }
}

impl<T: Kpi> Accumulate for Taken<T> {
    fn update(&mut self, rows: &Batch<'_>) -> Result<()> {
        self.kpi.update(&self.input, rows)
    }

    fn state(&mut self) -> Result<Vec<u8>> {
        self.kpi.state(&mut self.out)?;
        self.kpi.forget(&self.config)?;
        self.out.finish()
    }
}

/// A KPI that folds the groups of a stage or, if `stage` is `None`, evaluates the last one.
struct Groups<T> {
    kpi: T,
    stage: Option<usize>,
    /// The rows so far of a group that goes on.
    begun: Table,
    out: Table,
}

impl<T: Kpi> Groups<T> {
    fn take(&mut self, groups: &Batch<'_>) -> Result<()> {
        match self.stage {
            Some(stage) => self.kpi.fold(stage, groups, &mut self.out),
            None => self.kpi.evaluate(groups, &mut self.out),
        }
    }
}

impl<T: Kpi> Reduce for Groups<T> {
    fn reduce(&mut self, rows: &Batch<'_>, ends: &[u32]) -> Result<(Vec<u8>, bool)> {
        let ended = ends.last().map_or(0, |&end| end as usize);
        if ends.is_empty() {
            self.begun.copy_rows(rows, rows.rows())?;
        } else if self.begun.is_empty() && ended == rows.len() {
            // Nearly always the batch has whole groups, which need no copy.
            self.take(rows)?;
        } else {
            self.begun.copy_rows(rows, 0..ended)?;
            let whole = self.begun.finish()?;
            self.take(&Batch::read(&whole)?)?;
            self.begun.copy_rows(rows, ended..rows.len())?;
        }
        Ok((self.out.finish()?, false))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{decode, encode};
    use crate::{Field, KpiDescription, describe_kpi, identity, int64, text};

    /// The greatest number of each name, and then of all.
    struct Greatest;

    impl Kpi for Greatest {
        fn describe() -> KpiDescription {
            describe_kpi(identity!())
                .input("rows", [text("name"), int64("number")])
                .fold_by([text("name")], [int64("number")], [int64("rows")])
                .sums([int64("number")], [int64("names")])
                .output([int64("number"), int64("names")])
        }
        fn open(_: &Config) -> Result<Self> {
            Ok(Self)
        }
        fn update(&mut self, _: &str, _: &Batch) -> Result<()> {
            Ok(())
        }
        fn state(&self, _: &mut Table) -> Result<()> {
            Ok(())
        }
        fn fold(&self, _: usize, groups: &Batch, out: &mut Table) -> Result<()> {
            let numbers = groups.integers("number")?;
            for group in groups.groups(["name"])? {
                out.row().integer(numbers.value(group.end - 1)).integer(1);
            }
            Ok(())
        }
        fn evaluate(&self, sums: &Batch, out: &mut Table) -> Result<()> {
            out.copy_rows(sums, sums.rows())
        }
    }

    fn fields() -> [Field; 3] {
        [text("name"), int64("number"), int64("rows")]
    }

    #[test]
    fn a_group_is_whole_wherever_batches_are_cut() {
        let rows = ["a 1", "a 2", "b 7", "c 1", "c 2", "c 3"].map(|row| row.split_once(' ').expect("two cells"));
        let rows = rows.map(|(name, number)| [Some(name), Some(number), Some("1")]);
        let ends = [2, 3, 6];
        for cut in 0..=6usize {
            let config = Config::new("{}", &crate::Parameters::none().schema(), None).expect("no parameters");
            let definition = OfKpi::<Greatest>::define(&config).expect("it is defined");
            let mut reducer = definition.reducer(0, None).expect("it opens");
            let mut made = Vec::new();
            for (from, to) in [(0, cut), (cut, 6)] {
                let part: Vec<&[_]> = rows[from..to].iter().map(|row| row.as_slice()).collect();
                let batch = encode(&fields(), &part).expect("valid rows");
                // A group that ends where the batch is cut ends in the first part or, without rows, in the second.
                let ends = ends.iter().filter(|&&end| (end > from || (from > 0 && end == from)) && end <= to);
                let ends = ends.filter(|&&end| !(from == 0 && end == cut)).map(|&end| (end - from) as u32);
                let (out, enough) = reducer
                    .reduce(&Batch::read(&batch).expect("a stream"), &ends.collect::<Vec<_>>())
                    .expect("it reduces");
                assert!(!enough);
                made.extend(decode(&[int64("number"), int64("names")], &out).expect("rows"));
            }
            assert_eq!(made, [["2", "1"], ["7", "1"], ["3", "1"]], "cut before row {cut}");
        }
    }
}
