//! A lake that a test commits itself, and a server of it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arrow_array::RecordBatch;
use arrow_schema::{Schema, SchemaRef};
use chrono::DateTime;
use smelt_catalog::{
    Account, CHANGES, Catalog, Change, Content, Dataset, ENTRIES, Entries, Entry, Files, Fingerprint, Gold,
    InputVersion, ObjectRef, Relation, RelationChange, RowsChange, SUMS, Shape, Totals,
};
use smelt_common::cost::Cost;
use smelt_common::digest;
use smelt_common::ordered::Column;
use smelt_common::stored_row::write_key;
use smelt_common::wide::Wide;
use smelt_formats::{Formulas, TableFormat, TableOptions, read_table, table_writer, typed_column};
use smelt_server::shell::{Base, HttpLimits, Listen, ShellSettings};
use smelt_server::{Serving, Settings};
use smelt_storage::sorted_runs::AdditiveRuns;
use smelt_storage::{DirStore, Durability, Store};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Within it whatever a test waits for has long happened.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// The columns and the key of a relation.
pub(crate) fn shape(columns: &[(&str, &str)], key: &[usize]) -> Shape {
    let columns = columns.iter().map(|(name, kind)| ((*name).to_owned(), (*kind).to_owned())).collect();
    Shape { columns, key: key.to_vec(), own_order: false }
}

fn schema(shape: &Shape) -> SchemaRef {
    let field = |(name, kind): &(String, String)| typed_column(name, kind).expect("a type");
    Arc::new(Schema::new(shape.columns.iter().map(field).collect::<Vec<_>>()))
}

/// Returns the rows of lines of CSV without a header.
pub(crate) fn rows_of(shape: &Shape, lines: &str) -> RecordBatch {
    let schema = schema(shape);
    let csv = smelt_formats::encode_table(&schema, &[], Formulas::Keep).expect("a header");
    let csv = [&csv[..], lines.as_bytes()].concat();
    let names: Vec<_> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    let batches = read_table(TableFormat::Csv, csv, &schema, &names, usize::MAX >> 1).expect("rows");
    batches.into_iter().next().unwrap_or_else(|| RecordBatch::new_empty(schema))
}

/// Returns a fingerprint of a plugin of that name.
pub(crate) fn by(plugin: &str) -> Fingerprint {
    Fingerprint { plugin: plugin.to_owned(), component: digest::hex(plugin), ..Fingerprint::some() }
}

/// A lake in a directory that goes away with it.
pub(crate) struct TestLake {
    pub(crate) directory: TempDir,
    pub(crate) store: DirStore,
}

impl TestLake {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::create_dir(directory.path().join("lake")).expect("a lake");
        let store = DirStore::new(directory.path().join("lake"));
        Self { directory, store }
    }

    pub(crate) fn path(&self) -> std::path::PathBuf {
        self.directory.path().join("lake")
    }

    pub(crate) fn put(&self, key: &str, body: &[u8], rows: u64) -> ObjectRef {
        self.store.put_if_absent(key, body, Durability::Rebuildable).expect("a put");
        ObjectRef { key: key.to_owned(), sha256: digest::hex(body), bytes: body.len() as u64, rows }
    }

    /// Writes a file of rows, in the format that the end of its key says.
    pub(crate) fn file(&self, key: &str, shape: &Shape, lines: &str, formulas: Formulas) -> ObjectRef {
        let rows = rows_of(shape, lines);
        let format = if key.ends_with(".parquet") { TableFormat::Parquet } else { TableFormat::Csv };
        let options = TableOptions { formulas, ..TableOptions::default() };
        let mut body = Vec::new();
        let mut writer = table_writer(format, schema(shape), &options, &mut body).expect("a writer");
        writer.write(&rows).expect("rows");
        writer.finish().expect("an end");
        self.put(key, &body, rows.num_rows() as u64)
    }

    /// Returns a dataset with those objects: of each the name, and its rows in silver.
    pub(crate) fn dataset(&self, name: &str, shape: &Shape, objects: &[(&str, &str)]) -> Dataset {
        let entry = |number: usize, object: &str, lines: &str| {
            let silver =
                self.file(&format!("silver/{name}/{number}_{}.csv", digest::hex(lines)), shape, lines, Formulas::Keep);
            let (bytes, read) = (silver.bytes, silver.rows);
            (
                object.to_owned(),
                Entry { id: number as u32, sha256: digest::hex(object), bytes, read, silver, ..Entry::some() },
            )
        };
        let entries: Vec<_> =
            objects.iter().enumerate().map(|(at, (object, lines))| entry(at, object, lines)).collect();
        self.dataset_of(name, shape, &entries)
    }

    /// Returns a dataset with those entries of bronze objects.
    pub(crate) fn dataset_of(&self, name: &str, shape: &Shape, entries: &[(String, Entry)]) -> Dataset {
        let mut dataset = Dataset::new(by("clean"));
        let pairs = entries.iter().flat_map(|(object, entry)| Entries::pairs(object, entry).expect("pairs")).collect();
        let runs = dataset.entries_mut();
        runs.put(&self.store, &format!("{ENTRIES}{name}/entries"), pairs, &mut vec![]).expect("a map");
        let mut totals = Totals::default();
        for (object, entry) in entries {
            dataset.relation.content.add(object, entry);
            totals.add(entry);
        }
        dataset.relation.rows = totals.kept;
        dataset.relation.shape = Some(shape.clone());
        Dataset { bronze: Account { totals, ..dataset.bronze }, ..dataset }
    }

    /// Returns a table whose rows are kept by key.
    pub(crate) fn kept(&self, name: &str, shape: &Shape, lines: &str) -> Gold {
        let rows = rows_of(shape, lines);
        let others = (0..shape.columns.len()).filter(|at| !shape.key.contains(at));
        let places: Vec<usize> = shape.key.iter().copied().chain(others).collect();
        let columns: Vec<_> = places.iter().map(|&at| Column::of(rows.column(at).as_ref())).collect();
        let mut runs = AdditiveRuns::default();
        let hash = runs.key_hash().expect("a hash");
        let (mut content, mut counts) = (Content::default(), BTreeMap::<(u64, Vec<u8>), i64>::new());
        for row in 0..rows.num_rows() {
            let (mut group, mut rest, mut key) = (vec![], vec![], vec![]);
            columns[..shape.key.len()].iter().for_each(|column| column.encode(row, &mut group));
            columns[shape.key.len()..].iter().for_each(|column| column.encode(row, &mut rest));
            write_key(&group, &rest, &mut key);
            content.add_row(&key);
            *counts.entry((hash.of(&group), key)).or_default() += 1;
        }
        let push = |_, part: &mut smelt_storage::sorted_runs::RunPart<'_, '_>| {
            counts.iter().try_for_each(|((hash, key), count)| {
                let mut number = Vec::new();
                Wide::from(i128::from(*count)).write(&mut number);
                part.push(*hash, key, Some(&number))
            })
        };
        let stem = format!("{SUMS}{name}/rows");
        runs.append(&self.store, &stem, (lines.len() as u64, 1), &mut vec![], push).expect("a run");
        gold(Relation::of_rows(by(name), rows.num_rows() as u64, content, runs).of_shape(shape.clone()))
    }

    /// Returns a table that is one file of gold.
    pub(crate) fn in_file(&self, key: &str, shape: &Shape, lines: &str) -> Gold {
        let file = self.file(key, shape, lines, Formulas::Escape);
        gold(Relation::of_file(by("kpi"), file).of_shape(shape.clone()))
    }

    /// Commits a change, and returns its number.
    pub(crate) fn commit(&self, change: &Change) -> u64 {
        let mut catalog = Catalog::load(&self.store).expect("a catalog");
        // A commit a minute, of a day on which nothing else happens.
        let at = DateTime::UNIX_EPOCH
            + chrono::TimeDelta::days(20_000)
            + chrono::TimeDelta::minutes(catalog.state().sequence as i64);
        catalog.commit(change, at).expect("a commit");
        catalog.state().sequence
    }

    pub(crate) fn commit_tables<'n>(&self, tables: impl IntoIterator<Item = (&'n str, Gold)>) -> u64 {
        let gold = tables.into_iter().map(|(name, gold)| (name.to_owned(), gold)).collect();
        self.commit(&Change { gold, ..Change::new("aggregate") })
    }

    pub(crate) fn commit_dataset(&self, name: &str, dataset: Dataset) -> u64 {
        let change = RelationChange { cleaned: dataset.bronze.totals.objects, ..RelationChange::replaced(0) };
        self.commit(&Change { datasets: [(name.to_owned(), (change, dataset))].into(), ..Change::new("clean") })
    }

    /// Commits a table whose rows differ by these from those before.
    pub(crate) fn commit_rows(&self, name: &str, gold: Gold, came: &str, left: &str) -> u64 {
        let shape = gold.relation.shape.clone().expect("columns");
        let file = |what: &str, lines: &str| {
            let key = format!("{CHANGES}{name}/{what}_{}.csv", digest::hex(lines));
            (!lines.is_empty()).then(|| self.file(&key, &shape, lines, Formulas::Keep))
        };
        let rows = RowsChange { added: file("added", came), removed: file("removed", left) };
        let change = Change::new("aggregate");
        self.commit(&Change {
            gold: [(name.to_owned(), gold)].into(),
            rows: [(name.to_owned(), rows)].into(),
            ..change
        })
    }

    /// Flips a bit in the middle of an object.
    pub(crate) fn damage(&self, key: &str) {
        let path = self.path().join(key);
        let mut bytes = std::fs::read(&path).expect("an object");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::remove_file(&path).expect("removed");
        std::fs::write(&path, bytes).expect("written");
    }

    /// Writes the file of a page.
    pub(crate) fn page(&self, name: &str, text: &str) {
        let pages = self.directory.path().join("pages");
        std::fs::create_dir_all(&pages).expect("a folder");
        std::fs::write(pages.join(format!("{name}.toml")), text).expect("a page");
    }

    /// Serves the lake on a free port.
    pub(crate) async fn serve(&self) -> Server {
        serve(Box::new(DirStore::new(self.path())), &self.directory.path().join("pages")).await
    }
}

/// Returns a table with that relation, made of nothing.
pub(crate) fn gold(relation: Relation) -> Gold {
    let (inputs, cost) = (BTreeMap::new(), Cost::default());
    Gold { relation, file: None, inputs, stages: vec![], saved: vec![], parts: vec![], commit: 0, cost, micros: 0 }
}

/// Returns the table with inputs of those names.
pub(crate) fn reading(gold: Gold, names: &[&str]) -> Gold {
    let version = |name: &&str| InputVersion {
        relation: (*name).to_owned(),
        schema: String::new(),
        since: 1,
        revision: 1,
        content: Content::default(),
        rows: 0,
    };
    Gold { inputs: names.iter().map(|name| ((*name).to_owned(), version(name))).collect(), ..gold }
}

/// Returns the key of the only file of a table, or of the first of its rows.
pub(crate) fn file_of(gold: &Gold) -> String {
    match &gold.relation.files {
        Files::One(file) => file.key.clone(),
        _ => gold.relation.runs()[0].key.clone(),
    }
}

/// A server in this process.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    _stop: oneshot::Sender<()>,
    _ended: JoinHandle<smelt_common::Result<()>>,
}

/// Serves the lake in a store on a free port.
pub(crate) async fn serve(store: Box<dyn Store>, pages: &Path) -> Server {
    let shell = ShellSettings {
        listen: Listen::from(SocketAddr::from(([127, 0, 0, 1], 0))),
        token: None,
        base: Base::default(),
        limits: HttpLimits::default(),
    };
    let settings = Settings { pipeline: "shop".to_owned(), pages: pages.to_owned(), store, shell };
    let serving = Serving::begin(settings).await.expect("a server");
    let address = serving.address();
    let (stop, stopped) = oneshot::channel();
    let ended = tokio::spawn(serving.serve(async { drop(stopped.await) }));
    Server { address, _stop: stop, _ended: ended }
}

#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        assert_eq!(self.status, 200, "{}", self.text());
        serde_json::from_slice(&self.body).expect("JSON")
    }
}

impl Server {
    /// Returns the answer to a request, which comes on a connection of its own.
    pub(crate) async fn get(&self, target: &str) -> Answer {
        let mut stream = TcpStream::connect(self.address).await.expect("a connection");
        let request =
            format!("GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAccept: text/html\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut all = Vec::new();
        timeout(LONG, stream.read_to_end(&mut all)).await.expect("in time").expect("an answer");
        let end = all.windows(4).position(|part| part == b"\r\n\r\n").expect("the end of a head");
        let head = String::from_utf8(all[..end].to_vec()).expect("a head").to_ascii_lowercase();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        let body = &all[end + 4..];
        let body = if head.contains("transfer-encoding: chunked") { unchunked(body) } else { body.to_vec() };
        Answer { status, head, body }
    }

    /// Returns the answer once it is as wanted.
    pub(crate) async fn until(&self, target: &str, wanted: impl Fn(&Answer) -> bool) -> Answer {
        let wait = async {
            loop {
                let answer = self.get(target).await;
                if wanted(&answer) {
                    return answer;
                }
            }
        };
        timeout(LONG, wait).await.expect("the answer in time")
    }

    /// Waits until the server shows that commit.
    pub(crate) async fn shows(&self, commit: u64) {
        let wanted = format!("\"commit\":{commit}");
        self.until("/api/v1/pages", |answer| answer.text().contains(&wanted)).await;
    }
}

fn unchunked(mut body: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    loop {
        let end = body.windows(2).position(|part| part == b"\r\n").expect("the length of a piece");
        let length = std::str::from_utf8(&body[..end]).ok().and_then(|text| usize::from_str_radix(text, 16).ok());
        let length = length.expect("a length");
        if length == 0 {
            return whole;
        }
        whole.extend_from_slice(&body[end + 2..end + 2 + length]);
        body = &body[end + 4 + length..];
    }
}
