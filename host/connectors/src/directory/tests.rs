use std::fs;

use smelt_storage::lake::{Lake, LakeSection};

use super::DirectorySource;
use crate::place::Surroundings;
use crate::source::{After, Moved, Rules, Source};
use smelt_common::digest;

fn open(from: &str, files: &[&str]) -> smelt_common::error::Result<DirectorySource> {
    open_with(from, Some(files), Rules::default())
}

fn open_with(from: &str, files: Option<&[&str]>, rules: Rules) -> smelt_common::error::Result<DirectorySource> {
    let lake = Lake::Directory("/nowhere".into());
    let around = Surroundings { lake: &lake, section: &LakeSection::default(), variable: &|_| None };
    let files = files.map(|files| files.iter().map(|file| (*file).to_owned()).collect::<Vec<_>>());
    DirectorySource::open("files", from, files.as_deref(), rules, around)
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
    let object = |name, number| source.object(name, "20250101T000000", number).expect("it gets a name");
    assert_eq!(object("orders.csv", 0), "orders_20250101T000000.csv");
    assert_eq!(object("clicks-7.json", 0), "clicks_20250101T000000.json");
    assert!(object("orders.csv", 1) > object("orders.csv", 0) && object("orders.csv", 10) > object("orders.csv", 9));
}

#[test]
fn without_patterns_all_finished_files_are_there_and_keep_their_names() {
    let directory = tempfile::tempdir().expect("a directory");
    fs::create_dir_all(directory.path().join("archive/a")).expect("a directory");
    for name in ["a.csv", "b.tmp", "b.part", "b.filepart", ".b", "archive/a/a.csv", "c"] {
        fs::write(directory.path().join(name), name).expect("a file");
    }
    let source = open_with(&directory.path().display().to_string(), None, Rules::default()).expect("it opens");
    let mut names: Vec<_> = source.files().expect("a listing").into_iter().map(|file| file.name).collect();
    names.sort();
    assert_eq!(names, ["a.csv", "c"]);
    assert_eq!(source.object("a.csv", "20250101T000000", 0), None);
}

#[test]
fn a_file_moves_as_often_as_it_is_told_and_only_as_it_was() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = |name: &str| directory.path().join(name);
    let source = open_with(&directory.path().display().to_string(), None, Rules::default()).expect("it opens");
    let sha256 = digest::hex("one");
    fs::write(path("a"), "one").expect("a file");
    let version = source.version("a").expect("a look").expect("it is there");
    let away = |version: Option<&str>| source.put_away("a", version, &sha256, Some("archive/x/a"));

    assert_eq!(away(Some("another")).expect("a look"), Moved::Changed);
    assert_eq!(source.put_away("a", None, &digest::hex("two"), Some("archive/x/a")).expect("a look"), Moved::Changed);
    assert!(path("a").exists() && !path("archive/x/a").exists());
    assert_eq!(away(Some(&version)).expect("it moves"), Moved::Done);
    assert_eq!(fs::read(path("archive/x/a")).expect("it is there"), b"one");
    assert_eq!(away(Some(&version)).expect("a look"), Moved::Gone);

    // A host that died after it had copied the file, and a file that came again.
    fs::write(path("a"), "one").expect("a file");
    assert_eq!(away(None).expect("it moves"), Moved::Done);
    assert!(!path("a").exists());

    // Nothing in the archive is replaced.
    fs::write(path("a"), "two").expect("a file");
    let other = source.put_away("a", None, &digest::hex("two"), Some("archive/x/a")).expect_err("it is taken");
    assert!(other.to_string().contains("has another content than `a`"), "{other}");
    assert!(path("a").exists());
    assert_eq!(source.put_away("a", None, &sha256, None).expect("a look"), Moved::Changed);
    assert_eq!(source.put_away("a", None, &digest::hex("two"), None).expect("it leaves"), Moved::Done);
    assert!(!path("a").exists());
}

#[test]
fn rules_that_do_not_fit_together_are_refused() {
    let stamped = Rules { stamped: true, ..Rules::default() };
    let error = open_with("/in", Some(&["a*.csv"]), stamped).err().expect("it is refused").to_string();
    assert!(error.contains("`stamped` belongs to a source without `files`"), "{error}");
    let kept = Rules { archive_for: Some(std::time::Duration::from_secs(1)), after: After::Keep, ..Rules::default() };
    let error = open_with("/in", None, kept).err().expect("it is refused").to_string();
    assert!(error.contains("`archive_for` needs `after = \"archive\"`"), "{error}");
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
