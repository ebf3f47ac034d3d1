//! Tests of JSON values as text, and of agreement with `serde_json` about what is JSON.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::Value;

use crate::Format;
use crate::testing::{decode, row};

#[test]
fn values_are_kept_as_written() {
    for (json, text) in [
        ("\"x\"", "x"),
        ("\"\"", ""),
        (r#""\"\\\/\b\f\n\r\t\u0041\u00e9\u20ac\ud83d\ude00""#, "\"\\/\u{8}\u{c}\n\r\tAé€😀"),
        (r#""a\u0000b""#, "a\0b"),
        ("1e400", "1e400"),
        ("-0", "-0"),
        ("18446744073709551616", "18446744073709551616"),
        ("1.50E+07", "1.50E+07"),
        ("true", "true"),
        ("false", "false"),
        ("null", "-"),
        (r#"{ "x" : [1, "]}", {}, []] }"#, r#"{ "x" : [1, "]}", {}, []] }"#),
        ("[]", "[]"),
    ] {
        for object in [format!("{{\"a\":{json}}}"), format!(" {{ \"b\" : 1 , \"a\" : {json} }} ")] {
            assert_eq!(decode(object.as_bytes(), Format::Jsonl, &["a"]).outcomes(), [row(&[text])], "{object}");
            let array = format!("[{object}]");
            assert_eq!(decode(array.as_bytes(), Format::Json, &["a"]).outcomes(), [row(&[text])], "{array}");
        }
    }
}

#[test]
fn what_is_not_a_value_is_refused() {
    for json in [
        "NaN",
        "Infinity",
        "00012",
        "01",
        "+1",
        ".5",
        "1.",
        "1e",
        "1e+",
        "--1",
        "-",
        "0x1",
        "tru",
        "True",
        "nul",
        "'x'",
        "\"\t\"",
        "\"\0\"",
        r#""\x""#,
        r#""\u12""#,
        r#""\u12g4""#,
        r#""\ud800""#,
        r#""\udc00""#,
        r#""\ud800\u0041""#,
        "[1,]",
        "[,]",
        "{1:2}",
        "{\"x\"}",
        "[1 2]",
        "{\"x\":1]",
        "undefined",
        "",
        "1 1",
        "/**/1",
    ] {
        let (rows, broken) = decode(format!("{{\"a\":{json}}}").as_bytes(), Format::Jsonl, &["a"]).summary();
        assert_eq!((rows, broken.len()), (0, 1), "{json}");
    }
}

#[test]
fn the_last_of_equal_keys_wins() {
    let decoded = decode(br#"{"a":1,"a":2,"\u0061":3,"b":4,"a":null,"a":5}"#, Format::Jsonl, &["a"]);
    assert_eq!(decoded.outcomes(), [row(&["5"])]);
    assert_eq!(decode(br#"{"a":1,"a":null}"#, Format::Jsonl, &["a"]).outcomes(), [row(&["-"])]);
}

#[test]
fn learned_keys_do_not_leak_into_records_that_differ() {
    let lines = [
        (r#"{"a":1,"b":2,"c":3}"#, Some(["1", "2", "3"])),
        (r#"{"a":1,"c":3}"#, Some(["1", "-", "3"])),
        (r#"{"b":2,"c":3}"#, Some(["-", "2", "3"])),
        (r#"{"a":1{"b":2}"#, None),
        (r#"{"c":3,"b":2,"a":1}"#, Some(["1", "2", "3"])),
        (r#",{"a":1}"#, None),
        (r#"{,"a":1}"#, None),
        (r#"{ "a":1, "b":2 }"#, Some(["1", "2", "-"])),
        (r#"{"a":1,"b":2,"c":3}"#, Some(["1", "2", "3"])),
        (r#"{ "a":  1, "b": 2 }"#, Some(["1", "2", "-"])),
        (r#"{}"#, Some(["-", "-", "-"])),
    ];
    let text = (lines.map(|(line, _)| line).join("\n") + "\n").repeat(3);
    let expected = lines.map(|(_, cells)| cells.map(|cells| row(&cells)).unwrap_or(Err("malformed_line")));
    assert_eq!(
        decode(text.as_bytes(), Format::Jsonl, &["a", "b", "c"]).outcomes(),
        [expected.clone(), expected.clone(), expected].concat()
    );
}

#[test]
fn objects_with_more_keys_than_are_learned_are_read() {
    let object = |round: usize| {
        let members = (0..200).map(|i| format!("\"key{}\":{i}", i + round)).collect::<Vec<_>>();
        format!("{{{},\"a\":{round}}}", members.join(","))
    };
    let text = (0..20).map(object).collect::<Vec<_>>().join("\n");
    assert_eq!(decode(text.as_bytes(), Format::Jsonl, &["a"]).summary(), (20, vec![]));
}

const TOKENS: [&str; 44] = [
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"a\"",
    "\"b\"",
    "\"x\"",
    "1",
    "-1.5e3",
    "0",
    "01",
    "1e400",
    "true",
    "false",
    "null",
    "nul",
    " ",
    "\t",
    "\r",
    "\"",
    "\\",
    "\\n",
    "\\u0061",
    "\\ud83d\\ude00",
    "\\ud800",
    "é",
    "\u{1}",
    "{\"a\":",
    "\"b\":2",
    "}",
    ",\"b\":",
    "\"\\\"\"",
    "[]",
    "{}",
    "-",
    "1.",
    ".",
    "e",
    "\"a\":1",
    ",\"a\":\"\\u00e9\"",
    "{\"a\":1}",
    "{\"a\":[1,{\"b\":null}]}",
];

/// Returns whether the text of a column agrees with the value that `serde_json` has read.
fn agrees(text: Option<&str>, value: Option<&Value>) -> bool {
    match (text, value) {
        (None, None | Some(Value::Null)) => true,
        (Some(text), Some(Value::String(expected))) => text == expected,
        (Some(text), Some(expected)) => serde_json::from_str::<Value>(text).is_ok_and(|value| value == *expected),
        _ => false,
    }
}

/// Checks that a line is a row exactly if `serde_json` reads it as an object, and that it has the same values. Numbers
/// beyond `f64` are valid here, because they are kept as text.
fn check(line: &str) -> Result<(), TestCaseError> {
    let text = line.replace('\n', " ");
    if text.trim_matches([' ', '\t', '\r']).is_empty() {
        return Ok(());
    }
    let expected = serde_json::from_str::<Value>(&text);
    let array = format!("[{text}]");
    for (bytes, format) in [(&text, Format::Jsonl), (&array, Format::Json)] {
        let decoded = decode(bytes.as_bytes(), format, &["a", "b"]);
        match &expected {
            Ok(Value::Object(object)) => {
                prop_assert_eq!(decoded.records.len(), 1);
                let cells = decoded.records[0]
                    .outcome
                    .clone()
                    .map_err(|rule| TestCaseError::fail(format!("{rule}: {text}")))?;
                prop_assert!(agrees(cells[0].as_deref(), object.get("a")), "a of {}", text);
                prop_assert!(agrees(cells[1].as_deref(), object.get("b")), "b of {}", text);
            }
            Err(error) if error.to_string().starts_with("number out of range") => {}
            _ if format == Format::Jsonl => prop_assert_eq!(decoded.summary().0, 0, "{} is no object", text),
            // Text that is not one element may be several.
            _ => {}
        }
    }
    Ok(())
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,40}".prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 20, 5, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec(("[ab\"\\\\é]{0,3}", inner), 0..4).prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn agrees_with_serde_json_on_token_soup(tokens in vec(select(TOKENS.to_vec()), 0..16)) {
        check(&tokens.concat())?;
    }

    #[test]
    fn agrees_with_serde_json_on_objects_of_token_soup(tokens in vec(select(TOKENS.to_vec()), 0..8)) {
        check(&format!("{{\"a\":{}}}", tokens.concat()))?;
    }

    #[test]
    fn agrees_with_serde_json_on_objects(a in value(), b in value(), pretty: bool) {
        let object = serde_json::json!({"a": a, "x": b, "b": b});
        let text = if pretty { serde_json::to_string_pretty(&object) } else { serde_json::to_string(&object) };
        check(&text.expect("values can be written"))?;
    }

    #[test]
    fn agrees_with_serde_json_on_damaged_objects(a in value(), at: prop::sample::Index, byte in select(b"{}[]\",:\\x1 e-.".to_vec())) {
        let mut text = serde_json::json!({"a": a, "b": 1}).to_string().into_bytes();
        let at = at.index(text.len());
        text[at] = byte;
        if let Ok(text) = String::from_utf8(text) {
            check(&text)?;
        }
    }
}
