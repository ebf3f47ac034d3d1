//! KPIs on rows of text: what they give is added up as the host does it, and what they owe is checked.

use std::collections::BTreeSet;

use super::sums::{Sums, cells};
use super::{AS_OF, decode, encode};
use crate::bindings::types::Stage;
use crate::glue::Accumulator;
use crate::{Batch, Fault, Kpi, KpiDescription, Result};

/// Rows of text for an input, by its name; an empty cell is a missing value.
type Rows<'r> = (&'r str, &'r [&'r [Option<&'r str>]]);

fn open<T: Kpi>(params: &str) -> Result<Accumulator<T>> {
    Accumulator::open(params, T::describe().identity.uses_as_of.then_some(AS_OF.0))
}

/// The rows as batches of their inputs, of at most so many rows each.
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

/// Evaluates a KPI over rows of its inputs, given as text. Each `(input, rows)` goes to an accumulator of its own, and
/// their states are added up, as the host does with silver objects. Panics if rows of the table agree in the declared key.
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

/// Evaluates a KPI over all rows, and panics unless it keeps the laws of the contract: one accumulator a row gives states
/// that add up to the state of one that took in all rows, in any order; groups fold alike alone and together; and
/// `fold` and `evaluate` depend on what they are given alone.
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

/// Folds stage by stage and evaluates the last one.
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
    check_key(&description, &Batch::read(&table)?)?;
    decode(&description.output, &table)
}

fn check_key(KpiDescription { output, key, .. }: &KpiDescription, table: &Batch<'_>) -> Result<()> {
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
