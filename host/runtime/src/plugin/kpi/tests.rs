//! Calls a component of contract 0.3.0 in WebAssembly text. It answers with the stream that it was sent last.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use arrow_array::{Int64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use super::reducer::MOST_SAVED;
use super::*;
use crate::privacy::Pseudonyms;
use crate::{Engine, Identified, Limits};
use smelt_common::binary::Binary;
use smelt_common::error::Kind;

static ENGINE: LazyLock<Engine> = LazyLock::new(|| Engine::new(None).expect("the engine starts"));

const INTERFACE: &str = "smelt:plugin/aggregation@0.3.0";
/// The places of the answer to `identify`, of that to `describe`, and of the text of faults.
const IDENTITY: usize = 64;
const DESCRIPTION: usize = 128;
const TEXTS: usize = 4096;

/// A KPI whose inputs, stages and table have the columns `station` and `revision`.
struct Guest {
    /// For each input the stage that it feeds.
    inputs: Vec<u32>,
    /// For each stage the number of columns that make a group.
    groups: Vec<u32>,
    key: Option<Vec<&'static str>>,
    uses_as_of: bool,
    /// Set if a reducer has enough of each group that does not end in a batch.
    has_enough: bool,
    imports: &'static str,
}

impl Default for Guest {
    fn default() -> Self {
        Self { inputs: vec![0], groups: vec![1, 0], key: None, uses_as_of: false, has_enough: false, imports: "" }
    }
}

/// The content of a guest's memory at the beginning.
struct Data(Vec<u8>);

impl Data {
    fn list(&mut self, bytes: &[u8], elements: usize) -> Vec<u8> {
        self.0.resize(self.0.len().next_multiple_of(8), 0);
        let at = self.0.len();
        self.0.extend_from_slice(bytes);
        [at as u32, elements as u32].iter().flat_map(|number| number.to_le_bytes()).collect()
    }

    fn text(&mut self, text: &str) -> Vec<u8> {
        self.list(text.as_bytes(), text.len())
    }

    fn columns(&mut self, columns: &[(&str, u8)]) -> Vec<u8> {
        let bytes: Vec<_> =
            columns.iter().flat_map(|&(name, kind)| [self.text(name), vec![kind, 38, 2, 0]].concat()).collect();
        self.list(&bytes, columns.len())
    }
}

const STATION: (&str, u8) = ("station", 3);
const REVISION: (&str, u8) = ("revision", 1);

impl Guest {
    fn component(&self) -> Vec<u8> {
        let mut data = Data(vec![0; TEXTS]);
        let schema = r#"{"properties": {"limit": {"type": "integer"}, "fault": {}}, "additionalProperties": false}"#;
        let identity: Vec<u8> = ["sin", "1.0.0", "Sins.", schema].iter().flat_map(|text| data.text(text)).collect();
        let setting = |data: &mut Data, text: &str, uses_as_of: bool| {
            [data.text(text), vec![uses_as_of.into(), 0, 0, 0]].concat()
        };
        let inputs: Vec<u8> = (0..)
            .zip(&self.inputs)
            .flat_map(|(number, stage): (u32, _)| {
                let columns = data.columns(&[STATION, REVISION]);
                let text = format!("input {number}");
                [
                    data.text("readings"),
                    columns,
                    stage.to_le_bytes().to_vec(),
                    setting(&mut data, &text, self.uses_as_of),
                ]
                .concat()
            })
            .collect();
        let stages: Vec<u8> = (0..)
            .zip(&self.groups)
            .flat_map(|(number, group): (u32, _)| {
                let (key, sums) = (data.columns(&[STATION]), data.columns(&[REVISION]));
                let text = format!("stage {number}");
                [key, sums, group.to_le_bytes().to_vec(), setting(&mut data, &text, false)].concat()
            })
            .collect();
        let key = match &self.key {
            None => vec![0; 12],
            Some(names) => {
                let each: Vec<_> = names.iter().flat_map(|name| data.text(name)).collect();
                [vec![1, 0, 0, 0], data.list(&each, names.len())].concat()
            }
        };
        let description = [
            vec![0; 4],
            data.list(&inputs, self.inputs.len()),
            data.list(&stages, self.groups.len()),
            data.columns(&[STATION, REVISION]),
            key,
        ]
        .concat();
        data.0[IDENTITY..IDENTITY + identity.len()].copy_from_slice(&identity);
        data.0[DESCRIPTION..DESCRIPTION + description.len()].copy_from_slice(&description);
        let heap = data.0.len().next_multiple_of(16);
        let bytes = data.0.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "\\{byte:02x}");
            text
        });
        let (imports, enough) = (self.imports, u8::from(self.has_enough));
        let uses_as_of = u8::from(self.uses_as_of);
        // An `open` whose text, time or number is not as described faults, with the text as its message.
        let open = |resource: &str, first: u8, is_told: u8, more: &str, saves: &str| {
            format!(
                r#"(func (export "{INTERFACE}#[static]{resource}.open")
                    (param $number i32) (param $at i32) (param $length i32) (param $told i32) (param $as_of i64) {more}
                    (result i32)
                    {saves}
                    (if (i32.or
                            (i32.or
                                (i32.ne (i32.load8_u (local.get $at)) (i32.const {first}))
                                (i32.ne
                                    (i32.load8_u (i32.add (local.get $at) (i32.sub (local.get $length) (i32.const 1))))
                                    (i32.add (local.get $number) (i32.const 48))))
                            (i32.ne (local.get $told) (i32.const {is_told})))
                        (then (return (call $fault (local.get $at) (local.get $length)))))
                    (i32.store (i32.const 1024) (i32.const 0))
                    (i32.store (i32.const 1028) (call $new_{resource} (i32.const 1)))
                    (i32.const 1024))"#
            )
        };
        let opens_accumulator = open("accumulator", b'i', uses_as_of, "", "");
        // A reducer saves what it was opened with.
        let saves = ["is_saved", "saved", "saved_length"];
        let more = saves.map(|name| format!("(param ${name} i32)")).concat();
        let kept = saves.map(|name| format!("(global.set ${name} (local.get ${name}))")).concat();
        let opens_reducer = open("reducer", b's', 0, &more, &kept);
        let globals = saves.map(|name| format!("(global ${name} (mut i32) (i32.const 0))")).concat();
        let text = format!(
            r#"(module
            (import "[export]{INTERFACE}" "[resource-new]accumulator" (func $new_accumulator (param i32) (result i32)))
            (import "[export]{INTERFACE}" "[resource-new]reducer" (func $new_reducer (param i32) (result i32)))
            {imports}
            (memory $memory (export "memory") 64)
            (data (memory $memory) (i32.const 0) "{bytes}")
            (global $top (mut i32) (i32.const {heap}))
            (global $at (mut i32) (i32.const 0))
            (global $length (mut i32) (i32.const 0))
            {globals}
            (func (export "cabi_realloc") (param i32 i32 i32) (param $size i32) (result i32) (local $at i32)
                (local.set $at (i32.and (i32.add (global.get $top) (i32.const 15)) (i32.const -16)))
                (global.set $top (i32.add (local.get $at) (local.get $size)))
                (local.get $at))
            (func $fault (param $at i32) (param $length i32) (result i32)
                (i32.store (i32.const 1024) (i32.const 1))
                (i32.store (i32.const 1028) (i32.const 2))
                (i32.store (i32.const 1032) (local.get $at))
                (i32.store (i32.const 1036) (local.get $length))
                (i32.const 1024))
            (func (export "{INTERFACE}#identify") (result i32) (i32.const {IDENTITY}))
            (func (export "{INTERFACE}#describe") (param $at i32) (param $length i32) (result i32)
                (if (i32.eq (i32.load8_u (i32.add (local.get $at) (i32.const 2))) (i32.const 102))
                    (then (return (call $fault (local.get $at) (local.get $length)))))
                (i32.const {DESCRIPTION}))
            {opens_accumulator}
            {opens_reducer}
            (func (export "{INTERFACE}#[method]accumulator.update-batch")
                (param i32) (param $at i32) (param $length i32) (result i32)
                (global.set $at (local.get $at))
                (global.set $length (local.get $length))
                (i32.store (i32.const 1024) (i32.const 0))
                (i32.const 1024))
            (func (export "{INTERFACE}#[method]accumulator.state") (param i32) (result i32)
                (i32.store (i32.const 1024) (i32.const 0))
                (i32.store (i32.const 1028) (global.get $at))
                (i32.store (i32.const 1032) (global.get $length))
                (i32.const 1024))
            (func (export "{INTERFACE}#[method]reducer.reduce")
                (param i32) (param $at i32) (param $length i32) (param $ends i32) (param $count i32) (result i32)
                (i32.store (i32.const 1024) (i32.const 0))
                (i32.store (i32.const 1028) (local.get $at))
                (i32.store (i32.const 1032) (local.get $length))
                (i32.store (i32.const 1036) (i32.and (i32.const {enough}) (i32.eqz (local.get $count))))
                (i32.const 1024))
            (func (export "{INTERFACE}#[method]reducer.save") (param i32) (result i32)
                (i32.store (i32.const 1024) (i32.const 0))
                (i32.store (i32.const 1028) (global.get $is_saved))
                (i32.store (i32.const 1032) (global.get $saved))
                (i32.store (i32.const 1036) (global.get $saved_length))
                (i32.const 1024)))"#
        );
        let mut module = wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let mut resolve = Resolve::default();
        let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit/0.3.0");
        let (package, _) = resolve.push_dir(wit).expect("the contract is right");
        let world = resolve.select_world(&[package], Some("kpi")).expect("it has the world");
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).expect("it can be embedded");
        ComponentEncoder::default().module(&module).expect("it fits the world").encode().expect("it is a component")
    }

    fn identified(&self) -> Identified<Kpi> {
        let binary = Binary::new("sin", self.component());
        let identified = Kpi::identify(&ENGINE, "sin", &binary, &Limits::default(), &Pseudonyms::default());
        identified.expect("it says who it is")
    }

    fn kpi(&self) -> Kpi {
        self.identified().describe("{}").expect("it takes no parameters")
    }
}

fn schema() -> SchemaRef {
    let columns = [("station", DataType::Utf8), ("revision", DataType::Int64)];
    Arc::new(Schema::new(columns.map(|(name, kind)| Field::new(name, kind, false)).to_vec()))
}

/// Returns rows with these revisions, each of a station of its own.
fn rows(revisions: std::ops::Range<i64>) -> RecordBatch {
    let stations: StringArray = revisions.clone().map(|revision| Some(format!("s{revision:03}"))).collect();
    let revisions = Int64Array::from_iter_values(revisions);
    RecordBatch::try_new(schema(), vec![Arc::new(stations), Arc::new(revisions)]).expect("it is a batch")
}

#[test]
fn a_component_of_0_3_0_says_who_it_is_before_it_knows_parameters() {
    let identified = Guest::default().identified();
    let identity = identified.identity();
    assert_eq!((&*identity.name, identity.summary.as_str()), ("sin", "Sins."));
    assert_eq!((identity.contract, identity.pseudonymises), (Contract::V0_3_0, false));
    assert_eq!(identified.describe(r#"{"limit":3}"#).expect("it takes it").params(), r#"{"limit":3}"#);
}

#[test]
fn parameters_that_the_schema_or_the_plugin_refuses_are_errors_of_the_manifest() {
    let identified = Guest::default().identified();
    for (params, words) in [
        (r#"{"colour":1}"#, "plugin `sin`: parameters: Additional properties"),
        (r#"{"limit":"x"}"#, "plugin `sin`: parameter `limit`: "),
        // It is a fault of another kind, and about the parameters all the same.
        (r#"{"fault":1}"#, r#"plugin `sin` failed to describe itself: {"fault":1}"#),
        ("{", "plugin `sin`: parameters: "),
    ] {
        for error in [identified.describe(params).err(), identified.describe_anyway(params).err()] {
            let error = error.expect("it is refused");
            assert_eq!(error.kind(), Kind::InvalidConfig, "{error}");
            assert!(error.to_string().contains(words), "`{words}` is not in: {error}");
        }
    }
}

#[test]
fn each_part_is_opened_with_its_setting_alone() {
    let guest = Guest { inputs: vec![0, 1], uses_as_of: true, ..Guest::default() };
    let kpi = guest.kpi();
    let settings: Vec<_> = kpi.spec().settings().map(|setting| (setting.params.as_str(), setting.uses_as_of)).collect();
    assert_eq!(settings, [("input 0", true), ("input 1", true), ("stage 0", false), ("stage 1", false)]);
    // The guest refuses any other text, number or time.
    for number in 0..2 {
        kpi.accumulator(number, 7).expect("it is given its own text, and the time");
        kpi.reducer(number, 7).expect("it is given its own text, and no time");
    }
}

#[test]
fn an_accumulator_gives_rows_of_the_stage_that_it_feeds() {
    let kpi = Guest::default().kpi();
    let mut accumulator = kpi.accumulator(0, 0).expect("it opens");
    accumulator.update(&rows(0..3)).expect("it takes rows");
    assert_eq!(accumulator.state().expect("it has a state"), rows(0..3));
    accumulator.update(&rows(3..5)).expect("it takes rows after its state");
    assert_eq!(accumulator.state().expect("it has a state"), rows(3..5));
    assert!(accumulator.cost().fuel > 0);
}

#[test]
fn a_reducer_is_sent_groups_in_pieces_and_only_as_much_as_it_wants() {
    let kpi = Guest::default().kpi();
    let mut reducer = kpi.reducer(0, 0).expect("it opens");
    let reduced = reducer.reduce(&rows(0..5), &[2, 5]).expect("it takes groups");
    assert_eq!((reduced.rows, reduced.enough), (rows(0..5), false));
    let reduced = reducer.reduce_in_pieces(&rows(0..5), &[2, 5], 2).expect("it takes pieces");
    assert_eq!((reduced.rows, reduced.enough), (rows(0..5), false));
    let reduced = reducer.reduce(&rows(0..0), &[0]).expect("it takes a group without rows");
    assert_eq!((reduced.rows.num_rows(), reduced.enough), (0, false));

    let kpi = Guest { has_enough: true, ..Guest::default() }.kpi();
    let mut reducer = kpi.reducer(1, 0).expect("it opens");
    let reduced = reducer.reduce(&rows(0..3), &[]).expect("it takes rows");
    assert_eq!((reduced.rows, reduced.enough), (rows(0..3), true));
    let reduced = reducer.reduce_in_pieces(&rows(0..6), &[5], 2).expect("it takes another group");
    assert_eq!((reduced.rows, reduced.enough), (concatenated(&[rows(0..2), rows(5..6)]), true));
    let reduced = reducer.reduce(&rows(0..2), &[2]).expect("it takes a group");
    assert!(!reduced.enough, "the group has ended");
}

#[test]
fn a_reducer_goes_on_from_what_was_saved() {
    let kpi = Guest::default().kpi();
    assert_eq!(kpi.reducer(0, 0).expect("it opens").save().expect("it answers"), None, "it offers nothing");
    let mut reducer = kpi.reducer_from(0, 0, b"here").expect("it opens");
    assert_eq!(reducer.save().expect("it answers").as_deref(), Some(&b"here"[..]));
    let much = vec![7; MOST_SAVED + 1];
    assert_eq!(kpi.reducer_from(0, 0, &much).expect("it opens").save().expect("it answers"), None, "it is too much");

    // The group has begun, so the guest may have enough of it at once.
    let kpi = Guest { has_enough: true, ..Guest::default() }.kpi();
    let mut reducer = kpi.reducer_from(1, 0, b"here").expect("it opens");
    assert!(reducer.reduce(&rows(0..0), &[]).expect("nothing is sent").rows.num_rows() == 0);
    assert!(reducer.reduce(&rows(0..1), &[]).expect("it takes a row").enough);
}

fn concatenated(parts: &[RecordBatch]) -> RecordBatch {
    arrow_select::concat::concat_batches(&schema(), parts).expect("they are of one schema")
}

#[test]
fn ends_that_make_no_sense_are_not_sent() {
    let kpi = Guest::default().kpi();
    let mut reducer = kpi.reducer(0, 0).expect("it opens");
    for ends in [&[2, 1][..], &[4]] {
        let error = reducer.reduce(&rows(0..3), ends).expect_err("it is refused");
        assert_eq!(error.kind(), Kind::Internal, "{error}");
    }
}

#[test]
fn a_kpi_without_stages_gives_rows_of_its_table() {
    let guest = Guest { groups: vec![], key: Some(vec!["station"]), ..Guest::default() };
    let kpi = guest.kpi();
    let mut accumulator = kpi.accumulator(0, 0).expect("it opens");
    accumulator.update(&rows(0..2)).expect("it takes rows");
    let table = accumulator.state().expect("it has a state");
    kpi.check_table(&table).expect("its key tells rows apart");
    let twice = concatenated(&[table.clone(), table]);
    let told = kpi.check_table(&twice).expect_err("its key does not").to_string();
    assert!(told.contains("broke the contract in `state`: rows 0 and 2"), "{told}");
}

#[test]
fn a_kpi_of_0_3_0_may_ask_for_pseudonyms() {
    let imports = r#"(import "smelt:plugin/privacy@0.3.0" "pseudonymise" (func (param i32 i32 i32)))"#;
    assert!(Guest { imports, ..Guest::default() }.identified().identity().pseudonymises);
}

#[test]
fn a_component_of_0_3_0_has_no_accumulators_of_earlier_contracts() {
    assert!(Guest::default().kpi().earlier(0).expect("nothing fails").is_none());
}
