use std::fs;

use smelt_storage::lake::{Lake, LakeSection};

use super::DirectorySource;
use crate::place::Surroundings;
use crate::source::Source;

fn open(from: &str, files: &[&str]) -> smelt_common::error::Result<DirectorySource> {
    let lake = Lake::Directory("/nowhere".into());
    let around = Surroundings { lake: &lake, section: &LakeSection::default(), variable: &|_| None };
    let files: Vec<String> = files.iter().map(|file| (*file).to_owned()).collect();
    DirectorySource::open("files", from, &files, around)
}

#[test]
fn files_that_are_finished_and_match_are_there() {
    let directory = tempfile::tempdir().expect("a directory");
    fs::create_dir(directory.path().join("below")).expect("a directory");
    for name in ["orders.csv", "orders_2.csv", "orders.csv.part", ".orders.csv", "below/orders.csv", "clients.csv", "x"]
    {
        fs::write(directory.path().join(name), name).expect("a file");
    }
    let from = directory.path().display().to_string();
    let source = open(&from, &["orders*.csv"]).expect("it opens");
    let mut names: Vec<_> = source.files().expect("a listing").into_iter().map(|file| file.name).collect();
    names.sort();
    assert_eq!(names, ["orders.csv", "orders_2.csv"]);
    let version = |source: &DirectorySource| source.files().expect("a listing")[0].version.clone();
    let before = version(&source);
    fs::write(directory.path().join("orders.csv"), "changed").expect("a file");
    fs::remove_file(directory.path().join("orders_2.csv")).expect("it was there");
    assert_ne!(version(&source), before);
}

#[test]
fn objects_sort_by_stamp_and_number() {
    let source = open("/in", &["orders*.csv", "clicks-*.json"]).expect("it opens");
    let object = |name, number| source.object(name, "20250101T000000", number);
    assert_eq!(object("orders.csv", 0), "orders_20250101T000000.csv");
    assert_eq!(object("clicks-7.json", 0), "clicks_20250101T000000.json");
    assert!(object("orders.csv", 1) > object("orders.csv", 0) && object("orders.csv", 10) > object("orders.csv", 9));
}

#[test]
fn a_wrong_section_is_refused_in_a_sentence() {
    for (from, files, expected) in [
        ("../in", &["orders*.csv"][..], "expected a directory in the lake"),
        ("bronze", &["orders*.csv"], "`bronze/` holds what smelt alone writes"),
        ("/in", &["*.csv"], "begins with the name of the objects"),
        ("/in", &["a/b*.csv"], "begins with the name of the objects"),
        ("/in", &["orders.csv"], "exactly one `*`"),
        ("/in", &[], "at least one pattern"),
    ] {
        let error = open(from, files).err().expect("it is refused").to_string();
        assert!(error.contains(expected), "{from} {files:?}: {error}");
    }
}
