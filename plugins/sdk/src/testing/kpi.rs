//! Tests of KPIs on rows of text. They add up states as the host does, and assert the laws of the contract.

use std::collections::BTreeSet;

use super::rows::{AS_OF, decode, encode};
use super::sums::{Sums, cells};
use crate::bindings::types::Stage;
use crate::glue::Accumulator;
use crate::{Batch, Fault, Kpi, KpiDescription, Result};

/// The name of an input, and rows of text for it.
type Rows<'r> = (&'r str, &'r [&'r [Option<&'r str>]]);

fn open<T: Kpi>(params: &str) -> Result<Accumulator<T>> {
    Accumulator::open(params, T::describe().identity.uses_as_of.then_some(AS_OF.0))
}

/// Encodes the rows as batches of at most `most` rows, each with the name of its input.
fn batches<'r, T: Kpi>(inputs: &[Rows<'r>], most: usize) -> Result<Vec<(&'r str, Vec<u8>)>> {
    let description = T::describe();
    let mut batches = Vec::new();
    for &(input, rows) in inputs {
        let declared = description.inputs.iter().find(|known| known.name == input);
        let fields = &declared.ok_or_else(|| Fault::invalid_input(format!("no input `{input}`")))?.columns;
        for rows in rows.chunks(most) {
            batches.push((input, encode(fields, rows)?));
        }
    }
    Ok(batches)
}

/// Evaluates a KPI over rows of its inputs, and returns its table as text. Each pair of an input and its rows goes to
/// an accumulator of its own. Their states are added up, as the host does with silver objects.
///
/// # Errors
/// Returns the fault of the KPI.
///
/// # Panics
/// Panics if two rows of the table agree in the declared key.
pub fn evaluate<T: Kpi>(params: &str, inputs: &[Rows<'_>]) -> Result<Vec<Vec<String>>> {
    let stages = T::describe().stages;
    let mut sums = Sums::new(first(&stages)?);
    for (input, batch) in batches::<T>(inputs, usize::MAX)? {
        let part = open::<T>(params)?;
        part.update_batch(input, &batch)?;
        sums.add(&part.state()?)?;
    }
    table(&open::<T>(params)?, &stages, sums)
}

/// Evaluates a KPI over rows of its inputs, as [`evaluate`] does, and asserts the laws of the contract.
///
/// # Errors
/// Returns the fault of the KPI.
///
/// # Panics
/// Panics in each of these cases:
///
/// - The states of accumulators with one row each do not add up to the state of one accumulator with all rows, in the
///   order given or in the reverse order.
/// - A group folds to other sums alone than together with other groups.
/// - `fold` or `evaluate` depends on the rows that the accumulator took in.
/// - Two rows of the table agree in the declared key.
pub fn evaluate_split<T: Kpi>(params: &str, inputs: &[Rows<'_>]) -> Result<Vec<Vec<String>>> {
    let stages = T::describe().stages;
    let (forwards, backwards) = (open::<T>(params)?, open::<T>(params)?);
    let mut parts = Sums::new(first(&stages)?);
    parts.add(&forwards.state()?)?;
    let rows = batches::<T>(inputs, 1)?;
    for (input, row) in &rows {
        let part = open::<T>(params)?;
        part.update_batch(input, row)?;
        parts.add(&part.state()?)?;
        forwards.update_batch(input, row)?;
    }
    for (input, row) in rows.iter().rev() {
        backwards.update_batch(input, row)?;
    }
    for whole in [&forwards, &backwards] {
        let mut sums = Sums::new(first(&stages)?);
        sums.add(&whole.state()?)?;
        assert_eq!(sums.rows, parts.rows, "the states of single rows do not add up to the state of all (left)");
    }
    let expected = table(&open::<T>(params)?, &stages, parts.clone())?;
    let other = table(&forwards, &stages, parts)?;
    assert_eq!(other, expected, "what was taken in changes `fold` or `evaluate`");
    Ok(expected)
}

fn first(stages: &[Stage]) -> Result<&Stage> {
    stages.first().ok_or_else(|| Fault::internal("the description has no stage: say `.sums(…)`"))
}

/// Folds the sums stage by stage, and evaluates the last stage.
fn table<T: Kpi>(kpi: &Accumulator<T>, stages: &[Stage], mut sums: Sums) -> Result<Vec<Vec<String>>> {
    for (stage, next) in (0..).zip(&stages[1..]) {
        let (mut together, mut alone) = (Sums::new(next), Sums::new(next));
        together.add(&kpi.fold(stage, &sums.batch()?)?)?;
        for group in sums.groups() {
            alone.add(&kpi.fold(stage, &group.batch()?)?)?;
        }
        assert_eq!(together.rows, alone.rows, "groups of stage {stage} fold to other sums (right) alone than together");
        sums = together;
    }
    let (description, table) = (T::describe(), kpi.evaluate(&sums.batch()?)?);
    assert_key(&description, &Batch::read(&table)?)?;
    decode(&description.output, &table)
}

/// Panics if two rows of the table agree in the declared key.
fn assert_key(KpiDescription { output, key, .. }: &KpiDescription, table: &Batch<'_>) -> Result<()> {
    let Some(key) = key else { return Ok(()) };
    let column = |name: &String| {
        let field = output.iter().find(|field| field.name == *name);
        let field = field.ok_or_else(|| Fault::internal(format!("key column `{name}` is not among the output")))?;
        cells(table, name, &field.data_type)
    };
    let columns = key.iter().map(column).collect::<Result<Vec<_>>>()?;
    let mut seen = BTreeSet::new();
    let told_apart = table.rows().all(|row| seen.insert(columns.iter().map(|column| &column[row]).collect::<Vec<_>>()));
    assert!(told_apart, "rows of the table agree in the key {key:?}");
    Ok(())
}
