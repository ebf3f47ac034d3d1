//! E-mails, names and IPs stay in bronze and quarantine: they never reach silver, gold, the catalog or what smelt says.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use sha2::{Digest as _, Sha256};

use crate::support::ended::{Ended, fixtures};
use crate::support::process::{Running, spread};
use crate::support::reference::{hex, plain_pseudonym};
use crate::support::{Lake, NewLake, twin};

const KEY: &str = "00112233445566778899aabbccddeeff0123456789abcdeffedcba9876543210";
const OTHER_KEY: &str = "ffeeddccbbaa99887766554433221100fedcba98765432100123456789abcdef";

/// Whom nobody may find again: in rows that are kept, superseded, and rejected in every way.
const CUSTOMERS: &str = "customer_id,first_name,last_name,email,country,signup_date\n\
    C1,Zephyrine,Quaxworthy, Zephyrine.QUAXWORTHY@Private-Example.ORG ,FR,2025-01-01\n\
    C1,Zephyrine,Quaxworthy-Vondervot,zephyrine.quaxworthy@private-example.org,FR,2025-01-02\n\
    C2,Übermüdlin,Ångströmska,übermüdlin@private-example.org,,2025-01-03\n\
    ,Zephyrine,Quaxworthy,zephyrine@private-example.org,FR,2025-01-01\n\
    C3,Zephyrine,Quaxworthy,zephyrine@private-example.org,FR,32/13/2025\n\
    C4,Zephyrine,Quaxworthy, Vondervot,zephyrine@private-example.org,FR,2025-01-01\n\
    C5,\"Zephyrine\"Quaxworthy,zephyrine@private-example.org,FR,2025-01-01\n\
    C6,Zephyrine,\"Quaxworthy,zephyrine@private-example.org,FR,2025-01-01\n";
/// The first line takes the place of the header.
const WITHOUT_HEADER: &str = "C7,Zephyrine,Quaxworthy,zephyrine@private-example.org,FR,2025-01-01\n\
    C8,Zephyrine,Quaxworthy,zephyrine@private-example.org,FR,2025-01-01\n";
const CLICKS: &str = r#"{"customer_id": "C1", "page": "/", "ip": "203.0.113.77", "ts": "2025-01-01T00:00:00Z"}
{"customer_id": "C1", "page": "/", "ip": "203.0.113.777", "ts": "2025-01-01T00:00:00Z"}
{"customer_id": "C1", "page": "/", "ip": "203.0.113.77", "ts": "never"}
{"customer_id": "C1", "page": "/", "ip": "203.0.113.77", "zephyrine@private-example.org": 1, "ts
"#;
const ORDERS: &str = r#"[{"order_id": "O1", "customer_id": "C1", "total_amount": 5, "order_ts": "2025-01-01 00:00:00"},
 {"order_id": "O2", "zephyrine@private-example.org": "Quaxworthy", "total_amount": "203.0.113.77", "order_ts": "2025-01-01 00:00:00"},
 {"order_id": null, "customer_id": "zephyrine@private-example.org"}, "Zephyrine Quaxworthy"]"#;

/// In lower case.
const SECRETS: [&str; 8] =
    ["zephyrine", "quaxworthy", "vondervot", "übermüdlin", "ångströmska", "private-example", "203.0.113", "01/13/2025"];

fn lake_with_secrets() -> Lake {
    with_secrets(Lake::new())
}

fn with_secrets(lake: Lake) -> Lake {
    lake.bronze("customers_1.csv", CUSTOMERS);
    lake.bronze("customers_2.csv", WITHOUT_HEADER);
    lake.bronze(
        "customers_3.csv",
        [b"customer_id,first_name\nC9,Zephyrine\xff".as_slice(), b"\xfe Quaxworthy\n"].concat(),
    );
    lake.bronze("clicks_1.txt", CLICKS);
    lake.bronze("orders_1.json", ORDERS);
    lake
}

/// The keys in the environment, and the places of files.
struct Setting<'s> {
    /// The key for pseudonyms.
    key: Option<&'s str>,
    /// Where compiled code is kept, if not where all tests keep it.
    cache: Option<PathBuf>,
}

impl Setting<'_> {
    fn command(&self, lake: &Lake, arguments: &[&str]) -> Command {
        let mut command = lake.command(arguments);
        command.env("TMPDIR", temporary(lake));
        command.envs(self.key.map(|key| ("SMELT_PII_KEY", key)));
        command.envs(self.cache.as_ref().map(|cache| ("SMELT_CACHE_DIR", cache)));
        command
    }

    fn smelt(&self, lake: &Lake, arguments: &[&str]) -> Output {
        self.command(lake, arguments).output().expect("smelt starts")
    }
}

/// Where temporary files are: beside the lake.
fn temporary(lake: &Lake) -> PathBuf {
    let directory = lake.beside("temporary");
    std::fs::create_dir_all(&directory).expect("a directory can be made");
    directory
}

/// Everything that smelt says when it is asked to say all.
fn told(lake: &Lake, setting: &Setting<'_>) -> Vec<u8> {
    let mut told = Vec::new();
    for arguments in [
        &["plan", "-vv"][..],
        &["clean", "-vv", "--profile"],
        &["aggregate", "-vv", "--profile"],
        &["run", "-vv", "--json", "--profile"],
        &["history", "-vv", "--objects"],
        &["history", "-vv", "--json"],
        &["plan", "-vv", "--json"],
        &["lineage", "-vv", "revenue_by_country", "--all"],
        &["lineage", "-vv", "revenue_by_country", "--format", "openlineage"],
        &["lineage", "-vv", "bronze/customers_1.csv", "--json"],
        &["lineage", "-vv", "revenue_by_country", "--row", "country=FR", "--json"],
        &["reproduce", "-vv", "revenue_by_country"],
        &["verify", "-vv", "--json"],
        &["gc", "-vv"],
        &["plugin", "list", "-vv"],
        // `quarantine show` is there to show raw rows.
        &["quarantine", "list", "-vv"],
        &["quarantine", "stats", "-vv", "--json"],
    ] {
        let output = setting.smelt(lake, arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        told.extend([output.stdout, output.stderr].concat());
    }
    told
}

/// The secrets that are among the bytes, whatever their case.
fn found(bytes: &[u8], secrets: &[&str]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes).to_lowercase();
    secrets.iter().filter(|secret| text.contains(**secret)).map(|secret| (*secret).to_owned()).collect()
}

/// Runs all there is on the lake, and searches every byte that is written and said for what nobody may find there.
fn assert_keeps_secrets(lake: &Lake, setting: &Setting<'_>, more: &[&str]) {
    let key_bytes = |key: &str| (0..64).step_by(2).map(|at| u8::from_str_radix(&key[at..at + 2], 16)).collect();
    let key_bytes: Option<Result<Vec<u8>, _>> = setting.key.map(key_bytes);
    let key_bytes = key_bytes.transpose().expect("hexadecimal digits").unwrap_or_default();
    let secrets = [&SECRETS[..], more, setting.key.as_slice()].concat();
    let check = |what: &str, bytes: &[u8]| {
        assert_eq!(found(bytes, &secrets), Vec::<String>::new(), "in {what}");
        let raw_key = !key_bytes.is_empty() && bytes.windows(32).any(|window| window == key_bytes);
        assert!(!raw_key, "the key is in {what}");
    };
    check("what smelt says", &told(lake, setting));
    // What ran before a promotion is kept, and so are the rows that it rejected.
    let promoted = setting.smelt(lake, &["plugin", "promote", "-vv", &twin(&lake.beside(""), "clean-customers")]);
    assert!(promoted.status.success(), "{}", String::from_utf8_lossy(&promoted.stderr));
    assert!(!lake.files("quarantine/for-rollback/customers").is_empty(), "rejected rows are kept for a rollback");
    check("what a promotion says", &[promoted.stdout, promoted.stderr].concat());
    check("what smelt says then", &told(lake, setting));
    let mut layers = BTreeSet::new();
    for (path, body) in lake.files("") {
        check("the name of an object", path.as_bytes());
        if !path.starts_with("bronze/") && !path.starts_with("quarantine/") {
            check(&path, &body);
            layers.extend(path.split('/').next().map(str::to_owned));
        }
    }
    assert!(
        ["silver", "gold", "catalog"].iter().all(|layer| layers.contains(*layer)),
        "they hold something: {layers:?}"
    );
    if let Some(cache) = &setting.cache {
        let files = std::fs::read_dir(cache).expect("it was made").map(|entry| entry.expect("it can be read").path());
        let files: Vec<_> = files.collect();
        assert!(files.len() > 8, "a key and compiled code: {files:?}");
        files.iter().for_each(|path| check(&path.to_string_lossy(), &std::fs::read(path).expect("it can be read")));
    }
    let left: Vec<_> = std::fs::read_dir(temporary(lake)).expect("it was made").collect();
    assert!(left.is_empty(), "temporary files are left: {left:?}");
}

#[test]
fn names_e_mails_and_ips_stay_in_bronze_and_quarantine() {
    let lake = lake_with_secrets();

    assert_keeps_secrets(&lake, &Setting { key: None, cache: None }, &[]);

    let quarantine: Vec<u8> = lake.files("quarantine").into_values().flatten().collect();
    let present = ["zephyrine", "quaxworthy", "vondervot", "private-example", "203.0.113"];
    assert_eq!(found(&quarantine, &SECRETS), present, "the test looks for what can be found");
}

#[test]
fn nor_does_the_key_go_anywhere() {
    let lake = lake_with_secrets();
    let cache = Some(lake.beside("cache"));

    assert_keeps_secrets(&lake, &Setting { key: Some(KEY), cache }, &[]);
}

#[test]
fn nor_do_the_keys_of_a_lake_on_s3() {
    let lake = with_secrets(Lake::new().on_s3());
    let [_, _, secret] = lake.access();

    assert_keeps_secrets(&lake, &Setting { key: Some(KEY), cache: None }, &[&secret]);

    let wrong = "a-secret-that-is-not-the-servers";
    let output = lake.command(&["run", "-vv"]).env("MINIO_SECRET_KEY", wrong).output().expect("smelt starts");
    assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(found(&[output.stdout, output.stderr].concat(), &[wrong, &secret]), Vec::<String>::new());
}

#[test]
fn a_key_that_is_refused_is_not_quoted() {
    let lake = lake_with_secrets();
    let wrong = KEY.replace('9', "x");
    let output = Setting { key: Some(&wrong), cache: None }.smelt(&lake, &["run", "-vv"]);
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(told.contains("64 hexadecimal digits") && !told.contains(&wrong[..8]), "{told}");
}

/// HMAC-SHA-256 as RFC 2104 has it.
fn hmac(key: &str, text: &str) -> String {
    let mut block = [0u8; 64];
    for (at, byte) in block.iter_mut().take(32).enumerate() {
        *byte = u8::from_str_radix(&key[2 * at..2 * at + 2], 16).expect("hexadecimal digits");
    }
    let padded = |pad: u8| Sha256::new_with_prefix(block.map(|byte| byte ^ pad));
    let inner = padded(0x36).chain_update(text).finalize();
    hex(&padded(0x5c).chain_update(inner).finalize())
}

/// The pseudonyms in silver, by customer.
fn pseudonyms(lake: &Lake) -> Vec<String> {
    let cell = |line: &String| line.split(',').take(2).map(str::to_owned).collect::<Vec<_>>().join(" ");
    lake.silver("customers").iter().map(cell).collect()
}

/// The e-mails of [`EMAILS`], trimmed and in lower case, under a function of text; a missing one has none.
fn expected(pseudonym: impl Fn(&str) -> String) -> Vec<String> {
    let of = |email| pseudonym(email)[..16].to_owned();
    vec![format!("C1 {}", of("ada@example.org")), format!("C2 {}", of("élise@example.org")), "C3 ".to_owned()]
}

const EMAILS: &str = "customer_id,first_name,last_name,email,country,signup_date\n\
    C1,Ada,L,\" ADA@Example.ORG\t\",FR,2025-01-01\nC2,É,L,ÉLISE@example.org,FR,2025-01-01\nC3,A,B,  ,FR,2025-01-01\n";

#[test]
fn without_a_key_a_pseudonym_is_the_hash_of_the_normalised_e_mail() {
    let lake = Lake::new();
    lake.bronze("customers_1.csv", EMAILS);
    let output = lake.try_smelt(&["run"]);

    assert_eq!(pseudonyms(&lake), expected(plain_pseudonym));
    let warning = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(warning.contains("can be guessed back"), "{warning}");
}

#[test]
fn a_pseudonym_is_keyed_and_another_key_makes_customers_anew() {
    let lake = Lake::new();
    lake.bronze("customers_1.csv", EMAILS);
    let smelt = |arguments: &[&str], key| {
        let output = lake.command(arguments).env("SMELT_PII_KEY", key).output().expect("smelt starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    let plan = |key| -> serde_json::Value {
        let plan = smelt(&["plan", "--new-key", "--json"], key);
        let plan: serde_json::Value = serde_json::from_slice(&plan).expect("JSON");
        let datasets = plan["datasets"].as_array().expect("a list").clone();
        datasets.into_iter().find(|plan| plan["dataset"] == "customers").expect("customers are planned")
    };

    smelt(&["run"], KEY);
    assert_eq!(pseudonyms(&lake), expected(|email| hmac(KEY, email)));
    assert_eq!(plan(KEY)["rebuild"], serde_json::Value::Null);

    let changed = plan(OTHER_KEY);
    let why = changed["rebuild"].as_str().expect("customers are made anew");
    assert!(why.contains("key"), "{why}");
    assert_eq!(changed["objects"][0]["name"], "customers_1.csv");
    smelt(&["run", "--new-key"], OTHER_KEY);
    assert_eq!(pseudonyms(&lake), expected(|email| hmac(OTHER_KEY, email)));
}

#[test]
fn init_makes_a_key_beside_the_lake_for_the_owner_alone() {
    let lake = Lake::new();
    lake.smelt(&["init"]);
    let path = lake.path().with_extension("key");
    let key = std::fs::read_to_string(&path).expect("init makes a key");
    let mode = std::fs::metadata(&path).expect("there is a key").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(lake.files("").is_empty(), "an empty lake holds nothing, and no key");

    lake.smelt(&["init"]);
    assert_eq!(std::fs::read_to_string(&path).expect("the key stays"), key);
    lake.bronze("customers_1.csv", EMAILS);
    lake.smelt(&["run"]);
    assert_eq!(pseudonyms(&lake), expected(|email| hmac(key.trim(), email)));
}

/// How a command ended with that key, or without one.
fn with_key(lake: &Lake, arguments: &[&str], key: Option<&str>) -> Ended {
    Ended::from(Setting { key, cache: None }.smelt(lake, arguments))
}

/// Key ids are the first digits of a sha256, and tell nothing of the key.
fn key_id(key: &str) -> String {
    let bytes = (0..64).step_by(2).map(|at| u8::from_str_radix(&key[at..at + 2], 16).expect("hexadecimal digits"));
    let salted: Vec<u8> = b"smelt pseudonym key ".iter().copied().chain(bytes).collect();
    hex(&Sha256::digest(salted))[..16].to_owned()
}

pub fn a_lake_is_refused_without_the_key_that_it_was_written_with(new: &NewLake<'_>) {
    let lake = &new();
    lake.bronze("customers_1.csv", EMAILS);
    lake.bronze("orders_1.json", ORDERS);
    assert_eq!(with_key(lake, &["run"], Some(KEY)).code, Some(0));
    let silver = lake.files("silver");
    let component = twin(&lake.beside(""), "clean-customers");
    for key in [None, Some(OTHER_KEY)] {
        for arguments in [
            &["run"][..],
            &["clean"],
            &["plan"],
            &["up", "--no-generate"],
            &["up", "--role", "clean"],
            &["plugin", "promote", &component],
            &["plugin", "diff", "clean-customers", &component],
            &["quarantine", "replay", "--dataset", "customers"],
            &["quarantine", "replay", "--with", &component, "--apply"],
            &["run", "--reconcile", "--forget-missing", "--retry-parked"],
            &["reproduce", "revenue_by_country"],
            &["lineage", "revenue_by_country", "--row", "country=FR"],
        ] {
            let ended = with_key(lake, arguments, key);
            assert_eq!(ended.code, Some(2), "{arguments:?}: {}", ended.stderr);
            assert!(ended.stderr.contains(&key_id(KEY)), "{arguments:?}: {}", ended.stderr);
            let remakes = ["reproduce", "lineage"].contains(&arguments[0]);
            assert!(remakes || ended.stderr.contains("--new-key"), "{arguments:?}: {}", ended.stderr);
        }
        // What makes no pseudonym needs no key.
        assert_eq!(with_key(lake, &["aggregate"], key).code, Some(0));
        assert_eq!(with_key(lake, &["reproduce", "sales_by_day"], key).code, Some(0));
    }
    let ended = with_key(lake, &["run", "--new-key"], None);
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("SMELT_PII_KEY"), "it says where a key would be: {}", ended.stderr);
    assert_eq!(lake.files("silver"), silver);

    // On purpose, and then it is the other key that is asked for.
    assert_eq!(with_key(lake, &["run", "--new-key"], Some(OTHER_KEY)).code, Some(0));
    assert_eq!(with_key(lake, &["run"], Some(OTHER_KEY)).code, Some(0));
    let ended = with_key(lake, &["run"], Some(KEY));
    assert!(ended.code == Some(2) && ended.stderr.contains(&key_id(OTHER_KEY)), "{}", ended.stderr);
    assert_eq!(pseudonyms(lake), expected(|email| hmac(OTHER_KEY, email)));
}

#[test]
fn a_lake_without_a_key_gets_one_and_is_then_never_without() {
    let lake = Lake::new();
    lake.bronze("customers_1.csv", EMAILS);
    lake.smelt(&["run"]);
    assert_eq!(with_key(&lake, &["run", "--new-key"], None).code, Some(2), "there is none");
    let ended = with_key(&lake, &["run"], Some(KEY));
    assert!(ended.code == Some(0) && ended.stderr.contains("made without a key"), "{}", ended.stderr);
    assert_eq!(pseudonyms(&lake), expected(|email| hmac(KEY, email)));
    lake.bronze("customers_2.csv", EMAILS);
    assert_eq!(with_key(&lake, &["run"], None).code, Some(2));
    assert_eq!(pseudonyms(&lake), expected(|email| hmac(KEY, email)));
}

#[test]
fn silver_that_is_lost_is_not_made_anew_without_the_key() {
    let lake = Lake::new();
    lake.bronze("customers_1.csv", EMAILS);
    lake.bronze("orders_1.json", ORDERS);
    assert_eq!(with_key(&lake, &["clean"], Some(KEY)).code, Some(0));
    let (name, _) = lake.files("silver").into_iter().find(|(name, _)| name.starts_with("customers")).expect("silver");
    lake.remove(&format!("silver/{name}"));
    assert_eq!(with_key(&lake, &["aggregate"], None).code, Some(2));
    assert!(!lake.files("silver").keys().any(|name| name.starts_with("customers")));
}

#[test]
fn a_key_that_cannot_be_read_is_not_taken_for_none() {
    let lake = Lake::new();
    lake.bronze("customers_1.csv", EMAILS);
    let key = lake.path().with_extension("key");
    type Put = fn(&Path) -> std::io::Result<()>;
    let ways: [(&str, Put); 6] = [
        ("empty", |path| std::fs::write(path, "")),
        ("short", |path| std::fs::write(path, &KEY[..62])),
        ("long", |path| std::fs::write(path, KEY.repeat(1000))),
        ("a directory", |path| std::fs::create_dir(path)),
        ("a link that leads nowhere", |path| std::os::unix::fs::symlink("nowhere", path)),
        ("a pipe", |path| Command::new("mkfifo").arg(path).status().map(drop)),
    ];
    for (what, put) in ways {
        put(&key).expect("it can be made");
        let ended = lake.end(&["run"]);
        assert_eq!(ended.code, Some(2), "{what}: {}", ended.stderr);
        assert!(ended.stderr.contains("lake.key"), "{what}: {}", ended.stderr);
        std::fs::remove_file(&key).or_else(|_| std::fs::remove_dir(&key)).expect("it can be removed");
    }
    assert!(lake.files("silver").is_empty());
}

/// A pipeline whose cleaner quotes cells that it does not understand, in what it says when it fails.
fn quoting(privacy: &str) -> Lake {
    let lake = Lake::with_manifest(&format!(
        r#"
        [pipeline]
        name = "quoting"
        plugins = ["{}"]
        [privacy]
        {privacy}
        [dataset.sins]
        objects = "sins-*.csv"
        format = "csv"
        plugin = "sinner"
        [kpi.count]
        plugin = "sinful-count"
        inputs = {{ rows = "sins" }}
        "#,
        fixtures().display()
    ));
    lake.bronze("sins-1.csv", "id,sin\n1,\n");
    lake.bronze("sins-2.csv", "id,sin\n2,zephyrine@private-example.org\n");
    lake
}

/// All that a lake holds but its bronze and its rejected rows.
fn kept(lake: &Lake) -> BTreeMap<String, Vec<u8>> {
    let mut files = lake.files("");
    files.retain(|path, _| !path.starts_with("bronze/") && !path.starts_with("quarantine/"));
    files
}

#[test]
fn what_a_plugin_says_when_it_fails_is_told_once_and_not_kept() {
    let lake = quoting("");
    for _ in 0..3 {
        let ended = lake.end(&["run"]);
        assert_eq!(ended.code, Some(1));
        assert!(ended.stderr.contains("zephyrine@private-example.org"), "whoever looks on sees it: {}", ended.stderr);
    }
    let files = kept(&lake);
    files.iter().for_each(|(path, body)| assert_eq!(found(body, &SECRETS), Vec::<String>::new(), "in {path}"));
    for arguments in [
        &["run", "-vv"][..],
        &["run", "-vv", "--json"],
        &["plan", "-vv"],
        &["plan", "-vv", "--json"],
        &["history", "-vv", "--objects"],
        &["history", "-vv", "--json"],
    ] {
        let Ended { code, stdout, stderr } = lake.end(arguments);
        assert_eq!(code, Some(0), "it is parked: {stderr}");
        assert_eq!(found((stdout + &stderr).as_bytes(), &SECRETS), Vec::<String>::new(), "{arguments:?}");
        assert!(stderr.contains("plugin `sinner` failed") || arguments[0] != "run", "{stderr}");
    }
    // Where there is no personal data one may want it.
    let lake = quoting("error_text = \"raw\"");
    lake.end(&["run"]);
    assert!(kept(&lake).values().any(|body| !found(body, &SECRETS).is_empty()));
}

/// Every file below the directory.
fn below(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.flat_map(|path| if path.is_dir() { below(&path) } else { vec![path] }).collect()
}

#[test]
fn a_check_of_provenance_writes_no_rejected_row_whenever_it_is_killed() {
    let lake = lake_with_secrets();
    let setting = Setting { key: None, cache: None };
    setting.smelt(&lake, &["run"]);
    let reproduce = || Running::spawn(&mut setting.command(&lake, &["reproduce", "revenue_by_country"]));
    let whole = reproduce().calls_in_all();
    let mut left = 0;
    for moment in spread(whole).take(24) {
        let mut running = reproduce();
        running.runs_until(moment);
        running.kill();
        for entry in std::fs::read_dir(temporary(&lake)).expect("it was made").flatten() {
            left += 1;
            let mode = entry.metadata().expect("it is there").permissions().mode();
            assert_eq!(mode & 0o777, 0o700, "{}", entry.path().display());
        }
        for path in below(&temporary(&lake)) {
            let body = std::fs::read(&path).expect("it can be read");
            assert_eq!(found(&body, &SECRETS), Vec::<String>::new(), "in {}", path.display());
        }
    }
    assert!(left > 0, "none was killed while it had a directory");
    assert!(setting.smelt(&lake, &["reproduce", "revenue_by_country"]).status.success());
    let left: Vec<_> = std::fs::read_dir(temporary(&lake)).expect("it was made").collect();
    assert!(left.is_empty(), "what dead ones left is still there: {left:?}");
}
