//! Guests whose answers lie: lists that are not where they say, and streams that are none.

use std::sync::Arc;

use arrow_ipc::MetadataVersion;
use arrow_schema::{DataType, Field, Schema};

use super::Guest;
use super::stream::{Batch, END, body, id, of, schema};

fn answer(sin: &str) -> Guest {
    Guest { answer: sin.into(), ..Guest::default() }
}

fn kept(stream: Vec<u8>) -> Guest {
    Guest { kept: Some(stream), ..Guest::default() }
}

/// One batch that is otherwise honest.
fn batch(lie: Batch) -> Guest {
    kept(lie.stream())
}

/// Another schema before the honest batch.
fn under(other: &Schema) -> Guest {
    kept([schema(other), Batch::default().message(), END.to_vec()].concat())
}

fn nested(depth: usize) -> DataType {
    (0..depth).fold(DataType::Utf8, |inner, _| DataType::List(Arc::new(Field::new("item", inner, true))))
}

/// A fault with a message of so many bytes at that place.
pub fn fault(at: i32, length: i32) -> String {
    format!(
        "(i32.store (i32.const 1024) (i32.const 1)) (i32.store (i32.const 1028) (i32.const 1)) \
         (i32.store (i32.const 1032) (i32.const {at})) (i32.store (i32.const 1036) (i32.const {length}))"
    )
}

super::sins! {
    answers_outside_its_memory: Guest { answer: "(return (i32.const -4))".into(), ..Guest::default() } => "out of bounds";
    answers_at_an_odd_place: Guest { answer: "(return (i32.const 1025))".into(), ..Guest::default() } => "align";
    answers_neither_yes_nor_no: answer("(i32.store (i32.const 1024) (i32.const 7))") => "discriminant";
    gives_a_stream_outside_its_memory: answer("(i32.store (i32.const 1028) (i32.const -16))") => "out of bounds";
    gives_a_stream_without_end: answer("(i32.store (i32.const 1032) (i32.const -1))") => "plugin `sin` failed to clean a batch: ";
    gives_more_than_it_may: Guest { pages: 240, ..answer("(i32.store (i32.const 1028) (i32.const 0)) (i32.store (i32.const 1032) (i32.const 13000000))") }
        => "it passed more than 12582912 bytes";
    gives_a_million_rows: Guest { pages: 240, ..answer("(i32.store (i32.const 1036) (i32.const 0)) (i32.store (i32.const 1040) (i32.const 1000000))") }
        => "`kept` has 3 rows, `kept-rows` 1000000";
    gives_rejections_outside_its_memory: answer("(i32.store (i32.const 1044) (i32.const 8)) (i32.store (i32.const 1048) (i32.const 0x10000000))")
        => "plugin `sin` failed to clean a batch: ";
    keeps_a_row_twice: answer("(i32.store (i32.const 1108) (i32.const 1))") => "is neither kept nor rejected, or out of order";
    invents_a_row: answer("(i32.store (i32.const 1108) (i32.const 9))") => "is neither kept nor rejected, or out of order";
    forgets_a_row: answer("(i32.store (i32.const 1040) (i32.const 2))") => "`kept` has 3 rows, `kept-rows` 2";
    fails_for_a_reason_outside_its_memory: answer(&fault(-8, 100)) => "out of bounds";
    fails_for_a_reason_of_ten_kilobytes: Guest {
        fields: "(data (i32.const 400000) \"xxxxxxxx\")".into(),
        ..answer(&format!("(memory.fill (i32.const 400000) (i32.const 120) (i32.const 10000)) {}", fault(400_000, 10_000)))
    } => "xxx…";
    fails_for_a_reason_that_is_no_text: answer(&format!("(i32.store8 (i32.const 400000) (i32.const 255)) {}", fault(400_000, 1))) => "utf-8";
    fails_with_what_a_terminal_obeys: answer(&format!("(i64.store (i32.const 400000) (i64.const 0x0d0a5d324a5b1b07)) {}", fault(400_000, 8)))
        => "\\u{7}\\u{1b}[J2] \\r";
    fails_with_what_reorders_a_line: answer(&format!("(i32.store (i32.const 400000) (i32.const 0x00ae80e2)) {}", fault(400_000, 3)))
        => "\\u{202e}";

    gives_nothing: kept(vec![]) => "it ends without the end-of-stream marker";
    gives_garbage: kept(b"this is no Arrow stream".to_vec()) => "a message lacks its continuation marker";
    gives_no_schema: kept(END.to_vec()) => "it has no schema";
    gives_a_batch_before_the_schema: kept([Batch::default().message(), END.to_vec()].concat()) => "a RecordBatch message is out of place";
    gives_two_schemas: kept([schema(&id()), schema(&id()), Batch::default().message(), END.to_vec()].concat()) => "a Schema message is out of place";
    gives_one_batch_too_many: kept([schema(&id()), Batch::default().message(), Batch::default().message(), END.to_vec()].concat())
        => "`kept` has 6 rows, `kept-rows` 3";
    gives_thousands_of_batches: kept([
        schema(&id()),
        Batch { rows: 0, nodes: vec![(0, 0)], buffers: vec![(0, 0); 3], body: vec![], ..Batch::default() }.message().repeat(1100),
        END.to_vec(),
    ].concat()) => "it has more than 1024 record batches";
    gives_no_end: kept([schema(&id()), Batch::default().message()].concat()) => "it ends without the end-of-stream marker";
    gives_bytes_after_the_end: kept([Batch::default().stream(), vec![0; 8]].concat()) => "8 bytes follow its end";
    gives_half_a_message: kept(Batch::default().stream()[..300].to_vec()) => "`kept`: a message";
    gives_a_header_of_gigabytes: kept([&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f][..], &[0; 64]].concat()) => "a message is truncated";
    gives_a_header_that_is_none: kept([&[0xff, 0xff, 0xff, 0xff, 64, 0, 0, 0][..], &[0xaa; 64], &END].concat()) => "a message is malformed";
    gives_an_older_version: batch(Batch { version: MetadataVersion::V4, ..Batch::default() }) => "is not of metadata version 5";
    says_a_negative_body: batch(Batch { says: Some(-8), ..Batch::default() }) => "a message's body is truncated";
    says_a_vast_body: batch(Batch { says: Some(1 << 47), ..Batch::default() }) => "a message's body is truncated";
    says_the_vastest_body: batch(Batch { says: Some(i64::MAX), ..Batch::default() }) => "a message's body is truncated";
    says_a_shorter_body: batch(Batch { says: Some(8), ..Batch::default() }) => "a buffer lies outside its message";
    says_negative_rows: batch(Batch { rows: -3, nodes: vec![(-3, 0)], ..Batch::default() }) => "a batch has -3 rows";
    says_vast_rows: batch(Batch { rows: 1 << 47, nodes: vec![(1 << 47, 0)], ..Batch::default() }) => "a buffer is too short for its rows";
    says_the_vastest_rows: batch(Batch { rows: i64::MAX, nodes: vec![(i64::MAX, 0)], ..Batch::default() }) => "a buffer is too short for its rows";
    gives_more_rows_than_it_may: batch(Batch {
        rows: 2000, nodes: vec![(2000, 0)], buffers: vec![(0, 0), (0, 8004), (8004, 0)], body: vec![0; 8008], ..Batch::default()
    }) => "it has 2000 rows or more; at most 1000 are accepted";
    says_other_rows_in_a_column: batch(Batch { nodes: vec![(2, 0)], ..Batch::default() }) => "column `id` has 2 rows and 0 nulls of 3";
    says_more_nulls_than_rows: batch(Batch { nodes: vec![(3, 4)], ..Batch::default() }) => "column `id` has 3 rows and 4 nulls of 3";
    says_negative_nulls: batch(Batch { nodes: vec![(3, -1)], ..Batch::default() }) => "column `id` has 3 rows and -1 nulls of 3";
    says_other_nulls_than_there_are: batch(Batch { nodes: vec![(3, 2)], buffers: vec![(0, 1), (8, 16), (24, 3)], ..Batch::default() }) => "null_count";
    gives_more_columns: batch(Batch { nodes: vec![(3, 0), (3, 0)], ..Batch::default() }) => "a batch has 2 columns; its schema has 1";
    gives_no_columns: batch(Batch { nodes: vec![], buffers: vec![], ..Batch::default() }) => "a batch has 0 columns; its schema has 1";
    gives_too_few_buffers: batch(Batch { buffers: vec![(0, 0), (8, 16)], ..Batch::default() }) => "a batch lacks a buffer";
    gives_too_many_buffers: batch(Batch { buffers: vec![(0, 0), (8, 16), (24, 3), (24, 0)], ..Batch::default() }) => "more buffers than columns need";
    gives_a_buffer_outside_the_body: batch(Batch { buffers: vec![(0, 0), (8, 16), (24, 4000)], ..Batch::default() }) => "a buffer lies outside its message";
    gives_a_buffer_at_a_negative_place: batch(Batch { buffers: vec![(0, 0), (-8, 16), (24, 3)], ..Batch::default() }) => "a buffer lies outside its message";
    gives_a_buffer_at_a_vast_place: batch(Batch { buffers: vec![(0, 0), (i64::MAX, 16), (24, 3)], ..Batch::default() }) => "a buffer lies outside its message";
    gives_a_buffer_of_negative_length: batch(Batch { buffers: vec![(0, 0), (8, -16), (24, 3)], ..Batch::default() }) => "a buffer lies outside its message";
    gives_a_buffer_that_is_too_short: batch(Batch { buffers: vec![(0, 0), (8, 8), (24, 3)], ..Batch::default() }) => "a buffer is too short for its rows";
    gives_one_buffer_twice: batch(Batch { buffers: vec![(0, 0), (8, 16), (8, 16)], ..Batch::default() }) => "a buffer overlaps another";
    compresses: batch(Batch { compressed: true, ..Batch::default() }) => "it is compressed";
    gives_texts_that_end_before_they_begin: batch(Batch { body: body([0, 3, 1, 3], b"xyz"), ..Batch::default() }) => "`kept`: ";
    gives_texts_that_end_far_outside: batch(Batch { body: body([0, 1, 2, i32::MAX], b"xyz"), ..Batch::default() }) => "`kept`: ";
    gives_texts_that_begin_before_all: batch(Batch { body: body([-1, 1, 2, 3], b"xyz"), ..Batch::default() }) => "`kept`: ";
    gives_what_is_no_text: batch(Batch { body: body([0, 1, 2, 3], b"x\xffz"), ..Batch::default() }) => "`kept`: ";
    cuts_a_character_in_two: batch(Batch { body: body([0, 1, 2, 3], &[0xc3, 0xa9, b'z']), ..Batch::default() }) => "`kept`: ";

    declares_another_type: under(&of(DataType::Int64)) => "its columns are (id: int64?), not (id: utf8?)";
    declares_large_text: under(&of(DataType::LargeUtf8)) => "column `id` has a type that the contract lacks: LargeUtf8";
    declares_views: under(&of(DataType::Utf8View)) => "column `id` has a type that the contract lacks: Utf8View";
    declares_a_union: under(&of(DataType::Union(arrow_schema::UnionFields::empty(), arrow_schema::UnionMode::Dense)))
        => "column `id` has a type that the contract lacks: Union";
    declares_a_map_of_runs: under(&of(DataType::RunEndEncoded(
        Arc::new(Field::new("run_ends", DataType::Int32, false)), Arc::new(Field::new("values", DataType::Utf8, true)),
    ))) => "column `id` is nested";
    declares_a_dictionary: under(&of(DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::Utf8)))) => "column `id` has a dictionary";
    declares_a_list: under(&of(nested(1))) => "column `id` is nested";
    declares_fifty_lists_in_each_other: under(&of(nested(50))) => "a message is malformed";
    declares_a_name_of_ten_kilobytes: under(&Schema::new(vec![Field::new("x".repeat(10_000), DataType::Utf8, true)]))
        => "a column's name has 10000 bytes; at most 255 are accepted";
    declares_a_name_that_a_terminal_obeys: under(&Schema::new(vec![Field::new("\x1b[2J", DataType::Utf8, true)])) => "\\u{1b}[2J";
    declares_a_thousand_columns: under(&Schema::new((0..150).map(|at| Field::new(format!("c{at}"), DataType::Utf8, true)).collect::<Vec<_>>()))
        => "it has more than 100 columns";
    declares_metadata: under(&Schema::new(vec![
        Field::new("id", DataType::Utf8, true).with_metadata(std::collections::HashMap::from([("a".to_owned(), "b".to_owned())])),
    ])) => "column `id` has metadata";
}
