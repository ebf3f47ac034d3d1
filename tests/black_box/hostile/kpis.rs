//! KPIs that do harm, in any of their calls.

use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{Field, Schema};

use super::report::fault;
use super::stream::END;
use super::usage::{LOG, LOOP, TOO_LONG};
use super::{Call, Kpi, Sin};

pub fn state(state: Call) -> Kpi {
    Kpi { state, ..Kpi::default() }
}

fn fold(fold: Call) -> Kpi {
    Kpi { fold, ..Kpi::default() }
}

fn evaluate(evaluate: Call) -> Kpi {
    Kpi { evaluate, ..Kpi::default() }
}

fn update(sin: &str) -> Kpi {
    Kpi { update: sin.into(), ..Kpi::default() }
}

fn sin(sin: &str) -> Call {
    Call { sin: sin.into(), ..Call::default() }
}

fn answer(answer: &str) -> Call {
    Call { answer: answer.into(), ..Call::default() }
}

pub fn gives(stream: Vec<u8>) -> Call {
    Call { gives: Some(stream), ..Call::default() }
}

/// Rows of the declared schema.
pub fn rows(stations: &[&str], revisions: &[i64]) -> Vec<u8> {
    stream("revision", Arc::new(StringArray::from(stations.to_vec())), Arc::new(Int64Array::from(revisions.to_vec())))
}

/// A stream with a column `station` and another one, without missing values.
fn stream(other: &str, stations: ArrayRef, values: ArrayRef) -> Vec<u8> {
    let fields = [("station", &stations), (other, &values)];
    let fields = fields.map(|(name, column)| Field::new(name, column.data_type().clone(), column.null_count() > 0));
    let schema = Arc::new(Schema::new(fields.to_vec()));
    let batch = RecordBatch::try_new(schema.clone(), vec![stations, values]).expect("it is a batch");
    let mut writer = StreamWriter::try_new(Vec::new(), &schema).expect("it writes");
    writer.write(&batch).expect("it writes");
    writer.into_inner().expect("it writes")
}

/// The same without columns.
fn nothing() -> Vec<u8> {
    StreamWriter::try_new(Vec::new(), &Schema::empty()).expect("it writes").into_inner().expect("it writes")
}

/// Text in place of the sums.
pub fn of_text() -> Vec<u8> {
    stream("revision", text(&["A"]), text(&["many"]))
}

fn text(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

super::sins! {
    loops_in_a_new_accumulator: Kpi { open: LOOP.into(), ..Kpi::default() } => "failed to open: it ran longer than 250 ms";
    loops_over_its_rows: update(LOOP) => "failed to take in a batch: it ran longer than 250 ms";
    loops_in_its_state: state(sin(LOOP)) => "failed to give its state: it ran longer than 250 ms";
    loops_after_its_state: state(Call { after: Some(LOOP.into()), ..Call::default() }) => TOO_LONG;
    loops_in_a_group: fold(sin(LOOP)) => "failed to fold groups: it ran longer than 250 ms";
    loops_in_its_table: evaluate(sin(LOOP)) => "failed to evaluate: it ran longer than 250 ms";
    logs_its_table_for_ever: Kpi {
        imports: LOG.into(),
        ..evaluate(sin("(loop $for_ever (call $log (i32.const 4) (i32.const 64) (i32.const 8)) (br $for_ever))"))
    } => TOO_LONG;
    traps_in_a_new_accumulator: Kpi { open: "(unreachable)".into(), ..Kpi::default() } => "failed to open: wasm trap: wasm `unreachable`";
    traps_over_its_rows: update("(unreachable)") => "failed to take in a batch: wasm trap: wasm `unreachable`";
    traps_in_its_state: state(sin("(unreachable)")) => "failed to give its state: wasm trap: wasm `unreachable`";
    traps_in_a_group: fold(sin("(drop (i32.div_s (i32.const 1) (local.get $i)))")) => "failed to fold groups: wasm trap: integer divide by zero";
    traps_in_its_table: evaluate(sin("(drop (i32.load (i32.const -8)))")) => "failed to evaluate: wasm trap: out of bounds";
    traps_after_its_table: evaluate(Call { after: Some("(unreachable)".into()), ..Call::default() }) => "unreachable";
    recurses_in_its_table: evaluate(sin("(drop (call $evaluate (i32.const 0) (i32.const 0) (i32.const 0)))")) => "call stack exhausted";
    hoards_its_rows: update("(loop $more (br_if $more (i32.ne (memory.grow $memory (i32.const 16)) (i32.const -1)))) (unreachable)")
        => "it wanted more than 16777216 bytes of memory";
    faults_over_its_rows: update(&format!("{} (return (i32.const 1024))", fault(64, 4))) => "failed to take in a batch: ";
    faults_without_end: evaluate(answer(&fault(8, -1))) => "failed to evaluate: ";

    gives_a_state_outside_its_memory: state(answer("(i32.store (i32.const 1028) (i32.const -16))")) => "out of bounds";
    gives_a_table_without_end: evaluate(answer("(i32.store (i32.const 1032) (i32.const -1))")) => "failed to evaluate: ";
    gives_a_vast_state: Kpi {
        pages: 240,
        ..state(answer("(i32.store (i32.const 1028) (i32.const 0)) (i32.store (i32.const 1032) (i32.const 13000000))"))
    } => "it passed more than 12582912 bytes";
    gives_two_thousand_groups: state(gives(rows(&["A"; 2000], &[1; 2000]))) => "it has 2000 rows or more; at most 1000 are accepted";
    gives_no_state_at_all: state(gives(vec![])) => "broke the contract in `state`: it ends without";
    gives_garbage_for_a_state: state(gives(b"this is no Arrow stream".to_vec())) => "broke the contract in `state`: ";
    gives_garbage_for_a_group: fold(gives(vec![0xff; 64])) => "broke the contract in `fold`: ";
    gives_half_a_table: evaluate(gives(rows(&["A"], &[1])[..300].to_vec())) => "broke the contract in `evaluate`: ";
    gives_a_table_and_more: evaluate(gives([rows(&["A"], &[1]), END.to_vec()].concat())) => "8 bytes follow its end";
    gives_a_state_without_columns: state(gives(nothing())) => "its columns are (), not (station: utf8, revision: int64)";
    gives_a_state_of_other_columns: state(gives(stream("revisions", text(&["A"]), Arc::new(Int64Array::from(vec![1])))))
        => "broke the contract in `state`: its columns are (station: utf8, revisions: int64)";
    gives_a_group_of_text: fold(gives(of_text())) => "(station: utf8, revision: utf8), not";
    gives_a_table_that_lacks_values: evaluate(gives(stream(
        "revision", text(&["A", "B"]), Arc::new(Int64Array::from(vec![Some(1), None])),
    ))) => "(station: utf8, revision: int64?), not";
}

/// Faults that the host finds when it adds up and writes, so that only a run can tell.
pub const ADDED_UP: &[Sin] = &[
    Sin(
        "counts_to_more_than_there_is",
        || state(gives(rows(&["A", "A"], &[i64::MAX, 1]))).into(),
        "a sum is too large for column `revision: int64`",
    ),
    Sin(
        "folds_to_less_than_there_is",
        || fold(gives(rows(&["A", "A"], &[i64::MIN, -1]))).into(),
        "a sum is too large for column `revision: int64`",
    ),
];
