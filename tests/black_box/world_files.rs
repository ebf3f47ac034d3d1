//! Files as the world writes them: compressed, in other encodings, without a header, nested, as logs. Each gives the rows
//! that plain CSV would.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::{Lake, root};

const HEADER: &str = "customer_id,first_name,last_name,email,country,signup_date\n";

fn customer(id: &str, date: &str) -> String {
    format!("{id},Zoé,Œuvre,{id}@example.org,FR,{date}\n")
}

/// Returns a lake whose pipeline has customers with these keys.
fn lake(keys: &str) -> Lake {
    let mut lake = Lake::new();
    set(&mut lake, keys);
    lake
}

fn set(lake: &mut Lake, keys: &str) {
    let components = root().join("target/components");
    let plugins = components.to_str().expect("UTF-8");
    let head = format!("[pipeline]\nname = \"world\"\nplugins = [\"{plugins}\"]\n");
    lake.set_manifest(&format!("{head}[dataset.customers]\nplugin = \"clean-customers\"\n{keys}"));
}

/// Returns what a command that every Unix has makes of the bytes.
fn piped(command: &[&str], bytes: &[u8]) -> Vec<u8> {
    let mut child = Command::new(command[0])
        .args(&command[1..])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the command is there");
    let mut input = child.stdin.take().expect("it is piped");
    let bytes = bytes.to_vec();
    let writer = std::thread::spawn(move || input.write_all(&bytes));
    let output = child.wait_with_output().expect("it ends");
    writer.join().expect("no panic").expect("it reads all");
    output.stdout
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    piped(&["gzip", "-c"], bytes)
}

/// Returns the silver of one object that the keys describe.
fn silver(keys: &str, name: &str, body: &[u8]) -> Vec<String> {
    let lake = lake(keys);
    lake.bronze(name, body);
    let report = lake.json(&["run"]);
    assert_eq!(report["warnings"], json!([]), "{keys}");
    lake.silver("customers")
}

/// Returns the account of one object.
fn account(lake: &Lake, object: &str) -> Value {
    lake.json(&["history", "--objects"])["objects"]["customers"][object].clone()
}

#[test]
fn objects_give_the_same_rows_however_they_are_written() {
    let plain = format!("{HEADER}{}{}", customer("C1", "2025-01-31"), customer("C2", "2025-02-28"));
    let expected = silver("objects = \"customers_*\"\nformat = \"csv\"", "customers_1.csv", plain.as_bytes());
    assert_eq!(expected.len(), 2);
    let bare = plain.strip_prefix(HEADER).expect("it has a header");
    let columns = "columns = [\"customer_id\", \"first_name\", \"last_name\", \"email\", \"country\", \"signup_date\"]";
    let windows: Vec<u8> = plain.replace(',', ";").chars().map(|c| if c == 'Œ' { 0x8c } else { c as u8 }).collect();
    let rows = bare.lines().map(|line| {
        let cells: Vec<&str> = line.split(',').collect();
        json!({"customer": {"id": cells[0], "names": [cells[1], cells[2]]}, "email": cells[3], "country": cells[4], "signup_date": cells[5]})
    });
    let rows: Vec<Value> = rows.collect();
    let nested = "columns = { customer_id = \"/customer/id\", first_name = \"/customer/names/0\", last_name = \"/customer/names/1\" }";
    let pretty: String =
        rows.iter().map(|row| serde_json::to_string_pretty(row).expect("it can be written") + "\n").collect();
    let lines: String = rows.iter().map(|row| format!("{row}\n")).collect();
    let pattern = "pattern = '(?<customer_id>\\w+),(?<first_name>[^,]*),(?<last_name>[^,]*),(?<email>[^,]*),(?<country>..),(?<signup_date>\\S+)'";
    let cases: Vec<(&str, String, Vec<u8>)> = vec![
        ("csv", String::new(), gzip(plain.as_bytes())),
        ("csv", String::new(), [gzip(HEADER.as_bytes()), gzip(bare.as_bytes())].concat()),
        ("csv", "delimiter = \";\"\nencoding = \"windows-1252\"".to_owned(), windows.clone()),
        ("csv", "delimiter = \";\"\nencoding = \"windows-1252\"\ncompression = \"gzip\"".to_owned(), gzip(&windows)),
        (
            "csv",
            format!("delimiter = \"|\"\nquote = \"none\"\nheader = false\n{columns}"),
            bare.replace(',', "|").into_bytes(),
        ),
        (
            "csv",
            "skip_lines = 2\ncomment = \"#\"".to_owned(),
            format!("Report\n\"of today\n# x\n{plain}#").into_bytes(),
        ),
        ("csv", String::new(), format!("sep=,\r\n{plain}").into_bytes()),
        ("jsonl", nested.to_owned(), lines.clone().into_bytes()),
        ("json", nested.to_owned(), gzip(pretty.as_bytes())),
        ("json", nested.to_owned(), format!("[{}][{}]", rows[0], rows[1]).into_bytes()),
        ("json", nested.to_owned(), lines.replace('{', "\x1e{").replace(":\x1e{", ":{").into_bytes()),
        (
            "json",
            format!("records = \"/page/data\"\n{nested}"),
            json!({"next": null, "page": {"data": rows}}).to_string().into_bytes(),
        ),
        ("log", pattern.to_owned(), bare.replace('\n', "\r\n").into_bytes()),
    ];
    for (format, keys, body) in cases {
        let keys = format!("objects = \"customers_*\"\nformat = \"{format}\"\n{keys}");
        assert_eq!(silver(&keys, "customers_1.x", &body), expected, "{keys}");
    }
}

#[test]
fn a_stream_that_is_cut_late_leaves_no_row_and_no_key() {
    let keys = "objects = \"customers_*\"\nformat = \"csv\"";
    let lake = lake(keys);
    let many: String = (0..60_000).map(|n| customer(&format!("C{n}"), "2025-03-01")).collect();
    let whole = gzip(format!("{HEADER}{many}").as_bytes());
    lake.bronze("customers_1.csv", format!("{HEADER}{}", customer("C7", "2025-01-01")));
    lake.bronze("customers_2.csv.gz", &whole[..whole.len() - 9]);
    let report = lake.json(&["run"]);
    let warnings = report["warnings"].to_string();
    assert!(warnings.contains("bronze/customers_2.csv.gz: the gzip stream is cut off after"), "{warnings}");
    // The row of the first object lives: what was read of the other competes with nothing.
    let silver = lake.silver("customers");
    assert!(matches!(silver.as_slice(), [one] if one.starts_with("C7,") && one.contains("2025-01-01")), "{silver:?}");
    let entry = account(&lake, "customers_2.csv.gz");
    assert_eq!((&entry["read"], &entry["rejected"]), (&json!(1), &json!({"damaged_stream": 1})));
    let rows = lake.smelt(&["quarantine", "show", "--dataset", "customers"]);
    assert!(rows.contains("damaged_stream") && !rows.contains("C8"), "{rows}");
    let replayed = lake.smelt(&["quarantine", "replay", "--dataset", "customers"]);
    assert!(replayed.contains("damaged_stream"), "{replayed}");
    // The same lake, once the whole file is there, is what it would have been at once.
    lake.bronze("customers_2.csv.gz", &whole);
    lake.smelt(&["run"]);
    assert_eq!(lake.silver("customers").len(), 60_000);
}

#[test]
fn unreadable_objects_are_one_rejected_record_each_and_empty_ones_none() {
    let lake = lake("objects = \"customers_*\"\nformat = \"csv\"");
    let good = format!("{HEADER}{}", customer("C1", "2025-01-31"));
    let bomb = gzip(format!("{HEADER}{}", "\n".repeat(8 << 20)).as_bytes());
    let objects = [
        ("customers_bomb", bomb, json!({"inflates_too_much": 1})),
        ("customers_cut", gzip(good.as_bytes())[..40].to_vec(), json!({"damaged_stream": 1})),
        ("customers_empty", Vec::new(), json!({})),
        ("customers_hollow", gzip(b""), json!({})),
        ("customers_more", [gzip(good.as_bytes()), b"more".to_vec()].concat(), json!({"damaged_stream": 1})),
        ("customers_quote", b"\"customer_id\n1\n".to_vec(), json!({"no_header": 1})),
        ("customers_utf16", b"\xff\xfea\0\n\0".to_vec(), json!({"invalid_encoding": 1})),
    ];
    objects.iter().for_each(|(name, body, _)| lake.bronze(name, body));
    lake.smelt(&["run"]);
    for (name, _, rejected) in &objects {
        let entry = account(&lake, name);
        let read = rejected.as_object().map_or(0, serde_json::Map::len);
        assert_eq!((&entry["read"], &entry["rejected"]), (&json!(read), rejected), "{name}");
    }
    assert!(lake.silver("customers").is_empty());
}

#[test]
fn settings_that_say_what_holds_anyway_rebuild_nothing_and_others_do() {
    let keys = "objects = \"customers_*\"\nformat = \"csv\"";
    let mut lake = lake(keys);
    lake.bronze("customers_1.csv", format!("{HEADER}{}", customer("C1", "2025-01-31")));
    lake.smelt(&["run"]);
    let default =
        "compression = \"auto\"\nencoding = \"utf-8\"\ndelimiter = \",\"\nquote = '\"'\nheader = true\nskip_lines = 0";
    set(&mut lake, &format!("{keys}\n{default}"));
    assert!(!lake.smelt(&["plan"]).contains("new settings"));
    for other in [
        "compression = \"none\"",
        "encoding = \"iso-8859-15\"",
        "delimiter = \";\"",
        "quote = \"none\"",
        "skip_lines = 1",
        "comment = \"#\"",
    ] {
        set(&mut lake, &format!("{keys}\n{other}"));
        assert!(lake.smelt(&["plan"]).contains("new settings"), "{other}");
    }
}

#[test]
fn one_dataset_may_have_objects_of_several_kinds_and_places() {
    let from = concat!(
        "[[dataset.customers.from]]\nobjects = \"**/customers_*.csv\"\nformat = \"csv\"\n",
        "[[dataset.customers.from]]\nobjects = \"crm/customers.json\"\nformat = \"json\"\nrecords = \"/data\"\n",
        "columns = { customer_id = \"/id\" }\n",
    );
    let mut lake = lake(from);
    lake.bronze("customers_1.csv", format!("{HEADER}{}", customer("C1", "2025-01-31")));
    lake.bronze("year=2025/month=01/customers_1.csv", format!("{HEADER}{}", customer("C2", "2025-01-31")));
    lake.bronze("crm/customers.json", r#"{"data":[{"id":"C3","signup_date":"2025-01-31"}]}"#);
    lake.bronze("crm/other.json", "{}");
    let output = lake.try_smelt(&["run"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.success() && said.contains("bronze/crm/other.json: no dataset's pattern matches it"),
        "{said}"
    );
    let ids = |lake: &Lake| lake.silver("customers").iter().map(|line| line[..2].to_owned()).collect::<Vec<_>>();
    assert_eq!(ids(&lake), ["C1", "C2", "C3"]);
    assert_eq!(lake.files("silver/customers").len(), 3);
    // A narrower pattern gives up what bronze still has, without more ado.
    set(&mut lake, "objects = \"customers_*.csv\"\nformat = \"csv\"");
    lake.smelt(&["run"]);
    assert_eq!(ids(&lake), ["C1"]);
}

#[test]
fn a_wrong_setting_is_named_with_what_the_object_looks_like() {
    let text = format!("{HEADER}{}", customer("C1", "2025-01-31"));
    let bars = text.replace(',', "|");
    let columns = "header = false\ncolumns = [\"customer_id\", \"first_name\", \"last_name\", \"email\", \"country\", \"signup_date\"]";
    let latin: Vec<u8> = text.chars().map(|c| if c == 'Œ' { b'O' } else { c as u8 }).collect();
    for (keys, body, expected) in [
        ("", bars.clone().into_bytes(), "it looks like `|`-separated text; `delimiter` is `,`"),
        (columns, bars.into_bytes(), "it looks like `|`-separated text; `delimiter` is `,`"),
        ("compression = \"none\"", gzip(text.as_bytes()), "it looks like gzip"),
        ("compression = \"gzip\"", text.clone().into_bytes(), "the gzip stream is damaged"),
        ("", b"\xfd7zXZ\0\0\0".to_vec(), "it looks like xz"),
        ("", latin, "it is not UTF-8, perhaps windows-1252; `encoding` is `utf-8`"),
        ("encoding = \"windows-1252\"", text.into_bytes(), "it looks like UTF-8; `encoding` is `windows-1252`"),
    ] {
        let lake = lake(&format!("objects = \"customers_*\"\nformat = \"csv\"\n{keys}"));
        lake.bronze("customers_1.csv", body);
        let warnings = lake.json(&["run"])["warnings"].to_string();
        assert!(warnings.contains(&format!("bronze/customers_1.csv: {expected}")), "{keys}: {warnings}");
    }
}

#[test]
fn what_the_plugin_reads_must_be_in_the_pattern_or_the_list() {
    for (keys, expected) in [
        (
            "format = \"log\"\npattern = \"common\"",
            "pattern has no group `customer_id`, which plugin `clean-customers` reads",
        ),
        (
            "format = \"csv\"\nheader = false\ncolumns = [\"customer_id\"]",
            "`columns` lacks `first_name`, which plugin `clean-customers` reads",
        ),
        ("format = \"csv\"\nheader = false", "[dataset.customers]: `header = false` needs `columns`"),
        ("format = \"csv\"\ncolumns = { x = \"y\" }", "columns: `x` is read by nobody"),
        ("format = \"jsonl\"\ncolumns = { country = \"geo/country\" }", "a JSON Pointer begins with `/`"),
    ] {
        let output = lake(&format!("objects = \"customers_*\"\n{keys}")).try_smelt(&["plan"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(expected), "{said}");
    }
}
