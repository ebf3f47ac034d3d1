//! What rows cost: time on the usual engine, instructions on the one that counts them, and guest memory.

use std::time::{Duration, Instant};

use arrow_array::RecordBatch;

use super::report::{Cost, Report, Verdict, failed};
use super::rows::Part;
use super::{Bench, Plugins};
use crate::error::Result;
use crate::wasm::{Cleaner, Kpi, Source, Usage};

/// More of the time that a call may take is worth a note.
const MUCH: u32 = 4;

/// What was measured.
pub(super) struct Measured {
    pub(super) rows: usize,
    pub(super) time: Duration,
    pub(super) usage: Usage,
    /// Instructions, and how many the start and `open` took.
    pub(super) fuel: Option<(u64, u64)>,
    /// A call may take so long.
    pub(super) call_ms: u64,
    pub(super) unit: &'static str,
}

/// Measures, and tells what was measured.
pub(super) fn check(report: &mut Report, needs: &[&str], measure: impl FnOnce() -> Result<Measured>) -> Option<Cost> {
    let mut cost = None;
    report.check("cost", needs, || match measure() {
        Err(error) => failed("many rows", error.to_string(), "the same rows were taken before"),
        Ok(Measured { rows, time, usage, fuel, call_ms, unit }) => {
            let of = rows.max(1) as f64;
            let found = Cost {
                rows,
                nanoseconds_per_row: time.as_nanos() as f64 / of,
                instructions_per_row: fuel.map(|(all, before)| all.saturating_sub(before) as f64 / of),
                memory_bytes: usage.memory_bytes,
            };
            cost = Some(found);
            let instructions =
                found.instructions_per_row.map(|each| format!("{each:.0} instructions, ")).unwrap_or_default();
            let detail = format!(
                "{:.0} ns, {instructions}a {unit} of {rows}; {:.1} MiB of guest memory",
                found.nanoseconds_per_row,
                usage.memory_bytes as f64 / f64::from(1 << 20),
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
    let begun = Instant::now();
    session.clean(rows)?;
    let time = begun.elapsed();
    let usage = session.usage();
    let mut session = plugins.plain.open(&bench.params, bench.as_of)?;
    let before = session.usage().fuel;
    session.clean(rows)?;
    let fuel = session.usage().fuel.zip(before);
    let call_ms = bench.options.limits.call_ms;
    Ok(Measured { rows: rows.num_rows(), time, usage, fuel, call_ms, unit: "row" })
}

/// Many rows taken in, and what they add.
pub(super) fn kpi(plugins: &Plugins<Kpi>, bench: &Bench<'_>, parts: &[Part]) -> Result<Measured> {
    let run = |plugin: &Kpi| {
        let mut accumulator = plugin.open(&bench.params, bench.as_of)?;
        let before = accumulator.usage().fuel;
        let begun = Instant::now();
        for Part { input, rows } in parts {
            accumulator.update(&plugin.spec().inputs[*input].name, rows)?;
        }
        accumulator.state()?;
        Ok((begun.elapsed(), accumulator.usage(), before))
    };
    let (time, usage, _) = run(&plugins.usual)?;
    let (_, counted, before) = run(&plugins.plain)?;
    let rows = parts.iter().map(|part| part.rows.num_rows()).sum();
    let call_ms = bench.options.limits.call_ms;
    Ok(Measured { rows, time, usage, fuel: counted.fuel.zip(before), call_ms, unit: "row" })
}

/// One tick.
pub(super) fn source(plugins: &Plugins<Source>, bench: &Bench<'_>) -> Result<Measured> {
    let begun = Instant::now();
    let (objects, usage) = plugins.usual.metered(&bench.params, 1, 0, super::AS_OF)?;
    let time = begun.elapsed();
    let (_, counted) = plugins.plain.metered(&bench.params, 1, 0, super::AS_OF)?;
    let call_ms = bench.options.limits.call_ms;
    Ok(Measured { rows: objects.len(), time, usage, fuel: counted.fuel.map(|all| (all, 0)), call_ms, unit: "object" })
}
