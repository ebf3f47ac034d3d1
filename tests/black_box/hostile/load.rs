//! Guests that are refused before they see a row: what they are made of, how they start, what they say of themselves.

use smelt_common::binary::Binary;
use smelt_common::error::Kind;
use smelt_runtime::privacy::Pseudonyms;
use smelt_runtime::{Cleaner, Engine};

use super::usage::LOOP;
use super::{Component as _, Description, FLOAT64, Guest, INT64, Kpi, Load, Source, Stage, UTF8, limits};

fn says(change: impl FnOnce(&mut Description)) -> Guest {
    let mut guest = Guest::default();
    change(&mut guest.description);
    guest
}

fn fields(fields: &str) -> Guest {
    Guest { fields: fields.into(), ..Guest::default() }
}

fn numbered(many: usize) -> Vec<String> {
    (0..many).map(|number| format!("c{number}")).collect()
}

#[test]
fn what_the_machine_has_no_room_for_is_not_the_fault_of_the_plugin() {
    // One of its own: there is room for so many instances at once, and other tests need some.
    let engine = Engine::new(None).expect("the engine starts");
    let binary = Binary::new("sin", Guest::default().named("sin"));
    let pseudonyms = Pseudonyms::from_hex(None).expect("no key is a key");
    let cleaner = Cleaner::load(&engine, "sin", &binary, &limits(), &pseudonyms, "{}").expect("it loads");
    let mut sessions = vec![];
    let error = loop {
        match cleaner.open(0) {
            Ok(session) => sessions.push(session),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), Kind::Unavailable, "{error}");
    assert!(error.to_string().contains("the machine lacks resources"), "{error}");
    drop(sessions);
    cleaner.open(0).expect("there is room again");
}

/// A section of a component: its number, its length, what it holds.
fn section(id: u8, content: &[u8]) -> Vec<u8> {
    [&[id][..], &leb(content.len()), content].concat()
}

fn leb(mut number: usize) -> Vec<u8> {
    let mut bytes = vec![];
    while number > 127 {
        bytes.push(number as u8 | 128);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

/// Modules after the one that the guest is, each instantiated so often.
fn more(module: &str, times: usize) -> Guest {
    let module = wat::parse_str(module).expect("it is a module");
    // Instantiate the second module, with nothing.
    let instances: Vec<u8> = [leb(times), [0, 1, 0].repeat(times)].concat();
    Guest { sections: [section(1, &module), section(2, &instances)].concat(), ..Guest::default() }
}

/// Components in each other.
fn nested(depth: usize) -> Guest {
    let empty = b"\0asm\x0d\0\x01\0".to_vec();
    let sections = (0..depth).fold(vec![], |inner, _| section(4, &[empty.clone(), inner].concat()));
    Guest { sections, ..Guest::default() }
}

/// A schema whose references double sixty times.
fn bomb() -> String {
    let each: Vec<_> = (0..60)
        .map(|at| format!(r##""d{at}":{{"allOf":[{{"$ref":"#/$defs/d{0}"}},{{"$ref":"#/$defs/d{0}"}}]}}"##, at + 1))
        .collect();
    format!(r##"{{"$ref":"#/$defs/d0","$defs":{{{},"d60":{{}}}}}}"##, each.join(","))
}

fn stages(stages: Vec<Stage>) -> Kpi {
    Kpi { stages, ..Kpi::default() }
}

fn sums(name: &'static str, kind: u8, nullable: bool) -> Kpi {
    stages(vec![Stage { sums: vec![(name, kind, nullable)], ..Stage::of_stations(0) }])
}

super::sins! {
    loops_in_describe: Guest { describe: LOOP.into(), ..Guest::default() } => "failed to describe itself: it ran longer than 250 ms";
    loops_after_describe: Guest { after_describe: Some(LOOP.into()), ..Guest::default() } => "it ran longer than 250 ms";
    loops_when_it_starts: fields("(func $begin (loop $for_ever (br $for_ever))) (start $begin)") => "failed to start: it ran longer than 250 ms";
    traps_when_it_starts: fields("(func $begin (unreachable)) (start $begin)") => "failed to start: wasm trap: wasm `unreachable`";
    begins_with_a_gigabyte: Guest { pages: 16_384, ..Guest::default() } => "failed to start: it wanted more than 16777216 bytes of memory";
    begins_with_a_huge_table: fields("(table 10000 funcref)") => "it wanted more than 1000 table elements";
    has_many_memories: fields(&"(memory 1)".repeat(3)) => "memory count too high";
    has_many_tables: fields(&"(table 1 funcref)".repeat(4)) => "table count too high";
    has_many_instances: more("(module)", 20) => "instance count too high";
    has_nine_hundred_instances: more("(module (memory 1) (table 1 funcref))", 900) => "901 core module instances";
    has_many_functions: fields(&"(func)".repeat(101)) => "functions or more; at most 100 are accepted";
    has_many_functions_in_another_module: more(&format!("(module {})", "(func)".repeat(101)), 1) => "functions or more; at most 100 are accepted";
    has_a_vast_function: fields(&format!("(func {})", "(nop)".repeat((1 << 20) + 100))) => "a function has 1048678 bytes; at most 1048576 are accepted";
    is_too_large: Guest { sections: section(0, &[&[1, b'x'][..], &vec![0; 4 << 20]].concat()), ..Guest::default() } => "it has more than 3145728 bytes";
    lies_in_itself: nested(17) => "its components are nested deeper than 16";
    lies_in_itself_a_thousand_times: nested(1000) => "its components are nested deeper than 16";
    has_garbage_at_its_end: Guest { sections: vec![0x77; 100], ..Guest::default() } => "does not compile";

    describes_itself_outside_its_memory: Guest { describe: "(return (i32.const -64))".into(), ..Guest::default() } => "out of bounds";
    describes_itself_with_garbage: Guest { describe: "(i32.store8 (i32.const 96) (i32.const 1)) (memory.fill (i32.const 64) (i32.const 255) (i32.const 32))".into(), ..Guest::default() }
        => "failed to describe itself: ";
    talks_of_itself_without_end: Guest { pages: 64, ..says(|it| it.summary = "x".repeat(2 << 19)) } => "it passed more than 1048576 bytes";
    has_another_name: Guest { describe: "(i32.store8 (i32.load (i32.const 64)) (i32.const 88))".into(), ..Guest::default() } => "the name must be lower-case letters";
    has_a_version_that_is_a_book: says(|it| it.version = "1".repeat(65)) => "the version has 65 bytes; at most 64 are accepted";
    has_a_summary_that_is_a_book: says(|it| it.summary = "x".repeat(1001)) => "the summary has 1001 bytes; at most 1000";
    has_parameters_that_are_a_book: says(|it| it.parameters = " ".repeat(65_537)) => "the parameters has 65537 bytes";
    declares_too_many_columns: says(|it| it.output = numbered(101).into_iter().map(|name| (name, UTF8)).collect()) => "it declares 101 columns; at most 100";
    declares_too_many_inputs: says(|it| it.input = numbered(101)) => "it declares 101 input columns; at most 100";
    declares_too_many_rules: says(|it| it.rules = numbered(101)) => "it declares 101 rules; at most 100";
    declares_a_long_name: says(|it| it.output = vec![("x".repeat(256), UTF8)]) => "1 to 255 bytes";
    declares_a_name_a_terminal_obeys: says(|it| it.output = vec![("\x1b[2J".into(), UTF8)]) => "has characters that cannot be seen";
    declares_a_name_of_two_scripts: says(|it| it.output = vec![("p\u{430}y".into(), UTF8)]) => "column `p\\u{430}y` mixes scripts";
    declares_a_name_that_looks_like_another: says(|it| it.output = vec![("\u{440}\u{430}\u{443}".into(), UTF8)])
        => "looks like a name in ASCII letters";
    declares_a_name_of_double_width: says(|it| it.output = vec![("\u{ff49}d".into(), UTF8)]) => "no letters or digits of identifiers";
    declares_names_that_differ_in_case: says(|it| it.output = vec![("id".into(), UTF8), ("ID".into(), UTF8)])
        => "`ID` can be taken for `id`";
    declares_a_rule_that_is_not_seen_whole: says(|it| it.rules = vec!["od\u{ad}d".into()]) => "has characters that cannot be seen";
    declares_a_name_that_reorders_a_line: says(|it| it.input = vec!["\u{202e}di".into()]) => "has characters that cannot be seen";
    declares_an_input_that_is_not_seen_whole: says(|it| it.input = vec!["i\u{200b}d".into()]) => "has characters that cannot be seen";
    declares_a_column_twice: says(|it| it.output = vec![("id".into(), UTF8), ("id".into(), UTF8)]) => "`id` is declared twice";
    declares_no_column: says(|it| it.output = vec![]) => "output has no columns";
    declares_a_type_there_is_not: says(|it| it.output = vec![("id".into(), 99)]) => "discriminant";
    declares_a_key_it_lacks: says(|it| it.key = vec!["nope".into()]) => "`nope` is not among its output columns";

    loops_in_the_description_of_a_kpi: Kpi { describe: LOOP.into(), ..Kpi::default() } => "failed to describe itself: it ran longer than 250 ms";
    reads_nothing: Kpi { inputs: vec![], ..Kpi::default() } => "it declares no input";
    reads_the_same_twice: Kpi { inputs: vec!["readings"; 2], ..Kpi::default() } => "input `readings` is declared twice";
    has_no_stage: stages(vec![]) => "it declares 0 stages; 1 to 4 are accepted";
    has_a_hundred_stages: stages(vec![Stage::of_stations(1); 100]) => "it declares 100 stages; 1 to 4 are accepted";
    has_groups_of_more_columns_than_there_are: stages(vec![Stage::of_stations(u32::MAX), Stage::of_stations(0)]) => "4294967295 of its 1 key columns";
    adds_up_nothing: stages(vec![Stage { sums: vec![], ..Stage::of_stations(0) }]) => "it has no sums";
    adds_up_fractions: sums("revision", FLOAT64, false) => "a sum is int64 or decimal128 and not nullable";
    adds_up_what_may_be_missing: sums("revision", INT64, true) => "not `revision: int64?`";

    loops_in_the_description_of_a_source: Source { describe: LOOP.into(), ..Source::default() } => "failed to describe itself: it ran longer than 250 ms";
    has_a_family_twice: Source { families: vec!["made-*.csv"; 2], ..Source::default() } => "object pattern `made-*.csv` is declared twice";
    has_a_family_that_a_terminal_obeys: Source { families: vec!["\x1b[2J*"], ..Source::default() } => "has characters that cannot be seen";
}

/// The words in which a component of this text is refused as a plugin of some kind.
fn refused_as<P>(load: Load<P>, text: &str) -> String {
    let directory = tempfile::tempdir().expect("a directory");
    let component = wat::parse_str(text).expect("it is a component");
    std::fs::write(directory.path().join("sin.wasm"), component).expect("it can be written");
    super::load_from(load, directory.path()).err().expect("it is refused")
}

fn refused(text: &str) -> String {
    refused_as(Cleaner::load, text)
}

#[test]
fn threads_and_large_memories_do_not_compile() {
    for (module, words) in [
        ("(memory 1 1 shared)", "threads"),
        ("(memory i64 1)", "memory64"),
        ("(func (drop (i8x16.relaxed_swizzle (v128.const i64x2 0 0) (v128.const i64x2 0 0))))", "relaxed"),
        ("(memory 1 (pagesize 1))", "page size"),
        ("(type (struct))", "gc"),
        ("(tag)", "exceptions"),
    ] {
        let error = refused(&format!("(component (core module {module}))"));
        assert!(error.contains("does not compile") && error.contains(words), "{module}: {error}");
    }
}

#[test]
fn whatever_is_not_in_the_contract_cannot_be_imported() {
    for import in [
        "wasi:filesystem/types@0.2.0",
        "wasi:filesystem/preopens@0.2.0",
        "wasi:sockets/tcp@0.2.0",
        "wasi:http/outgoing-handler@0.2.0",
        "wasi:cli/environment@0.2.0",
        "wasi:cli/stdout@0.2.0",
        "wasi:clocks/wall-clock@0.2.0",
        "wasi:clocks/monotonic-clock@0.2.0",
        "wasi:random/random@0.2.0",
        "wasi:random/insecure@0.2.0",
        "wasi:io/poll@0.2.0",
        "wasi:thread/spawn@0.2.0",
        "smelt:plugin/secrets@0.2.0",
        "anything:at/all",
    ] {
        let error = refused(&format!("(component (import \"{import}\" (instance)))"));
        assert!(error.contains(&format!("plugin `sin` imports `{import}`; a cleaner may import only")), "{error}");
    }
    let privacy = "(component (import \"smelt:plugin/privacy@0.2.0\" (instance)))";
    let words = "imports `smelt:plugin/privacy@0.2.0`; a kpi may import only";
    assert!(refused_as(smelt_runtime::Kpi::load, privacy).contains(words));
    assert!(refused_as(smelt_runtime::Generator::load, privacy).contains(&words.replace("kpi", "source")));
}

#[test]
fn parameters_that_would_be_checked_for_ever_are_refused() {
    let lake = super::neighbours::lake_with(&[("bomb", says(|it| it.parameters = bomb()).into())]);
    let ended = lake.end(&["run"]);
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    assert!(ended.stderr.contains("plugin `bomb`: its parameter schema has more than 10000 nodes"), "{}", ended.stderr);
}

#[test]
fn a_family_of_objects_that_is_no_pattern_is_refused() {
    for family in ["made.csv", "*-*.csv"] {
        let source = Source { families: vec![family], ..Source::default() };
        let ended = super::neighbours::lake_with(&[("made", source.into())]).end(&["run"]);
        assert_eq!(ended.code, Some(2), "{}", ended.stderr);
        assert!(
            ended.stderr.contains("plugin `made`: objects = ") && ended.stderr.contains(family),
            "{}",
            ended.stderr
        );
    }
}
