//! Texts that are hard to read.

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use serde_json::json;

/// Rows in JSON Lines with each of them in each column that the projects' cleaners read.
pub(super) fn texts() -> String {
    let mut runner =
        TestRunner::new(Config { rng_seed: RngSeed::Fixed(1), failure_persistence: None, ..Config::default() });
    let mut several = |count, pattern: &'static str| {
        let mut one = || pattern.new_tree(&mut runner).expect("there is such a text").current();
        (0..count).map(|_| one()).collect::<Vec<_>>()
    };
    let mut numbers = several(500, "[+-]?0{0,3}[0-9]{0,39}\\.?[0-9]{0,39}([eE][+-]?[0-9]{1,2})?");
    numbers.extend(several(200, "-?[0-9]{1,36}\\.[0-9]{2}(5|4)(0{0,3}|9{20})"));
    numbers.extend(NUMBERS.split('|').map(str::to_owned));
    let mut times = several(500, INSTANT);
    times.extend(TIMES.split('|').map(str::to_owned));
    // White space, and what some take for it.
    let blanks = "\t\n\u{b}\u{c}\r \u{1c}\u{1d}\u{1e}\u{1f}\u{85}\u{a0}\u{1680}\u{180e}\u{2000}\u{2001}\u{2002}\u{2003}\u{2004}\
                  \u{2005}\u{2006}\u{2007}\u{2008}\u{2009}\u{200a}\u{200b}\u{2028}\u{2029}\u{202f}\u{205f}\u{2060}\u{3000}\u{feff}\0";
    let blanks: Vec<_> = blanks.chars().flat_map(|blank| [format!("{blank}"), format!("{blank}1{blank}")]).collect();
    let (amount, at) = ("1", "2025-11-13T10:35:00Z");
    let mut rows = vec![json!({}), json!({"id": null, "kind": null, "amount": null, "at": null})];
    rows.extend(numbers.iter().chain(&blanks).map(|text| json!({"kind": "number", "amount": text, "at": at})));
    rows.extend(times.iter().chain(&blanks).map(|text| json!({"kind": "time", "amount": amount, "at": text})));
    rows.extend(blanks.iter().map(|text| json!({"kind": text, "amount": amount, "at": at})));
    for (number, row) in rows.iter_mut().enumerate() {
        row["id"] = number.to_string().into();
    }
    // Later statements replace earlier ones.
    rows.extend(["日本語 ", "é", "é", " ", "\u{a0}", "7", "7"].map(|id| json!({"id": id, "amount": amount, "at": at})));
    rows.extend(blanks.iter().map(|id| json!({"id": id, "amount": amount, "at": at})));
    rows.iter().map(|row| format!("{row}\n")).collect()
}

/// Nearly an instant, or one.
const INSTANT: &str = "([0-9]{4}|0000|1969|2100|9999)-(0[0-9]|1[0-3])-([02][0-9]|3[0-2])[ Tt]\
    ([01][0-9]|2[0-4]):[0-6][0-9]:[0-6][0-9](\\.[0-9]{0,7})?([Zz]|[+-][0-2][0-9]:[0-6][0-9])?";

const NUMBERS: &str = "|-|+|.|-.|e5|.e5|1e|1e+|1e-|+-1|--1|1.2.3|1 2|1,000|1_000|0x10|NaN|inf|-0|+0|-0.001|00012|.5|-.5|5.|5.e1|\
    1E2|1.5E+2|125E-3|1e-0|1e007|１|١|½|1\n2|0.005|-0.005|0.00499999999999999999999999999999999999999999|\
    1.005|2.5e-2|-1.005|1.015|0.0050|1e35|1e36|-1e36|1e400|1e-400|0e999999|1e99999999999999999999|\
    1e-0000000000000000000002|999999999999999999999999999999999999.994|\
    999999999999999999999999999999999999.995|99999999999999999999999999999999999999|\
    100000000000000000000000000000000000000e-2|49999999999999999999999999999999999999999e-43|\
    12345678901234567890123456789012345.6789|\
    0.0000000000000000000000000000000000000000000000000000000000000000000000000000005e78";

const TIMES: &str = "|yesterday|2025-11-13|2025-11-13T10:35|2025-11-13T10:35Z|20251113T103500Z|2025/11/13 10:35:00|\
    2025-11-13t10:35:00z|2025-11-13  10:35:00|2025-11-13_10:35:00|2025-11-13T10:35:00 Z|\
    2025-11-13T10:35:00ZZ|2025-11-13T10:35:00.Z|2025-11-13T10:35:00,5Z|\
    2025-11-13T10:35:00.1234567891234567891234Z|2025-11-13T10:35:00.٣Z|2025-11-13T10:35:00+0200|\
    2025-11-13T10:35:00+02|2025-11-13T10:35:00+24:00|2025-11-13T10:35:00+23:59|2025-11-13T10:35:00-00:00|\
    2025-11-13T10:35:00−01:00|2025-11-13T24:00:00Z|2016-12-31T23:59:60Z|2025-02-29T00:00:00Z|\
    2024-02-29T23:59:59-01:00|1900-02-29T00:00:00Z|2000-02-29T00:00:00Z|2025-04-31T00:00:00Z|\
    2025-00-10T00:00:00Z|0000-01-01T00:00:00Z|0000-02-29T00:00:00Z|0000-01-01T00:00:00+00:01|\
    0099-12-31T00:00:00Z|9999-12-31T23:59:59.9999999Z|9999-12-31T23:59:59-00:01|12025-11-13T10:35:00Z|\
    -025-11-13T10:35:00Z|+2025-11-13T10:35:00Z|2025-1-13T10:35:00Z|２０２５-11-13T10:35:00Z|\
    1969-12-31T23:59:59.999999Z|1731493800";
