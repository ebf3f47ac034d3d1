//! Guests that take too much or trap, in one of their calls.

use arrow_array::{RecordBatch, StringArray};

use super::Guest;

pub const LOOP: &str = "(loop $for_ever (br $for_ever))";
pub const LOG: &str = r#"(import "smelt:plugin/log@0.2.0" "write" (func $log (param i32 i32 i32)))"#;
const PSEUDONYMISE: &str =
    r#"(import "smelt:plugin/privacy@0.2.0" "pseudonymise" (func $pseudonymise (param i32 i32 i32)))"#;
pub const TOO_LONG: &str = "it ran longer than 250 ms";

fn in_clean(sin: &str) -> Guest {
    Guest { clean: sin.into(), ..Guest::default() }
}

fn with(fields: &str, clean: &str) -> Guest {
    Guest { fields: fields.into(), ..in_clean(clean) }
}

fn importing(imports: &str, clean: &str) -> Guest {
    Guest { imports: imports.into(), ..in_clean(clean) }
}

fn for_ever(sin: &str) -> String {
    format!("(loop $for_ever {sin} (br $for_ever))")
}

super::sins! {
    loops_in_clean: in_clean(LOOP) => TOO_LONG;
    loops_in_open: Guest { open: LOOP.into(), ..Guest::default() } => "failed to open: it ran longer than 250 ms";
    loops_when_it_is_asked_for_memory: Guest { realloc: LOOP.into(), ..Guest::default() } => TOO_LONG;
    loops_after_its_answer: Guest { after_clean: Some(LOOP.into()), ..Guest::default() } => TOO_LONG;
    copies_all_its_memory_over_and_over: Guest {
        pages: 240,
        ..in_clean(&for_ever("(memory.copy (i32.const 4096) (i32.const 8192) (i32.const 15_000_000))"))
    } => TOO_LONG;
    fills_all_its_memory_over_and_over: Guest {
        pages: 240,
        ..in_clean(&for_ever("(memory.fill (i32.const 4096) (i32.const 1) (i32.const 15_000_000))"))
    } => TOO_LONG;
    logs_for_ever: importing(LOG, &for_ever("(call $log (i32.const 1) (i32.const 64) (i32.const 8))")) => TOO_LONG;
    asks_for_pseudonyms_for_ever: Guest {
        pages: 33,
        ..importing(PSEUDONYMISE, &for_ever("(global.set $top (i32.const 1100000)) (call $pseudonymise (i32.const 8192) (i32.const 20000) (i32.const 1200))"))
    } => TOO_LONG;
    recurses_for_ever: in_clean("(drop (call $clean (i32.const 0) (i32.const 0) (i32.const 0)))") => "call stack exhausted";

    takes_all_memory: in_clean("(loop $more (br_if $more (i32.ne (memory.grow $memory (i32.const 16)) (i32.const -1)))) (unreachable)")
        => "it wanted more than 16777216 bytes of memory";
    takes_a_gigabyte_at_once: in_clean("(if (i32.eq (memory.grow $memory (i32.const 16384)) (i32.const -1)) (then (unreachable)))")
        => "it wanted more than 16777216 bytes of memory";
    takes_memory_in_a_second_memory: with(
        "(memory $second 1)",
        "(loop $more (br_if $more (i32.ne (memory.grow $second (i32.const 16)) (i32.const -1)))) (unreachable)",
    ) => "it wanted more than 16777216 bytes of memory";
    grows_a_table: with("(table $table 1 funcref)", "(drop (table.grow $table (ref.null func) (i32.const 10000))) (unreachable)")
        => "it wanted more than 1000 table elements";
    leaks_handles: in_clean(&for_ever("(drop (call $new (i32.const 1)))")) => "store handle limit exceeded";
    wants_too_many_pseudonyms_at_once: Guest {
        pages: 40,
        ..importing(PSEUDONYMISE, "(call $pseudonymise (i32.const 65536) (i32.const 262145) (i32.const 1200))")
    } => "it wanted 262145 pseudonyms at once; at most 262144 are made";
    logs_a_gigabyte: importing(LOG, "(call $log (i32.const 1) (i32.const 0) (i32.const 1000000000))") => "plugin `sin` failed to clean a batch: ";
    logs_what_is_no_text: Guest {
        description: super::Description { summary: "\u{ff}".into(), ..Guest::default().description },
        ..importing(LOG, "(i32.store8 (i32.const 64) (i32.const 255)) (call $log (i32.const 1) (i32.const 64) (i32.const 1))")
    } => "utf-8";
    logs_at_a_level_that_there_is_not: importing(LOG, "(call $log (i32.const 77) (i32.const 64) (i32.const 1))") => "discriminant";

    reaches_what_it_must_not: in_clean("(unreachable)") => "wasm `unreachable` instruction executed";
    divides_by_zero: in_clean("(drop (i32.div_s (i32.const 1) (local.get $i)))") => "integer divide by zero";
    reads_outside_its_memory: in_clean("(drop (i32.load (i32.const -8)))") => "out of bounds memory access";
    calls_nothing: with("(table $table 1 funcref)", "(call_indirect $table (i32.const 0))") => "uninitialized element";
    traps_after_its_answer: Guest { after_clean: Some("(unreachable)".into()), ..Guest::default() } => "unreachable";
    traps_when_it_is_asked_for_memory: Guest { realloc: "(unreachable)".into(), ..Guest::default() } => "unreachable";
    gives_memory_it_does_not_have: Guest { realloc: "(return (i32.const -64))".into(), ..Guest::default() } => "realloc return";
}

/// Each call has a deadline of its own: a guest that takes its time at every batch is bounded by the deadline times the number
/// of batches, and its object is cleaned.
#[test]
fn takes_its_time_at_every_batch() {
    // A few milliseconds of work, far less than the deadline.
    let spin =
        "(loop $more (br_if $more (i32.ne (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 3000000))))";
    let cleaner = super::load(&in_clean(spin)).expect("it is honest");
    let ids = std::sync::Arc::new(StringArray::from(vec!["x", "y", "z"])) as _;
    let rows = RecordBatch::try_from_iter_with_nullable([("id", ids, true)]).expect("it is a batch");
    let mut session = cleaner.open(0).expect("it opens");
    // All calls together run for twice the deadline, however many calls that takes.
    let deadline = 1000 * super::limits().call_ms;
    while session.cost().micros < 2 * deadline {
        assert_eq!(session.clean(&rows).expect("it is in time").kept.num_rows(), 3);
    }
}
