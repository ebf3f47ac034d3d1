//! Bad input never stops the pipeline and never loses a row without a name. One table a format; each case is an object of a
//! lake that is run once, so every other case is its neighbour.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::support::audit::audit;
use crate::support::reference::hex;
use crate::support::{Lake, root};

/// An object: its name, its bytes, and what becomes of its rows.
struct Case {
    name: &'static str,
    bytes: Vec<u8>,
    kept: u64,
    rejected: Vec<(&'static str, u64)>,
    repaired: Vec<(&'static str, u64)>,
}

fn case(name: &'static str, bytes: impl Into<Vec<u8>>, kept: u64, rejected: &[(&'static str, u64)]) -> Case {
    Case { name, bytes: bytes.into(), kept, rejected: rejected.to_vec(), repaired: vec![] }
}

impl Case {
    fn repaired(self, repaired: &[(&'static str, u64)]) -> Self {
        Self { repaired: repaired.to_vec(), ..self }
    }
}

/// Runs all cases of a dataset in one lake and checks each.
fn check(dataset: &str, extension: &str, cases: &[Case]) -> Lake {
    let lake = Lake::new();
    let object = |case: &Case| format!("{dataset}_{}.{extension}", case.name);
    for case in cases {
        lake.bronze(&object(case), &case.bytes);
    }
    let ended = lake.end(&["run", "-vv"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let history = lake.json(&["history", "--objects"]);
    let mut wrong = Vec::new();
    for case in cases {
        let entry = &history["objects"][dataset][object(case)];
        let rows = |rules: &[(&str, u64)]| rules.iter().map(|&(rule, rows)| (rule.to_owned(), rows.into())).collect();
        let found = json!({
            "read": entry["read"], "kept": entry["silver"]["rows"], "superseded": entry["superseded"],
            "rejected": entry["rejected"], "repaired": entry["repaired"],
        });
        let expected = json!({
            "read": case.kept + case.rejected.iter().map(|(_, rows)| rows).sum::<u64>(), "kept": case.kept, "superseded": [],
            "rejected": Value::Object(rows(&case.rejected)), "repaired": Value::Object(rows(&case.repaired)),
        });
        if found != expected {
            wrong.push(format!("{}:\n  found    {found}\n  expected {expected}", case.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    audit(&lake);
    quarantine_tells_where(&lake, dataset);
    nothing_private(&lake, &ended.stderr);
    lake
}

/// Every line of quarantine leads back to its record in bronze, and to the component that was at work.
fn quarantine_tells_where(lake: &Lake, dataset: &str) {
    let component = root().join(format!("target/components/clean-{dataset}.wasm"));
    let component = hex(&Sha256::digest(std::fs::read(component).expect("it is built")));
    let bronze = lake.files("bronze");
    for (name, lines) in lake.files(&format!("quarantine/{dataset}")) {
        let mut last = None;
        for line in String::from_utf8(lines).expect("quarantine is text").lines() {
            let rejected: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{name}: {error}: {line}"));
            let number = |field: &str| rejected[field].as_u64().unwrap_or_else(|| panic!("{name}: no {field}: {line}"));
            let body = &bronze[rejected["object"].as_str().expect("an object has a name")];
            let record = &body[number("offset") as usize..][..number("bytes") as usize];
            assert_eq!(
                rejected["raw"],
                *String::from_utf8_lossy(&record[..record.len().min(64 << 10)]),
                "{name}: {line}"
            );
            assert_eq!(rejected["component"], *component);
            assert!(last < Some(number("row")), "{name}: rows in their order");
            last = Some(number("row"));
        }
    }
}

/// Everybody in these tests is called Lovelace; the name may be in bronze and in quarantine and nowhere else.
fn nothing_private(lake: &Lake, said: &str) {
    for secret in ["Lovelace", "@example"] {
        assert!(!said.contains(secret), "{said}");
        for (name, body) in lake.files("") {
            let open = name.starts_with("bronze/") || name.starts_with("quarantine/");
            assert!(open || !String::from_utf8_lossy(&body).contains(secret), "`{secret}` is in `{name}`");
        }
    }
}

fn utf16(text: &str, write: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(write).collect()
}

const HEADER: &str = "customer_id,first_name,last_name,email,country,signup_date\n";

/// A good line of the customer.
fn customer(id: &str) -> String {
    format!("{id},Ada,Lovelace,ada@example.org,GB,2025-01-31\n")
}

/// A file with these lines.
fn customers(lines: &[&str]) -> String {
    format!("{HEADER}{}", lines.concat())
}

#[test]
fn any_csv_is_accounted_for() {
    let two = |case: &str| customers(&[&customer(&format!("{case}1")), &customer(&format!("{case}2"))]);
    let dates =
        ["2025-02-30", "2025-13-01", "32/13/2025", "2025-1-1", "20250131", "2025-01-31T24:00:00", "24:00:00", ""];
    let signed_up = |(at, date): (usize, &&str)| format!("date{at},Ada,Lovelace,ada@example.org,GB,{date}\n");
    let dates: String = dates.iter().enumerate().map(signed_up).collect();
    let lake = check(
        "customers",
        "csv",
        &[
            case("good", two("good"), 2, &[]),
            case("empty", "", 0, &[]),
            case("only_bom", "\u{feff}", 0, &[]),
            case("only_line_ends", "\r\n\n\r", 0, &[]),
            case("header_only", HEADER, 0, &[]),
            case("header_without_line_end", HEADER.trim_end(), 0, &[]),
            case("bom", format!("\u{feff}{}", two("bom")), 2, &[]),
            case("crlf", two("crlf").replace('\n', "\r\n"), 2, &[]),
            case("cr", two("cr").replace('\n', "\r"), 2, &[]),
            case("blank_lines", two("blank").replace('\n', "\n\n\r\n"), 2, &[]),
            case("no_last_line_end", two("nolast").trim_end(), 2, &[]),
            case(
                "quoted_newline",
                customers(&["qn1,\"A\r\nda\",\"Love\nlace\",\"a@b\n\",\"G\nB\",2025-01-31\n"]),
                1,
                &[],
            ),
            case("quoted_quote", customers(&["\"qq\"\"1\",\"\"\"\",\",\",\"\",\"GB\",\"2025-01-31\"\n"]), 1, &[]),
            case(
                "unclosed_quote",
                customers(&[&customer("uq1"), "uq2,\"Ada,Lovelace,ada@example.org,GB,2025-01-31\n", &customer("uq3")]),
                2,
                &[("malformed_line", 1)],
            ),
            case("unclosed_header", format!("customer_id,\"first_name\n{}", customer("uh1")), 0, &[("no_header", 1)]),
            case(
                "ragged",
                customers(&[
                    "r1,Ada\n",
                    &customer("r2"),
                    "r3,Ada,Lovelace,ada@example.org,GB,2025-01-31,more\n",
                    ",\n",
                ]),
                1,
                &[("malformed_line", 3)],
            ),
            case(
                "duplicate_column",
                "customer_id,signup_date,customer_id,signup_date\nfirst,2025-01-31,second,never\n",
                1,
                &[],
            )
            .repaired(&[("missing_country", 1)]),
            case("missing_column", "customer_id,country\nmc1,GB\nmc2,\n", 0, &[("invalid_signup_date", 2)]),
            case("no_known_column", "a,b\n1,2\n3,4\n", 0, &[("missing_customer_id", 2)]),
            case("extra_columns", "x,signup_date,y,customer_id,country,z\n,2025-01-31,,ec1,GB,\n", 1, &[]),
            case(
                "blank_cells",
                customers(&[" ,,,,,\n", "\t bc1 ,,, ,, 2025-01-31 \n"]),
                1,
                &[("missing_customer_id", 1)],
            )
            .repaired(&[("missing_country", 1)]),
            case(
                "invalid_utf8",
                [
                    customers(&[&customer("iu1")]).as_bytes(),
                    b"iu2,\xff,Lovelace,x,GB,2025-01-31\n",
                    customer("iu3").as_bytes(),
                ]
                .concat(),
                2,
                &[("invalid_utf8", 1)],
            ),
            case(
                "invalid_header",
                [b"customer_id,\xff\n", customer("ih1").as_bytes()].concat(),
                0,
                &[("no_header", 1)],
            ),
            case(
                "nul",
                customers(&["nul\u{0}1,\u{0},\u{0},a\u{0}@example.org,\u{0},2025-01-31\n", "\u{0}\n"]),
                1,
                &[("malformed_line", 1)],
            ),
            case("binary", (128..=255).chain(0..128).collect::<Vec<u8>>(), 0, &[("no_header", 1)]),
            case("utf16_le", utf16(&format!("\u{feff}{}", two("le")), u16::to_le_bytes), 0, &[("invalid_encoding", 1)]),
            case("utf16_be", utf16(&format!("\u{feff}{}", two("be")), u16::to_be_bytes), 0, &[("invalid_encoding", 1)]),
            case("truncated_row", format!("{}tr3,Ada,Love", two("tr")), 2, &[("malformed_line", 1)]),
            case("truncated_date", two("td").trim_end_matches("1\n"), 1, &[("invalid_signup_date", 1)]),
            case("truncated_quote", format!("{}tq3,\"Ada", two("tq")), 2, &[("malformed_line", 1)]),
            case("dates", customers(&[&dates]), 0, &[("invalid_signup_date", 8)]),
            case("formula", customers(&["=1+1,=A1,@B1,-,+GB,2025-01-31\n"]), 1, &[]),
        ],
    );
    let silver = lake.silver("customers").join("\n");
    assert!(
        silver.contains("\nfirst,") && !silver.contains("second"),
        "of two equal columns the first counts: {silver}"
    );
}

/// A good order, with other values for some fields, written as JSON.
fn order_with(id: &str, changed: &[(&str, &str)]) -> String {
    let mut fields = BTreeMap::from([
        ("order_id", format!("\"{id}\"")),
        ("customer_id", "\"C1\"".to_owned()),
        ("product", "\"tea\"".to_owned()),
        ("quantity", "2".to_owned()),
        ("unit_price", "1.50".to_owned()),
        ("total_amount", "3.00".to_owned()),
        ("order_ts", "\"2025-11-13T10:35:00Z\"".to_owned()),
        ("channel", "\"web\"".to_owned()),
    ]);
    fields.extend(changed.iter().map(|&(name, value)| (name, value.to_owned())));
    let fields: Vec<_> = fields.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
    format!("{{{}}}", fields.join(","))
}

fn order(id: &str) -> String {
    order_with(id, &[])
}

#[test]
fn any_json_is_accounted_for() {
    let (a, b) = (|case: &str| order(&format!("{case}1")), |case: &str| order(&format!("{case}2")));
    let two = |case: &str| format!("[{},\n{}]\n", a(case), b(case));
    let with = |case: &str, odd: &str| format!("[{},\n{odd},\n{}]", a(case), b(case));
    let quantities = |case: &str, written: &[&str]| {
        let orders = written
            .iter()
            .enumerate()
            .map(|(at, written)| order_with(&format!("{case}{at}"), &[("quantity", written)]));
        format!("[{}]", orders.collect::<Vec<_>>().join(","))
    };
    let instants = [
        "2025-02-30T10:00:00Z",
        "2025-11-13T24:00:00Z",
        "2016-12-31T23:59:60Z",
        "2025-11-13",
        "1763030100",
        "",
        "soon",
    ];
    let at = |(at, ts): (usize, &&str)| order_with(&format!("ts{at}"), &[("order_ts", &format!("\"{ts}\""))]);
    let instants: Vec<_> = instants.iter().enumerate().map(at).collect();
    let deep = |brackets: usize| format!("{{\"order_id\":{}{}}}", "[".repeat(brackets), "]".repeat(brackets));
    let lake = check(
        "orders",
        "json",
        &[
            case("good", two("good"), 2, &[]),
            case("empty", "", 0, &[]),
            case("blank", " \r\n\t", 0, &[]),
            case("only_bom", "\u{feff}", 0, &[]),
            case("no_orders", "[]", 0, &[]),
            case("bom", format!("\u{feff}{}", two("bom")), 2, &[]),
            case("crlf", two("crlf").replace('\n', "\r\n").replace(',', ",\r\n"), 2, &[]),
            case("cr", two("cr").replace('\n', "\r").replace(',', ",\r"), 2, &[]),
            case("lines", format!("{}\n\n{}\r\n", a("lines"), b("lines")), 2, &[]),
            case("bom_lines", format!("\u{feff}{}\n{}", a("bl"), b("bl")), 2, &[]),
            case("one_line", a("ol"), 1, &[]),
            case(
                "escaped_newline",
                with("en", &order_with("en3", &[("product", r#""green\ntea \u00e9 \ud83c\udf75""#)])),
                3,
                &[],
            ),
            case(
                "raw_newline",
                with("rn", &order_with("rn3", &[("product", "\"green\ntea\"")])),
                2,
                &[("malformed_record", 1)],
            ),
            case(
                "unclosed_quote",
                with("uq", "{\"order_id\":\"uq3,\"product\":\"tea\"}"),
                2,
                &[("malformed_record", 1)],
            ),
            case("ragged", with("ra", "{\"order_id\":\"ra3\",\"order_ts\"}"), 2, &[("malformed_record", 1)]),
            case("duplicate_key", with("dk", &order_with("dk3", &[("a\":1,\"order_id", "\"dk4\"")])), 3, &[]),
            case(
                "missing_keys",
                "[{},{\"order_id\":\"mk1\"},{\"order_id\":\"mk2\",\"order_ts\":\"2025-11-13 10:35:00\"}]",
                1,
                &[("invalid_order_ts", 1), ("missing_order_id", 1)],
            )
            .repaired(&[("missing_quantity", 1), ("missing_total", 1), ("missing_unit_price", 1)]),
            case("extra_keys", with("ek", &order_with("ek3", &[("x", "{\"y\":[1,{}]}"), ("z", "null")])), 3, &[]),
            case("no_objects", "[1,null,\"x\",[],[{}],true]", 0, &[("malformed_record", 6)]),
            case("no_array", "\"orders\"", 0, &[("malformed_line", 1)]),
            case("wrapped", format!("{{\"orders\":{}}}", two("wrapped")), 0, &[("missing_order_id", 1)]),
            case("wrapped_line", format!("{{\"orders\":[{}]}}", a("wl")), 0, &[("missing_order_id", 1)]),
            case(
                "invalid_utf8",
                [b"[{\"order_id\":\"\xff\"},", order("iu1").as_bytes(), b",\xfe]"].concat(),
                1,
                &[("invalid_utf8", 2)],
            ),
            case("nul", with("nu", &order_with("nu3", &[("product", "\"\u{0}\"")])), 2, &[("malformed_record", 1)]),
            case("escaped_nul", with("nue", &order_with("nu\\u0000e3", &[("product", r#""\u0000""#)])), 3, &[]),
            case(
                "lone_surrogate",
                with("ls", &order_with("ls3", &[("product", r#""\ud800""#)])),
                2,
                &[("malformed_record", 1)],
            ),
            case("utf16_le", utf16(&format!("\u{feff}{}", two("le")), u16::to_le_bytes), 0, &[("invalid_encoding", 1)]),
            case("utf16_be", utf16(&format!("\u{feff}{}", two("be")), u16::to_be_bytes), 0, &[("invalid_encoding", 1)]),
            case(
                "truncated_record",
                format!("[{},{},{{\"order_id\":\"tr3\",\"prod", a("tr"), b("tr")),
                2,
                &[("malformed_record", 1)],
            ),
            case(
                "truncated_number",
                format!("[{},{},{{\"quantity\":1", a("tn"), b("tn")),
                2,
                &[("malformed_record", 1)],
            ),
            case("truncated_after_comma", format!("[{},{},", a("tc"), b("tc")), 2, &[]),
            case("truncated_bracket", two("tb").trim_end_matches("]\n"), 2, &[]),
            case("arrays_one_after_the_other", format!("{}{}", two("sa"), two("sb")), 4, &[]),
            case("odd_commas", format!("[,{},,{},]", a("oc"), b("oc")), 2, &[]),
            case("deep", with("deep", &deep(10_000)), 2, &[("too_deep", 1)]),
            case("deep_unclosed", format!("[{},{}", a("du"), "[".repeat(10_000)), 1, &[("malformed_record", 1)]),
            case(
                "huge_numbers",
                quantities("hn", &["1e400", "-1e400", "1e-400", "18446744073709551616", "1e19"]),
                5,
                &[],
            )
            .repaired(&[("missing_quantity", 2)]),
            case(
                "text_numbers",
                quantities("tx", &["\"00012\"", "\"NaN\"", "\"Infinity\"", "\"1e400\"", "\" 7 \"", "\"x\""]),
                6,
                &[],
            )
            .repaired(&[("missing_quantity", 4)]),
            case("signed_zero", quantities("sz", &["-0", "-0.0", "\"-0\"", "\"+0\""]), 4, &[]),
            case(
                "no_json_numbers",
                quantities("nj", &["NaN", "00012", "+1", ".5", "1.", "Infinity", "0x10", "1_000"]),
                0,
                &[("malformed_record", 8)],
            ),
            case("other_types", quantities("ot", &["true", "[]", "{}", "null"]), 4, &[])
                .repaired(&[("missing_quantity", 4)]),
            case("instants", format!("[{}]", instants.join(",")), 0, &[("invalid_order_ts", 7)]),
            case(
                "binary",
                (128..=255).chain(0..128).collect::<Vec<u8>>(),
                0,
                &[("invalid_utf8", 1), ("malformed_line", 1)],
            ),
        ],
    );
    let silver = lake.silver("orders").join("\n");
    assert!(silver.contains("\nhn3,C1,tea,18446744073709552000,1.50,3.00,"), "2^64 is a number: {silver}");
    assert!(silver.contains("\ntx0,C1,tea,12,"), "00012 as text is 12: {silver}");
    assert!(!silver.contains(",-0,"), "there is no negative zero: {silver}");
}

fn click_with(ip: &str, ts: &str) -> String {
    format!("{{\"customer_id\":\"C1\",\"page\":\"/cart\",\"ip\":\"{ip}\",\"ts\":\"{ts}\"}}\n")
}

#[test]
fn any_json_lines_are_accounted_for() {
    let click = click_with("192.168.0.1", "2025-11-13T10:35:00Z");
    let two = click.repeat(2);
    let with = |odd: &str| format!("{click}{odd}\n{click}");
    let ips = ["999.999.999.999", "1.2.3", "::1", "", "1.2.3.4.5", "localhost"];
    let ips: String = ips.iter().map(|ip| click_with(ip, "2025-11-13T10:35:00Z")).collect();
    let instants = ["2025-02-30T00:00:00Z", "2025-11-13T24:00:00Z", "2016-12-31T23:59:60Z", "", "yesterday"];
    let instants: String = instants.iter().map(|ts| click_with("1.2.3.4", ts)).collect();
    let deep = |brackets: usize| format!("{{\"page\":{}{}}}", "[".repeat(brackets), "]".repeat(brackets));
    check(
        "clicks",
        "txt",
        &[
            case("good", two.as_str(), 2, &[]),
            case("empty", "", 0, &[]),
            case("only_line_ends", "\n\r\n\n", 0, &[]),
            case("only_bom", "\u{feff}", 0, &[]),
            case("bom", format!("\u{feff}{two}"), 2, &[]),
            case("crlf", two.replace('\n', "\r\n"), 2, &[]),
            // CR is a blank of JSON, so this is one line of two values.
            case("cr", two.replace('\n', "\r"), 0, &[("malformed_line", 1)]),
            case("blank_lines", two.replace('\n', "\n \n\t\r\n"), 2, &[]),
            case("no_last_line_end", two.trim_end(), 2, &[]),
            case("unclosed_quote", with("{\"ip\":\"1.2.3.4"), 2, &[("malformed_line", 1)]),
            case("raw_newline", with("{\"ip\":\"1.2.3.4\",\"page\":\"a\nb\"}"), 2, &[("malformed_line", 2)]),
            case("no_objects", "1\nnull\n\"x\"\n[]\n[{}]\nclick\n{}{}\n{},\n", 0, &[("malformed_line", 8)]),
            case("array", format!("[{},{}]", click.trim(), click.trim()), 0, &[("malformed_line", 1)]),
            case(
                "missing_keys",
                "{}\n{\"ip\":\"1.2.3.4\"}\n{\"ip\":\"1.2.3.4\",\"ts\":\"2025-11-13 10:35:00\"}\n",
                1,
                &[("invalid_ip", 1), ("invalid_ts", 1)],
            ),
            case(
                "invalid_utf8",
                [click.as_bytes(), b"\xff\n{\"ip\":\"\xc0\x80\"}\n", click.as_bytes()].concat(),
                2,
                &[("invalid_utf8", 2)],
            ),
            case("nul", with("{\"ip\":\"1.2.3.4\u{0}\"}\n\u{0}"), 2, &[("malformed_line", 2)]),
            case("utf16_le", utf16(&format!("\u{feff}{two}"), u16::to_le_bytes), 0, &[("invalid_encoding", 1)]),
            case("utf16_be", utf16(&format!("\u{feff}{two}"), u16::to_be_bytes), 0, &[("invalid_encoding", 1)]),
            case("truncated", &two[..two.len() - 8], 1, &[("malformed_line", 1)]),
            case("deep", with(&deep(10_000)), 2, &[("too_deep", 1)]),
            case("deep_unclosed", with(&"[{\"a\":".repeat(10_000)), 2, &[("malformed_line", 1)]),
            case("ips", ips, 0, &[("invalid_ip", 6)]),
            case("instants", instants, 0, &[("invalid_ts", 5)]),
            case(
                "no_json_numbers",
                "{\"ip\":NaN}\n{\"ip\":00012}\n{\"ip\":1e400}\n",
                0,
                &[("invalid_ip", 1), ("malformed_line", 2)],
            ),
        ],
    );
}
