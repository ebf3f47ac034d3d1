//! Bronze with more than good objects: replaced ones, copies, strangers, links to nowhere, records without an end.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::Lake;
use crate::support::audit::{audit, entry};
use crate::support::ended::Ended;
use crate::support::process::wait_until;

fn orders(ids: &[&str]) -> String {
    let order = |id: &&str| {
        format!(
            "{{\"order_id\":\"{id}\",\"customer_id\":\"C1\",\"product\":\"tea\",\"quantity\":1,\"unit_price\":2.5,\
             \"total_amount\":2.5,\"order_ts\":\"2025-11-13T10:35:00Z\",\"channel\":\"web\"}}"
        )
    };
    format!("[{}]\n", ids.iter().map(order).collect::<Vec<_>>().join(",\n"))
}

const CLICK: &str = "{\"customer_id\":\"C1\",\"page\":\"/\",\"ip\":\"1.2.3.4\",\"ts\":\"2025-11-13T10:35:00Z\"}\n";
const CUSTOMERS: &str =
    "customer_id,first_name,last_name,email,country,signup_date\nC1,A,L,a@example.org,GB,2025-01-31\n";

/// Revenue of all orders, as gold has it.
fn revenue(lake: &Lake) -> String {
    lake.gold()["aov"].lines().nth(1).expect("it has a row").to_owned()
}

#[test]
fn an_object_replaced_after_it_was_read_is_read_again_and_its_old_rows_are_gone() {
    let lake = Lake::new();
    lake.bronze("orders_1.json", orders(&["A", "B"]));
    lake.bronze("orders_2.json", orders(&["B", "C"]));
    lake.smelt(&["run"]);
    assert_eq!(revenue(&lake), "3,7.50,2.50");

    lake.bronze("orders_2.json", orders(&["D"]));
    let why = &lake.json(&["plan"])["datasets"][2]["rebuild"];
    assert_eq!(*why, "bronze object `orders_2.json` was replaced after it was read");
    lake.smelt(&["run"]);
    // B was superseded by the row that is gone; now it counts again.
    let expected = json!({"read": 3, "kept": 3, "superseded": 0, "rejected": {}, "repaired": {}});
    assert_eq!(audit(&lake)["orders"], expected);
    assert_eq!(revenue(&lake), "3,7.50,2.50");
    let ids: Vec<_> = lake.silver("orders").iter().map(|line| line[..1].to_owned()).collect();
    assert_eq!(ids, ["A", "B", "D"]);
}

#[test]
fn an_object_written_again_with_the_same_bytes_is_not_read_again() {
    let lake = Lake::new();
    lake.bronze("orders_1.json", orders(&["A"]));
    lake.smelt(&["run"]);
    let (silver, gold) = (lake.files("silver"), lake.gold());
    let path = lake.path().join("bronze/orders_1.json");
    fs::remove_file(&path).expect("it can be removed");
    lake.bronze("orders_1.json", orders(&["A"]));
    let long_ago = fs::FileTimes::new().set_modified(std::time::UNIX_EPOCH);
    File::options().write(true).open(&path).and_then(|file| file.set_times(long_ago)).expect("its time can be set");
    assert_eq!(lake.json(&["run"])["cleaned"], 0);
    assert_eq!((lake.files("silver"), lake.gold()), (silver, gold));
    audit(&lake);
}

#[test]
fn an_object_under_two_names_is_read_twice_and_its_keys_count_once() {
    let lake = Lake::new();
    for name in ["1", "2"] {
        lake.bronze(&format!("orders_{name}.json"), orders(&["A", "B"]));
        lake.bronze(&format!("customers_{name}.csv"), CUSTOMERS);
        lake.bronze(&format!("clicks_{name}.txt"), CLICK);
    }
    lake.smelt(&["run"]);
    let totals = audit(&lake);
    let rows =
        |dataset: &str| ["read", "kept", "superseded"].map(|count| totals[dataset][count].as_u64().expect("a count"));
    assert_eq!((rows("orders"), rows("customers")), ([4, 2, 2], [2, 1, 1]));
    // A click has no key: that it was written twice is all that can be known.
    assert_eq!(rows("clicks"), [2, 2, 0]);
    assert_eq!(entry(&lake, "orders", "orders_1.json")["superseded"], json!([0, 1]), "the greater name wins");
    assert_eq!(revenue(&lake), "2,5.00,2.50");
}

#[test]
fn objects_that_match_no_dataset_are_named_and_left_alone() {
    let lake = Lake::new();
    lake.bronze("orders_1.json", orders(&["A"]));
    let strangers =
        ["README", "clicks_1.TXT", "orders_1.csv", "orders_1.json.tmp", "xorders_1.json", "year/orders_1.json"];
    for name in strangers {
        lake.bronze(name, orders(&["B"]));
    }
    let ended = lake.end(&["run", "--json"]);
    assert_eq!((ended.code, &ended.json()["unmatched"]), (Some(0), &json!(strangers)));
    assert_eq!(lake.json(&["plan"])["unmatched"], json!(strangers));
    for name in strangers {
        assert!(ended.stderr.contains(&format!("bronze/{name}: no dataset's pattern matches it")), "{}", ended.stderr);
    }
    assert_eq!(audit(&lake)["orders"]["read"], 1);
}

#[test]
fn a_directory_named_like_an_object_is_none() {
    let lake = Lake::new();
    lake.bronze("orders_1.json", orders(&["A"]));
    lake.bronze("orders_2.json/orders_3.json", orders(&["B"]));
    fs::create_dir_all(lake.path().join("bronze/clicks_1.txt")).expect("a directory can be made");
    let ended = lake.end(&["run", "--json"]);
    assert_eq!((ended.code, &ended.json()["unmatched"]), (Some(0), &json!(["orders_2.json/orders_3.json"])));
    assert_eq!(audit(&lake)["orders"]["read"], 1);
}

#[test]
fn links_are_followed_and_links_to_nowhere_are_not_objects() {
    let lake = Lake::new();
    lake.bronze("orders_1.json", orders(&["A"]));
    fs::write(lake.beside("elsewhere.json"), orders(&["B"])).expect("a file can be written");
    let link = |to: &std::path::Path, name: &str| symlink(to, lake.path().join("bronze").join(name)).expect("a link");
    link(&lake.beside("elsewhere.json"), "orders_2.json");
    link(&lake.beside("nowhere"), "orders_3.json");
    // To itself, to each other, and to the directory that it is in.
    link("orders_4.json".as_ref(), "orders_4.json");
    link("clicks_2.txt".as_ref(), "clicks_1.txt");
    link("clicks_1.txt".as_ref(), "clicks_2.txt");
    link(".".as_ref(), "here");
    link("..".as_ref(), "up");
    let ended = lake.end(&["run", "--json"]);
    assert_eq!((ended.code, ended.json()["cleaned"].as_u64()), (Some(0), Some(2)), "{}", ended.stderr);
    // The audit reads everything, and not as carefully.
    for link in ["orders_3.json", "orders_4.json", "clicks_1.txt", "clicks_2.txt", "here", "up"] {
        fs::remove_file(lake.path().join("bronze").join(link)).expect("a link can be removed");
    }
    assert_eq!(audit(&lake)["orders"]["kept"], 2);
}

#[test]
fn what_is_no_file_is_no_object_and_holds_nobody_up() {
    let lake = Lake::new();
    lake.bronze("orders_1.json", orders(&["A"]));
    let pipe = lake.path().join("bronze/orders_2.json");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo is there").success());
    let mut child = lake.command(&["run"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("smelt starts");
    let ended = wait_until(Duration::from_secs(60), || child.try_wait().expect("a child can be asked").is_some());
    if !ended {
        child.kill().expect("a child can be killed");
    }
    let status = child.wait().expect("a child can be waited for");
    assert!(ended && status.success(), "smelt reads from a pipe that nobody writes to: {status}");
    fs::remove_file(&pipe).expect("it can be removed");
    assert_eq!(audit(&lake)["orders"]["kept"], 1);
}

#[test]
fn an_object_that_cannot_be_read_fails_alone_until_it_can() {
    let lake = Lake::new();
    lake.bronze("orders_1.json", orders(&["A"]));
    lake.bronze("orders_2.json", orders(&["B"]));
    let path = lake.path().join("bronze/orders_2.json");
    let permit = |mode| fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("permissions can be set");
    permit(0o000);
    if File::open(&path).is_ok() {
        println!("skipped: this user reads every file, as root does");
        return;
    }
    let ended = lake.end(&["run", "--json"]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.failures()[0].starts_with("bronze/orders_2.json: cannot open `bronze/orders_2.json`: "));
    assert_eq!(audit(&lake)["orders"]["kept"], 1);
    permit(0o600);
    lake.smelt(&["run"]);
    assert_eq!(audit(&lake)["orders"]["kept"], 2);
}

#[test]
fn objects_may_have_any_name() {
    let lake = Lake::new();
    let longest = "n".repeat(255 - "orders_.json".len());
    let stems = [
        "",
        " ",
        "..",
        "é🍵",
        "a b",
        "-rf",
        "'; DROP TABLE",
        "line\nend",
        "\u{1b}[31m",
        "a,b\"c",
        "%41",
        "*",
        &longest,
    ];
    for (number, stem) in stems.iter().enumerate() {
        lake.bronze(&format!("orders_{stem}.json"), orders(&[&format!("O{number}")]));
        // Something to put into quarantine too.
        lake.bronze(&format!("clicks_{}.txt", &stem[..stem.len().min(244)]), format!("{CLICK}x\n"));
    }
    let Ended { code, stderr, .. } = lake.end(&["run"]);
    assert_eq!(code, Some(0), "{stderr}");
    assert!(!stderr.contains('\u{1b}'), "{stderr:?}");
    let totals = audit(&lake);
    let all = stems.len() as u64;
    assert_eq!(
        (&totals["orders"]["kept"], &totals["clicks"]["rejected"]),
        (&json!(all), &json!({"malformed_line": all}))
    );
    assert_eq!(lake.json(&["run"])["cleaned"], 0);
}

const ENDLESS: u64 = 100 << 20;
/// Kilobytes of private memory that a run over 300 MB may ask for.
const MOST_MEMORY: &str = "200000";

/// An object with a value of 100 MB between two parts.
fn endless(lake: &Lake, name: &str, before: &str, after: &str) {
    lake.bronze(name, before);
    let mut file = File::options().append(true).open(lake.path().join("bronze").join(name)).expect("it is there");
    io::copy(&mut io::repeat(b'x').take(ENDLESS), &mut file).expect("it can be written");
    file.write_all(after.as_bytes()).expect("it can be written");
}

#[test]
fn a_line_of_100_mb_is_rejected_in_bounded_memory() {
    let lake = Lake::new();
    endless(&lake, "customers_1.csv", &format!("{CUSTOMERS}C2,"), "\nC3,A,L,a@example.org,GB,2025-01-31\n");
    let (first, rest) = (orders(&["A"]), orders(&["B"]));
    let (first, rest) = (first.trim_end_matches("]\n"), rest.trim_start_matches('['));
    endless(&lake, "orders_1.json", &format!("{first},\n{{\"product\":\""), &format!("\"}},\n{rest}"));
    endless(&lake, "clicks_1.txt", &format!("{CLICK}{{\"page\":\""), &format!("\"}}\n{CLICK}"));

    let smelt = lake.command(&["run"]);
    let mut limited = Command::new("sh");
    limited
        .args(["-c", "ulimit -d \"$0\" && exec \"$@\"", MOST_MEMORY])
        .arg(smelt.get_program())
        .args(smelt.get_args());
    for (name, value) in smelt.get_envs() {
        match value {
            Some(value) => limited.env(name, value),
            None => limited.env_remove(name),
        };
    }
    let ended = Ended::from(limited.output().expect("sh starts"));
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);

    let totals = audit(&lake);
    for dataset in ["customers", "orders", "clicks"] {
        let Value::Object(totals) = &totals[dataset] else { panic!("totals are an object") };
        let found = ["read", "kept", "rejected"].map(|count| totals[count].clone());
        assert_eq!(found, [json!(3), json!(2), json!({"line_too_long": 1})], "{dataset}");
        for (_, quarantine) in lake.files(&format!("quarantine/{dataset}")) {
            assert!(quarantine.len() < 100_000, "{dataset}: all of it is in quarantine");
            let rejected: Value = serde_json::from_slice(&quarantine).expect("it is one JSON line");
            assert!(rejected["bytes"].as_u64().expect("a length") >= ENDLESS);
        }
    }
    assert_eq!(revenue(&lake), "2,5.00,2.50");
}
