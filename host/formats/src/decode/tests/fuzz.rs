//! Damages good objects at random. `decode_with` checks the promises.

use std::io::Write as _;

use smelt_common::damage::Damage;

use crate::testing::decode_with;
use crate::{
    Comment, DecodeLimits, Delimiter, Dialect, Format, LinePattern, ObjectCompression, Pointer, Quote, TextEncoding,
};

const GOOD: [(Format, &str); 9] = [
    (Format::Csv, "a,b\n1,x\n\"q\"\"uo,te\",\n\"two\nlines\",é\r\n,,\n3,\u{1f600}\n"),
    (Format::Csv, "\u{feff}b,c,a\n\"\",1,2\n=1+1,-0,\" x \"\n"),
    (Format::Csv, "sep=,\na,b\n1,2\n"),
    (
        Format::Jsonl,
        "{\"a\":1.50,\"b\":\"x\\u00e9\\n\"}\n{\"b\":null}\n\n{\"a\":{\"c\":[1,{}]},\"b\":[]}\n{\"a\":true,\"a\":2}\n",
    ),
    (Format::Jsonl, "{\"a\":\"\\ud83d\\ude00\",\"b\":-1e-7}\r\n{\"a\":123456789012345678901234567890}\n"),
    (Format::Json, "[{\"a\":1,\"b\":\"x\"},\n {\"a\":null},{\"b\":{\"a\":[[[]]]}} ]"),
    (Format::Json, "[\n{\"a\":\"\\\"\\\\\"},{\"\":0,\"b\":1e400},{}]\n"),
    (Format::Json, "{\n  \"a\": 1,\n  \"b\": {\n    \"c\": []\n  }\n}\n{\n  \"a\": 2\n}\n{\"a\":3}{\"a\":4}\n"),
    (Format::Json, "\x1e{\"a\":1}\n\x1e[{\"a\":2}]\n\x1e{\"b\":[3]}\n"),
];

/// The times that objects are damaged, of those that the environment asks for: each is decoded six times, in windows as
/// small as 16 bytes.
const PART: usize = 10;

/// Damages the objects, and decodes them in their dialects.
fn damage(name: &str, good: &[(Dialect, Vec<u8>)], columns: &[&str]) {
    let mut damage = Damage::from_environment(name);
    let times = damage.times / PART;
    let mut records = 0;
    for _ in 0..times {
        let (dialect, object) = damage.one_of(good);
        let other = &damage.one_of(good).1;
        let damaged = damage.done_to(object, other);
        let limits = DecodeLimits { record_bytes: *damage.one_of(&[8, 40, 1 << 20]), ..DecodeLimits::default() };
        records += decode_with(&damaged, dialect.clone(), columns, limits).records.len();
    }
    println!("{times} damaged {name}: {records} records, all accounted for");
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
    encoder.write_all(bytes).expect("a Vec takes all");
    encoder.finish().expect("a Vec takes all")
}

#[test]
fn damaged_objects_are_accounted_for() {
    let good = GOOD.map(|(format, text)| (format.into(), text.as_bytes().to_vec()));
    damage("objects", &good, &["a", "b"]);
}

#[test]
fn damaged_compressed_objects_are_rows_or_unreadable() {
    let mut good = Vec::new();
    for (format, text) in GOOD {
        let (text, dialect) = (text.as_bytes(), Dialect::from(format));
        good.push((dialect.clone(), gzip(text)));
        good.push((dialect.clone(), gzip(text).repeat(3)));
        good.push((dialect.clone(), zstd::encode_all(text, 3).expect("memory")));
        let compression = ObjectCompression::Gzip;
        good.push((Dialect { compression, ..dialect.clone() }, gzip(&text.repeat(100))));
        let compression = ObjectCompression::Zstd;
        good.push((Dialect { compression, ..dialect }, zstd::encode_all(&*text.repeat(100), 3).expect("memory")));
    }
    damage("compressed objects", &good, &["a", "b"]);
}

#[test]
fn damaged_objects_of_every_dialect_are_accounted_for() {
    let csv = Dialect {
        delimiter: Delimiter(b';'),
        encoding: TextEncoding::Windows1252,
        comment: Some(Comment(b'#')),
        skip_lines: 2,
        ..Format::Csv.into()
    };
    let bare = Dialect {
        delimiter: Delimiter(b'|'),
        quote: Quote::None,
        header: Some(vec!["b".to_owned(), "a".to_owned()]),
        encoding: TextEncoding::Iso8859_1,
        ..Format::Csv.into()
    };
    let records = Pointer::parse("/data/1/rows").ok();
    let log = |pattern: &str| Dialect { pattern: LinePattern::try_from(pattern.to_owned()).ok(), ..Format::Log.into() };
    let line = r#"::1 - a [10/Oct/2000:13:55:36 -0700] "GET /é?\"x HTTP/1.0" 200 2326 "-" "a \"b\" \\""#;
    let good = [
        (csv, b"report\n\"of\r\n#x;\"\na;b\n1;\xe9\n#\n\"2;\";\"\"\n".to_vec()),
        (bare, b"1|\"x\n|\n\xff|2\r3|4".to_vec()),
        (
            Dialect { records, ..Format::Json.into() },
            b"{\"x\":\"[\",\"data\":[0,{\"rows\":[{\"a\":1},{\"b\":{\"c\":[2]}}]},[]]}\n".repeat(2),
        ),
        (
            Dialect { comment: Some(Comment(b'#')), ..Format::Jsonl.into() },
            b"#\n\x1e{\"a\":{\"b\":[1,{\"c\":2}]}}\n#x\n{}\n".to_vec(),
        ),
        (log("combined"), format!("{line}\n\n{line}\r\n").into_bytes()),
        (log(r"(?<a>\w*)(?: (?<b>.*))?"), "x é\n\ny\n".as_bytes().to_vec()),
    ];
    damage("dialects", &good, &["a", "b", "/a/b/0", "/b/c", "ip"]);
}
