//! Objects too big to store, which are generated while they are read.

use std::io::Read;

use crate::testing::{Record, collect, row};
use crate::{DecodeLimits, Format, rule};

/// Reads as `head`, then `len` times `byte`, then `tail`.
struct Made<'a> {
    head: &'a [u8],
    byte: u8,
    len: usize,
    tail: &'a [u8],
}

impl Read for Made<'_> {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        if !self.head.is_empty() {
            self.head.read(buf)
        } else if self.len > 0 {
            let len = self.len.min(buf.len());
            buf[..len].fill(self.byte);
            self.len -= len;
            Ok(len)
        } else {
            self.tail.read(buf)
        }
    }
}

const LEN: usize = 100 << 20;

fn records(head: &str, byte: u8, tail: &str, format: Format) -> Vec<Record> {
    let reader = Made { head: head.as_bytes(), byte, len: LEN, tail: tail.as_bytes() };
    collect(reader, format, &["a"], DecodeLimits::default()).records
}

#[test]
fn a_huge_line_is_one_record_of_json_lines() {
    let records = records("{\"a\":1}\n{\"a\":\"", b'x', "\"}\n{\"a\":2}\n", Format::Jsonl);
    assert_eq!(records.len(), 3);
    assert_eq!(records[1].outcome, Err(rule::LINE_TOO_LONG));
    assert_eq!((records[1].offset, records[1].len, records[1].raw.len()), (8, LEN as u64 + 8, 4096));
    assert_eq!(records[2].outcome, row(&["2"]));
    assert_eq!(records[2].offset, 8 + LEN as u64 + 9);
}

#[test]
fn a_huge_element_is_one_record_of_an_array() {
    let records = records("[{\"a\":1},{\"a\":\"", b'x', "\"},{\"a\":2}]", Format::Json);
    assert_eq!(records.len(), 3);
    assert_eq!(records[1].outcome, Err(rule::LINE_TOO_LONG));
    assert_eq!((records[1].offset, records[1].len), (9, LEN as u64 + 8));
    assert_eq!(records[2].outcome, row(&["2"]));
}

#[test]
fn a_huge_line_is_one_record_of_csv() {
    let records = records("a\n1\n", b'x', "\n2\n", Format::Csv);
    assert_eq!(records.len(), 3);
    assert_eq!(records[1].outcome, Err(rule::LINE_TOO_LONG));
    assert_eq!((records[1].offset, records[1].len), (4, LEN as u64));
    assert_eq!(records[2].outcome, row(&["2"]));
}

#[test]
fn a_huge_header_is_one_record() {
    let records = records("a,", b'x', "\n2\n", Format::Csv);
    assert_eq!(records.len(), 1);
    assert_eq!((records[0].outcome.clone(), records[0].len), (Err(rule::NO_HEADER), LEN as u64 + 5));
}

#[test]
fn huge_stretches_of_blanks_and_brackets_are_read_through() {
    assert_eq!(records("", b' ', "{\"a\":1}", Format::Json)[0].outcome, row(&["1"]));
    assert_eq!(records("[", b'\n', "{\"a\":1}]", Format::Json)[0].outcome, row(&["1"]));
    assert_eq!(records("a\n", b'\n', "1", Format::Csv)[0].outcome, row(&["1"]));
    assert_eq!(records("[", b'[', "", Format::Json).len(), 1);
    assert_eq!(records("{\"a\":", b'[', "\n{}", Format::Jsonl).len(), 2);
}

/// A decoder that looks for a record's end again and again would read each of these objects a million times.
#[test]
fn objects_made_to_be_slow_are_read_to_their_end() {
    let limits = DecodeLimits { record_bytes: 64 << 10, ..DecodeLimits::default() };
    for (head, line, format) in [
        ("[", "{{\"a\":1},\n", Format::Json),
        ("[", "{\"a\":[1,2},\n", Format::Json),
        ("[", "{\"a: 1},\n", Format::Json),
        ("[", "{\"a\":[\n", Format::Json),
        ("a,b,c\n", "a\",b,\"c\n", Format::Csv),
        ("a,b,c\n", "\",\n", Format::Csv),
        ("a,b,c\n", "a,\"b\"\"\n", Format::Csv),
    ] {
        let bytes = [head.as_bytes(), &line.as_bytes().repeat((8 << 20) / line.len())].concat();
        let records = collect(bytes.as_slice(), format, &["a"], limits).records;
        assert!(!records.is_empty(), "{head}{line}");
    }
}
