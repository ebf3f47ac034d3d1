//! Small crates in a temporary directory, and the circles that are found in them.

use std::fs;
use std::path::Path;

use super::found;
use super::source::Source;

/// Returns the circles that are found in a crate of these files.
fn circles(files: &[(&str, &str)]) -> Vec<String> {
    let dir = tempfile::tempdir().expect("a temporary directory");
    for (name, text) in files {
        let file = dir.path().join(name);
        fs::create_dir_all(file.parent().expect("a file lies in a directory")).expect("a directory");
        fs::write(file, text).expect("a file");
    }
    let source = Source::read(&dir.path().join("lib.rs")).expect("a crate that can be read");
    found(&source, dir.path())
}

fn none(files: &[(&str, &str)]) {
    assert_eq!(circles(files), Vec::<String>::new());
}

#[test]
fn two_files_that_import_from_each_other_are_a_circle() {
    let circles = circles(&[
        ("lib.rs", "mod a;\nmod b;\nmod c;"),
        ("a.rs", "use crate::b::B;\n\npub struct A;"),
        ("b.rs", "use crate::c;\n\npub struct B;\nfn f() {\n    c::g();\n}"),
        ("c.rs", "pub fn g() -> super::b::B {\n    super::b::B\n}"),
    ]);
    let circle = "a circle of 2 files: b.rs, c.rs\n    b.rs imports from c.rs: c::g (line 5)\n    \
                  c.rs imports from b.rs: super::b::B (line 1, 2)";
    assert_eq!(circles, [circle]);
}

#[test]
fn a_circle_goes_over_any_number_of_files() {
    let circles = circles(&[
        ("lib.rs", "mod a;\nmod b;\nmod c;"),
        ("a.rs", "use crate::{b::{self, B}, c};\npub struct A(B);"),
        ("b.rs", "use super::c::C as Other;\npub struct B(Other);"),
        ("c.rs", "pub struct C;\nimpl C {\n    pub fn a(&self) -> Option<crate::a::A> { None }\n}"),
    ]);
    assert_eq!(circles.len(), 1);
    assert!(circles[0].starts_with("a circle of 3 files: a.rs, b.rs, c.rs\n"), "{circles:?}");
}

#[test]
fn an_import_counts_for_the_file_that_defines_what_is_imported() {
    none(&[
        ("lib.rs", "mod error;\nmod store;\npub use error::Error;\npub use store::*;"),
        ("error.rs", "pub struct Error;"),
        ("store/mod.rs", "mod dir;\nmod kind;\npub use dir::Dir;\npub use kind::Kind as Sort;"),
        ("store/dir.rs", "use super::Sort;\nuse crate::Error;\npub struct Dir(Sort, Error);"),
        ("store/kind.rs", "pub struct Kind;\nimpl Kind { fn f() -> crate::Error { crate::Error } }"),
    ]);
}

#[test]
fn a_parent_must_not_define_what_its_children_import() {
    let circles = circles(&[
        ("lib.rs", "mod store;\npub const LIMIT: usize = 1;"),
        ("store/mod.rs", "mod dir;\npub use dir::Dir;\npub struct Kind;"),
        ("store/dir.rs", "use super::Kind;\npub struct Dir(Kind, [u8; crate::LIMIT]);"),
    ]);
    let parents = [
        "a circle of parent and children: lib.rs defines what they import\n    \
         store/dir.rs imports from lib.rs: crate::LIMIT (line 2)",
        "a circle of parent and children: store/mod.rs defines what they import\n    \
         store/dir.rs imports from store/mod.rs: super::Kind (line 1)",
    ];
    assert_eq!(circles, parents);
}

#[test]
fn a_circle_over_the_re_export_of_a_parent_is_found() {
    let circles = circles(&[
        ("lib.rs", "mod a;\nmod b;"),
        ("a/mod.rs", "mod child;\npub use child::Child;\npub struct Own;"),
        ("a/child.rs", "use crate::b::B;\npub struct Child(B);"),
        ("b.rs", "use crate::a::Own;\npub struct B(Own);"),
    ]);
    assert_eq!(circles.len(), 1);
    assert!(circles[0].starts_with("a circle of 3 files: a/mod.rs, a/child.rs, b.rs\n"), "{circles:?}");
}

#[test]
fn what_is_there_for_tests_alone_does_not_count() {
    none(&[
        ("lib.rs", "mod a;\nmod b;\n#[cfg(test)]\nmod tests;\n#[cfg(any(test, feature = \"testing\"))]\nmod suite;"),
        ("a.rs", "use crate::b::B;\npub struct A(B);\n#[cfg(test)]\nmod tests {\n    use super::*;\n}"),
        (
            "b.rs",
            "#[cfg(test)]\nuse crate::a::A;\npub struct B {\n    #[cfg(test)]\n    a: crate::a::A,\n}\n\
             impl B {\n    #[cfg(all(test, unix))]\n    fn a() -> crate::a::A { crate::a::A }\n}",
        ),
    ]);
}

#[test]
fn what_some_builds_have_counts() {
    let b = |condition| format!("#[cfg({condition})]\nuse crate::a::A;\npub struct B;");
    for condition in ["feature = \"s3\"", "not(test)", "any(test, unix)", "all(unix, not(test))"] {
        let circles =
            circles(&[("lib.rs", "mod a;\nmod b;"), ("a.rs", "pub struct A(super::b::B);"), ("b.rs", &b(condition))]);
        assert_eq!(circles.len(), 1, "{condition}");
    }
}

#[test]
fn macros_and_attributes_are_read() {
    let circles = circles(&[
        ("lib.rs", "mod a;\nmod b;\nmod c;\nmod d;"),
        ("a.rs", "pub fn f() -> String {\n    format!(\"{}\", crate::b::g())\n}"),
        ("b.rs", "pub fn g() -> u8 {\n    crate::twice!(1)\n}\n"),
        ("c.rs", "#[macro_export]\nmacro_rules! twice {\n    ($x:expr) => { $crate::d::double($x) };\n}"),
        ("d.rs", "#[derive(Default)]\npub struct D {\n    #[serde(with = \"crate::a::f\")]\n    pub d: u8,\n}"),
    ]);
    assert_eq!(circles.len(), 1);
    assert!(circles[0].starts_with("a circle of 4 files: a.rs, b.rs, c.rs, d.rs\n"), "{circles:?}");
}

#[test]
fn what_only_looks_like_an_import_is_none() {
    none(&[
        ("lib.rs", "mod a;\nmod b;"),
        (
            "a.rs",
            "//! See [`B`](crate::b::B).\npub struct A {\n    pub b: u8,\n}\npub(in crate::a) const TEXT: &str = \"crate::b::B\";",
        ),
        (
            "b.rs",
            "use crate::a;\nuse a::A;\npub struct B;\nfn f(a: &A) -> u8 {\n    let text = 'a';\n    a.b.max(text as u8)\n}",
        ),
    ]);
}

#[test]
fn a_function_and_a_module_of_one_name_are_told_apart() {
    none(&[
        ("lib.rs", "mod run;\nmod cli;"),
        ("run/mod.rs", "mod clean;\nmod host;\npub use host::Host;\nuse clean::Way;\npub fn clean() -> Way { Way }"),
        ("run/clean.rs", "pub struct Way;"),
        ("run/host.rs", "use super::clean::Way;\npub struct Host(Way);"),
        ("cli.rs", "fn main() { crate::run::clean(); }"),
    ]);
}

#[test]
fn imports_of_a_block_and_of_variants_are_followed() {
    let circles = circles(&[
        ("lib.rs", "mod a;\nmod b;"),
        ("a.rs", "pub enum A { One }\nfn f() {\n    use crate::b as other;\n    other::g();\n}"),
        ("b.rs", "use crate::a::A::*;\npub fn g() {}"),
    ]);
    let imports =
        "\n    a.rs imports from b.rs: crate::b::g (line 4)\n    b.rs imports from a.rs: crate::a::A (line 1)";
    assert_eq!(circles, [format!("a circle of 2 files: a.rs, b.rs{imports}")]);
}

#[test]
fn modules_of_all_forms_are_found() {
    let circles = circles(&[
        ("lib.rs", "mod a;\nmod inline {\n    pub mod deep;\n}\n#[path = \"elsewhere.rs\"]\nmod moved;"),
        ("a.rs", "mod child;\npub use child::C;"),
        ("a/child.rs", "pub struct C(crate::inline::deep::D);"),
        ("inline/deep.rs", "pub struct D;\nfn f() -> crate::moved::E { todo!() }"),
        ("elsewhere.rs", "pub struct E(super::a::C);"),
    ]);
    assert_eq!(circles.len(), 1);
    assert!(circles[0].starts_with("a circle of 3 files: a/child.rs, inline/deep.rs, elsewhere.rs\n"), "{circles:?}");
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let error = Source::read(Path::new("/nowhere/lib.rs")).expect_err("no such file");
    assert_eq!(error.to_string(), "can't read /nowhere/lib.rs");
}
