//! Tests of days without flaws, of bad files of each kind, and of files that come again.

use std::io::Read as _;

use flate2::read::MultiGzDecoder;
use smelt_sdk::testing::generate;

use super::*;

const DAY: i64 = 86_400_000_000;

fn tick(number: u64) -> Tick {
    let first = Timestamp::parse("2025-11-01T00:00:00Z").expect("an instant").0;
    let as_of = Timestamp(first + number as i64 * DAY);
    Tick { seed: 42, number, as_of, ends: Timestamp(as_of.0 + DAY) }
}

/// Returns the objects of a tick without flaws, but for the parameters given.
fn made(number: u64, parameters: &str) -> Vec<Object> {
    let declared: serde_json::Value =
        serde_json::from_str(&RetailFiles::describe().identity.parameters).expect("a schema");
    let rates = declared["properties"].as_object().expect("properties").iter();
    let none = rates.filter(|(_, property)| property["type"] == "number").map(|(name, _)| (name.clone(), 0.into()));
    let mut all: serde_json::Map<_, _> = none.collect();
    all.extend(serde_json::from_str::<serde_json::Map<_, _>>(parameters).expect("parameters"));
    generate::<RetailFiles>(&serde_json::Value::from(all).to_string(), tick(number)).expect("it makes objects")
}

fn names(objects: &[Object]) -> Vec<&str> {
    objects.iter().map(|object| object.name.as_str()).collect()
}

/// Returns what a file holds once it is unpacked.
fn unpacked(object: &Object) -> Vec<u8> {
    match object.bytes.as_slice() {
        [0x1f, 0x8b, ..] => {
            let mut out = Vec::new();
            MultiGzDecoder::new(object.bytes.as_slice()).read_to_end(&mut out).expect("whole gzip");
            out
        }
        [0x28, 0xb5, 0x2f, 0xfd, 0xa0, a, b, c, d, blocks @ ..] => {
            let (mut out, mut rest, mut last) = (Vec::new(), blocks, false);
            while !last {
                let header = u32::from_le_bytes([rest[0], rest[1], rest[2], 0]);
                let length = (header >> 3) as usize;
                out.extend_from_slice(&rest[3..][..length]);
                (rest, last) = (&rest[3 + length..], header & 1 == 1);
            }
            assert_eq!((out.len(), rest.len()), (u32::from_le_bytes([*a, *b, *c, *d]) as usize, 0));
            out
        }
        plain => plain.to_vec(),
    }
}

fn lines(object: &Object) -> usize {
    unpacked(object).iter().filter(|&&byte| byte == b'\n').count()
}

#[test]
fn each_day_has_a_file_of_each_dataset() {
    let expected = [
        "products_20251103.csv",
        "users_20251103.csv.gz",
        "sessions_20251103.jsonl.zst",
        "api_20251103T060000.log.gz",
        "sales_20251103.txt",
    ];
    let objects = made(2, "{}");
    assert_eq!(names(&objects), expected);
    assert_eq!(objects.iter().map(lines).collect::<Vec<_>>(), [51, 21, 80, 150, 100]);
}

#[test]
fn ticks_of_a_day_have_names_of_their_own() {
    let hour = Tick { ends: Timestamp(tick(2).as_of.0 + DAY / 24), ..tick(2) };
    let objects = generate::<RetailFiles>("{}", hour).expect("it makes objects");
    assert!(objects.iter().all(|object| object.name.contains("_20251103T000000.")), "{:?}", names(&objects));
}

#[test]
fn equal_ticks_give_equal_bytes_and_others_do_not() {
    let made = |seed, number| generate::<RetailFiles>("{}", Tick { seed, ..tick(number) }).expect("objects");
    let bytes = |objects: Vec<Object>| objects.into_iter().map(|object| object.bytes).collect::<Vec<_>>();
    assert_eq!(bytes(made(1, 3)), bytes(made(1, 3)));
    assert!(bytes(made(1, 3)).iter().zip(bytes(made(2, 3))).all(|(one, other)| *one != other));
    assert!(bytes(made(1, 3)).iter().zip(bytes(made(1, 4))).all(|(one, other)| *one != other));
}

#[test]
fn each_day_sells_about_as_much() {
    let total = |number| {
        let sales = String::from_utf8(unpacked(&made(number, "{}")[4])).expect("UTF-8");
        let cents = sales.lines().map(|line| {
            let cells: Vec<_> = line.split('|').collect();
            let number = |column: usize| cells[column].replace('.', "").parse::<i64>().expect("a number");
            assert_eq!(number(4) * number(5) - number(6), number(7), "{line}");
            number(7)
        });
        cents.sum::<i64>()
    };
    let first = total(0);
    for number in 1..20 {
        assert!((total(number) - first).abs() * 100 < first * 2, "day {number} is more than 2 % off");
    }
}

#[test]
fn a_file_of_each_kind_differs_from_the_right_one() {
    let right = made(7, "{}");
    let declared: serde_json::Value =
        serde_json::from_str(&RetailFiles::describe().identity.parameters).expect("a schema");
    let kinds = declared["properties"]["kinds"]["default"].as_str().expect("a text").to_owned();
    for kind in kinds.split(", ") {
        let bad = made(7, &format!(r#"{{"bad_file": 1, "kinds": "{kind}"}}"#));
        assert_eq!(names(&bad), names(&right), "{kind}");
        let differ = right.iter().zip(&bad).filter(|(right, bad)| right.bytes != bad.bytes).count();
        let expected = match kind {
            "resold" => 1,
            "header_only" => 2,
            "wrong_delimiter" | "extra_column" | "orphans" | "reordered" | "drifted" => 3,
            "bom" | "repeats" | "shift" => 4,
            // That of products is not packed, and on that day neither are two more.
            "truncated" => {
                right.iter().filter(|object| object.name.ends_with("z") || object.name.ends_with("zst")).count()
            }
            _ => 5,
        };
        assert_eq!(differ, expected, "{kind}");
    }
}

#[test]
fn a_copy_is_yesterdays_file() {
    let (yesterday, copies) = (made(6, "{}"), made(7, r#"{"bad_file": 1, "kinds": "copy"}"#));
    for (yesterday, copy) in yesterday.iter().zip(&copies) {
        assert_eq!(unpacked(yesterday), unpacked(copy), "{}", copy.name);
    }
    let first = made(0, r#"{"bad_file": 1, "kinds": "copy"}"#);
    assert!(first.iter().zip(made(0, "{}")).all(|(one, other)| one.bytes == other.bytes), "there is no yesterday");
}

#[test]
fn a_bad_file_comes_again_and_is_right() {
    let parameters = r#"{"bad_file": 1, "corrected": 1, "kinds": "html"}"#;
    let (bad, next, right) = (made(3, parameters), made(4, parameters), made(3, "{}"));
    assert!(bad.iter().skip(1).step_by(2).all(|object| object.bytes.starts_with(b"<!DOCTYPE html>")));
    let again: Vec<_> = next.iter().step_by(2).collect();
    assert_eq!(again.len(), right.len());
    for (again, right) in again.into_iter().zip(&right) {
        assert_eq!((&again.name, &again.bytes), (&right.name, &right.bytes));
    }
    assert_eq!(made(4, r#"{"bad_file": 1, "corrected": 0, "kinds": "html"}"#).len(), 5);
}

#[test]
fn kinds_that_are_none_are_refused() {
    let error = generate::<RetailFiles>(r#"{"kinds": "html, torn"}"#, tick(0)).map(|_| ()).expect_err("no such kind");
    assert!(
        error.message.starts_with("parameter `kinds`: no kind `torn`; there are truncated, empty, "),
        "{}",
        error.message
    );
    assert_eq!(made(0, r#"{"bad_file": 1, "kinds": ""}"#).len(), 5, "without kinds no file is bad");
}

#[test]
fn any_size_has_files() {
    for rows in [1, 3, 700] {
        let objects = made(1, &format!(r#"{{"rows": {rows}}}"#));
        assert_eq!(lines(&objects[4]), rows, "sales");
        assert!(objects.iter().all(|object| lines(object) > 0));
    }
}
