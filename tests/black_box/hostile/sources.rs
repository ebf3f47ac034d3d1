//! Sources that do harm.

use super::report::fault;
use super::usage::{LOG, LOOP, TOO_LONG};
use super::{Sin, Source};

fn sin(sin: &str) -> Source {
    Source { generate: sin.into(), ..Source::default() }
}

fn answer(answer: &str) -> Source {
    Source { answer: answer.into(), ..Source::default() }
}

fn object(name: &str) -> Source {
    Source { objects: vec![(name.into(), b"id\nx\n".to_vec())], ..Source::default() }
}

super::sins! {
    loops_before_it_makes_anything: sin(LOOP) => "failed to generate: it ran longer than 250 ms";
    loops_after_it_made_something: Source { after_generate: Some(LOOP.into()), ..Source::default() } => TOO_LONG;
    talks_and_makes_nothing: Source {
        imports: LOG.into(),
        ..sin("(loop $for_ever (call $log (i32.const 3) (i32.const 64) (i32.const 8)) (br $for_ever))")
    } => TOO_LONG;
    traps_before_it_makes_anything: sin("(unreachable)") => "failed to generate: wasm trap: wasm `unreachable`";
    traps_after_it_made_something: Source { after_generate: Some("(unreachable)".into()), ..Source::default() } => "unreachable";
    hoards_what_it_makes: sin("(loop $more (br_if $more (i32.ne (memory.grow $memory (i32.const 16)) (i32.const -1)))) (unreachable)")
        => "it wanted more than 16777216 bytes of memory";
    makes_a_fault: answer(&fault(64, 4)) => "failed to generate: ";
    makes_objects_outside_its_memory: answer("(i32.store (i32.const 1028) (i32.const -16))") => "out of bounds";
    makes_negatively_many_objects: answer("(i32.store (i32.const 1032) (i32.const -1))") => "failed to generate: ";
    makes_a_million_objects: Source {
        pages: 250,
        ..answer("(i32.store (i32.const 1028) (i32.const 0)) (i32.store (i32.const 1032) (i32.const 1000000))")
    } => "it passed more than 12582912 bytes";
    makes_ten_thousand_objects_and_one: Source {
        pages: 40,
        ..answer("(i32.store (i32.const 1028) (i32.const 1000000)) (i32.store (i32.const 1032) (i32.const 10001))")
    } => "made 10001 objects in a tick; at most 10000 are accepted";
    makes_a_vast_object: Source {
        pages: 240,
        ..answer("(local.set $i (i32.load (i32.const 1028))) (i32.store offset=8 (local.get $i) (i32.const 0)) (i32.store offset=12 (local.get $i) (i32.const 13000000))")
    } => "it passed more than 12582912 bytes";
    makes_an_object_without_a_name: object("") => "made an object ``; a name is 1 to 255 letters";
    makes_an_object_elsewhere: object("../made-1.csv") => "made an object `../made-1.csv`; a name is";
    makes_an_object_at_the_root: object("/etc/made-1.csv") => "made an object `/etc/made-1.csv`; a name is";
    makes_an_object_that_hides: object(".made-1.csv") => "not beginning with `.`";
    makes_an_object_that_a_terminal_obeys: object("made-\u{1b}[2J.csv") => "made-\\u{1b}[2J.csv";
    makes_an_object_with_a_long_name: object(&format!("made-{}.csv", "1".repeat(255))) => "a name is 1 to 255 letters";
}

/// Faults that the host finds before it writes, so that only a run can tell.
pub const WRITTEN: &[Sin] = &[Sin(
    "makes_objects_of_others",
    || object("readings-2.csv").into(),
    "made an object `readings-2.csv`; it declares made-*.csv",
)];
