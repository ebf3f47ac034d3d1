//! Evaluates a component of world `kpi` on rows of text as the host does, and asserts the laws of the contract.

use std::collections::BTreeMap;

use super::csv;
use super::rows::{AS_OF, encode};
use super::sums::{Cell, Sums, cells};
use crate::bindings::types::{Field, KpiDescription, Setting, Stage};
use crate::glue::{Accumulator, Component as _, Define, OfKpi, Reducer, describe_with};
use crate::{Batch, Date, Fault, Kpi, Parameters, Result, Timestamp};

/// The name of an input, and rows of text for it.
type Rows<'r> = (&'r str, &'r [&'r [Option<&'r str>]]);

/// Evaluates a KPI over rows of its inputs, and returns its table as text. Each pair of an input and its rows goes to
/// an accumulator of its own. Their states are added up, as the host does with silver objects.
///
/// # Errors
/// Returns the fault of the KPI.
///
/// # Panics
/// Panics if two rows of the table agree in the declared key.
pub fn evaluate<T: Kpi>(params: &str, inputs: &[Rows<'_>]) -> Result<Vec<Vec<String>>> {
    kpi::<T>(params).evaluate(inputs, Laws::Assumed)
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
/// - A group gives other rows alone than together with other groups, or if a batch is cut within it.
/// - A group gives other rows if, at every row, another reducer goes on from what was saved; or what is saved at a row
///   has other bytes if a batch is cut elsewhere, or if it was saved and resumed before.
/// - A part gives other rows if it is told all parameters than if it is told its setting.
/// - Two rows of the table agree in the declared key.
pub fn evaluate_split<T: Kpi>(params: &str, inputs: &[Rows<'_>]) -> Result<Vec<Vec<String>>> {
    kpi::<T>(params).evaluate(inputs, Laws::Asserted)
}

fn kpi<T: Kpi>(params: &str) -> Trial {
    let schema = OfKpi::<T>::identify().parameters;
    Trial { schema, params: params.to_owned(), ..Trial::of(OfKpi::<T>::define) }
}

/// A component under test that a function defines, with its parameters, the time, and rows of the relations that it
/// reads. Rows are CSV with a header; an empty cell is missing, and `""` an empty text.
///
/// ```
/// # use smelt_sdk::prelude::*;
/// # use smelt_sdk::testing::Trial;
/// # #[derive(Row)]
/// # struct Reading<'a> { station: &'a str }
/// # #[derive(Row)]
/// # #[row(group(station))]
/// # struct Station<'a> { station: &'a str, #[sum] rows: i64 }
/// # fn stations(_: &Config) -> Result<Definition> {
/// #     table(["station"])
/// #         .input::<Reading>("readings", |row, out| out.add(Station { station: row.station, rows: 1 }))
/// #         .stage::<Station>()
/// #         .each(|row, out| out.add(row))
/// #         .define()
/// # }
/// let trial = Trial::of(stations).rows("readings", "station\nb\na\nb\n");
/// assert_eq!(trial.table().unwrap(), "station,rows\na,1\nb,2\n");
/// ```
pub struct Trial {
    schema: String,
    define: Define,
    params: String,
    as_of: Timestamp,
    relations: Vec<(String, String)>,
}

/// The mode of a trial: with the laws or without. The laws need many times the work.
#[derive(Clone, Copy, PartialEq)]
enum Laws {
    Asserted,
    Assumed,
}

/// A row of the table, in columns.
type TableRow = Vec<Option<Cell>>;

impl Trial {
    /// Begins a trial of the component that this function defines, without parameters.
    pub fn of(define: Define) -> Self {
        let (schema, params) = (Parameters::none().schema(), "{}".to_owned());
        Self { schema, define, params, as_of: AS_OF, relations: vec![] }
    }

    /// Says which parameters the component takes, and gives some of them as a JSON object.
    pub fn parameters(self, declared: Parameters, given: &str) -> Self {
        Self { schema: declared.schema(), params: given.to_owned(), ..self }
    }

    /// Sets the time, a date or a timestamp. It is [`AS_OF`] otherwise.
    ///
    /// # Panics
    /// Panics if the text is neither.
    pub fn as_of(self, time: &str) -> Self {
        let midnight = || Date::parse(time).map(|date| Timestamp(i64::from(date.0) * 86_400_000_000));
        let as_of = Timestamp::parse(time).or_else(midnight).expect("a date or a timestamp");
        Self { as_of, ..self }
    }

    /// Gives rows of a relation. The relation may have more columns than the component reads.
    pub fn rows(mut self, relation: &str, csv: &str) -> Self {
        self.relations.push((relation.to_owned(), csv.to_owned()));
        self
    }

    /// Returns what the component says of itself under these parameters.
    ///
    /// # Errors
    /// Returns the fault of the component.
    pub fn describe(&self) -> Result<KpiDescription> {
        describe_with(&self.schema, self.define, &self.params)
    }

    /// Returns the cells of each row in these columns of the table, separated by blanks. `columns` are names, separated
    /// by blanks too.
    ///
    /// # Errors
    /// Returns the fault of the component.
    ///
    /// # Panics
    /// Panics as [`Trial::table`] does, and if the table lacks a column.
    pub fn columns(&self, columns: &str) -> Result<Vec<String>> {
        let table = self.table()?;
        let mut lines = table.lines().map(|line| line.split(',').collect::<Vec<_>>());
        let header = lines.next().unwrap_or_default();
        let place = |name: &str| header.iter().position(|known| *known == name);
        let place = |name| place(name).unwrap_or_else(|| panic!("the table has no column `{name}`: {header:?}"));
        let places: Vec<_> = columns.split_whitespace().map(place).collect();
        let cells = |row: Vec<&str>| places.iter().map(|&at| row[at]).collect::<Vec<_>>().join(" ");
        Ok(lines.map(cells).collect())
    }

    /// Evaluates the component as the host does, asserts the laws of the contract, and returns the table as CSV.
    ///
    /// # Errors
    /// Returns the fault of the component.
    ///
    /// # Panics
    /// Panics as [`evaluate_split`] does.
    pub fn table(&self) -> Result<String> {
        let description = self.describe()?;
        let KpiDescription { inputs, output, .. } = &description;
        // An input may read other columns of a relation than another one does.
        let mut cells: Vec<Vec<Vec<Vec<Option<String>>>>> = Vec::new();
        for input in inputs {
            let relations = self.relations.iter().filter(|(name, _)| *name == input.name);
            cells.push(relations.map(|(_, csv)| columns_of(csv, &input.columns)).collect::<Result<_>>()?);
        }
        let cells: Vec<Vec<_>> =
            cells.iter().map(|relations| relations.iter().map(|rows| borrowed(rows)).collect()).collect();
        let rows: Vec<Vec<Vec<&[_]>>> = cells
            .iter()
            .map(|relations| relations.iter().map(|rows| rows.iter().map(Vec::as_slice).collect()).collect())
            .collect();
        let inputs: Vec<Vec<&[&[_]]>> =
            rows.iter().map(|relations| relations.iter().map(Vec::as_slice).collect()).collect();
        let table = Run { trial: self, description: &description }.evaluate(&inputs, Laws::Asserted)?;
        let header = output.iter().map(|field| field.name.clone()).collect();
        Ok(csv::write(std::iter::once(header).chain(table)))
    }

    fn evaluate(&self, inputs: &[Rows<'_>], laws: Laws) -> Result<Vec<Vec<String>>> {
        let description = self.describe()?;
        for &(name, _) in inputs {
            if !description.inputs.iter().any(|known| known.name == name) {
                return Err(Fault::invalid_input(format!("no input `{name}`")));
            }
        }
        let of = |name: &str| inputs.iter().filter(|(known, _)| *known == name).map(|&(_, rows)| rows).collect();
        let rows: Vec<Vec<_>> = description.inputs.iter().map(|input| of(&input.name)).collect();
        Run { trial: self, description: &description }.evaluate(&rows, laws)
    }
}

fn borrowed(rows: &[Vec<Option<String>>]) -> Vec<Vec<Option<&str>>> {
    rows.iter().map(|row| row.iter().map(Option::as_deref).collect()).collect()
}

/// Returns the cells of these columns, row by row.
fn columns_of(csv: &str, columns: &[Field]) -> Result<Vec<Vec<Option<String>>>> {
    let mut rows = csv::read(csv);
    let header = if rows.is_empty() { vec![] } else { rows.remove(0) };
    let index = |field: &Field| {
        let index = header.iter().position(|name| name.as_ref() == Some(&field.name));
        index.ok_or_else(|| Fault::invalid_input(format!("the rows lack the column `{}`", field.name)))
    };
    let indices = columns.iter().map(index).collect::<Result<Vec<_>>>()?;
    Ok(rows.iter().map(|row| indices.iter().map(|&index| row.get(index).cloned().flatten()).collect()).collect())
}

/// An evaluation of a component.
struct Run<'t> {
    trial: &'t Trial,
    description: &'t KpiDescription,
}

impl Run<'_> {
    fn accumulator(&self, input: u32, everything: bool) -> Result<Accumulator> {
        let (params, as_of) = self.told(&self.description.inputs[input as usize].accumulator, everything);
        Accumulator::open_with(&self.trial.schema, self.trial.define, input, params, as_of)
    }

    fn reducer(&self, stage: usize, everything: bool, saved: Option<&[u8]>) -> Result<Reducer> {
        let (params, as_of) = self.told(&self.description.stages[stage].reducer, everything);
        Reducer::open_with(&self.trial.schema, self.trial.define, stage as u32, params, as_of, saved)
    }

    /// Evaluates the component over the rows of each of its inputs.
    fn evaluate(&self, inputs: &[Vec<&[&[Option<&str>]]>], laws: Laws) -> Result<Vec<Vec<String>>> {
        let KpiDescription { inputs: declared, stages, output, key } = self.description;
        let mut sums: Vec<_> = stages.iter().map(Sums::new).collect();
        let mut table = Vec::new();
        for ((index, input), rows) in (0..).zip(declared).zip(inputs) {
            for &rows in rows.iter().chain((input.name == "smelt.one").then_some(&ONE)) {
                let state = self.accumulate(index, &input.columns, rows.chunks(rows.len().max(1)))?;
                if laws == Laws::Asserted {
                    self.assert_states_add_up(index, &input.columns, rows)?;
                }
                match sums.get_mut(input.stage as usize) {
                    Some(stage) => stage.add(&state)?,
                    None => table.extend(table_rows(output, &state)?),
                }
            }
        }
        for index in 0..stages.len() {
            let made = self.reduce(index, &sums[index], &Sending::together())?;
            if laws == Laws::Asserted {
                self.assert_groups_stand_alone(index, &sums[index])?;
            }
            for made in made.streams {
                match sums.get_mut(index + 1) {
                    Some(next) => next.add(&made)?,
                    None => table.extend(table_rows(output, &made)?),
                }
            }
        }
        let in_order_written = stages.last().is_some_and(|last| last.group == 0);
        if let Some(key) = key {
            sort_by_key(output, key, &mut table, in_order_written)?;
        } else if !in_order_written {
            return Err(Fault::internal("the table needs a key, since its rows are not made of one group"));
        }
        Ok(table.iter().map(|row| show(output, row)).collect())
    }

    /// Returns what a part is opened with. If `everything`, that is all parameters, whatever its setting says.
    fn told<'a>(&'a self, setting: &'a Setting, everything: bool) -> (&'a str, Option<i64>) {
        let params = if everything { &self.trial.params } else { &setting.params };
        (params, setting.uses_as_of.then_some(self.trial.as_of.0))
    }

    /// Returns the state of an accumulator after these batches.
    fn accumulate<'r>(
        &self,
        input: u32,
        columns: &[Field],
        batches: impl Iterator<Item = &'r [&'r [Option<&'r str>]]>,
    ) -> Result<Vec<u8>> {
        let accumulator = self.accumulator(input, false)?;
        for rows in batches {
            accumulator.update_batch(&encode(columns, rows)?)?;
        }
        accumulator.state()
    }

    fn assert_states_add_up(&self, input: u32, columns: &[Field], rows: &[&[Option<&str>]]) -> Result<()> {
        let declared = &self.description.inputs[input as usize];
        // Rows of a table are counted, so that both kinds of target are a table of sums.
        let target = self.description.stages.get(declared.stage as usize).cloned();
        let target = target.unwrap_or_else(|| as_stage(&self.description.output));
        let add = |sums: &mut Sums, state: Vec<u8>| match self.description.stages.is_empty() {
            true => sums.count(&state),
            false => sums.add(&state),
        };
        let mut parts = Sums::new(&target);
        for row in rows.chunks(1) {
            add(&mut parts, self.accumulate(input, columns, std::iter::once(row))?)?;
        }
        for (what, everything, reversed, forgetting) in [
            ("all", false, false, false),
            ("all in the reverse order", false, true, false),
            ("all, where each state is taken before the next row", false, false, true),
            ("all, if the part is told all parameters", true, false, false),
        ] {
            let accumulator = self.accumulator(input, everything)?;
            let mut whole = Sums::new(&target);
            let mut batches: Vec<_> = rows.chunks(if what == "all" { rows.len().max(1) } else { 1 }).collect();
            if reversed {
                batches.reverse();
            }
            for batch in batches {
                accumulator.update_batch(&encode(columns, batch)?)?;
                if forgetting {
                    add(&mut whole, accumulator.state()?)?;
                }
            }
            add(&mut whole, accumulator.state()?)?;
            assert_eq!(whole.rows, parts.rows, "the states of single rows do not add up to the state of {what} (left)");
        }
        Ok(())
    }

    fn assert_groups_stand_alone(&self, index: usize, sums: &Sums) -> Result<()> {
        let target = self.description.stages.get(index + 1).cloned();
        let target = target.unwrap_or_else(|| as_stage(&self.description.output));
        let is_table = index + 1 == self.description.stages.len();
        let in_order = is_table && self.description.stages[index].group == 0;
        // For a row within a group: what is saved there.
        let mut saved = BTreeMap::new();
        let mut made = |how: &str, sending: &Sending| -> Result<_> {
            let (mut made, mut rows) = (Sums::new(&target), Vec::new());
            let Made { streams, saved: now } = self.reduce(index, sums, sending)?;
            for stream in streams {
                match is_table {
                    true => made.count(&stream)?,
                    false => made.add(&stream)?,
                }
                if in_order {
                    rows.extend(table_rows(&self.description.output, &stream)?);
                }
            }
            for (row, now) in now {
                let known = saved.entry(row).or_insert_with(|| now.clone());
                assert_eq!(now, *known, "after row {row} of stage {index} other bytes (left) are saved {how}");
            }
            Ok((made.rows, rows))
        };
        let together = made("", &Sending::together())?;
        for (how, sending) in [
            ("alone", Sending { alone: true, ..Sending::together() }),
            ("row by row", Sending { rows: 1, ..Sending::together() }),
            ("row by row, where ends come late", Sending { rows: 1, late: true, ..Sending::together() }),
            ("in batches of three rows", Sending { rows: 3, late: true, ..Sending::together() }),
            (
                "if another reducer goes on after every row",
                Sending { rows: 1, late: true, resumed: true, ..Sending::together() },
            ),
            ("if the part is told all parameters", Sending { everything: true, ..Sending::together() }),
        ] {
            assert_eq!(made(how, &sending)?, together, "groups of stage {index} give other rows (left) {how}");
        }
        Ok(())
    }

    /// Returns what the groups of a stage make.
    fn reduce(&self, index: usize, sums: &Sums, sending: &Sending) -> Result<Made> {
        let open = |saved: Option<&[u8]>| self.reducer(index, sending.everything, saved);
        let (rows, ends) = (sums.rows.len(), sums.ends());
        let (mut reducer, mut made) = (open(None)?, Made::default());
        let (mut at, mut ended) = (0usize, 0);
        while ended < ends.len() {
            let most = if sending.alone { ends[ended] } else { rows };
            let to = most.min(at.saturating_add(sending.rows));
            let mut sent = Vec::new();
            while let Some(&end) = ends.get(ended)
                && (end < to || end == to && (!sending.late || at == to))
            {
                sent.push((end - at) as u32);
                ended += 1;
            }
            let reduced = reducer.reduce(&sums.batch(at..to)?, &sent)?;
            made.streams.push(reduced.rows);
            at = to;
            let started = if ended == 0 { 0 } else { ends[ended - 1] };
            let is_within = ended < ends.len() && started < at;
            if reduced.enough {
                assert!(is_within, "there is enough of a group that has ended");
                at = ends[ended];
                ended += 1;
            } else if is_within {
                let saved = reducer.save()?;
                if sending.resumed
                    && let Some(saved) = &saved
                {
                    reducer = open(Some(saved))?;
                    let again = reducer.save()?;
                    assert_eq!(
                        again.as_ref(),
                        Some(saved),
                        "stage {index} saves other bytes (left) once it is resumed"
                    );
                }
                made.saved.push((at, saved));
            }
            if sending.alone {
                reducer = open(None)?;
            }
        }
        Ok(made)
    }
}

/// The rows that the groups of a stage make.
#[derive(Default)]
struct Made {
    /// A stream for each call.
    streams: Vec<Vec<u8>>,
    /// For each batch that ends within a group: the number of rows up to there, and what was saved.
    saved: Vec<(usize, Option<Vec<u8>>)>,
}

/// The way in which rows of a stage are cut into batches.
struct Sending {
    /// The most rows of a batch.
    rows: usize,
    /// Set if the end of a group that ends with a batch is told with the next one.
    late: bool,
    /// Set if each group has a reducer of its own.
    alone: bool,
    /// Set if after each batch another reducer goes on from what was saved.
    resumed: bool,
    /// Set if the reducer is told all parameters.
    everything: bool,
}

impl Sending {
    const fn together() -> Self {
        Self { rows: usize::MAX, late: false, alone: false, resumed: false, everything: false }
    }
}

/// The row of `smelt.one`.
const ONE: &[&[Option<&str>]] = &[&[Some("1")]];

/// Returns a stage whose rows are those of a table, for [`Sums::count`].
fn as_stage(output: &[Field]) -> Stage {
    let reducer = Setting { params: String::new(), uses_as_of: false };
    Stage { key: output.to_vec(), sums: vec![crate::int64("")], group: 0, reducer }
}

fn table_rows(output: &[Field], stream: &[u8]) -> Result<Vec<TableRow>> {
    let batch = Batch::read(stream)?;
    let columns = output.iter().map(|field| cells(&batch, &field.name, &field.data_type));
    let columns = columns.collect::<Result<Vec<_>>>()?;
    for (field, column) in output.iter().zip(&columns) {
        if !field.nullable && column.iter().any(Option::is_none) {
            return Err(Fault::internal(format!("column `{}` lacks a value, but is not nullable", field.name)));
        }
    }
    Ok(batch.rows().map(|row| columns.iter().map(|column| column[row].clone()).collect()).collect())
}

/// Sorts the rows by the key unless they stay as written. Panics if two rows agree in it.
fn sort_by_key(output: &[Field], key: &[String], rows: &mut Vec<TableRow>, as_written: bool) -> Result<()> {
    let index = |name: &String| {
        let index = output.iter().position(|field| field.name == *name);
        index.ok_or_else(|| Fault::internal(format!("key column `{name}` is not among the output")))
    };
    let indices = key.iter().map(index).collect::<Result<Vec<_>>>()?;
    let mut sorted = BTreeMap::new();
    for row in rows.iter() {
        let cells: Vec<_> = indices.iter().map(|&index| row[index].clone()).collect();
        assert!(sorted.insert(cells, row.clone()).is_none(), "rows of the table agree in the key {key:?}");
    }
    if !as_written {
        *rows = sorted.into_values().collect();
    }
    Ok(())
}

fn show(output: &[Field], row: &TableRow) -> Vec<String> {
    output.iter().zip(row).map(|(field, cell)| cell.as_ref().map(|cell| cell.show(field)).unwrap_or_default()).collect()
}
