//! Tests of documents, arrays and sequences one after the other, and of places within them.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use crate::testing::{decode, decode_with, row};
use crate::{DecodeLimits, Dialect, Format, Pointer, Warning, rule};

fn within(place: &str) -> Dialect {
    Dialect { records: Some(Pointer::parse(place).expect("a pointer")), ..Format::Json.into() }
}

#[test]
fn objects_may_go_over_several_lines() {
    let pretty = "{\n  \"a\": 1,\n  \"b\": {\n    \"c\": []\n  }\n}\n";
    let expected = row(&["1", "{\n    \"c\": []\n  }"]);
    for (text, times) in [(pretty.to_owned(), 1), (pretty.repeat(3), 3), (pretty.trim_end().repeat(2), 2)] {
        assert_eq!(
            decode(text.as_bytes(), Format::Json, &["a", "b"]).outcomes(),
            vec![expected.clone(); times],
            "{text}"
        );
    }
    let mixed = format!("{{\"a\":1}}{{\"a\":2}}\n{pretty}\r\n{{\"a\":3}}");
    let expected = [row(&["1"]), row(&["2"]), row(&["1"]), row(&["3"])];
    assert_eq!(decode(mixed.as_bytes(), Format::Json, &["a"]).outcomes(), expected);
}

#[test]
fn a_broken_document_costs_what_stands_before_the_next_one() {
    let (line, record) = (Err(rule::MALFORMED_LINE), Err(rule::MALFORMED_RECORD));
    for (text, expected) in [
        ("{\"a\":1\n{\"a\":2}", vec![line.clone(), row(&["2"])]),
        ("{\"a\":1},\n{\"a\":2},\n{\"a\":3}", vec![line.clone(), line.clone(), row(&["3"])]),
        ("{\"a\":1} x\n{\"a\":2}", vec![line.clone(), row(&["2"])]),
        ("{\n  \"a\": 1,\n  \"b\"\n}\n{\n  \"a\": 2\n}", vec![record.clone(), row(&["2"])]),
        ("{\n  \"a\": 1,\n", vec![record.clone()]),
        ("{\"a\":[\n{\"a\":2}", vec![line.clone(), row(&["2"])]),
        ("1\n2\n{\"a\":3}\n]", vec![line.clone(), line.clone(), row(&["3"]), line.clone()]),
        ("\x1e{\"a\":1\n\x1e{\"a\":2}\n", vec![line.clone(), row(&["2"])]),
        // A line that was torn off within a string, or has more than its object, costs itself alone.
        ("{\"a\":1,\"b\n17\n{\"a\":2}", vec![line.clone(), line.clone(), row(&["2"])]),
        ("{\"a\":\"x\r\n17\r\n{\"a\":2}", vec![line.clone(), line.clone(), row(&["2"])]),
        ("{\"a\":1}}\n17\n{\"a\":2}", vec![line.clone(), line.clone(), row(&["2"])]),
        ("{\n  \"a\": \"x\n  \"b\": 1\n}\n{\"a\":2}", vec![record.clone(), row(&["2"])]),
    ] {
        assert_eq!(decode(text.as_bytes(), Format::Json, &["a"]).outcomes(), expected, "{text}");
    }
    let limits = DecodeLimits { record_bytes: 11, ..DecodeLimits::default() };
    let text = "{\n\"a\":\"xx\"}\n{\n\"a\":\"xxx\"}\n{\"a\":\"x\"}";
    let decoded = decode_with(text.as_bytes(), Format::Json, &["a"], limits);
    assert_eq!(decoded.outcomes(), [row(&["xx"]), Err(rule::LINE_TOO_LONG), row(&["x"])]);
}

#[test]
fn sequences_of_rfc_7464_are_read_in_every_json_format() {
    let text = "\x1e{\"a\":1}\n\x1e{\"a\":2}\n\x1e\n\x1e{\"a\":3}\n";
    for format in [Format::Json, Format::Jsonl] {
        assert_eq!(decode(text.as_bytes(), format, &["a"]).outcomes(), [row(&["1"]), row(&["2"]), row(&["3"])]);
    }
    let arrays = "\x1e[{\"a\":1}]\n\x1e[{\"a\":2}]\n";
    assert_eq!(decode(arrays.as_bytes(), Format::Json, &["a"]).outcomes(), [row(&["1"]), row(&["2"])]);
}

#[test]
fn arrays_one_after_the_other_are_read_as_one() {
    for text in ["[{\"a\":1}][{\"a\":2}]", "[{\"a\":1}]\n\n[{\"a\":2}]\n", "[][{\"a\":1},{\"a\":2}][]"] {
        let decoded = decode(text.as_bytes(), Format::Json, &["a"]);
        assert_eq!((decoded.outcomes(), decoded.warnings), (vec![row(&["1"]), row(&["2"])], vec![]), "{text}");
    }
    let decoded = decode(b"[{\"a\":1}]\n[{\"a\":2}", Format::Json, &["a"]);
    assert_eq!((decoded.summary(), decoded.warnings), ((2, vec![]), vec![Warning::UnclosedArray]));
}

#[test]
fn the_array_of_records_may_lie_within_a_document() {
    for (place, text) in [
        ("/data", r#"{"data":[{"a":1},{"a":2}]}"#),
        (
            "/data",
            r#"{ "x" : [ { "data" : [ 1 ] } ] , "y" : "\"data\":[" , "data" : [ {"a":1} , {"a":2} ] , "z" : {} }"#,
        ),
        ("/data", "{\"data\":[{\"a\":1}],\"next\":2}\n{\"next\":null,\"data\":[{\"a\":2}]}\n"),
        ("/data", r#"{"data":[{"a":1},{"a":2}],"data_":[{"a":3}]}"#),
        ("/d\u{e9}/1/x", r#"{"d\u00e9":[{"x":[{"a":0}]},{"x":[{"a":1},{"a":2}]},{"x":[{"a":0}]}]}"#),
        ("/a~1b/~0", r#"{"~":[{"a":0}],"a/b":{"b":[{"a":0}],"~":[{"a":1},{"a":2}]}}"#),
        ("/hits/hits", r#"{"took":1,"hits":{"total":{"value":2},"hits":[{"a":1},{"a":2}]}}"#),
    ] {
        let decoded = decode(text.as_bytes(), within(place), &["a"]);
        assert_eq!((decoded.outcomes(), decoded.warnings), (vec![row(&["1"]), row(&["2"])], vec![]), "{place} {text}");
    }
    for text in [
        "{}",
        "[{\"data\":[{}]}]",
        "{\"data\":{\"data\":[{}]}}",
        "{\"data\":1}",
        "{\"x\":{\"data\":[{\"a\":1}]}}",
        "\"data\"",
        "]",
        "{\"data\"",
    ] {
        let decoded = decode(text.as_bytes(), within("/data"), &["a"]);
        let told = decoded.warnings.contains(&Warning::NoArray("/data".to_owned()));
        assert_eq!((decoded.outcomes(), told), (vec![Err(rule::MALFORMED_RECORD)], true), "{text}");
    }
}

#[test]
fn a_document_whose_records_are_wrapped_is_named() {
    let decoded = decode(b"{\"data\": [\n{\"a\":1}]}", Format::Json, &["a"]);
    assert!(decoded.warnings.contains(&Warning::Wrapped("/data".to_owned())), "{:?}", decoded.warnings);
    assert!(
        !decode(b"{\"data\":[{}]}", Format::Json, &["data"]).warnings.contains(&Warning::Wrapped("/data".to_owned()))
    );
}

#[test]
fn pointers_name_values_within_records() {
    let columns = ["/s/id", "/s", "/e/0/t", "/e/1", "top", "/s/n/0", "/a~1b", "/t/x"];
    let text = concat!(
        r#"{"s":{"id":"x\n","n":[7,8]},"e":[{"t":1.50},null],"top":true,"a/b":"y","t":"{\"x\":1}"}"#,
        "\n",
        r#"{"s":{"id":null,"id":"2","\u0069d":"3"},"e":[[]],"s":{"n":{"0":"k"}}}"#,
        "\n",
        r#"{"s":"{\"id\":1}","e":{"0":{"t":"k"},"1":[ ]}}"#,
        "\n{}\n",
    );
    let expected = [
        row(&["x\n", r#"{"id":"x\n","n":[7,8]}"#, "1.50", "-", "true", "7", "y", "-"]),
        row(&["-", r#"{"n":{"0":"k"}}"#, "-", "-", "-", "k", "-", "-"]),
        row(&["-", r#"{"id":1}"#, "k", "[ ]", "-", "-", "-", "-"]),
        row(&["-", "-", "-", "-", "-", "-", "-", "-"]),
    ];
    for format in [Format::Jsonl, Format::Json] {
        let decoded = decode(text.as_bytes(), format, &columns);
        assert_eq!(
            (decoded.outcomes(), decoded.warnings),
            (expected.to_vec(), vec![Warning::MissingKey("/t/x".to_owned())])
        );
    }
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a\"\\\\{}\\[\\], é\n]{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((name(), inner), 0..4).prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn name() -> impl Strategy<Value = String> {
    select(vec!["a", "b", "0", "1", "a/b", "~", "\"", "é", ""]).prop_map(str::to_owned)
}

fn pointer() -> impl Strategy<Value = String> {
    vec(name(), 1..4)
        .prop_map(|names| names.iter().map(|name| format!("/{}", name.replace('~', "~0").replace('/', "~1"))).collect())
}

/// Returns the text of the cell that a value is.
fn cell(value: Option<&Value>, cell: Option<&String>) -> bool {
    match (value, cell) {
        (None | Some(Value::Null), None) => true,
        (Some(Value::String(text)), Some(cell)) => text == cell,
        (Some(value), Some(cell)) => serde_json::from_str::<Value>(cell).is_ok_and(|cell| cell == *value),
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn pointers_find_what_serde_json_finds(
        members in vec((name(), value()), 0..5),
        pointers in vec(pointer(), 1..6),
        pretty: bool,
    ) {
        let record = Value::Object(members.into_iter().collect());
        let text = if pretty { serde_json::to_string_pretty(&record) } else { serde_json::to_string(&record) };
        let names: Vec<&str> = pointers.iter().map(String::as_str).collect();
        let decoded = decode(text.expect("it can be written").as_bytes(), Format::Json, &names);
        prop_assert_eq!(decoded.records.len(), 1);
        let cells = decoded.records[0].outcome.clone().expect("it is a row");
        for (pointer, found) in pointers.iter().zip(&cells) {
            prop_assert!(cell(record.pointer(pointer), found.as_ref()), "{} of {}: {:?}", pointer, record, found);
        }
    }

    #[test]
    fn arrays_within_documents_are_found_where_serde_json_finds_them(document in value(), place in pointer(), rows in vec(value(), 0..3)) {
        let mut document = json!({ "a": document });
        let records: Vec<Value> = rows.iter().map(|row| json!({ "v": row })).collect();
        if let Some(found) = document.pointer_mut(&place) {
            *found = records.into();
        }
        let expected = match document.pointer(&place) {
            Some(Value::Array(records)) => records.len(),
            _ => 1,
        };
        let decoded = decode(document.to_string().as_bytes(), within(&place), &["v"]);
        prop_assert_eq!(decoded.records.len(), expected, "{} of {}", place, document);
    }

    #[test]
    fn soup_within_a_document_ends(soup in vec(select(vec!["{", "}", "[", "]", ",", ":", "\"", "\\", "\"a\"", "1", "\n", "\x1e", "{\"a\":[", "{\"v\":1}"]), 0..40)) {
        decode(soup.concat().as_bytes(), within("/a/0"), &["v"]);
        decode(soup.concat().as_bytes(), within("/a"), &["v", "/v/0"]);
    }
}
