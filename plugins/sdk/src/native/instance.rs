//! The instances that a host calls: the same accumulators and sessions as in a component.

use super::call::Instance;
use crate::bindings::types;
use crate::glue::{Accumulator, Session};
use crate::{Cleaner, Fault, Kpi, Result};

impl<T: Cleaner> Instance for Session<T> {
    fn open(params: &str, as_of: Option<i64>) -> Result<Self> {
        Self::open(params, as_of)
    }

    fn call(&self, name: &str, arguments: &[&[u8]]) -> Result<Vec<Vec<u8>>> {
        let ("clean", [batch]) = (name, arguments) else { return Err(unknown(name)) };
        let types::Cleaned { kept, kept_rows, rejected, repaired } = self.clean(batch)?;
        let rejected = rejected.into_iter().flat_map(|types::Rejection { row, rule }| [row, rule]);
        let repaired = repaired.into_iter().flat_map(|types::Repair { rule, rows }| [rule, rows]);
        Ok(vec![kept, numbers(kept_rows), numbers(rejected), numbers(repaired)])
    }
}

impl<T: Kpi> Instance for Accumulator<T> {
    fn open(params: &str, as_of: Option<i64>) -> Result<Self> {
        Self::open(params, as_of)
    }

    fn call(&self, name: &str, arguments: &[&[u8]]) -> Result<Vec<Vec<u8>>> {
        match (name, arguments) {
            ("update-batch", [input, batch]) => {
                self.update_batch(&String::from_utf8_lossy(input), batch).map(|()| vec![])
            }
            ("state", []) => Ok(vec![self.state()?]),
            ("fold", [stage, groups]) => {
                let stage = stage.first_chunk().ok_or_else(|| unknown(name))?;
                Ok(vec![self.fold(u32::from_le_bytes(*stage), groups)?])
            }
            ("evaluate", [sums]) => Ok(vec![self.evaluate(sums)?]),
            _ => Err(unknown(name)),
        }
    }
}

fn numbers(numbers: impl IntoIterator<Item = u32>) -> Vec<u8> {
    numbers.into_iter().flat_map(u32::to_le_bytes).collect()
}

fn unknown(name: &str) -> Fault {
    Fault::internal(format!("there is no call `{name}` with these arguments"))
}
