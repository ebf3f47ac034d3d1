//! The instances that a host calls: the same sessions, accumulators and reducers as in a component.

use super::call::Instance;
use crate::bindings::types;
use crate::glue::{Accumulator, Component, Reducer, Session};
use crate::{Cleaner, Fault, Result};

impl<T: Cleaner> Instance for Session<T> {
    fn open(name: &str, arguments: &[&[u8]]) -> Result<Self> {
        let ("open", [params, as_of]) = (name, arguments) else { return Err(unknown(name)) };
        Self::open(&text(params), instant(as_of))
    }

    fn call(&self, name: &str, arguments: &[&[u8]]) -> Result<Vec<Vec<u8>>> {
        let ("clean", [batch]) = (name, arguments) else { return Err(unknown(name)) };
        let types::Cleaned { kept, kept_rows, rejected, repaired } = self.clean(batch)?;
        let rejected = rejected.into_iter().flat_map(|types::Rejection { row, rule }| [row, rule]);
        let repaired = repaired.into_iter().flat_map(|types::Repair { rule, rows }| [rule, rows]);
        Ok(vec![kept, numbers(kept_rows), numbers(rejected), numbers(repaired)])
    }
}

/// An accumulator or a reducer of a component of world `kpi`.
pub enum Part<C> {
    Accumulator(Accumulator, std::marker::PhantomData<C>),
    Reducer(Reducer),
}

impl<C: Component> Instance for Part<C> {
    fn open(name: &str, arguments: &[&[u8]]) -> Result<Self> {
        let [index, params, as_of, saved @ ..] = arguments else { return Err(unknown(name)) };
        let index = u32::from_le_bytes(*index.first_chunk().ok_or_else(|| unknown(name))?);
        let (params, as_of) = (text(params), instant(as_of));
        match (name, saved) {
            ("open-accumulator", []) => {
                Ok(Self::Accumulator(Accumulator::open::<C>(index, &params, as_of)?, std::marker::PhantomData))
            }
            ("open-reducer", []) => Ok(Self::Reducer(Reducer::open::<C>(index, &params, as_of, None)?)),
            ("open-reducer", [saved]) => Ok(Self::Reducer(Reducer::open::<C>(index, &params, as_of, Some(saved))?)),
            _ => Err(unknown(name)),
        }
    }

    fn call(&self, name: &str, arguments: &[&[u8]]) -> Result<Vec<Vec<u8>>> {
        match (self, name, arguments) {
            (Self::Accumulator(part, _), "update-batch", [batch]) => part.update_batch(batch).map(|()| vec![]),
            (Self::Accumulator(part, _), "state", []) => Ok(vec![part.state()?]),
            (Self::Reducer(part), "reduce", [rows, ends]) => {
                let ends: Vec<_> = ends.as_chunks().0.iter().map(|end| u32::from_le_bytes(*end)).collect();
                let types::Reduced { rows, enough } = part.reduce(rows, &ends)?;
                Ok(vec![rows, vec![u8::from(enough)]])
            }
            (Self::Reducer(part), "save", []) => {
                let saved = part.save()?;
                Ok(vec![vec![u8::from(saved.is_some())], saved.unwrap_or_default()])
            }
            _ => Err(unknown(name)),
        }
    }
}

fn text(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

/// Reads a time, which has no bytes if there is none.
fn instant(bytes: &[u8]) -> Option<i64> {
    bytes.first_chunk().map(|bytes| i64::from_le_bytes(*bytes))
}

fn numbers(numbers: impl IntoIterator<Item = u32>) -> Vec<u8> {
    numbers.into_iter().flat_map(u32::to_le_bytes).collect()
}

fn unknown(name: &str) -> Fault {
    Fault::internal(format!("there is no call `{name}` with these arguments"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::glue::OfKpi;
    use crate::prelude::*;
    use crate::testing::{decode, encode};

    /// Counts numbers.
    #[derive(Default)]
    struct Count;

    impl SumByKey for Count {
        type Key = i64;
        fn describe() -> KpiDescription {
            describe_kpi(crate::identity!())
                .input("rows", [int64("number")])
                .sums([int64("number")], [int64("rows"), money("none")])
                .output([int64("number"), int64("rows")])
        }
        fn update(&self, _: &str, rows: &Batch, totals: &mut Totals<i64>) -> Result<()> {
            let numbers = rows.integers("number")?;
            totals.extend(rows.rows().map(|row| (numbers.value(row), 1, Money::ZERO)));
            Ok(())
        }
    }

    #[test]
    fn a_host_calls_parts_by_name() {
        type Kpi = Part<OfKpi<Summed<Count>>>;
        let open = |name| Kpi::open(name, &[&0u32.to_le_bytes(), b"{}", b""]);
        let accumulator = open("open-accumulator").expect("it opens");
        let batch = encode(&[int64("number")], &[&[Some("7")], &[Some("7")]]).expect("valid rows");
        assert!(accumulator.call("update-batch", &[&batch]).expect("it takes the rows in").is_empty());
        let state = accumulator.call("state", &[]).expect("a state");
        let reducer = open("open-reducer").expect("it opens");
        let reduced = reducer.call("reduce", &[&state[0], &1u32.to_le_bytes()]).expect("rows");
        assert_eq!(decode(&[int64("number"), int64("rows")], &reduced[0]).expect("rows"), [["7", "2"]]);
        assert_eq!(reduced[1], [0]);
        assert!(open("open").is_err() && reducer.call("state", &[]).is_err());
    }
}
