use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema};
use smelt_common::Error;
use smelt_common::error::{Kind, Result};
use smelt_formats::Formulas;
use smelt_storage::lake::{Lake, LakeSection};

use super::{FilesSink, Sheet};
use crate::place::Surroundings;
use crate::section::SinkSection;
use crate::sink::{Published, Relation, Sink};

/// A lake of tables with a single column, by name.
#[derive(Default)]
struct Tables {
    commit: u64,
    tables: BTreeMap<String, Vec<i64>>,
    /// The table of which the rows cannot be read.
    damaged: Option<&'static str>,
    /// The number of tables that were read.
    read: Cell<usize>,
    /// Done while the first table is read.
    meanwhile: RefCell<Option<Box<dyn FnOnce()>>>,
}

impl Tables {
    fn of(commit: u64, tables: &[(&str, &[i64])]) -> Self {
        let tables = tables.iter().map(|(name, rows)| ((*name).to_owned(), rows.to_vec())).collect();
        Self { commit, tables, ..Self::default() }
    }
}

fn schema() -> Arc<Schema> {
    Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, false)]))
}

impl Published for Tables {
    fn commit(&self) -> u64 {
        self.commit
    }

    fn relation(&self, name: &str) -> Result<Option<Relation>> {
        Ok(self.tables.get(name).map(|rows| Relation {
            schema: schema(),
            key: vec![0],
            rows: rows.len() as u64,
            formulas: Formulas::Escape,
            version: format!("{rows:?}"),
        }))
    }

    fn read(&self, name: &str, take: &mut dyn FnMut(&RecordBatch) -> Result<()>) -> Result<()> {
        self.read.set(self.read.get() + 1);
        if let Some(meanwhile) = self.meanwhile.take() {
            meanwhile();
        }
        if self.damaged == Some(name) {
            return Err(Error::new(Kind::Damaged, "it is gone"));
        }
        for row in &self.tables[name] {
            take(&RecordBatch::try_new(schema(), vec![Arc::new(Int64Array::from(vec![*row]))]).expect("a batch"))?;
        }
        Ok(())
    }
}

fn open(lake: &Path, section: &str, from: &[&str]) -> Result<FilesSink> {
    let section: SinkSection = toml::from_str(&format!("kind = 'files'\nfrom = []\n{section}")).expect("a section");
    let sheets = from.iter().map(|name| Sheet { relation: (*name).to_owned(), sheet: (*name).to_owned() }).collect();
    let lake = Lake::Directory(lake.to_owned());
    let around = Surroundings { lake: &lake, section: &LakeSection::default(), variable: &|_| None };
    FilesSink::open("files", &section, sheets, around)
}

/// The files below a directory, without the record, by their path in it.
fn files(lake: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut directories = vec![lake.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).expect("a directory").flatten() {
            let path = entry.path();
            if path.is_dir() {
                directories.push(path);
            } else if !path.to_string_lossy().contains("_smelt") {
                let name = path.strip_prefix(lake).expect("it is below").display().to_string();
                found.insert(name, fs::read_to_string(path).expect("a text"));
            }
        }
    }
    found
}

fn texts(of: &[(&str, &str)]) -> BTreeMap<String, String> {
    of.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

const CSV: &str = "to = 'gold/{table}.csv'";

#[test]
fn only_files_that_change_are_replaced() {
    let lake = tempfile::tempdir().expect("a directory");
    let sink = open(lake.path(), CSV, &["a", "b", "later"]).expect("it opens");
    assert_eq!(sink.holds().expect("an answer"), None);
    let first = Tables::of(3, &[("a", &[1, 2]), ("b", &[])]);
    assert_eq!(sink.publish(&first, false).expect("it is told").len(), 2);
    assert_eq!(files(lake.path()), texts(&[("gold/a.csv", "n\n1\n2\n"), ("gold/b.csv", "n\n")]));
    assert_eq!(sink.holds().expect("an answer"), Some(3));

    let inode = |name: &str| fs::metadata(lake.path().join(name)).expect("it is there").ino();
    let before = [inode("gold/a.csv"), inode("gold/_smelt/files.json")];
    let again = Tables::of(3, &[("a", &[1, 2]), ("b", &[])]);
    assert!(sink.publish(&again, false).expect("it is told").is_empty());
    assert_eq!((again.read.get(), [inode("gold/a.csv"), inode("gold/_smelt/files.json")]), (0, before));

    let next = Tables::of(4, &[("a", &[1, 2]), ("b", &[5]), ("later", &[])]);
    assert_eq!(sink.publish(&next, false).expect("it is told").len(), 2);
    assert_eq!((next.read.get(), inode("gold/a.csv"), sink.holds().expect("an answer")), (2, before[0], Some(4)));
    // An older commit, as of a lake that was restored.
    assert_eq!(sink.publish(&first, false).expect("it is told").len(), 1);
    assert_eq!(files(lake.path())["gold/b.csv"], "n\n");
    assert_eq!(sink.holds().expect("an answer"), Some(3));
}

#[test]
fn an_error_changes_no_file() {
    let lake = tempfile::tempdir().expect("a directory");
    let sink = open(lake.path(), CSV, &["a", "b"]).expect("it opens");
    sink.publish(&Tables::of(1, &[("a", &[1]), ("b", &[1])]), false).expect("it is told");
    let before = files(lake.path());
    let damaged = Tables { damaged: Some("b"), ..Tables::of(2, &[("a", &[2]), ("b", &[2])]) };
    let error = sink.publish(&damaged, false).expect_err("a table cannot be read");
    assert!(error.to_string().contains("gold/b.csv"), "{error}");
    assert_eq!((files(lake.path()), sink.holds().expect("an answer")), (before, Some(1)));
    sink.publish(&Tables { damaged: None, ..damaged }, false).expect("it is told");
    assert_eq!(files(lake.path()), texts(&[("gold/a.csv", "n\n2\n"), ("gold/b.csv", "n\n2\n")]));
}

#[test]
fn the_slower_of_two_processes_changes_nothing() {
    let lake = tempfile::tempdir().expect("a directory");
    let sink = open(lake.path(), CSV, &["a"]).expect("it opens");
    let other = open(lake.path(), CSV, &["a"]).expect("it opens");
    let meanwhile = move || drop(other.publish(&Tables::of(7, &[("a", &[7])]), false).expect("it is told"));
    let slow = Tables { meanwhile: RefCell::new(Some(Box::new(meanwhile))), ..Tables::of(6, &[("a", &[6])]) };
    assert_eq!(sink.publish(&slow, false).expect_err("another was faster").kind(), Kind::Conflict);
    assert_eq!((files(lake.path()), sink.holds().expect("an answer")), (texts(&[("gold/a.csv", "n\n7\n")]), Some(7)));
}

#[test]
fn what_others_remove_or_cut_comes_back() {
    let lake = tempfile::tempdir().expect("a directory");
    let sink = open(lake.path(), CSV, &["a", "b", "c"]).expect("it opens");
    let tables = |commit| Tables::of(commit, &[("a", &[1]), ("b", &[1]), ("c", &[])]);
    sink.publish(&tables(1), false).expect("it is told");
    let whole = files(lake.path());
    let harm = || {
        fs::remove_file(lake.path().join("gold/a.csv")).expect("it is there");
        fs::write(lake.path().join("gold/b.csv"), "n").expect("it is there");
        fs::write(lake.path().join("gold/c.csv"), "n\n").expect("it is there");
    };
    harm();
    fs::write(lake.path().join("gold/c.csv"), "m\n").expect("it is there");
    assert_eq!(sink.publish(&tables(1), true).expect("it is told").len(), 3, "of equal size is not equal");
    assert_eq!(files(lake.path()), whole);
    harm();
    assert_eq!(sink.publish(&tables(2), false).expect("it is told").len(), 2);
    assert_eq!(files(lake.path()), whole);
    fs::write(lake.path().join("gold/_smelt/files.json"), "{").expect("it is there");
    sink.publish(&tables(2), false).expect("a damaged record is as none");
    assert_eq!((files(lake.path()), sink.holds().expect("an answer")), (whole, Some(2)));
}

#[test]
fn files_of_what_the_sink_carries_no_more_go() {
    let lake = tempfile::tempdir().expect("a directory");
    let tables = Tables::of(1, &[("a", &[1]), ("b", &[1])]);
    open(lake.path(), CSV, &["a", "b"]).expect("it opens").publish(&tables, false).expect("it is told");
    fs::write(lake.path().join("gold/mine.csv"), "mine").expect("a file");
    open(lake.path(), CSV, &["b"]).expect("it opens").publish(&tables, false).expect("it is told");
    assert_eq!(files(lake.path()), texts(&[("gold/b.csv", "n\n1\n"), ("gold/mine.csv", "mine")]));
}

#[test]
fn files_may_lie_outside_of_the_lake() {
    let lake = tempfile::tempdir().expect("a directory");
    let to = format!("to = '{}/out/{{table}}/all.jsonl'", lake.path().display());
    let sink = open(Path::new("/nowhere"), &to, &["a"]).expect("it opens");
    sink.publish(&Tables::of(1, &[("a", &[1, 2])]), false).expect("it is told");
    assert_eq!(files(lake.path()), texts(&[("out/a/all.jsonl", "{\"n\":1}\n{\"n\":2}\n")]));
}

#[test]
fn a_wrong_section_is_refused_in_a_sentence() {
    let lake = tempfile::tempdir().expect("a directory");
    for (to, from, expected) in [
        ("gold/{table}", &["a"][..], "csv, json, jsonl, parquet, xlsx"),
        ("gold/{table}.txt", &["a"], "csv, json, jsonl, parquet, xlsx"),
        ("gold/{name}.csv", &["a"], "`{table}` once"),
        ("{table}.csv", &["a"], "expected a directory"),
        ("../{table}.csv", &["a"], "expected a directory in the lake"),
        ("gold/../x/{table}.csv", &["a"], "expected a directory in the lake"),
        ("bronze/{table}.csv", &["a"], "`bronze/` holds what smelt alone writes"),
        ("catalog/{table}.csv", &["a"], "`catalog/` holds what smelt alone writes"),
        ("gold/all.csv", &["a", "b"], "`from` has 2 relations"),
    ] {
        let error = open(lake.path(), &format!("to = '{to}'"), from).err().expect("it is refused");
        assert!(error.to_string().contains(expected), "{to}: {error}");
    }
    #[cfg(feature = "xlsx")]
    for (sheet, expected) in [("a/b", "has a character"), ("history", "is Excel's own")] {
        let sheets = vec![Sheet { relation: "a".to_owned(), sheet: sheet.to_owned() }];
        let section = toml::from_str("kind = 'files'\nfrom = []\nto = 'gold/all.xlsx'").expect("a section");
        let lake = Lake::Directory(lake.path().to_owned());
        let around = Surroundings { lake: &lake, section: &LakeSection::default(), variable: &|_| None };
        let error = FilesSink::open("files", &section, sheets, around);
        let error = error.err().expect("it is refused").to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn files_that_could_not_be_put_into_place_are_put_there_later() {
    let lake = tempfile::tempdir().expect("a directory");
    let sink = open(lake.path(), CSV, &["a", "b", "c"]).expect("it opens");
    let before = Tables::of(1, &[("a", &[1]), ("b", &[1]), ("c", &[1])]);
    sink.publish(&before, false).expect("it publishes");
    // The new files are as long as the former ones, so that only the record can tell them apart.
    let after = Tables::of(2, &[("a", &[2]), ("b", &[2]), ("c", &[2])]);
    for name in ["a", "b", "c"] {
        let (path, aside) = (lake.path().join(format!("gold/{name}.csv")), lake.path().join("aside"));
        fs::rename(&path, &aside).expect("it is put aside");
        fs::create_dir_all(path.join("in the way")).expect("a directory");
        sink.publish(&after, false).expect_err("a directory is in the way");
        assert_eq!(sink.holds().expect("an answer"), Some(1), "not all of commit 2 is there");
        fs::remove_dir_all(&path).expect("it is removed");
        fs::rename(&aside, &path).expect("it is put back");
    }
    sink.publish(&after, false).expect("it publishes");
    assert_eq!(sink.holds().expect("an answer"), Some(2));
    let expected = [("gold/a.csv", "n\n2\n"), ("gold/b.csv", "n\n2\n"), ("gold/c.csv", "n\n2\n")];
    assert_eq!(files(lake.path()), texts(&expected));
}

/// Lines of text files, given as file and text.
struct Lines<'l> {
    commit: u64,
    lines: Vec<(&'l str, &'l str)>,
    columns: [&'l str; 2],
    /// Done while the lines are read for the first time.
    meanwhile: RefCell<Option<Box<dyn FnOnce() + 'l>>>,
}

impl<'l> Lines<'l> {
    fn of(commit: u64, lines: &[(&'l str, &'l str)]) -> Self {
        Self { commit, lines: lines.to_vec(), columns: ["file", "text"], meanwhile: RefCell::default() }
    }

    fn rows(&self) -> RecordBatch {
        let column = |of: fn(&(&'l str, &'l str)) -> &'l str| -> ArrayRef {
            Arc::new(StringArray::from_iter_values(self.lines.iter().map(of)))
        };
        let [file, text] = self.columns;
        RecordBatch::try_from_iter([(file, column(|it| it.0)), (text, column(|it| it.1))]).expect("a batch")
    }
}

impl Published for Lines<'_> {
    fn commit(&self) -> u64 {
        self.commit
    }

    fn relation(&self, _: &str) -> Result<Option<Relation>> {
        let (version, rows, key) = (format!("{:?}", self.lines), self.lines.len() as u64, vec![0]);
        Ok(Some(Relation { schema: self.rows().schema(), key, rows, formulas: Formulas::Escape, version }))
    }

    fn read(&self, _: &str, take: &mut dyn FnMut(&RecordBatch) -> Result<()>) -> Result<()> {
        self.meanwhile.take().into_iter().for_each(|meanwhile| meanwhile());
        // A file may go over several batches.
        let rows = self.rows();
        (0..rows.num_rows()).try_for_each(|row| take(&rows.slice(row, 1)))
    }
}

#[test]
fn rows_are_lines_of_the_files_that_they_name() {
    let lake = tempfile::tempdir().expect("a directory");
    let sink = open(lake.path(), "to = 'reports/{file}'", &["lines"]).expect("it opens");
    let first = Lines::of(1, &[("a.txt", "one"), ("a.txt", ""), ("b/c.json", "{}")]);
    assert_eq!(sink.publish(&first, false).expect("it is told").len(), 2);
    assert_eq!(files(lake.path()), texts(&[("reports/a.txt", "one\n\n"), ("reports/b/c.json", "{}\n")]));

    let next = Lines::of(2, &[("a.txt", "one"), ("a.txt", ""), ("d.txt", "=2")]);
    let written = sink.publish(&next, false).expect("it is told");
    assert!(written.len() == 1 && written[0].ends_with("reports/d.txt"), "{written:?}");
    assert_eq!(files(lake.path()), texts(&[("reports/a.txt", "one\n\n"), ("reports/d.txt", "=2\n")]));
    assert!(sink.publish(&next, false).expect("it is told").is_empty());
    fs::remove_file(lake.path().join("reports/a.txt")).expect("it is there");
    assert_eq!(sink.publish(&next, true).expect("it is told").len(), 1, "what others removed comes back");
}

#[test]
fn text_files_of_an_older_commit_never_replace_newer_ones() {
    let lake = tempfile::tempdir().expect("a directory");
    let sink = open(lake.path(), "to = 'reports/{file}'", &["lines"]).expect("it opens");
    let newer = Lines::of(2, &[("a.txt", "two")]);
    let meanwhile = || drop(sink.publish(&newer, false).expect("it is told"));
    let older = Lines { meanwhile: RefCell::new(Some(Box::new(meanwhile))), ..Lines::of(1, &[("a.txt", "one")]) };
    let error = sink.publish(&older, false).expect_err("another one was faster");
    assert_eq!(error.kind(), Kind::Conflict);
    assert_eq!(files(lake.path()), texts(&[("reports/a.txt", "two\n")]));
}

#[test]
fn rows_that_are_no_lines_of_files_are_refused() {
    let lake = tempfile::tempdir().expect("a directory");
    let sink = open(lake.path(), "to = 'reports/{file}'", &["lines"]).expect("it opens");
    for (lines, expected) in [
        (Lines::of(1, &[("../a", "x")]), "is no name of a file"),
        (Lines::of(1, &[("", "x")]), "is no name of a file"),
        (Lines::of(1, &[("a", "x"), ("b", "x"), ("a", "x")]), "do not come one after the other"),
        (Lines { columns: ["file", "line"], ..Lines::of(1, &[("a", "x")]) }, "lacks a column `text` utf8"),
    ] {
        let error = sink.publish(&lines, false).expect_err("it is refused").to_string();
        assert!(error.contains(expected), "{error}");
        assert_eq!(files(lake.path()), texts(&[]));
    }
}
