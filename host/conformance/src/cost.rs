//! What rows cost: time, instructions and guest memory.

use std::time::{Duration, Instant};

use arrow_array::RecordBatch;

use super::report::{Cost, Report, Verdict, failed};
use super::rows::Part;
use super::{Bench, Plugins};
use smelt_common::cost::Cost as Used;
use smelt_common::error::Result;
use smelt_runtime::{Cleaner, Generator, Kpi};

/// More of the time that a call may take is worth a note.
const MUCH: u32 = 4;

/// What was measured.
pub(super) struct Measured {
    pub(super) rows: usize,
    pub(super) time: Duration,
    pub(super) used: Used,
    /// How many instructions the start and `open` took.
    pub(super) before: u64,
    /// A call may take so long.
    pub(super) call_ms: u64,
    pub(super) unit: &'static str,
}

/// Measures, and tells what was measured.
pub(super) fn check(report: &mut Report, needs: &[&str], measure: impl FnOnce() -> Result<Measured>) -> Option<Cost> {
    let mut cost = None;
    report.check("cost", needs, || match measure() {
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

/// A batch of many rows.
pub(super) fn cleaner(plugins: &Plugins<Cleaner>, bench: &Bench<'_>, rows: &RecordBatch) -> Result<Measured> {
    let mut session = plugins.usual.open(&bench.params, bench.as_of)?;
    let before = session.cost().fuel;
    let begun = Instant::now();
    session.clean(rows)?;
    let (time, used) = (begun.elapsed(), session.cost());
    let call_ms = bench.options.limits.call_ms;
    Ok(Measured { rows: rows.num_rows(), time, used, before, call_ms, unit: "row" })
}

/// Many rows taken in, and what they add.
pub(super) fn kpi(plugins: &Plugins<Kpi>, bench: &Bench<'_>, parts: &[Part]) -> Result<Measured> {
    let plugin = &plugins.usual;
    let mut accumulator = plugin.open(&bench.params, bench.as_of)?;
    let before = accumulator.cost().fuel;
    let begun = Instant::now();
    for Part { input, rows } in parts {
        accumulator.update(&plugin.spec().inputs[*input].name, rows)?;
    }
    accumulator.state()?;
    let (time, used) = (begun.elapsed(), accumulator.cost());
    let rows = parts.iter().map(|part| part.rows.num_rows()).sum();
    let call_ms = bench.options.limits.call_ms;
    Ok(Measured { rows, time, used, before, call_ms, unit: "row" })
}

/// One tick.
pub(super) fn source(plugins: &Plugins<Generator>, bench: &Bench<'_>) -> Result<Measured> {
    let begun = Instant::now();
    let (objects, used) = plugins.usual.metered(&bench.params, 1, 0, super::AS_OF)?;
    let time = begun.elapsed();
    let call_ms = bench.options.limits.call_ms;
    Ok(Measured { rows: objects.len(), time, used, before: 0, call_ms, unit: "object" })
}
