//! Measures the cost of rows: time, instructions and guest memory.

use std::time::{Duration, Instant};

use arrow_array::RecordBatch;

use crate::bench::Bench;
use crate::engines::Plugins;
use crate::report::{Cost, Report, Verdict, failed};
use crate::rows::InputRows;
use crate::source::tick;
use smelt_common::cost::Cost as Used;
use smelt_common::error::Result;
use smelt_runtime::{Accumulator, Cleaner, Generator, Kpi};

/// A call that needs more than a quarter of its time is worth a note.
const MUCH: u32 = 4;

/// A measurement.
pub(crate) struct Measured {
    pub(crate) rows: usize,
    pub(crate) time: Duration,
    pub(crate) used: Used,
    /// The instructions of the start and of `open`.
    pub(crate) before: u64,
    /// The time that a call may take, in milliseconds.
    pub(crate) call_ms: u64,
    pub(crate) unit: &'static str,
}

/// Runs the test `cost`, which reports a measurement. Returns the cost of a row.
pub(crate) fn test(report: &mut Report, needs: &[&str], measure: impl FnOnce() -> Result<Measured>) -> Option<Cost> {
    let mut cost = None;
    report.test("cost", needs, || match measure() {
        Err(error) => failed("many rows", error.to_string(), "the same rows were taken before"),
        Ok(Measured { rows, time, used, before, call_ms, unit }) => {
            let of = rows.max(1) as f64;
            let found = Cost {
                rows,
                nanoseconds_per_row: time.as_nanos() as f64 / of,
                instructions_per_row: used.fuel.saturating_sub(before) as f64 / of,
                memory_bytes: used.memory_bytes,
            };
            cost = Some(found);
            let detail = format!(
                "{:.0} ns, {:.0} instructions, a {unit} of {rows}; {:.1} MiB of guest memory",
                found.nanoseconds_per_row,
                found.instructions_per_row,
                used.memory_bytes as f64 / f64::from(1 << 20),
            );
            let slow = u128::from(call_ms) < u128::from(MUCH) * time.as_millis();
            let note = format!("{} ms of the {call_ms} ms that a call may take", time.as_millis());
            Verdict::Passed { detail, notes: if slow { vec![note] } else { vec![] } }
        }
    });
    cost
}

/// Measures a batch of many rows.
pub(crate) fn cleaner(plugins: &Plugins<Cleaner>, bench: &Bench<'_>, rows: &RecordBatch) -> Result<Measured> {
    let mut session = plugins.usual.open(bench.as_of)?;
    let before = session.cost().fuel;
    let begun = Instant::now();
    session.clean(rows)?;
    let (time, used) = (begun.elapsed(), session.cost());
    let call_ms = bench.options.limits.call_ms;
    Ok(Measured { rows: rows.num_rows(), time, used, before, call_ms, unit: "row" })
}

/// Measures many rows that are taken in, and their state.
pub(crate) fn kpi(plugins: &Plugins<Kpi>, bench: &Bench<'_>, parts: &[InputRows]) -> Result<Measured> {
    let plugin = &plugins.usual;
    let inputs = 0..plugin.spec().inputs.len();
    let mut accumulators = inputs.map(|input| plugin.accumulator(input, bench.as_of)).collect::<Result<Vec<_>>>()?;
    let used = |accumulators: &[Accumulator<'_>]| {
        let mut all = Used::default();
        accumulators.iter().for_each(|accumulator| all.merge(accumulator.cost()));
        all
    };
    let before = used(&accumulators).fuel;
    let begun = Instant::now();
    for InputRows { input, rows } in parts {
        accumulators[*input].update(rows)?;
    }
    for accumulator in &mut accumulators {
        accumulator.state()?;
    }
    let (time, used) = (begun.elapsed(), used(&accumulators));
    let rows = parts.iter().map(|part| part.rows.num_rows()).sum();
    let call_ms = bench.options.limits.call_ms;
    Ok(Measured { rows, time, used, before, call_ms, unit: "row" })
}

/// Measures one tick.
pub(crate) fn source(plugins: &Plugins<Generator>, bench: &Bench<'_>) -> Result<Measured> {
    let begun = Instant::now();
    let (objects, used) = plugins.usual.metered(tick((1, 0, bench.as_of)))?;
    let time = begun.elapsed();
    let call_ms = bench.options.limits.call_ms;
    Ok(Measured { rows: objects.len(), time, used, before: 0, call_ms, unit: "object" })
}
