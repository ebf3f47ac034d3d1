//! `/metrics` and what lies below `monitoring/`, tried with Prometheus's own programs and with Grafana's own types.
//!
//! `cargo xtask test` fetches them. A test that lacks one says so and is skipped.

use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;
use smelt_catalog::{
    Audit, Catalog, Change, Dataset, Failing, Failure, Fingerprint, Gold, Judgement, ObjectRef, Relation,
    RelationChange, Totals, Verdict,
};
use smelt_common::clock::Clock;
use smelt_common::cost::Cost;
use smelt_server::shell::{Base, HttpLimits, Listen, ShellSettings, Token};
use smelt_server::{Serving, Settings};
use smelt_storage::DirStore;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{sleep, timeout};

const TOKEN: &str = "0123456789abcdef";
/// Within it whatever a test waits for has long happened.
const LONG: Duration = Duration::from_secs(60);

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn text_of(path: &str) -> String {
    fs::read_to_string(root().join(path)).expect(path)
}

/// Returns the directory of Prometheus's programs, if there is one.
fn programs() -> Option<PathBuf> {
    let places = [root().join("target/tools/prometheus/usr/bin"), PathBuf::from("/usr/bin")];
    let found = places.into_iter().find(|place| place.join("promtool").is_file() && place.join("amtool").is_file());
    if found.is_none() {
        eprintln!("skipped: no Prometheus in target/tools/prometheus: `cargo xtask test` fetches it");
    }
    found
}

/// Runs a program in the directory, and returns what it said. It must succeed.
async fn run(program: &Path, directory: &Path, args: &[&str], stdin: &str) -> String {
    let mut command = Command::new(program);
    command.args(args).current_dir(directory).kill_on_drop(true);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    let mut pipe = child.stdin.take().expect("a pipe");
    pipe.write_all(stdin.as_bytes()).await.expect("it reads");
    drop(pipe);
    let output = timeout(LONG, child.wait_with_output()).await.expect("in time").expect("it ends");
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success(), "{} {}: {said}", program.display(), args.join(" "));
    said
}

fn gold(rows: u64) -> Gold {
    Gold {
        relation: Relation::of_file(Fingerprint::some(), ObjectRef { rows, ..ObjectRef::default() }),
        file: None,
        inputs: [].into(),
        stages: vec![],
        saved: vec![],
        parts: vec![],
        commit: 0,
        cost: Cost { micros: 70_000, memory_bytes: 65_536, fuel: 1_000_000 },
        micros: 500_000,
    }
}

/// Makes a lake in which something of everything has gone wrong.
fn lake(directory: &Path) {
    let log = ObjectRef { key: "x".into(), sha256: "x".into(), bytes: 0, rows: 0 };
    let came = RelationChange {
        reset: true,
        previous: 0,
        cleaned: 1,
        rewritten: 0,
        log: Some(log),
        added: None,
        removed: None,
    };
    let mut orders = Dataset::new(Fingerprint::some());
    orders.bronze.totals = Totals {
        objects: 3,
        read: 40,
        kept: 20,
        superseded: 9,
        held: 0,
        rejected: [("no_id".to_owned(), 7), ("bad_day".to_owned(), 4)].into(),
        repaired: [("trimmed".to_owned(), 5)].into(),
    };
    let failure = Failure { version: String::new(), attempts: 2, why: "it failed".to_owned() };
    let failing = Failing { fingerprint: Fingerprint::some(), items: [("a.csv".to_owned(), failure)].into() };
    let unmet = Verdict::Failed { expectation: "whole".to_owned(), row: vec![] };
    let judgement = Judgement { failed: vec![unmet], ..Judgement::default() };
    let first = Change {
        datasets: [("orders".to_owned(), (came, orders))].into(),
        gold: [("sales".to_owned(), gold(41))].into(),
        failing: [("orders".to_owned(), failing)].into(),
        ..Change::new("clean")
    };
    let audit = Audit { judgements: [("quality".to_owned(), judgement)].into(), is_held: true, published: [].into() };
    let second = Change {
        gold: [("sales".to_owned(), gold(43)), ("quality".to_owned(), gold(1))].into(),
        audit: Some(audit),
        ..Change::new("aggregate")
    };
    let store = DirStore::new(directory);
    let mut catalog = Catalog::load(&store).expect("an empty lake");
    catalog.commit(&first, Clock::System.now()).expect("a commit");
    catalog.commit(&second, Clock::System.now()).expect("a commit");
}

/// A server in this process. It stops when it is dropped.
struct Server {
    address: SocketAddr,
    _stop: oneshot::Sender<()>,
}

impl Server {
    async fn start(lake: &Path, token: Option<&str>) -> Self {
        let shell = ShellSettings {
            listen: Listen::from(SocketAddr::from(([127, 0, 0, 1], 0))),
            token: token.map(|token| Token::parse(token).expect("a token")),
            base: Base::default(),
            limits: HttpLimits::default(),
        };
        let store = Box::new(DirStore::new(lake));
        let settings = Settings { pipeline: "shop".to_owned(), pages: lake.join("pages"), store, shell };
        let serving = Serving::begin(settings).await.expect("a free port");
        let address = serving.address();
        let (_stop, stopped) = oneshot::channel::<()>();
        tokio::spawn(serving.serve(async { drop(stopped.await) }));
        Self { address, _stop }
    }
}

/// Returns the head and the body of the answer to one request. An answer of HTTP/1.0 is in one piece.
async fn get(address: SocketAddr, version: &str, target: &str, headers: &str) -> std::io::Result<(String, String)> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET {target} HTTP/{version}\r\nHost: {address}\r\nConnection: close\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    timeout(LONG, stream.read_to_string(&mut answer)).await.expect("in time")?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    Ok((head.to_owned(), body.to_owned()))
}

async fn scrape(server: &Server, headers: &str) -> (String, String) {
    get(server.address, "1.1", "/metrics", headers).await.expect("an answer")
}

/// Returns the names of the families in Prometheus's text.
fn families(text: &str) -> BTreeSet<&str> {
    text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect()
}

/// Returns the names of smelt's families in an expression. Those of a histogram count as the histogram.
fn named(text: &str) -> BTreeSet<&str> {
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    let names = words.filter(|word| word.starts_with("smelt_"));
    names.map(|name| name.strip_suffix("_bucket").unwrap_or(name)).collect()
}

fn expressions(dashboard: &Value) -> Vec<&str> {
    let panels = dashboard["panels"].as_array().expect("panels");
    let targets = panels.iter().flat_map(|panel| panel["targets"].as_array().expect("targets"));
    targets.map(|target| target["expr"].as_str().expect("an expression")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_numbers_are_those_of_the_lake_and_need_the_token() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    lake(directory.path());
    let server = Server::start(directory.path(), None).await;
    let (head, text) = scrape(&server, "").await;
    assert!(head.starts_with("HTTP/1.1 200 ") && head.contains("text/plain; version=0.0.4"), "{head}");
    for line in [
        "smelt_server_ready 1",
        "smelt_commit_number 2",
        r#"smelt_dataset_rows{dataset="orders",outcome="rejected"} 11"#,
        r#"smelt_table_rows{table="sales"} 41"#,
        r#"smelt_table_rows{table="quality"} 1"#,
        r#"smelt_check_passed{check="quality"} 0"#,
        "smelt_tables_held 1",
        r#"smelt_failed_attempts{section="orders"} 2"#,
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in {text}");
    }
    assert!(text.contains("smelt_table_commit_timestamp_seconds{table=\"sales\"} "), "the time of its commit: {text}");
    let (_, text) = scrape(&server, "").await;
    assert!(text.contains("smelt_http_request_duration_seconds_count{route=\"/metrics\"} 1\n"), "{text}");
    assert!(text.contains("smelt_http_responses_total{code=\"200\"} 1\n"), "{text}");

    let guarded = Server::start(directory.path(), Some(TOKEN)).await;
    let (head, text) = scrape(&guarded, "").await;
    assert!(head.starts_with("HTTP/1.1 401 ") && !text.contains("smelt_"), "{head} {text}");
    let (head, text) = scrape(&guarded, &format!("Authorization: Bearer {TOKEN}\r\n")).await;
    assert!(head.starts_with("HTTP/1.1 200 ") && text.contains("smelt_commit_number 2"), "{head} {text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn promtool_has_nothing_to_say_of_the_numbers() {
    let Some(programs) = programs() else { return };
    let directory = tempfile::tempdir().expect("a temporary directory");
    let empty = Server::start(directory.path(), None).await;
    let (_, of_none) = scrape(&empty, "").await;
    lake(directory.path());
    let full = Server::start(directory.path(), None).await;
    scrape(&full, "").await;
    let (_, text) = scrape(&full, "").await;
    for text in [of_none, text] {
        let said = run(&programs.join("promtool"), directory.path(), &["check", "metrics"], &text).await;
        assert_eq!(said, "", "of {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_alerts_and_dashboard_name_what_there_is() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    lake(directory.path());
    let server = Server::start(directory.path(), None).await;
    let (_, text) = scrape(&server, "").await;
    let families = families(&text);
    let document = text_of("docs/metrics.md");
    let table =
        document.split("| metric | type |").nth(1).and_then(|table| table.split("\n\n").next()).expect("a table");
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `smelt_")?.split('`').next());
    let documented: BTreeSet<String> =
        rows.map(|row| format!("smelt_{}", row.split('{').next().unwrap_or(row))).collect();
    assert_eq!(documented, families.iter().map(|name| (*name).to_owned()).collect(), "the table of docs/metrics.md");
    let alerts = text_of("monitoring/alerts.yml");
    let dashboard: Value = serde_json::from_str(&text_of("monitoring/grafana/smelt.json")).expect("JSON");
    let used = [alerts.as_str()].into_iter().chain(expressions(&dashboard)).flat_map(named);
    assert_eq!(used.filter(|name| !families.contains(name)).collect::<Vec<_>>(), [""; 0], "nobody makes them");

    for alert in alerts.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")) {
        let tests = text_of("monitoring/alerts_test.yml");
        assert!(
            tests.contains(&format!("{{ alertname: {alert}, eval_time: 60m, exp_alerts: [] }}")),
            "{alert} is quiet"
        );
        let fires = |after: &str| after.split("alertname:").next().is_some_and(|test| test.contains("exp_labels:"));
        assert!(tests.split(&format!("alertname: {alert}\n")).skip(1).any(fires), "{alert} fires");
    }
    for link in alerts.lines().filter_map(|line| line.trim().strip_prefix("runbook_url: ")) {
        let (page, anchor) = link.split_once('#').expect("an anchor");
        let heading = |line: &str| line.trim_start_matches(['#', ' ']).to_lowercase().replace(' ', "-") == anchor;
        assert!(text_of(page).lines().any(|line| line.starts_with('#') && heading(line)), "{link}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn alerts_fire_when_they_must_and_the_examples_are_read() {
    let Some(programs) = programs() else { return };
    let (promtool, monitoring) = (programs.join("promtool"), root().join("monitoring"));
    run(&promtool, &monitoring, &["check", "rules", "alerts.yml"], "").await;
    run(&promtool, &monitoring, &["test", "rules", "alerts_test.yml"], "").await;
    run(&promtool, &monitoring, &["check", "config", "prometheus.yml"], "").await;
    run(&programs.join("amtool"), &monitoring, &["check-config", "alertmanager.yml"], "").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_dashboard_is_one_of_grafanas_and_prometheus_reads_its_expressions() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let dashboard: Value = serde_json::from_str(&text_of("monitoring/grafana/smelt.json")).expect("JSON");
    if let Some(programs) = programs() {
        let rule = |expression: &&str| {
            let expression = expression.replace("$__rate_interval", "5m").replace("$instance", ".*");
            format!("      - record: throw_away\n        expr: {}\n", Value::from(expression))
        };
        let rules: String = expressions(&dashboard).iter().map(rule).collect();
        fs::write(directory.path().join("rules.yml"), format!("groups:\n  - name: dashboard\n    rules:\n{rules}"))
            .expect("a file");
        // Two rules of one name would make it complain, were it told to lint.
        run(&programs.join("promtool"), directory.path(), &["check", "rules", "--lint=none", "rules.yml"], "").await;
    }
    let python = root().join("target/tools/clients/bin/python");
    if !python.is_file() {
        eprintln!("skipped: no Grafana types in target/tools/clients: `cargo xtask test` installs them");
        return;
    }
    let args = ["tests/clients/check_dashboard.py", "monitoring/grafana/smelt.json"];
    let said = run(&python, &root(), &args, "").await;
    let read: Vec<String> = serde_json::from_str(&said).expect("JSON");
    assert_eq!(read, expressions(&dashboard));
}

/// Returns an address of loopback that was free a moment ago.
async fn free() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    listener.local_addr().expect("an address")
}

fn start(program: &Path, directory: &Path, args: &[String]) -> Child {
    let mut command = Command::new(program);
    command.args(args).current_dir(directory).kill_on_drop(true).stdin(Stdio::null());
    command.spawn().expect("it starts")
}

/// Starts Alertmanager, if that is possible. Debian's has its templates at a fixed place, which a machine lacks on which it is
/// not installed; there the unpacked ones are put at that place, for this process alone.
async fn alertmanager(programs: &Path, directory: &Path, address: SocketAddr) -> Option<Child> {
    let program = programs.join("prometheus-alertmanager");
    let args = [
        "--config.file=alertmanager.yml".to_owned(),
        "--storage.path=alertmanager".to_owned(),
        format!("--web.listen-address={address}"),
        "--cluster.listen-address=".to_owned(),
        "--log.level=warn".to_owned(),
    ];
    if Path::new("/usr/share/prometheus/alertmanager/default.tmpl").exists() {
        return Some(start(&program, directory, &args));
    }
    let share = programs.join("../share").canonicalize().ok()?;
    let mounted = ["-rm", "sh", "-c", "mount --bind \"$0\" /usr/share && exec \"$@\""].map(str::to_owned);
    let run = |program: &Path| [share.display().to_string(), program.display().to_string()];
    let tried = [&mounted[..], &run(Path::new("true"))].concat();
    let tried = Command::new("unshare").args(tried).stderr(Stdio::null()).status().await;
    if !tried.is_ok_and(|status| status.success()) {
        eprintln!("skipped: alerts in Alertmanager, since this machine lets nobody mount its templates");
        return None;
    }
    Some(start(Path::new("unshare"), directory, &[&mounted[..], &run(&program), &args].concat()))
}

/// Returns the series of the answer to a query, each with its labels and its value. While Prometheus starts there are none.
async fn query(address: SocketAddr, query: &str) -> Vec<(Value, String)> {
    let encoded: String = query.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let Ok((_, body)) = get(address, "1.0", &format!("/api/v1/query?query={encoded}"), "").await else { return vec![] };
    let answer: Value = serde_json::from_str(&body).unwrap_or_default();
    let series = answer["data"]["result"].as_array().cloned().unwrap_or_default();
    let value = |series: &Value| series["value"][1].as_str().unwrap_or_default().to_owned();
    series.into_iter().map(|series| (series["metric"].clone(), value(&series))).collect()
}

/// Waits until the query has so many series of that value.
async fn comes(address: SocketAddr, text: &str, count: usize, value: &str) -> Vec<(Value, String)> {
    let begun = Instant::now();
    loop {
        let found = query(address, text).await;
        if found.iter().filter(|(_, found)| found == value).count() == count {
            return found;
        }
        assert!(begun.elapsed() < LONG, "{text} is {found:?}, and not {count} × {value}");
        sleep(Duration::from_millis(100)).await;
    }
}

/// Takes what Alertmanager posts, and passes on the bodies.
async fn webhook(listener: TcpListener, alerts: mpsc::UnboundedSender<Value>) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let mut request = Vec::new();
        let body = loop {
            if stream.read_buf(&mut request).await.unwrap_or(0) == 0 {
                break None;
            }
            let text = String::from_utf8_lossy(&request);
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            let length =
                head.to_lowercase().lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            if length.is_some_and(|length: usize| body.len() >= length) {
                break serde_json::from_str(body).ok();
            }
        };
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await;
        // The test may have what it waited for.
        body.and_then(|body| alerts.send(body).ok());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn prometheus_scrapes_with_and_without_token_and_alerts_reach_a_webhook() {
    let Some(programs) = programs() else { return };
    let directory = tempfile::tempdir().expect("a temporary directory");
    let (lake_at, at) = (directory.path().join("lake"), directory.path());
    fs::create_dir(&lake_at).expect("a directory");
    lake(&lake_at);
    let (open, guarded) = (Server::start(&lake_at, None).await, Server::start(&lake_at, Some(TOKEN)).await);
    let hook = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let hook_at = hook.local_addr().expect("an address");
    let (tell, mut told) = mpsc::unbounded_channel();
    let hooked = tokio::spawn(webhook(hook, tell));
    let (prometheus_at, alertmanager_at) = (free().await, free().await);

    // The examples themselves, with other addresses and less patience.
    let targets = format!("'{}', '{}'", open.address, guarded.address);
    let config = text_of("monitoring/prometheus.yml")
        .replace("_interval: 15s", "_interval: 1s")
        .replace("'127.0.0.1:8788'", &targets)
        .replace("127.0.0.1:9093", &alertmanager_at.to_string())
        .replace("    # authorization:", "    authorization:")
        .replace("    #   credentials_file:", "      credentials_file:");
    let without = format!("  - job_name: without\n    static_configs:\n      - targets: ['{}']\n", guarded.address);
    fs::write(at.join("prometheus.yml"), config + &without).expect("a file");
    fs::write(at.join("smelt.token"), TOKEN).expect("a file");
    let patient = |line: &&str| line.trim_start().starts_with("for: ");
    let alerts = text_of("monitoring/alerts.yml");
    let alerts: String = alerts.lines().filter(|line| !patient(line)).flat_map(|line| [line, "\n"]).collect();
    fs::write(at.join("alerts.yml"), alerts).expect("a file");
    let routes = text_of("monitoring/alertmanager.yml")
        .replace("group_wait: 30s", "group_wait: 0s")
        .replace("127.0.0.1:5001", &hook_at.to_string());
    fs::write(at.join("alertmanager.yml"), routes).expect("a file");
    let alertmanager = alertmanager(&programs, at, alertmanager_at).await;
    let prometheus = start(
        &programs.join("prometheus"),
        at,
        &[
            "--config.file=prometheus.yml".to_owned(),
            "--storage.tsdb.path=prometheus".to_owned(),
            format!("--web.listen-address={prometheus_at}"),
            // An alert that fires before Alertmanager is found would be sent again only a minute later.
            "--rules.alert.resend-delay=1s".to_owned(),
            "--log.level=warn".to_owned(),
        ],
    );

    comes(prometheus_at, r#"up{job="smelt"}"#, 2, "1").await;
    comes(prometheus_at, r#"up{job="without"}"#, 1, "0").await;
    comes(prometheus_at, r#"smelt_dataset_rows{dataset="orders",outcome="rejected"}"#, 2, "11").await;
    comes(prometheus_at, "smelt_http_responses_total{code=\"200\"} > bool 0", 2, "1").await;
    let fired = [
        ("SmeltTablesHeld", "severity", "critical"),
        ("SmeltCheckFailed", "check", "quality"),
        ("SmeltPluginFailing", "section", "orders"),
        ("SmeltRejectionRateHigh", "dataset", "orders"),
    ];
    for (name, label, value) in fired {
        let firing = format!(r#"ALERTS{{alertname="{name}",alertstate="firing",{label}="{value}"}}"#);
        comes(prometheus_at, &firing, 2, "1").await;
    }
    let mut missing: Vec<_> = fired.iter().filter(|_| alertmanager.is_some()).collect();
    while !missing.is_empty() {
        let body = timeout(LONG, told.recv()).await.expect("an alert in time").expect("the webhook runs");
        let alerts = body["alerts"].as_array().cloned().unwrap_or_default();
        let is = |alert: &Value, (name, label, value): &(&str, &str, &str)| {
            alert["labels"]["alertname"] == *name && alert["labels"][label] == *value && alert["status"] == "firing"
        };
        missing.retain(|wanted| !alerts.iter().any(|alert| is(alert, wanted)));
    }
    for quiet in ["SmeltServerNotReady", "SmeltStale"] {
        assert_eq!(query(prometheus_at, &format!("ALERTS{{alertname=\"{quiet}\"}}")).await, []);
    }
    for mut child in [Some(prometheus), alertmanager].into_iter().flatten() {
        child.kill().await.expect("it ran until now");
    }
    hooked.abort();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "makes 10,000 commits, to tell what a scrape costs"]
async fn a_scrape_of_many_commits() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let store = DirStore::new(directory.path());
    let mut catalog = Catalog::load(&store).expect("an empty lake");
    for commit in 1..=10_000_u64 {
        // The last hundred commits make a table each.
        let table = (commit > 9_900).then(|| (format!("table_{commit}"), gold(commit)));
        let change =
            Change { gold: table.into_iter().collect(), retired: vec!["x".to_owned()], ..Change::new("clean") };
        catalog.commit(&change, Clock::System.now()).expect("a commit");
    }
    let server = Server::start(directory.path(), None).await;
    let mut times = Vec::new();
    for _ in 0..100 {
        let begun = Instant::now();
        let (_, text) = scrape(&server, "").await;
        times.push(begun.elapsed());
        assert_eq!(text.matches("smelt_table_commit_timestamp_seconds{").count(), 100);
    }
    let first = times.remove(0);
    times.sort();
    eprintln!("first scrape {first:?}, then {:?} in the middle and {:?} at most", times[49], times[98]);
}
