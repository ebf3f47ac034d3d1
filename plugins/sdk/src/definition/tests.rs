//! Rows as types, definitions of tables, and the mistakes in them that are found.

use std::cell::Cell;

use super::target::Target;
use crate::glue::Reducer;
use crate::prelude::*;
use crate::testing::Trial;
use crate::{Batch, DataType, Field, Out, rows, saved};

#[derive(Row, Debug, PartialEq, Clone, Copy)]
#[row(group(name))]
enum Event<'a> {
    Known {
        name: Option<&'a str>,
        since: Date,
    },
    Read {
        name: Option<&'a str>,
        at: Timestamp,
        level: Desc<i64>,
        #[sum]
        amount: Money,
    },
    Seen {
        name: Option<&'a str>,
        at: Timestamp,
        ok: bool,
        #[sum]
        rows: i64,
    },
}

fn target<R: rows::Row>() -> (Vec<Field>, Target) {
    let rows::Columns { keys, mut sums, counted, .. } = R::columns();
    if !counted {
        sums.push(int64("rows"));
    }
    let fields = [&keys[..], &sums].concat();
    (fields.clone(), Target { fields, of_stage: true, counts: !counted, as_of: None })
}

#[test]
fn an_enum_has_the_group_the_kind_and_the_columns_of_all_variants() {
    let (fields, _) = target::<Event>();
    let columns: Vec<_> = fields.iter().map(|field| (field.name.as_str(), field.nullable)).collect();
    let optional = ["since", "at", "level", "ok"].map(|name| (name, true));
    let expected = [&[("name", true), ("kind", false)][..], &optional, &[("amount", false), ("rows", false)]].concat();
    assert_eq!(columns, expected);
    assert!(matches!(fields[4].data_type, DataType::Int64), "a descending number is a number");
}

#[derive(Row, Debug, PartialEq, Clone, Copy)]
#[row(group(who), then(at))]
enum Dated<'a> {
    Version { who: i64, at: Date, key: &'a str },
    Sale { at: Date, id: i64, who: i64 },
}

#[derive(Row)]
struct SaleOf<'a> {
    id: i64,
    key: &'a str,
}

#[derive(Row)]
struct Line<'a> {
    who: i64,
    at: Date,
    key: Option<&'a str>,
}

/// Joins sales with the version of their client on that day.
fn dated(_: &Config) -> Result<Definition> {
    table(["id"])
        .input::<Line>("lines", |Line { who, at, key }, out| match key {
            Some(key) => out.add(Dated::Version { who, at, key }),
            None => out.add(Dated::Sale { at, id: i64::from(at.0) * 10 + who, who }),
        })
        .stage::<Dated>()
        .walk(|held: &mut String, row, out| match row {
            Dated::Version { key, .. } => {
                key.clone_into(held);
                Ok(())
            }
            Dated::Sale { id, .. } => out.add(SaleOf { id, key: held }),
        })
        .define()
}

#[test]
fn what_sorts_before_the_kind_orders_rows_of_all_kinds() {
    let (fields, _) = target::<Dated>();
    let names: Vec<_> = fields.iter().map(|field| field.name.as_str()).collect();
    assert_eq!(names, ["who", "at", "kind", "key", "id", "rows"]);
    let lines =
        ["1,1970-01-03,", "1,1970-01-02,a", "1,1970-01-04,b", "1,1970-01-04,", "2,1970-01-05,", "1,1970-01-01,"];
    let lines = "who,at,key\n".to_owned() + &lines.join("\n");
    let table = Trial::of(dated).rows("lines", &lines).table().expect("a table");
    assert_eq!(table, "id,key\n1,\n21,a\n31,b\n42,\n");
}

#[test]
fn rows_are_read_as_they_were_written() {
    let (at, name) = (Timestamp(7), Some("a"));
    let events = [
        Event::Known { name: None, since: Date(3) },
        Event::Read { name, at, level: Desc(i64::MIN), amount: Money::from_units(-5) },
        Event::Seen { name, at, ok: true, rows: 4 },
        Event::Read { name: None, at, level: Desc(2), amount: Money::ZERO },
    ];
    let mut out = Out::new(&target::<Event>().1);
    events.into_iter().for_each(|event| out.add(event).expect("it is added"));
    let stream = out.finish().expect("a stream");
    let batch = Batch::read(&stream).expect("a batch");
    let reader = <Event as rows::Row>::reader(&batch).expect("its columns");
    let read: Vec<_> = batch.rows().map(|row| <Event as rows::Row>::read(&reader, row).expect("a row")).collect();
    assert_eq!(read, events);
    let rows = batch.integers("rows").expect("the count");
    assert_eq!(batch.rows().map(|row| rows.value(row)).collect::<Vec<_>>(), [1, 1, 4, 1]);
}

#[test]
fn rows_with_equal_keys_are_added_up_unless_the_sum_does_not_fit() {
    let seen = |name, ok, rows| Event::Seen { name, at: Timestamp(0), ok, rows };
    let mut out = Out::new(&target::<Event>().1);
    for _ in 0..3 {
        for (name, ok) in [(Some("a"), true), (None, true), (Some(""), true), (Some("a"), false)] {
            out.add(seen(name, ok, 2)).expect("it is added");
            out.add(seen(name, ok, i64::MAX - 2)).expect("it is added");
        }
    }
    let stream = out.finish().expect("a stream");
    let batch = Batch::read(&stream).expect("a batch");
    let (names, rows) = (batch.text("name").expect("names"), batch.integers("rows").expect("counts"));
    let total = |wanted| -> i128 {
        batch.rows().filter(|&row| names.get(row) == wanted).map(|row| i128::from(rows.value(row))).sum()
    };
    let of_each = 3 * i128::from(i64::MAX);
    assert_eq!((total(Some("a")), total(None), total(Some(""))), (2 * of_each, of_each, of_each));
    assert!(batch.len() < 24, "{} rows", batch.len());
    assert!(out.finish().is_ok_and(|stream| Batch::read(&stream).is_ok_and(|batch| batch.is_empty())), "it forgets");
}

#[test]
fn keys_that_hardly_repeat_are_written_as_they_are() {
    let mut out = Out::new(&target::<Event>().1);
    let names: Vec<_> = (0..10_000).map(|name| (name % 9_000).to_string()).collect();
    for name in &names {
        out.add(Event::Known { name: Some(name), since: Date(0) }).expect("it is added");
    }
    assert_eq!(Batch::read(&out.finish().expect("a stream")).expect("a batch").len(), 10_000);
}

#[derive(Row)]
struct Reading<'a> {
    station: &'a str,
    degrees: i64,
}

#[derive(Row)]
#[row(group(station))]
struct OfStation<'a> {
    station: &'a str,
    degrees: Desc<i64>,
}

#[derive(Row)]
struct Warmest<'a> {
    station: &'a str,
    degrees: i64,
}

fn parameters() -> Parameters {
    Parameters::none().integer("limit", 1..=100, 2, "How many.").integer("offset", 0..=100, 0, "Added to degrees.")
}

const READINGS: &str = "station,degrees\nb,3\na,1\na,5\nb,4\na,2\nc,0\n";

/// The warmest readings of each station, and one row for stations with fewer.
fn warmest(config: &Config) -> Result<Definition> {
    let (limit, offset) = (config.integer("limit")?, config.integer("offset")?);
    table(["station", "degrees"])
        .input::<Reading>("readings", move |Reading { station, degrees }, out| {
            out.add(OfStation { station, degrees: Desc(degrees + offset) })
        })
        .setting(["offset"])
        .stage::<OfStation>()
        .walk_to_end(
            move |(station, read): &mut (String, i64), row, out| {
                row.station.clone_into(station);
                *read += 1;
                if *read == limit {
                    out.enough();
                }
                out.add(Warmest { station: row.station, degrees: row.degrees.0 })
            },
            |(station, _), out| out.add(Warmest { station: &station, degrees: -1 }),
        )
        .setting(["limit"])
        .define()
}

#[test]
fn a_walk_ends_where_it_has_enough() {
    let trial = |given| Trial::of(warmest).parameters(parameters(), given).rows("readings", READINGS);
    let table = "station,degrees\na,2\na,5\nb,3\nb,4\nc,-1\nc,0\n";
    assert_eq!(trial("{}").table().expect("a table"), table);
    let one = trial(r#"{"limit": 1, "offset": 3}"#).table().expect("a table");
    assert_eq!(one, "station,degrees\na,8\nb,7\nc,3\n");
}

#[test]
fn each_part_is_told_its_setting_alone() {
    let description = Trial::of(warmest).parameters(parameters(), r#"{"limit": 7}"#).describe().expect("a description");
    assert_eq!(description.inputs[0].accumulator.params, r#"{"offset":0}"#);
    assert_eq!(description.stages[0].reducer.params, r#"{"limit":7}"#);
}

/// Adds `offset` in a part that says it depends on `limit` alone.
fn too_narrow(config: &Config) -> Result<Definition> {
    let offset = config.integer("offset")?;
    table(["station", "degrees"])
        .input::<Reading>("readings", move |Reading { station, degrees }, out| {
            out.add(OfStation { station, degrees: Desc(degrees + offset) })
        })
        .setting(["limit"])
        .stage::<OfStation>()
        .each(|row, out| out.add(Warmest { station: row.station, degrees: row.degrees.0 }))
        .define()
}

#[test]
#[should_panic(expected = "if the part is told all parameters")]
fn a_setting_that_lacks_a_parameter_is_found() {
    let trial = Trial::of(too_narrow).parameters(parameters(), r#"{"offset": 1}"#).rows("readings", READINGS);
    drop(trial.table());
}

/// Counts over all groups that come.
fn leaking(_: &Config) -> Result<Definition> {
    let seen = Cell::new(0);
    table(["station", "degrees"])
        .input::<Reading>("readings", |Reading { station, degrees }, out| {
            out.add(OfStation { station, degrees: Desc(degrees) })
        })
        .stage::<OfStation>()
        .group(move |rows, out| {
            seen.set(seen.get() + 1);
            out.add(Warmest { station: rows[0].station, degrees: seen.get() })
        })
        .define()
}

#[test]
#[should_panic(expected = "groups of stage 0 give other rows (left) alone")]
fn a_group_that_depends_on_others_is_found() {
    drop(Trial::of(leaking).rows("readings", READINGS).table());
}

/// Numbers the readings of a station. The count is no part of the state, so another reducer does not know it.
fn hiding(_: &Config) -> Result<Definition> {
    let (station, read) = (Cell::new(String::new()), Cell::new(0));
    table(["station", "degrees"])
        .input::<Reading>("readings", |Reading { station, degrees }, out| {
            out.add(OfStation { station, degrees: Desc(degrees) })
        })
        .stage::<OfStation>()
        .walk(move |_: &mut (), row, out| {
            if station.replace(row.station.to_owned()) != row.station {
                read.set(0);
            }
            read.set(read.get() + 1);
            out.add(Warmest { station: row.station, degrees: read.get() })
        })
        .define()
}

#[test]
#[should_panic(expected = "groups of stage 0 give other rows (left) if another reducer goes on after every row")]
fn a_walk_that_remembers_more_than_its_state_is_found() {
    drop(Trial::of(hiding).rows("readings", READINGS).table());
}

/// A state whose bytes leave out the number of rows, or have one that depends on how often it is saved.
#[derive(Default, Clone)]
struct Forgetful<const COUNTS: bool>(i64, Cell<i64>);

impl<const COUNTS: bool> Saved for Forgetful<COUNTS> {
    fn save(&self, out: &mut Vec<u8>) {
        if COUNTS {
            self.1.set(self.1.get() + 1);
            (self.0, self.1.get()).save(out);
        }
    }
    fn resume(bytes: &mut &[u8]) -> Result<Self> {
        let (read, saved) = if COUNTS { Saved::resume(bytes)? } else { (0, 0) };
        Ok(Self(read, Cell::new(saved)))
    }
}

fn forgetful<const COUNTS: bool>(_: &Config) -> Result<Definition> {
    table(["station", "degrees"])
        .input::<Reading>("readings", |Reading { station, degrees }, out| {
            out.add(OfStation { station, degrees: Desc(degrees) })
        })
        .stage::<OfStation>()
        .walk(|state: &mut Forgetful<COUNTS>, row, out| {
            state.0 += 1;
            out.add(Warmest { station: row.station, degrees: state.0 })
        })
        .define()
}

#[test]
#[should_panic(expected = "if another reducer goes on after every row")]
fn a_state_that_forgets_is_found() {
    drop(Trial::of(forgetful::<false>).rows("readings", READINGS).table());
}

#[test]
#[should_panic(expected = "after row 3 of stage 0 other bytes (left) are saved in batches of three rows")]
fn bytes_that_depend_on_more_than_the_state_are_found() {
    drop(Trial::of(forgetful::<true>).rows("readings", READINGS).table());
}

#[test]
fn a_reducer_saves_what_its_part_remembers() {
    let open = |define: fn(&Config) -> Result<Definition>, saved: Option<&[u8]>| {
        Reducer::open_with(&Parameters::none().schema(), define, 0, "{}", None, saved)
    };
    let rows = |rows: &[(&str, i64)]| {
        let mut out = Out::new(&target::<OfStation>().1);
        for &(station, degrees) in rows {
            out.add(OfStation { station, degrees: Desc(degrees) }).expect("it is added");
        }
        out.finish().expect("a stream")
    };
    for (define, saved) in [
        (forgetful::<true> as fn(&Config) -> Result<Definition>, Some(saved::save(&(1i64, 1i64)))),
        // `each` remembers nothing, and `group` gathers rows.
        (each_reading, Some(vec![])),
        (leaking, None),
    ] {
        let reducer = open(define, None).expect("it opens");
        let reduced = reducer.reduce(&rows(&[("a", 3), ("a", 2), ("b", 1)]), &[2]).expect("it takes rows");
        assert!(!reduced.enough);
        assert_eq!(reducer.save().expect("it answers"), saved);
        let malformed = open(define, Some(b"other")).err().expect("these are no bytes of its").message;
        let expected =
            if saved.is_some() { "these bytes are not a saved state" } else { "this part has saved nothing" };
        assert!(malformed.starts_with(expected), "{malformed}");
    }
}

/// Has an `each`.
fn each_reading(_: &Config) -> Result<Definition> {
    table(["station", "degrees"])
        .input::<Reading>("readings", |Reading { station, degrees }, out| {
            out.add(OfStation { station, degrees: Desc(degrees) })
        })
        .stage::<OfStation>()
        .each(|row, out| out.add(Warmest { station: row.station, degrees: row.degrees.0 }))
        .define()
}

/// Has no stage: the table is what the input writes.
fn flat(_: &Config) -> Result<Definition> {
    table(["station", "degrees"])
        .input::<Reading>("readings", |row, out| out.add(Warmest { station: row.station, degrees: row.degrees }))
        .define()
}

#[test]
fn a_table_without_a_stage_is_sorted_by_its_key() {
    let table = Trial::of(flat).rows("readings", READINGS).table().expect("a table");
    assert_eq!(table, "station,degrees\na,1\na,2\na,5\nb,3\nb,4\nc,0\n");
}

#[test]
fn parts_that_do_not_fit_together_are_a_fault() {
    fn fault(definition: Result<Definition>) -> String {
        definition.err().map(|fault| fault.message).unwrap_or_default()
    }
    let late = table(["station"])
        .input::<Reading>("readings", |row, out| out.add(OfStation { station: row.station, degrees: Desc(0) }))
        .stage::<OfStation>()
        .each(|row, out| out.add(Warmest { station: row.station, degrees: 0 }))
        .input::<Reading>("readings", |row, out| out.add(Warmest { station: row.station, degrees: 0 }));
    assert_eq!(fault(late.define()), "an input after the last stage feeds no stage");
    let ungrouped = table(["station"])
        .input::<Reading>("readings", |row, out| out.add(row))
        .stage::<Reading>()
        .each(|row, out| out.add(row));
    assert!(fault(ungrouped.define()).starts_with("a row of a stage says its group"));
    let unknown = |_: &Config| {
        table(["station"]).input::<Reading>("readings", |row, out| out.add(row)).setting(["limits"]).define()
    };
    assert!(Trial::of(unknown).describe().is_err_and(|fault| fault.message.contains("`limits`")));
}
