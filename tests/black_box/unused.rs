//! A fixture that no test uses, and a sin that none commits, proves nothing: it fails here.

use std::path::{Path, PathBuf};

use crate::support::root;

/// The files below the directory that end so, with what is in them.
fn texts(directory: &Path, end: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).expect("a directory can be read") {
        let path = entry.expect("a directory can be read").path();
        if path.is_dir() {
            found.extend(texts(&path, end));
        } else if path.to_string_lossy().ends_with(end) {
            let text = std::fs::read_to_string(&path).expect("a text can be read");
            found.push((path, text));
        }
    }
    found
}

/// Returns the text of each file of the tests, in Rust and in the manifests that they use; a name in it is in quotes.
fn said() -> Vec<String> {
    let tests = texts(&root().join("tests/black_box"), ".rs");
    let manifests = texts(&root().join("tests/pipelines"), ".toml");
    let here = Path::new(file!()).file_name();
    let others = tests.into_iter().chain(manifests).filter(|(path, _)| path.file_name() != here);
    // In a format string a quote is escaped.
    others.map(|(_, text)| text.replace("\\\"", "\"")).collect()
}

/// Returns the texts with which a fixture compares its parameters and cells: before `=>`, and after `==` or a call that compares.
fn sins(code: &str) -> Vec<&str> {
    let mut sins = Vec::new();
    let literals = code.split('"').collect::<Vec<_>>();
    for at in (1..literals.len()).step_by(2) {
        let (before, after) =
            (literals[at - 1].trim_end(), literals.get(at + 1).map_or("", |after| after.trim_start()));
        let compared = ["==", "!=", "maybe(", "one_too_many("].iter().any(|end| before.ends_with(end));
        if (compared || after.starts_with("=>") || after.starts_with('|')) && !literals[at].is_empty() {
            sins.push(literals[at]);
        }
    }
    sins
}

/// Returns whether a file has a text of that name, or a row with a cell of that name.
fn is_said(said: &str, name: &str) -> bool {
    said.match_indices(name).any(|(at, _)| {
        let (before, after) = (&said[..at], &said[at + name.len()..]);
        before.ends_with(['"', ',']) && ["\"", ",", "\\n", ".wasm\""].iter().any(|end| after.starts_with(end))
    })
}

#[test]
fn every_fixture_and_every_sin_of_one_is_in_a_test() {
    let said = said();
    let (mut fixtures, mut unused) = (0, vec![]);
    for entry in std::fs::read_dir(root().join("tests/plugins")).expect("there are fixtures") {
        let directory = entry.expect("a directory can be read").path();
        let name = directory.file_name().expect("it has a name").to_string_lossy().into_owned();
        let code: String = texts(&directory.join("src"), ".rs").into_iter().map(|(_, text)| text).collect();
        let files: Vec<_> = said.iter().filter(|file| is_said(file, &name)).collect();
        let sins = sins(&code).into_iter().filter(|sin| !files.iter().any(|file| is_said(file, sin)));
        unused.extend(sins.map(|sin| format!("the sin `{sin}` of `{name}`")));
        unused.extend(files.is_empty().then(|| format!("the fixture `{name}`")));
        fixtures += 1;
    }
    assert!(fixtures > 5, "{fixtures} fixtures");
    assert_eq!(unused, Vec::<String>::new(), "no test uses them");
}

#[test]
fn a_sin_is_what_a_fixture_compares_with() {
    let code = r#"match sin { "a" | "b b" => panic!("c"), _ if sin == "d" => self.maybe("e"), "" => {} }"#;
    assert_eq!(sins(code), ["a", "b b", "d", "e"]);
}
