//! What no answer may have: rejected rows, and secrets.

use smelt_catalog::{Entry, Failing, Failure};
use smelt_formats::Formulas;

use crate::support::{TestLake, by, shape};

const MARKER: &str = "rejected-person-4711";
const KEY: &str = "0123456789abcdef-pseudonym-key";

#[tokio::test]
async fn no_answer_has_a_rejected_row_or_a_secret() {
    let lake = TestLake::new();
    let sales = shape(&[("id", "int64"), ("who", "utf8")], &[0]);
    let silver = lake.file("silver/sales.csv", &sales, "1,anna\n", Formulas::Keep);
    let quarantine = lake.put("quarantine/sales/a.jsonl", format!("{{\"who\":\"{MARKER}\"}}\n").as_bytes(), 1);
    let bronze = lake.put("bronze/sales/a.csv", format!("id,who\n1,anna\n2,{MARKER}\n").as_bytes(), 2);
    let entry = Entry {
        rejected: [("bad_name".to_owned(), 1)].into(),
        read: 2,
        sha256: bronze.sha256,
        silver,
        quarantine: Some(quarantine),
        ..Entry::some()
    };
    let mut dataset = lake.dataset_of("sales", &sales, &[("sales/a.csv".to_owned(), entry)]);
    let key_id = smelt_common::digest::hex(KEY)[..16].to_owned();
    dataset.relation.fingerprint.key = Some(key_id);
    lake.commit_dataset("sales", dataset);
    lake.commit_tables([("kpi", lake.in_file("gold/kpi.csv", &sales, "1,anna\n"))]);
    let failure = Failure { version: String::new(), attempts: 1, why: "the plugin failed".to_owned() };
    let failing = Failing { fingerprint: by("p"), items: [("sales/b.csv".to_owned(), failure)].into() };
    lake.commit(&smelt_catalog::Change {
        failing: [("sales".to_owned(), failing)].into(),
        ..smelt_catalog::Change::new("clean")
    });
    for place in ["lake/pii.key", "pages/pii.key", "pii.key"] {
        let file = lake.directory.path().join(place);
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        std::fs::write(file, KEY).expect("a key");
    }
    lake.page("p", "title = \"P\"\n[[chart]]\nkind = \"table\"\ntitle = \"T\"\ntable = \"sales\"\n[[chart]]\nkind = \"table\"\ntitle = \"Q\"\ntable = \"quarantine\"\n[[chart]]\nkind = \"table\"\ntitle = \"B\"\ntable = \"bronze\"\n");
    let server = lake.serve().await;
    let mut targets: Vec<String> = [
        "/",
        "/pages/p",
        "/pages/pii",
        "/pages/p/1.csv",
        "/pages/p/2.csv",
        "/tables",
        "/quality",
        "/runs",
        "/runs/1",
        "/runs/2",
        "/runs/3",
        "/plugins",
        "/health",
        "/ready",
        "/assets/page.js",
        "/assets/pii.key",
        "/favicon.ico",
        "/metrics",
        "/pages/pii.key",
        "/pages/p/pii.key",
        "/lake/quarantine/sales/a.jsonl",
        "/quarantine/sales/a.jsonl",
        "/tables/..%2f..%2fquarantine",
        "/assets/..%2fpii.key",
        "/pages/..%2flake%2fpii",
        "/tables/quarantine",
        "/tables/quarantine/rows.csv",
        "/tables/bronze.sales",
        "/tables/sales/..%2f..%2fquarantine%2fsales%2fa.jsonl",
        "/api/v1/state",
        "/api/v1/relations",
        "/api/v1/quality",
        "/api/v1/runs",
        "/api/v1/runs/1",
        "/api/v1/plugins",
        "/api/v1/pages",
        "/api/v1/relations/quarantine/rows",
        "/api/v1/openapi.json",
    ]
    .map(str::to_owned)
    .to_vec();
    for name in ["sales", "kpi"] {
        for end in [
            "",
            "/row?id=1",
            "/row?id=2",
            "/history",
            "/history?from=0&to=9",
            "/objects",
            "/rows.csv",
            "/rows.json",
            "/rows.jsonl",
        ] {
            targets.push(format!("/tables/{name}{end}"));
        }
        for end in ["", "/rows", "/row?id=2", "/history", "/objects", &format!("/rows?q={MARKER}")] {
            targets.push(format!("/api/v1/relations/{name}{end}"));
        }
    }
    let mut shown = 0;
    for target in targets {
        let answer = server.get(&target).await;
        let text = answer.text().replace(&format!("?q={MARKER}"), "");
        assert!(!text.contains(MARKER), "{target}: {text}");
        assert!(!text.contains(KEY) && !answer.head.contains(KEY), "{target}: {text}");
        shown += usize::from(text.contains("bad_name"));
    }
    assert!(shown >= 4, "what became of the row is told: {shown}");
}
