//! Nasty inputs, with the result of each format.

use Format::{Csv, Json, Jsonl};

use crate::testing::{Outcome, decode, decode_with, row};
use crate::{DecodeLimits, Format, Warning, rule};

fn bad(rule: &'static str) -> Outcome {
    Err(rule)
}

#[track_caller]
fn case(bytes: impl AsRef<[u8]>, format: Format, expected: &[Outcome]) {
    assert_eq!(decode(bytes.as_ref(), format, &["a", "b"]).outcomes(), expected);
}

#[test]
fn empty_objects_have_no_records() {
    for format in [Csv, Json, Jsonl] {
        case("", format, &[]);
        case("\u{feff}", format, &[]);
        case("\r\n\n", format, &[]);
    }
    case("a,b", Csv, &[]);
    case("a,b\r\n\r\n", Csv, &[]);
    case("[]", Json, &[]);
    case(" [ \n ] \n", Json, &[]);
}

#[test]
fn a_utf8_byte_order_mark_is_skipped() {
    case("\u{feff}a,b\n1,2\n", Csv, &[row(&["1", "2"])]);
    case("\u{feff}{\"a\":1}", Json, &[row(&["1", "-"])]);
    case("\u{feff}[{\"a\":1}]", Json, &[row(&["1", "-"])]);
    case("\u{feff}{\"a\":1}", Jsonl, &[row(&["1", "-"])]);
}

#[test]
fn other_encodings_are_one_malformed_record() {
    for mark in [&b"\xff\xfe"[..], b"\xfe\xff", b"\xff\xfe\0\0", b"\0\0\xfe\xff"] {
        for format in [Csv, Json, Jsonl] {
            let bytes = [mark, &b"a\0,\0b\0\n\0".repeat(2000)].concat();
            case(&bytes, format, &[bad(rule::INVALID_ENCODING)]);
            let limits = DecodeLimits { record_bytes: 100, ..DecodeLimits::default() };
            assert_eq!(decode_with(&bytes, format, &["a"], limits).records[0].len, bytes.len() as u64);
        }
    }
}

#[test]
fn line_ends_of_any_kind_end_csv_records() {
    for end in ["\n", "\r\n", "\r", "\n\n", "\r\r\n"] {
        let two = [row(&["1", "2"]), row(&["3", "-"])];
        case(format!("a,b{end}1,2{end}3,{end}"), Csv, &two);
        case(format!("a,b{end}1,2{end}3,"), Csv, &two);
    }
    case("{\"a\":1}\r\n\r\n{\"b\":2}\r\n", Jsonl, &[row(&["1", "-"]), row(&["-", "2"])]);
}

#[test]
fn csv_cells_are_kept_as_written() {
    case("a,b\n\"x\ny\",\"\"\n", Csv, &[row(&["x\ny", ""])]);
    case("a,b\n\"x\r\ny\",\"q\"\"q\"\"\"\r\n", Csv, &[row(&["x\r\ny", "q\"q\""])]);
    case("a,b\n x , \"y\"\n", Csv, &[row(&[" x ", " \"y\""])]);
    case("a,b\nx\"y,z\"\n", Csv, &[row(&["x\"y", "z\""])]);
    case("a,b\n\0,\u{1}\n", Csv, &[row(&["\0", "\u{1}"])]);
    case("a,b\n,\n\"\",\"\"", Csv, &[row(&["-", "-"]), row(&["", ""])]);
    let long = "x".repeat(5000);
    case(format!("a,b\n{long},\"{long}\"\"\"\n"), Csv, &[row(&[&long, &format!("{long}\"")])]);
}

#[test]
fn an_unclosed_quote_costs_its_line_only() {
    let line = bad(rule::MALFORMED_LINE);
    case("a,b\n\"1,2\n3,4\n5,6\n", Csv, &[line.clone(), row(&["3", "4"]), row(&["5", "6"])]);
    case("a,b\n1,2\n3,\"4\n5,6\n", Csv, &[row(&["1", "2"]), line.clone(), row(&["5", "6"])]);
    case("a,b\n1,2\n3,4\n5,\"6\n", Csv, &[row(&["1", "2"]), row(&["3", "4"]), line.clone()]);
    case("a,b\n1,\"2\n3,\"4\"\n", Csv, &[line.clone(), row(&["3", "4"])]);
    case("a,b\n\"1\"x,2\n3,4", Csv, &[line.clone(), row(&["3", "4"])]);
    case("a,b\n\"1\",\"2", Csv, &[line]);
    case("a,\"b\n1,2\n", Csv, &[bad(rule::NO_HEADER)]);
}

#[test]
fn ragged_csv_records_name_the_numbers_of_fields() {
    let decoded = decode(b"a,b\n1\n1,2,3\n1,2\n", Csv, &["a", "b"]);
    assert_eq!(decoded.outcomes(), [bad(rule::MALFORMED_LINE), bad(rule::MALFORMED_LINE), row(&["1", "2"])]);
    assert_eq!(decoded.records[0].detail, "expected 2 fields, found 1");
    assert_eq!(decoded.records[1].detail, "expected 2 fields, found 3");
    case("a,b\n1,2\n3", Csv, &[row(&["1", "2"]), bad(rule::MALFORMED_LINE)]);
}

#[test]
fn headers_may_lack_repeat_and_add_columns() {
    let decoded = decode(b"x, a ,\"a\",x\n1,2,3,4\n", Csv, &["a", "b"]);
    assert_eq!(decoded.outcomes(), [row(&["2", "-"])]);
    let expected = [Warning::DuplicateColumn("a".to_owned()), Warning::MissingColumn("b".to_owned())];
    assert_eq!(decoded.warnings, expected);
    assert_eq!(decode(b"a\n1\n", Csv, &[]).outcomes(), [row(&[])]);
    assert_eq!(decode(b"a\n1\n", Csv, &["a", "a"]).outcomes(), [row(&["1", "1"])]);
    assert_eq!(decode(b"{\"a\":1}", Json, &["a", "a"]).outcomes(), [row(&["1", "1"])]);
}

#[test]
fn invalid_utf8_costs_its_record_only() {
    let utf8 = bad(rule::INVALID_UTF8);
    case(
        b"a,b\n1,2\n\xff,2\n3,4\n\"\xc3\n5,6\n",
        Csv,
        &[row(&["1", "2"]), utf8.clone(), row(&["3", "4"]), utf8.clone(), row(&["5", "6"])],
    );
    case(
        b"{\"a\":1}\n{\"x\":\"\xe2\x82\"}\n{\"a\":\"\xe2\x82\xac\"}\n\xff\n",
        Jsonl,
        &[row(&["1", "-"]), utf8.clone(), row(&["€", "-"]), utf8.clone()],
    );
    case(b"[{\"a\":1},{\"\xff\":1},{\"b\":2},\xff]", Json, &[row(&["1", "-"]), utf8.clone(), row(&["-", "2"]), utf8]);
    case(b"a,\xff\n1,2\n", Csv, &[bad(rule::NO_HEADER)]);
}

#[test]
fn lines_that_are_not_objects_are_malformed() {
    let line = bad(rule::MALFORMED_LINE);
    for text in [
        "1",
        "null",
        "[{\"a\":1}]",
        "{\"a\":1}{\"a\":2}",
        "{\"a\":1},",
        "{\"a\":1",
        "{\"a\"\n:1}",
        "{a:1}",
        "{\"a\":1,}",
    ] {
        let lines = text.lines().map(|_| line.clone()).chain([row(&["1", "-"])]).collect::<Vec<_>>();
        case(format!("{text}\n{{\"a\":1}}"), Jsonl, &lines);
    }
}

#[test]
fn a_malformed_element_costs_itself_only() {
    let element = bad(rule::MALFORMED_RECORD);
    for text in [
        "1",
        "null",
        "\"a,]\"",
        "[1,{}]",
        "{\"a\":,\"b\":\"]}\"}",
        "{\"a\":1,}",
        "{a:1}",
        "nonsense",
        "{\"a\":tru}",
        "-",
    ] {
        let expected = [row(&["1", "-"]), element.clone(), row(&["-", "2"])];
        case(format!("[{{\"a\":1}},{text},{{\"b\":2}}]"), Json, &expected);
        case(format!("[\n{{\n\"a\":1}},\n {text}\n ,{{\"b\":2}}\n]\n"), Json, &expected);
    }
    // If the brackets do not match, reading goes on at the next line that begins with a brace.
    for text in ["{\"a\":\"x", "{\"a\":[1}", "{{\"a\":1}", "{\"a: 1}", "{\"a\":1"] {
        let expected = [row(&["1", "-"]), element.clone(), row(&["-", "2"])];
        case(format!("[{{\"a\":1}},\n{text},\n {{\"b\":2}}\n]"), Json, &expected);
        case(format!("[{{\"a\":1}},\n{text},\n {{\"b\":2}}"), Json, &expected);
    }
    case("[{\"a\":1},{\"a\":[1},{\"b\":2}]", Json, &[row(&["1", "-"]), element]);
}

#[test]
fn a_truncated_array_keeps_what_is_whole() {
    let tail = bad(rule::MALFORMED_RECORD);
    for text in ["{", "{\"a\":\"x", "{\"a\":\"x\\", "{\"a\":{\"b\":[1,", "{\"a\":1", "{\"a\":tr"] {
        let decoded = decode(format!("[{{\"a\":1}},\n{text}").as_bytes(), Json, &["a", "b"]);
        assert_eq!(decoded.outcomes(), [row(&["1", "-"]), tail.clone()]);
    }
    for text in ["[{\"a\":1}", "[{\"a\":1},", "[{\"a\":1}\n,\n"] {
        let decoded = decode(text.as_bytes(), Json, &["a", "b"]);
        let warnings = vec![Warning::UnclosedArray, Warning::MissingKey("b".into())];
        assert_eq!((decoded.outcomes(), decoded.warnings), (vec![row(&["1", "-"])], warnings));
    }
    assert_eq!(decode(b"[", Json, &["a"]).warnings, [Warning::UnclosedArray]);
}

#[test]
fn content_after_an_array_is_one_malformed_record() {
    case("[{\"a\":1}]\n{\"a\":2}\n", Json, &[row(&["1", "-"]), bad(rule::MALFORMED_RECORD)]);
    case("[]x", Json, &[bad(rule::MALFORMED_RECORD)]);
}

#[test]
fn odd_commas_in_an_array_are_a_warning() {
    for text in ["[{\"a\":1},,{\"a\":2}]", "[,{\"a\":1},{\"a\":2}]", "[{\"a\":1}{\"a\":2}]", "[{\"a\":1},{\"a\":2},]"] {
        let decoded = decode(text.as_bytes(), Json, &["a"]);
        assert_eq!(decoded.outcomes(), [row(&["1"]), row(&["2"])]);
        assert_eq!(decoded.warnings, [Warning::ArrayCommas]);
    }
}

#[test]
fn deep_nesting_is_refused_without_recursion() {
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(10_000), "]".repeat(10_000));
    let expected = [bad(rule::TOO_DEEP), row(&["1", "-"])];
    case(format!("{deep}\n{{\"a\":1}}"), Jsonl, &expected);
    case(format!("[{deep},{{\"a\":1}}]"), Json, &expected);
    let nested = |levels: usize| format!("{{\"a\":{}{}}}", "[".repeat(levels - 1), "]".repeat(levels - 1));
    assert_eq!(decode(nested(64).as_bytes(), Jsonl, &["a"]).summary(), (1, vec![]));
    assert_eq!(decode(nested(65).as_bytes(), Jsonl, &["a"]).summary(), (0, vec![rule::TOO_DEEP]));
}

#[test]
fn records_over_the_limit_are_too_long_and_others_are_not() {
    let limits = DecodeLimits { record_bytes: 11, ..DecodeLimits::default() };
    for (format, text) in [
        (Jsonl, "{\"a\":\"xxx\"}\n{\"a\":\"xxxx\"}\n{\"a\":\"x\"}\n"),
        (Json, "[{\"a\":\"xxx\"},{\"a\":\"xxxx\"},{\"a\":\"x\"}]"),
        (Csv, "a\nxxxxxxxxxxx\nxxxxxxxxxxxx\nx\n"),
        (Csv, "a\n\"x\nxxxxxxx\"\n\"xxxxxxxxxx\"\nx\n"),
    ] {
        let (rows, broken) = decode_with(text.as_bytes(), format, &["a"], limits).summary();
        assert_eq!((rows, broken), (2, vec![rule::LINE_TOO_LONG]), "{text}");
    }
}
