//! A lake that changes, breaks, vanishes and comes back while it is served.

use std::io::Read;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use proptest::prelude::*;
use smelt_catalog::{Audit, Change, Judgement, Shape, Verdict, commit_key};
use smelt_formats::Formulas;
use smelt_server::frame::{Cell, Frame, cell};
use smelt_server::lake::{Lake, Seen};
use smelt_storage::meddling::Meddling;
use smelt_storage::{DirStore, Meta, Store};

use crate::support::{TestLake, file_of, gold, reading, serve, shape};

fn sales() -> Shape {
    shape(&[("client", "utf8?"), ("day", "date32"), ("amount", "decimal128(18,2)?")], &[0])
}

/// Returns the rows of a frame as lines of CSV without quotes.
fn lines(frame: &Frame) -> String {
    let columns: Vec<usize> = (0..frame.schema().fields().len()).collect();
    let rows: Vec<u32> = (0..frame.rows() as u32).collect();
    let batch = frame.fetch(&rows, &columns).expect("rows");
    let line = |row: usize| {
        let cells: Vec<_> = batch.columns().iter().map(|column| cell(column, row).text()).collect();
        format!("{}\n", cells.join(","))
    };
    (0..frame.rows()).map(line).collect()
}

fn open(lake: &TestLake) -> Arc<Lake> {
    Lake::open(Box::new(DirStore::new(lake.path()))).expect("a lake")
}

fn table(lake: &Arc<Lake>, name: &str) -> String {
    lake.see(|seen| Ok(lines(&*seen.table(name)?))).expect("a table")
}

/// The orders of rows that relations of each kind have, from rows in no order.
#[test]
fn rows_come_in_the_order_that_readers_expect() {
    let lake = TestLake::new();
    let unsorted = "bb,2024-01-02,1.00\na,2024-01-03,-2.50\n,2024-01-01,\nb,2024-01-01,0.10\n";
    let sorted = ",2024-01-01,\na,2024-01-03,-2.50\nb,2024-01-01,0.10\nbb,2024-01-02,1.00\n";
    let keyless = Shape { key: vec![], ..sales() };
    let by_day = Shape { key: vec![1, 0], ..sales() };
    let objects =
        [("z.csv", "b,2024-01-01,0.10\na,2024-01-03,-2.50\n"), ("a.csv", "bb,2024-01-02,1.00\n,2024-01-01,\n")];
    lake.commit_dataset("keyed", lake.dataset("keyed", &sales(), &objects));
    lake.commit_dataset("keyless", lake.dataset("keyless", &keyless, &objects));
    let own = Shape { own_order: true, ..sales() };
    let with_file = |shape: &Shape| {
        let file = lake.file(&format!("gold/own_{}.csv", shape.own_order), shape, unsorted, Formulas::Escape);
        smelt_catalog::Gold { file: Some(file), ..lake.kept("rows", shape, unsorted) }
    };
    lake.commit_tables([
        ("in_file", lake.in_file("gold/in_file.csv", &sales(), unsorted)),
        ("kept", lake.kept("kept", &sales(), unsorted)),
        ("by_day", lake.kept("by_day", &by_day, unsorted)),
        ("of_key", with_file(&sales())),
        ("own", with_file(&own)),
        ("twice", lake.kept("twice", &keyless, "b,2024-01-01,\na,2024-01-01,\nb,2024-01-01,\n")),
    ]);
    let served = open(&lake);
    assert_eq!(table(&served, "keyed"), sorted);
    assert_eq!(table(&served, "keyless"), "bb,2024-01-02,1.00\n,2024-01-01,\nb,2024-01-01,0.10\na,2024-01-03,-2.50\n");
    assert_eq!(table(&served, "in_file"), unsorted, "a file has the order of its plugin");
    assert_eq!(table(&served, "kept"), sorted);
    assert_eq!(table(&served, "by_day"), ",2024-01-01,\nb,2024-01-01,0.10\nbb,2024-01-02,1.00\na,2024-01-03,-2.50\n");
    assert_eq!(table(&served, "of_key"), sorted);
    assert_eq!(table(&served, "own"), unsorted);
    assert_eq!(table(&served, "twice"), "a,2024-01-01,\nb,2024-01-01,\nb,2024-01-01,\n");
}

#[test]
fn text_that_looks_like_a_formula_comes_back_as_it_was() {
    let lake = TestLake::new();
    let texts = shape(&[("t", "utf8?"), ("=n", "int64?")], &[]);
    // A CSV file of gold has `=x` as `'=x`, and that text itself too: of these two it cannot tell which it was.
    let in_any = "=1+1,1\n''=y,3\n'plain,4\n+a,5\n@b,6\n-c,7\n,8\n\"\"\"\",9\n\"a\nb\",\n";
    let rows = format!("{in_any}'=x,2\n");
    lake.commit_dataset("silver", lake.dataset("silver", &texts, &[("a", &rows)]));
    let mut tables = vec![("kept", lake.kept("kept", &texts, &rows), &rows[..])];
    tables.push(("csv", lake.in_file("gold/t.csv", &texts, in_any), in_any));
    if cfg!(feature = "parquet") {
        tables.push(("parquet", lake.in_file("gold/t.parquet", &texts, &rows), &rows));
    }
    lake.commit_tables(tables.iter().map(|(name, gold, _)| (*name, gold.clone())));
    let served = open(&lake);
    let sorted = |text: &str| {
        let mut lines: Vec<_> = text.split('\n').map(str::to_owned).collect();
        lines.sort();
        lines
    };
    for (name, rows) in tables.iter().map(|(name, _, rows)| (*name, *rows)).chain([("silver", &rows[..])]) {
        assert_eq!(
            sorted(&table(&served, name)),
            sorted(&rows.replace("\"\"\"\"", "\"").replace("\"a\nb\"", "a\nb")),
            "{name}"
        );
    }
}

/// Tables of `parts` whose rows all have the same number, so that a page of two commits shows itself.
fn numbered(lake: &TestLake, number: usize) -> Vec<(&'static str, smelt_catalog::Gold)> {
    let one = shape(&[("n", "int64")], &[0]);
    let key = |name: &str| format!("gold/{name}_{number}.csv");
    vec![
        ("a", lake.in_file(&key("a"), &one, &format!("{number}\n"))),
        ("b", lake.kept("b", &one, &format!("{number}\n"))),
        ("c", lake.in_file(&key("c"), &one, &format!("{number}\n"))),
    ]
}

fn numbers(seen: &Seen) -> smelt_common::Result<Vec<Cell>> {
    let number = |name: &&str| Ok(cell(seen.table(name)?.fetch(&[0], &[0])?.column(0), 0));
    ["a", "b", "c"].iter().map(number).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    /// At some reads a host commits new tables and deletes the objects of the old ones.
    #[test]
    fn a_reader_beside_a_host_sees_one_commit(commits_at in proptest::collection::btree_set(0_usize..30, 0..5)) {
        let lake = TestLake::new();
        lake.commit_tables(numbered(&lake, 0));
        let host = DirStore::new(lake.path());
        let (reads, number) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let meddler = move |_: &str| {
            if !commits_at.contains(&reads.fetch_add(1, Ordering::Relaxed)) {
                return;
            }
            let before: Vec<_> = { lake_tables(&lake) };
            let number = number.fetch_add(1, Ordering::Relaxed) + 1;
            lake.commit(&Change {
                gold: numbered(&lake, number).into_iter().map(|(name, gold)| (name.to_owned(), gold)).collect(),
                retired: before.clone(),
                ..Change::new("aggregate")
            });
            before.iter().for_each(|key| lake.store.delete(key).expect("deleted"));
        };
        let store = Box::new(Meddling::new(Box::leak(Box::new(host)), meddler));
        let served = Lake::open(store).expect("a lake");
        for _ in 0..4 {
            let seen = served.see(|seen| Ok((seen.snapshot().commit(), numbers(seen)?))).expect("a page");
            prop_assert_eq!(seen.1, vec![Cell::Int(seen.0 as i64 - 1); 3]);
        }
    }
}

/// Returns the keys of all objects of tables as of the newest commit.
fn lake_tables(lake: &TestLake) -> Vec<String> {
    let catalog = smelt_catalog::Catalog::load(&lake.store).expect("a catalog");
    catalog.state().gold.values().map(file_of).collect()
}

type Hook = Box<dyn Fn(&str) + Send + Sync>;

/// A store that calls a function before it opens an object, in as many threads as there are.
struct Hooked {
    store: DirStore,
    hook: Hook,
}

impl Store for Hooked {
    fn open(&self, key: &str) -> smelt_common::Result<(Meta, Box<dyn Read + Send>)> {
        (self.hook)(key);
        self.store.open(key)
    }

    smelt_storage::delegate_store!(store: list_new, look, read_ranges, exists, create, delete, begin, clock, describe);
}

#[test]
fn looks_at_the_same_time_never_go_back_to_an_older_commit() {
    let lake = Arc::new(TestLake::new());
    lake.commit_tables(numbered(&lake, 0));
    let served: Arc<OnceLock<Arc<Lake>>> = Arc::default();
    let (of_hook, host, is_first) = (Arc::clone(&served), Arc::clone(&lake), AtomicBool::new(true));
    let noted = Arc::new(AtomicU64::new(0));
    let note = Arc::clone(&noted);
    // While one look reads commit 2, a host makes commit 3, and another look ends, if it need not wait for this one.
    let hook = move |key: &str| {
        if key == commit_key(2) && is_first.swap(false, Ordering::Relaxed) {
            host.commit_tables(numbered(&host, 2));
            let (lake, (ended, ends)) = (Arc::clone(of_hook.get().expect("a lake")), channel());
            std::thread::spawn(move || ended.send(lake.look().map(|_| lake.now().commit())));
            if let Ok(Ok(commit)) = ends.recv_timeout(Duration::from_millis(300)) {
                note.store(commit, Ordering::Relaxed);
            }
        }
    };
    let store = Box::new(Hooked { store: DirStore::new(lake.path()), hook: Box::new(hook) });
    let opened = Lake::open(store).expect("a lake");
    assert!(served.set(Arc::clone(&opened)).is_ok());
    lake.commit_tables(numbered(&lake, 1));
    opened.look().expect("a look");
    let now = opened.now().commit();
    assert!(now >= noted.load(Ordering::Relaxed), "commit {now} was put back");
    opened.look().expect("a look");
    assert_eq!(opened.now().commit(), 3);
}

/// While a page is made, a host replaces the table whose days a filter offers.
#[tokio::test]
async fn a_filter_is_read_again_where_its_table_was_replaced_meanwhile() {
    let lake = Arc::new(TestLake::new());
    let days = shape(&[("day", "date32")], &[]);
    let table = |number: u32| lake.in_file(&format!("gold/days_{number}.csv"), &days, &format!("2024-01-0{number}\n"));
    lake.commit_tables([("days", table(1))]);
    let filter = "[[filter]]\nname = \"when\"\nkind = \"dates\"\ntable = \"days\"\ncolumn = \"day\"\n";
    lake.page("p", &format!("title = \"P\"\n{filter}[[chart]]\nkind = \"text\"\ntext = \"x\"\n"));
    let (host, second, is_first) = (Arc::clone(&lake), table(2), AtomicBool::new(true));
    let hook = move |key: &str| {
        if key == "gold/days_1.csv" && is_first.swap(false, Ordering::Relaxed) {
            let gold = [("days".to_owned(), second.clone())].into();
            host.commit(&Change { gold, retired: vec![key.to_owned()], ..Change::new("aggregate") });
            host.store.delete(key).expect("deleted");
        }
    };
    let store = Box::new(Hooked { store: DirStore::new(lake.path()), hook: Box::new(hook) });
    let server = serve(store, &lake.directory.path().join("pages")).await;
    let page = server.get("/pages/p").await.text();
    assert!(page.contains("min=\"2024-01-02\"") && !page.contains("not available"), "{page}");
}

#[tokio::test]
async fn a_damaged_file_is_named_and_other_tables_and_charts_are_shown() {
    let lake = TestLake::new();
    let tables = numbered(&lake, 7);
    let (file, run) = (file_of(&tables[0].1), file_of(&tables[1].1));
    lake.commit_tables(tables);
    let chart = |table: &str| format!("[[chart]]\nkind = \"table\"\ntitle = \"of {table}\"\ntable = \"{table}\"\n");
    lake.page("p", &format!("title = \"P\"\n{}{}{}", chart("a"), chart("b"), chart("c")));
    lake.damage(&file);
    lake.damage(&run);
    let server = lake.serve().await;
    for (name, key) in [("a", &file), ("b", &run)] {
        for target in
            [format!("/tables/{name}"), format!("/tables/{name}/rows.csv"), format!("/api/v1/relations/{name}/rows")]
        {
            let answer = server.get(&target).await;
            assert!(answer.text().contains(key.as_str()), "{target}: {}", answer.text());
            // A page that takes long begins before it is known how it ends.
            assert!(answer.status == 503 || answer.text().contains("cannot be shown"), "{target}: {}", answer.text());
        }
    }
    assert_eq!(server.get("/api/v1/relations/c/rows").await.json()["total"], 1);
    assert_eq!(server.get("/").await.status, 200);
    let page = server.get("/pages/p").await;
    assert_eq!(page.status, 200, "{}", page.text());
    assert!(page.text().contains(&file) && page.text().contains(&run), "{}", page.text());
    assert!(page.text().contains("/tables/c/row"), "the third chart is drawn");
}

#[tokio::test]
async fn a_lake_that_vanishes_is_not_ready_and_comes_back() {
    let lake = TestLake::new();
    lake.commit_tables(numbered(&lake, 7));
    let server = lake.serve().await;
    assert_eq!(server.get("/ready").await.status, 200);
    assert_eq!(server.get("/api/v1/relations/a/rows").await.status, 200);
    let away = lake.directory.path().join("away");
    std::fs::rename(lake.path(), &away).expect("moved");
    let answer = server.until("/ready", |answer| answer.status == 503).await;
    assert!(!answer.text().contains("away") && answer.text().contains("log"), "{}", answer.text());
    let page = server.get("/").await;
    assert_eq!(page.status, 200);
    assert!(page.text().contains("The lake cannot be reached"));
    assert_eq!(server.get("/api/v1/relations/a/rows").await.status, 200, "what is at hand is shown");
    assert_eq!(server.get("/api/v1/relations/c/rows").await.status, 503, "what is not cannot be read");
    std::fs::rename(&away, lake.path()).expect("moved back");
    server.until("/ready", |answer| answer.status == 200).await;
    assert_eq!(server.get("/api/v1/relations/c/rows").await.status, 200);
    assert!(!server.get("/").await.text().contains("cannot be reached"));
}

/// A lake may be deleted and made anew, or restored from a backup.
#[tokio::test]
async fn another_lake_in_its_place_is_seen_with_fewer_as_many_and_more_commits() {
    for commits in [1, 3, 5] {
        let lake = TestLake::new();
        for number in 0..3 {
            lake.commit_tables(numbered(&lake, number));
        }
        let server = lake.serve().await;
        assert!(server.get("/api/v1/runs/1").await.text().contains("\"a\""));
        assert_eq!(server.get("/api/v1/relations/a/rows").await.status, 200);
        let other = TestLake::new();
        for number in 0..commits {
            let one = shape(&[("n", "int64")], &[0]);
            other.commit_tables([("z", other.in_file(&format!("gold/z_{number}.csv"), &one, "5\n"))]);
        }
        std::fs::rename(lake.path(), lake.directory.path().join("old")).expect("moved away");
        std::fs::rename(other.path(), lake.path()).expect("put in its place");
        server.until("/api/v1/relations/z/rows", |answer| answer.status == 200).await;
        assert_eq!(server.get("/api/v1/relations/a/rows").await.status, 404);
        let run = server.get("/api/v1/runs/1").await.text();
        assert!(run.contains("\"z\"") && !run.contains("\"a\""), "{commits}: {run}");
    }
}

#[tokio::test]
async fn a_table_of_an_older_smelt_says_what_to_do() {
    let lake = TestLake::new();
    let mut old = lake.in_file("gold/old.csv", &shape(&[("n", "int64")], &[]), "5\n");
    old.relation.shape = None;
    lake.commit_tables([("old", old)]);
    lake.page("p", "title = \"P\"\n[[chart]]\nkind = \"table\"\ntitle = \"T\"\ntable = \"old\"\n");
    let server = lake.serve().await;
    for target in ["/tables/old", "/pages/p", "/api/v1/relations/old/rows"] {
        let text = server.get(target).await.text();
        assert!(text.contains("`old` was made by an older smelt") && text.contains("the next run"), "{text}");
    }
    for target in ["/", "/tables", "/quality", "/runs", "/plugins", "/tables/old/history", "/api/v1/relations/old"] {
        assert_eq!(server.get(target).await.status, 200, "{target}");
    }
}

#[tokio::test]
async fn readers_of_held_tables_see_the_published_ones_and_the_newest_verdicts() {
    let lake = TestLake::new();
    let one = shape(&[("n", "int64")], &[0]);
    let check = shape(&[("expectation", "utf8"), ("severity", "utf8"), ("passed", "boolean")], &[0]);
    let verdicts = |passed: bool| reading(lake.kept("check", &check, &format!("few,fail,{passed}\n")), &["a"]);
    let commit = |number: u32, is_held: bool| {
        let failed = Verdict::Failed { expectation: "few".to_owned(), row: vec![] };
        let judgement = Judgement { failed: if is_held { vec![failed] } else { vec![] }, ..Judgement::default() };
        let gold = [
            ("a".to_owned(), lake.in_file(&format!("gold/a_{number}.csv"), &one, &format!("{number}\n"))),
            ("check".to_owned(), verdicts(!is_held)),
        ];
        let audit = Audit { judgements: [("check".to_owned(), judgement)].into(), is_held, ..Audit::default() };
        lake.commit(&Change { gold: gold.into(), audit: Some(audit), ..Change::new("aggregate") })
    };
    commit(1, false);
    let server = lake.serve().await;
    let rows = async || server.get("/api/v1/relations/a/rows").await.json()["rows"].clone();
    assert_eq!(rows().await, serde_json::json!([{"n": 1}]));
    server.shows(commit(2, true)).await;
    assert_eq!(rows().await, serde_json::json!([{"n": 1}]));
    let quality = server.get("/quality").await.text();
    assert!(quality.contains("A check holds newer tables back") && quality.contains("1 not met"), "{quality}");
    let judged = server.get("/api/v1/relations/check").await.json();
    assert_eq!(judged["is_behind"], false, "a check has read the newest tables, not the published ones");
    server.shows(commit(3, false)).await;
    assert_eq!(rows().await, serde_json::json!([{"n": 3}]));
    assert!(!server.get("/quality").await.text().contains("holds newer"));
}

#[test]
fn a_table_that_was_never_published_is_not_shown() {
    let lake = TestLake::new();
    let one = shape(&[("n", "int64")], &[0]);
    let audit = Audit { is_held: true, ..Audit::default() };
    let table = gold(lake.in_file("catalog/held/a.csv", &one, "1\n").relation);
    lake.commit(&Change { gold: [("a".to_owned(), table)].into(), audit: Some(audit), ..Change::new("aggregate") });
    let served = open(&lake);
    let error = served.see(|seen| seen.table("a")).err().expect("it is held").to_string();
    assert!(error.contains("there is no dataset or table `a`"), "{error}");
}

#[tokio::test]
async fn the_difference_of_two_commits_is_what_came_and_what_left() {
    let lake = TestLake::new();
    let named = shape(&[("name", "utf8"), ("n", "int64")], &[0]);
    let table = |lines: &str| lake.kept("t", &named, lines);
    lake.commit_tables([("t", table("a,1\nb,2\n"))]);
    lake.commit_rows("t", table("a,1\nb,3\nc,4\n"), "b,3\nc,4\n", "b,2\n");
    lake.commit_rows("t", table("a,1\nc,5\n"), "c,5\n", "b,3\nc,4\n");
    let server = lake.serve().await;
    let show = async |from: u32, to: u32| server.get(&format!("/tables/t/history?from={from}&to={to}")).await.text();
    let both = show(1, 3).await;
    assert!(both.contains("Rows that came: 1") && both.contains("Rows that left: 1"), "{both}");
    let back = show(3, 1).await;
    assert!(back.contains("Rows that came: 1") && back.contains("Rows that left: 1"), "{back}");
    let (came, left) = back.split_once("Rows that left").expect("both");
    assert!(came.contains(">b<") && left.contains(">c<"), "{back}");
    assert!(show(2, 2).await.contains("Rows that came: 0"));
    let before = show(0, 3).await;
    assert!(before.contains("commit 1 made `t` anew"), "{before}");
    let changes = server.get("/api/v1/relations/t/history").await.json();
    assert_eq!(changes["changes"][0]["came"], 1);
    assert_eq!(changes["changes"][1]["left"], 1);
}

#[tokio::test]
async fn the_history_of_many_commits_is_shown_in_pages_and_compared_anywhere() {
    let lake = TestLake::new();
    let named = shape(&[("n", "int64")], &[0]);
    let all = |last: u32| (1..=last).map(|n| format!("{n}\n")).collect::<String>();
    lake.commit_tables([("t", lake.kept("t", &named, &all(1)))]);
    for n in 2..=160 {
        lake.commit_rows("t", lake.kept("t", &named, &all(n)), &format!("{n}\n"), "");
    }
    let server = lake.serve().await;
    let page = async |query: &str| server.get(&format!("/tables/t/history{query}")).await.text();
    let first = page("").await;
    assert!(first.contains(">160</a>") && first.contains("/history?before=111\"") && !first.contains(">110</a>"));
    let last = page("?before=11").await;
    assert!(last.contains(">10</a>") && last.contains("made anew") && !last.contains(">Older<"), "{last}");
    let changes = server.get("/api/v1/relations/t/history?before=20&limit=3").await.json();
    let commits: Vec<_> =
        changes["changes"].as_array().expect("a list").iter().map(|it| it["commit"].as_u64()).collect();
    assert_eq!(commits, [Some(19), Some(18), Some(17)]);
    let old = page("?from=5&to=9").await;
    assert!(old.contains("Rows that came: 4") && old.contains("Rows that left: 0"), "{old}");
    let far = page("?from=2&to=160").await;
    assert!(far.contains("more than 100 commits changed `t` between them"), "{far}");
}
