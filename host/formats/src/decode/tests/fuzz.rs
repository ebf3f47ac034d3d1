//! Damages good objects at random. `decode_with` checks the promises.

use smelt_common::damage::Damage;

use crate::testing::decode_with;
use crate::{DecodeLimits, Format};

const GOOD: [(Format, &str); 6] = [
    (Format::Csv, "a,b\n1,x\n\"q\"\"uo,te\",\n\"two\nlines\",é\r\n,,\n3,\u{1f600}\n"),
    (Format::Csv, "\u{feff}b,c,a\n\"\",1,2\n=1+1,-0,\" x \"\n"),
    (
        Format::Jsonl,
        "{\"a\":1.50,\"b\":\"x\\u00e9\\n\"}\n{\"b\":null}\n\n{\"a\":{\"c\":[1,{}]},\"b\":[]}\n{\"a\":true,\"a\":2}\n",
    ),
    (Format::Jsonl, "{\"a\":\"\\ud83d\\ude00\",\"b\":-1e-7}\r\n{\"a\":123456789012345678901234567890}\n"),
    (Format::Json, "[{\"a\":1,\"b\":\"x\"},\n {\"a\":null},{\"b\":{\"a\":[[[]]]}} ]"),
    (Format::Json, "[\n{\"a\":\"\\\"\\\\\"},{\"\":0,\"b\":1e400},{}]\n"),
];

#[test]
fn damaged_objects_are_accounted_for() {
    let mut damage = Damage::from_environment("objects");
    // Each object is decoded six times, in windows as small as 16 bytes.
    let times = damage.times / 10;
    let mut records = 0;
    for _ in 0..times {
        let &(format, good) = damage.one_of(&GOOD);
        let other = damage.one_of(&GOOD).1;
        let damaged = damage.done_to(good.as_bytes(), other.as_bytes());
        let limits = DecodeLimits { record_bytes: *damage.one_of(&[8, 40, 1 << 20]), ..DecodeLimits::default() };
        records += decode_with(&damaged, format, &["a", "b"], limits).records.len();
    }
    println!("{times} damaged objects: {records} records, all accounted for");
}
