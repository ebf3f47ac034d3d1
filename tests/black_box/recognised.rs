//! Bronze that is not what its name says: smelt has a word for each object, and accounts for every byte of it.

use serde_json::Value;

use crate::support::Lake;

const HEADER: &str = "customer_id,first_name,last_name,email,country,signup_date\n";
const ROW: &str = "C1,a,b,e@x,FR,2025-01-01\n";
const ORDER: &str = r#"{"order_id":"1","customer_id":"C1","product":"p","quantity":1,"unit_price":1,"total_amount":1,"order_ts":"2025-01-02T03:04:05Z","channel":"web"}"#;

fn utf16(text: &str, order: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(order).collect()
}

/// Returns what one run says of each object.
fn said(objects: &[(&str, Vec<u8>)]) -> (Lake, Vec<Vec<String>>) {
    let lake = Lake::new();
    objects.iter().for_each(|(name, bytes)| lake.bronze(name, bytes));
    let report = lake.json(&["run"]);
    let warnings: Vec<_> = report["warnings"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    let of = |name: &str| {
        let start = format!("bronze/{name}: ");
        warnings.iter().filter_map(|warning| warning.strip_prefix(&start)).map(ToOwned::to_owned).collect()
    };
    let said = objects.iter().map(|(name, _)| of(name)).collect();
    (lake, said)
}

#[test]
fn what_is_no_text_is_named_and_rejected_as_one_record() {
    let noise = [0, 1, 2, 0x80, 0xff, b'\n', b'{', b'a'].repeat(500);
    let kinds: [(&[u8], &str); 10] = [
        (b"BZh91AY&SY", "bzip2"),
        (b"\xfd7zXZ\0", "xz"),
        (b"\x04\x22\x4d\x18", "lz4"),
        (b"PK\x03\x04\x14\0", "a ZIP archive"),
        (b"PK\x03\x04\x14\0\x06\0\x08\0\0\0!\0abcdefghijkl\x13\0\0\0[Content_Types].xml", "XLSX"),
        (b"PAR1\x15\x04", "Parquet"),
        (b"%PDF-1.7\n", "PDF"),
        (b"SQLite format 3\0", "SQLite"),
        (b"Obj\x01", "Avro"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "XLS"),
    ];
    let mut objects = Vec::new();
    for (number, (magic, _)) in kinds.iter().enumerate() {
        let bytes = [magic, noise.as_slice()].concat();
        for (dataset, extension) in [("customers", "csv"), ("orders", "json"), ("clicks", "txt")] {
            objects.push((format!("{dataset}_{number:02}.{extension}"), bytes.clone()));
        }
    }
    let text = format!("{HEADER}{ROW}");
    for (number, bytes) in [
        utf16(&format!("\u{feff}{text}"), u16::to_le_bytes),
        utf16(&format!("\u{feff}{text}"), u16::to_be_bytes),
        utf16(&text, u16::to_le_bytes),
        utf16(&text, u16::to_be_bytes),
    ]
    .into_iter()
    .enumerate()
    {
        objects.push((format!("customers_utf16_{number}.csv"), bytes));
    }
    let objects: Vec<_> = objects.iter().map(|(name, bytes)| (name.as_str(), bytes.clone())).collect();
    let (lake, said) = said(&objects);
    let history = lake.json(&["history", "--objects"]);
    for (at, ((name, _), said)) in objects.iter().zip(&said).enumerate() {
        let what = kinds.get(at / 3).map_or("UTF-16", |(_, what)| what);
        assert!(
            matches!(said.as_slice(), [one] if one.contains("looks like") && one.contains(what)),
            "{name}: {said:?}"
        );
        let dataset = name.split('_').next().expect("a name has a first part");
        let entry = &history["objects"][dataset][*name];
        assert_eq!((&entry["read"], &entry["rejected"]["invalid_encoding"]), (&1.into(), &1.into()), "{name}");
    }
}

#[test]
fn text_that_is_parted_or_written_otherwise_is_named() {
    let text = format!("{HEADER}{ROW}");
    let order = format!("[{ORDER}]");
    let cases = [
        ("customers_semicolon.csv", text.replace(',', ";"), "`;`"),
        ("customers_tab.csv", text.replace(',', "\t"), "tab-separated"),
        ("customers_bar.csv", text.replace(',', "|"), "`|`"),
        (
            "customers_quoted.csv",
            HEADER.replace(',', "\";\"").replace("customer_id", "\"customer_id").replace("date\n", "date\"\n"),
            "`;`",
        ),
        ("customers_sep.csv", format!("sep=;\n{}", text.replace(',', ";")), "`;`-separated text; `delimiter` is `,`"),
        ("customers_json.csv", order.clone(), "JSON"),
        ("customers_html.csv", "<!DOCTYPE html>\n<html><body>404</body></html>\n".into(), "HTML"),
        ("orders_csv.json", "order_id,customer_id,product\n1,C1,p\n".into(), "CSV"),
        ("orders_semicolon.json", "order_id;customer_id;product\n1;C1;p\n".into(), "CSV"),
        ("orders_html.json", "\n<html>502</html>\n".into(), "HTML"),
        ("clicks_array.txt", "[{\"a\":1}]\n".into(), "JSON array"),
        ("clicks_xml.txt", "<?xml version=\"1.0\"?>\n<Error/>\n".into(), "XML"),
    ];
    let objects: Vec<_> = cases.iter().map(|(name, text, _)| (*name, text.clone().into_bytes())).collect();
    for ((name, _, what), said) in cases.iter().zip(said(&objects).1) {
        assert!(said.iter().any(|said| said.contains("look") && said.contains(what)), "{name}: {said:?}");
    }
}

#[test]
fn a_key_that_no_record_has_is_named_as_a_column_is() {
    let renamed = ORDER.replace("total_amount", "totalAmount");
    let late = format!("[{renamed},{renamed},{ORDER}]");
    let empty_of_it = ORDER.replace("\"total_amount\":1", "\"total_amount\":null");
    let escaped = ORDER.replace("total_amount", "total\\u005famount");
    let objects = [
        ("orders_good.json", format!("[{ORDER}]")),
        ("orders_lines.json", format!("{renamed}\n{renamed}\n")),
        ("orders_renamed.json", format!("[{renamed}]")),
        ("orders_late.json", late),
        ("orders_null.json", format!("[{empty_of_it}]")),
        ("orders_escaped.json", format!("[{escaped}]")),
        ("orders_none.json", "[]".into()),
    ];
    let objects = objects.map(|(name, text)| (name, text.into_bytes()));
    let missing = "key total_amount is in no record".to_owned();
    let expected = [vec![], vec![missing.clone()], vec![missing], vec![], vec![], vec![], vec![]];
    assert_eq!(said(&objects).1, expected);
}

#[test]
fn an_object_of_which_no_record_is_read_is_named() {
    let cases = [
        ("customers_1.csv", format!("{HEADER}C1\nC2\n")),
        ("clicks_1.txt", "?\n?\n".to_owned()),
        ("clicks_2.txt", String::new()),
    ];
    let objects = cases.map(|(name, text)| (name, text.into_bytes()));
    let none = vec!["none of its records could be read: all are `malformed_line`".to_owned()];
    assert_eq!(said(&objects).1, [none.clone(), none, vec![]]);
}
