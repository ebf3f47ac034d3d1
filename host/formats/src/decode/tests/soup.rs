//! Decodes random bytes, and good objects with a wrong byte. `decode_with` checks the promises.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::testing::decode_with;
use crate::{DecodeLimits, Format};

const PIECES: [&[u8]; 40] = [
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"\"",
    b"\\",
    b"\n",
    b"\r",
    b" ",
    b"1",
    b"-",
    b"e",
    b"a",
    b"\"a\"",
    b"{\"a\":1}",
    b"{\"a\":1},\n",
    b"\n{\"a\":\"x\"}\n",
    b"null",
    b"true",
    b"\"b\":",
    b"{\"a\":{\"b\":[1,2]}}",
    b"\xff",
    b"\xc3\xa9",
    b"\0",
    b"[1,2]",
    b"x,y\n",
    b"\"x\ny\",z\n",
    b"\"x\"\"y\",z\r\n",
    b"a,b\n",
    b"\"\"",
    b",\n",
    b"\r\n",
    b"\\u00e9",
    b"\\ud800",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"0",
    b".5",
];

fn soup() -> impl Strategy<Value = Vec<u8>> {
    vec(select(PIECES.to_vec()), 0..60).prop_map(|pieces| pieces.concat())
}

fn limits() -> impl Strategy<Value = DecodeLimits> {
    (select(vec![1, 8, 40, 100_000]), 0..5_usize).prop_map(|(record_bytes, depth)| DecodeLimits {
        record_bytes,
        depth,
        ..DecodeLimits::default()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn soup_is_accounted_for(bytes in soup(), limits in limits(), format in select(vec![Format::Csv, Format::Json, Format::Jsonl])) {
        decode_with(&bytes, format, &["a", "b"], limits);
    }

    #[test]
    fn arrays_of_soup_are_accounted_for(soup in soup(), limits in limits()) {
        decode_with(&[b"[", soup.as_slice()].concat(), Format::Json, &["a"], limits);
    }

    #[test]
    fn csv_soup_under_a_header_is_accounted_for(soup in soup(), limits in limits()) {
        decode_with(&[b"a,b\n", soup.as_slice()].concat(), Format::Csv, &["b", "a"], limits);
    }

    #[test]
    fn one_wrong_byte_costs_few_records(at in 0..1400_usize, byte: u8) {
        let mut bytes = br#"{"a":"some text","b":[1,2]}"#.iter().chain(b"\n").copied().cycle().take(28 * 50).collect::<Vec<_>>();
        bytes[at] = byte;
        let (rows, broken) = decode_with(&bytes, Format::Jsonl, &["a"], DecodeLimits::default()).summary();
        prop_assert!(rows >= 48 && broken.len() <= 2, "{rows} rows, {broken:?}");
    }
}
