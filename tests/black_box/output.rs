//! The output of the command: standard output that cannot be written to, texts from outside, and the exit status, which is
//! 0, 1 or 2 whatever is asked of it.

use std::ffi::OsStr;
use std::fs::File;
use std::io::pipe;
use std::os::unix::ffi::OsStrExt as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::support::Lake;
use crate::support::ended::Ended;
use crate::support::process::wait_until;

/// Text that a terminal would obey, that would reorder a line, that no one would see, or that would pass for a line of smelt's.
const ODD: &str = "\x1b[2J\x1b]0;x\x07\u{9b}31m\u{202e}\u{200b}\u{e0041}\nsmelt: all is well\r";

fn full() -> Stdio {
    File::options().write(true).open("/dev/full").expect("Linux has /dev/full").into()
}

fn cleaned() -> Lake {
    let lake = Lake::new();
    lake.bronze(
        "customers_1.csv",
        "customer_id,first_name,last_name,email,country,signup_date\nC1,a,b,e@x,FR,2025-01-01\n",
    );
    lake.smelt(&["run"]);
    lake
}

#[test]
fn what_cannot_be_written_is_a_failure() {
    let lake = cleaned();
    let dot = ["lineage", "silver/customers/customers_clean_1.csv", "--format", "dot"];
    let component = crate::support::root().join("target/components/aov.wasm");
    let component = component.to_str().expect("a UTF-8 path");
    let verbs: [&[&str]; 12] = [
        &["--help"],
        &["run", "--help"],
        &["--version"],
        &["history"],
        &["history", "--json"],
        &["plan"],
        &["run"],
        &["run", "--json"],
        &["verify"],
        &["plugin", "inspect", component],
        &["quarantine", "list"],
        &dot,
    ];
    for verb in verbs {
        let ended = Ended::from(lake.command(verb).stdout(full()).output().expect("smelt starts"));
        assert_eq!(ended.code, Some(1), "{verb:?}: {}", ended.stderr);
        let said = ended.stderr.matches("smelt: cannot write to standard output: ").count();
        assert_eq!(said, 1, "{verb:?}: {}", ended.stderr);
    }
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let lake = cleaned();
    for verb in
        [&["history"][..], &["history", "--json"], &["--help"], &["run"], &["up", "--every", "1ms", "--no-generate"]]
    {
        let (reader, writer) = pipe().expect("a pipe");
        drop(reader);
        let mut smelt = lake.command(verb).stdout(writer).stderr(Stdio::piped()).spawn().expect("smelt starts");
        let in_time = wait_until(Duration::from_secs(60), || smelt.try_wait().expect("a child can be asked").is_some());
        assert!(in_time || smelt.kill().is_err(), "{verb:?} does not end");
        let ended = Ended::from(smelt.wait_with_output().expect("it has ended"));
        let said: Vec<_> = ended.stderr.lines().filter(|line| !line.contains("no pseudonym key")).collect();
        assert_eq!((ended.code, said), (Some(0), vec![]), "{verb:?}");
    }
}

#[test]
fn errors_that_cannot_be_written_change_no_exit_status() {
    let lake = Lake::new();
    for (verb, code) in
        [(&["nonsense"][..], 2), (&["run", "--pipeline", "/nowhere"], 2), (&["plugin", "test", "/nowhere.wasm"], 2)]
    {
        let ended = Ended::from(
            Command::new(env!("CARGO_BIN_EXE_smelt")).args(verb).stderr(full()).output().expect("it starts"),
        );
        assert_eq!(ended.code, Some(code), "{verb:?}");
    }
    lake.bronze("unmatched", "");
    let ended = Ended::from(lake.command(&["run"]).stderr(full()).output().expect("smelt starts"));
    assert_eq!(ended.code, Some(0), "a warning that cannot be written");
    let closed = "\"$0\" --version >&- 2>&- <&-; test $? -lt 2";
    let shell =
        Command::new("sh").args(["-c", closed, env!("CARGO_BIN_EXE_smelt")]).status().expect("there is a shell");
    assert!(shell.success());
}

/// Nothing in the text is obeyed by a terminal or unseen, and no line of it was written by someone else.
#[track_caller]
fn is_harmless(what: &[&str], text: &str) {
    let odd = text.chars().find(|&character| {
        character != '\n' && ODD.contains(character) && (character.is_control() || !character.is_ascii())
    });
    assert_eq!(odd, None, "{what:?}: {text}");
    assert!(!text.lines().any(|line| line.starts_with("smelt: all is well")), "{what:?}: {text}");
}

#[test]
fn texts_from_outside_are_spelt_out_in_every_verb() {
    let lake = Lake::new();
    // Names are at most 255 bytes long, and so is what is written beside them.
    let (object, unmatched) = (format!("customers_{ODD}.csv"), format!("other_{ODD}"));
    let header = "customer_id,first_name,last_name,email,country,signup_date\n";
    lake.bronze(&object, format!("{header}C1,a,b,e@x,FR,2025-01-01\n,{ODD:?}\n"));
    lake.bronze(&unmatched, "");
    let silver = |lake: &Lake| lake.files("silver").into_keys().next().map(|name| format!("silver/{name}"));
    let mut texts = Vec::new();
    let mut show = |verb: &[&str]| {
        let ended = lake.end(verb);
        is_harmless(verb, &ended.stdout);
        is_harmless(verb, &ended.stderr);
        texts.push(ended.stdout + &ended.stderr);
    };
    show(&["plan"]);
    show(&["run", "-vv"]);
    let silver = silver(&lake).expect("something was kept");
    for verb in [
        &["history", "--objects"][..],
        &["history", "--objects", "--json"],
        &["plan", "--json"],
        &["run", "--json"],
        &["quarantine", "list"],
        &["quarantine", "show"],
        &["quarantine", "show", "--json"],
        &["quarantine", "stats"],
        &["lineage", &silver],
        &["lineage", &silver, "--format", "dot"],
        &["lineage", &silver, "--format", "openlineage"],
        &["lineage", &silver, "--json"],
        &["reproduce", &silver],
        &["gc"],
    ] {
        show(verb);
    }
    let report: serde_json::Value = lake.json(&["history", "--objects"]);
    assert!(report["objects"]["customers"].get(&object).is_some(), "programs are given the name as it is");
    // What is asked for is quoted too.
    for verb in [
        &["lineage", ODD, "--row", ODD][..],
        &["lineage", ODD],
        &["reproduce", ODD],
        &[ODD],
        &["run", ODD],
        &["health", "--heartbeat", ODD],
        &["plugin", "inspect", ODD],
        &["plugin", "test", ODD],
        &["plugin", "test", "/nowhere", "--parameters", ODD],
        &["plugin", "new", ODD, "--kind", "kpi"],
        &["plugin", "rollback", ODD],
        &["plugin", "diff", ODD, ODD],
        &["plugin", "lock", "--update", ODD],
        &["generate", "--start", ODD],
        &["generate", "--param", ODD],
        &["up", "--every", ODD],
        &["up", "--role", ODD],
    ] {
        show(verb);
    }
    lake.remove(&format!("bronze/{object}"));
    show(&["plan"]);
    show(&["run"]);
    assert!(texts.iter().all(|text| !text.is_empty()));
    assert!(texts.iter().any(|text| text.contains("customers_\\u{1b}[2J")), "names are shown");
}

#[test]
fn arguments_and_variables_that_are_no_text_are_refused() {
    let bad = OsStr::from_bytes(b"a\xff");
    for verb in ["run", "reproduce", "lineage", "generate"] {
        let ended = Ended::from(Lake::new().command(&[verb]).arg(bad).output().expect("smelt starts"));
        assert_eq!(ended.code, Some(2), "{verb}: {}", ended.stderr);
    }
    for name in ["SMELT_PII_KEY", "SMELT_LAKE", "SMELT_REGISTRY_PASSWORD", "MINIO_ENDPOINT"] {
        let ended = Ended::from(Lake::new().command(&["plan"]).env(name, bad).output().expect("smelt starts"));
        assert_eq!(
            (ended.code, ended.stderr.contains(&format!("{name} is not UTF-8"))),
            (Some(2), true),
            "{}",
            ended.stderr
        );
    }
    // Neither a home nor anything else.
    let cache = crate::support::root().join("target/components/cache");
    let alone =
        Lake::new().command(&["plan"]).env_clear().env("SMELT_CACHE_DIR", cache).output().expect("smelt starts");
    assert_eq!(Ended::from(alone).code, Some(0));
}

#[test]
fn numbers_are_digits_and_nothing_is_read_into_them() {
    let lake = Lake::new();
    let pairs = [
        ("generate", "--ticks"),
        ("generate", "--first"),
        ("generate", "--seed"),
        ("quarantine show", "--limit"),
        ("plugin diff aov aov", "--sample"),
        ("plugin diff aov aov", "--examples"),
        ("generate", "--interval"),
        ("up", "--every"),
        ("health --heartbeat x", "--within"),
        ("gc", "--grace"),
        ("quarantine purge", "--older-than"),
        ("generate", "--start"),
    ];
    for (verb, flag) in pairs {
        for value in [
            "",
            "+5",
            "-5",
            " 5",
            "5 ",
            "1_000",
            "0x10",
            "1e3",
            "1.0",
            "٥",
            "99999999999999999999999",
            "1 0s",
            "+5s",
            " 5s",
            "99999999999999999y",
        ] {
            let given = format!("{flag}={value}");
            let arguments: Vec<_> = verb.split(' ').chain([given.as_str()]).collect();
            let ended = lake.end(&arguments);
            assert_eq!(ended.code, Some(2), "{arguments:?}: {}", ended.stderr);
            assert!(
                ended.stderr.contains("invalid value") || ended.stderr.contains("value is required"),
                "{}",
                ended.stderr
            );
        }
    }
    let lake_that_is_nothing =
        Command::new(env!("CARGO_BIN_EXE_smelt")).args(["plan", "--lake", ""]).output().expect("it starts");
    assert_eq!(lake_that_is_nothing.status.code(), Some(2));
    let component = crate::support::root().join("target/components/aov.wasm");
    let component = component.to_str().expect("a UTF-8 path");
    for json in [r#"{"limit": 1, "limit": 2}"#, "[]", &"{\"a\":".repeat(10_000)] {
        let ended = lake.end(&["plugin", "test", component, "--parameters", json]);
        assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    }
    for beyond in [&["--ticks", "2", "--interval", "200000y"][..], &["--ticks", "3", "--start", "9999-12-31T23:59:59Z"]]
    {
        let ended = lake.end(&[&["generate"], beyond].concat());
        assert_eq!((ended.code, ended.stderr.contains("beyond the calendar")), (Some(2), true), "{}", ended.stderr);
    }
    assert!(lake.files("bronze").is_empty());
    let twice = lake.end(&["generate", "--param", "customers=1", "--param", "customers=2"]);
    assert_eq!((twice.code, twice.stderr.contains("given twice")), (Some(2), true), "{}", twice.stderr);
}

#[test]
fn a_key_for_pseudonyms_is_64_hexadecimal_digits() {
    let lake = Lake::new();
    for key in [
        "+f".repeat(32),
        "0b".repeat(31),
        "0b".repeat(33),
        " ".into(),
        format!("0x{}", "0b".repeat(31)),
        "ｆ".repeat(64),
    ] {
        let ended = Ended::from(lake.command(&["plan"]).env("SMELT_PII_KEY", &key).output().expect("smelt starts"));
        assert_eq!(ended.code, Some(2), "{key}: {}", ended.stderr);
        assert!(
            ended.stderr.contains("SMELT_PII_KEY") && ended.stderr.contains("64 hexadecimal digits"),
            "{}",
            ended.stderr
        );
        assert!(!ended.stderr.contains("0b0b"), "the key is not told");
    }
}

#[test]
fn manifests_are_refused_and_never_crash_the_command() {
    let head = "[pipeline]\nname = \"p\"\nplugins = []\n";
    let dataset = "[dataset.d]\nobjects = \"d_*\"\nformat = \"csv\"\nplugin = \"x\"\n";
    let refused = [
        format!("a = {}", "[".repeat(200_000)),
        format!("a = {}", "{a=".repeat(200_000)),
        format!("[{}]", vec!["a"; 100_000].join(".")),
        format!("[schedule]\nevery = \"99999999999999999y\"\n{head}{dataset}"),
        format!("[schedule]\nevery = \" 5s\"\n{head}{dataset}"),
        format!("[schedule]\nreconcile = \"1 0s\"\n{head}{dataset}"),
        format!("[privacy]\nquarantine_retention = \"+5d\"\n{head}{dataset}"),
        format!("[limits]\nmax_attempts = -1\n{head}{dataset}"),
        format!("[limits]\nmax_attempts = 1e3\n{head}{dataset}"),
        format!("[limits.plugin]\ncall_ms = 99999999999999999999\n{head}{dataset}"),
        // Names that cannot be seen whole, in places where one is expected.
        format!("{}{dataset}", head.replace("\"p\"", "\"p\\u200b\"")),
        format!("{}{dataset}", head.replace("\"p\"", "\"p\\u202ex\"")),
        format!("{head}{}", dataset.replace("\"x\"", "\"\\u0445\"")),
        format!("{head}{}", dataset.replace("\"x\"", "\"../x\"")),
        format!("{head}{}", dataset.replace("\"x\"", "\"x\\u00ad\"")),
        format!("{head}{}", dataset.replace("dataset.d", "dataset.\"d\\u200b\"")),
        format!("{head}{dataset}[kpi.\"\\uff4b\"]\nplugin = \"x\"\n"),
        format!("{head}{dataset}[source.\"\\u0455\"]\nplugin = \"x\"\n"),
    ];
    for manifest in refused {
        let lake = Lake::with_manifest(&manifest);
        let ended = lake.end(&["plan"]);
        assert_eq!(ended.code, Some(2), "{}: {}", &manifest[..manifest.len().min(200)], ended.stderr);
        is_harmless(&["plan"], &ended.stderr);
    }
}
