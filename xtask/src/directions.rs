//! The rules for the crates below `host/`: which may use which, and what none may bring. `cargo test -p xtask` applies them.

use crate::process::{cargo, output};
use crate::workspace::{Package, Workspace};

/// The crates that each crate may use: the house has floors, and nobody uses what lies above. A new crate is added here,
/// with the reason for its place in an ADR.
const MAY_USE: [(&str, &[&str]); 11] = [
    ("smelt-common", &[]),
    ("smelt-formats", &["smelt-common"]),
    ("smelt-runtime", &["smelt-common", "smelt-formats"]),
    ("smelt-storage", &["smelt-common"]),
    ("smelt-catalog", &["smelt-common", "smelt-storage"]),
    ("smelt-connectors", &["smelt-common", "smelt-formats", "smelt-storage"]),
    (
        "smelt-engine",
        &["smelt-common", "smelt-formats", "smelt-runtime", "smelt-storage", "smelt-catalog", "smelt-connectors"],
    ),
    ("smelt-conformance", &["smelt-common", "smelt-formats", "smelt-runtime"]),
    ("smelt-server", &["smelt-common", "smelt-formats", "smelt-storage", "smelt-catalog"]),
    ("smelt-python", &["smelt-common", "smelt-formats", "smelt-runtime"]),
    (
        "smelt",
        &[
            "smelt-common",
            "smelt-formats",
            "smelt-runtime",
            "smelt-storage",
            "smelt-catalog",
            "smelt-connectors",
            "smelt-engine",
            "smelt-conformance",
            "smelt-server",
        ],
    ),
];

/// The packages that a crate must not bring, built by itself: who plans and computes meets no network, and a module
/// of Python loads into processes that have their own. `*` stands for any end.
const MUST_NOT_BRING: [(&str, &[&str]); 3] = [
    ("smelt-engine", &["aws-*", "hyper", "hyper-*", "reqwest", "rustls", "postgres", "tokio-postgres"]),
    ("smelt-runtime", &["tokio"]),
    ("smelt-python", &["tokio", "hyper", "reqwest", "rustls", "aws-*"]),
];

/// Features add up over a whole build: what one crate asks of arrow-ipc, all would have, and so the code that unpacks what a
/// component wrote.
const PACKED: (&str, [&str; 2]) = ("arrow-ipc", ["lz4", "zstd"]);

/// A sentence for each crate that uses what it may not, tests included.
fn wrong_uses(host: &[&Package]) -> Vec<String> {
    let mut wrong = Vec::new();
    for package in host {
        let Some((_, allowed)) = MAY_USE.iter().find(|(name, _)| *name == package.name) else {
            wrong.push(format!("`{}` is not in the table of xtask/src/directions.rs", package.name));
            continue;
        };
        let others = package.dependencies.iter().filter(|used| used.name != package.name);
        let of_host = others.filter(|used| host.iter().any(|other| other.name == used.name));
        for used in of_host.filter(|used| !allowed.contains(&used.name.as_str())) {
            let (name, used, why) = (&package.name, &used.name, if used.is_dev { " for its tests" } else { "" });
            let allowed = if allowed.is_empty() { "none of the others".to_owned() } else { allowed.join(", ") };
            wrong.push(format!("`{name}` uses `{used}`{why}, and may use {allowed}"));
        }
    }
    wrong
}

/// The way to the first package of `cargo tree --prefix depth` that is forbidden.
fn way_to(tree: &str, forbidden: &[&str]) -> Option<Vec<String>> {
    let mut way: Vec<String> = Vec::new();
    for (depth, package) in tree.lines().filter_map(node) {
        let name = package.split(' ').next().unwrap_or_default();
        way.truncate(depth);
        way.push(name.to_owned());
        let is_forbidden = forbidden.iter().any(|pattern| match pattern.strip_suffix('*') {
            Some(beginning) => name.starts_with(beginning),
            None => name == *pattern,
        });
        if depth > 0 && is_forbidden {
            return Some(way);
        }
    }
    None
}

/// The first who asks for a feature of a package, and who asks for that, from `cargo tree --edges features --invert`.
fn who_asks(tree: &str, package: &str, feature: &str) -> Option<Vec<String>> {
    let asked = format!("{package} feature \"{feature}\"");
    let mut lines = tree.lines().filter_map(node).skip_while(|(_, line)| !line.starts_with(&asked));
    let (first, line) = lines.next()?;
    let mut way = vec![line];
    for (at, (depth, line)) in lines.enumerate() {
        if depth != first + at + 1 {
            break;
        }
        way.push(line);
    }
    let short = |line: &str| line.split(" (").next().unwrap_or(line).to_owned();
    Some(way.into_iter().map(short).collect())
}

/// The depth of a line of `cargo tree --prefix depth`, and the rest of it.
fn node(line: &str) -> Option<(usize, &str)> {
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    Some((line[..digits].parse().ok()?, &line[digits..]))
}

/// Returns the tree of what cargo would build. Unlike `cargo metadata`, it takes the features of the named packages alone.
fn tree(what: &[&str]) -> String {
    let mut command = cargo();
    command.args(["tree", "--locked", "--prefix", "depth", "--format", "{p}"]).args(what);
    output(&mut command).expect("cargo tree")
}

#[test]
fn crates_use_only_what_lies_below_them() {
    let workspace = Workspace::read().expect("a workspace");
    assert_eq!(wrong_uses(&workspace.host()), Vec::<String>::new());
}

#[test]
fn crates_bring_nothing_that_they_must_be_free_of() {
    let workspace = Workspace::read().expect("a workspace");
    for (name, forbidden) in MUST_NOT_BRING {
        if !workspace.packages.iter().any(|package| package.name == name) {
            continue;
        }
        if let Some(way) = way_to(&tree(&["--package", name, "--edges", "normal"]), forbidden) {
            let dependency = way.last().map_or("", String::as_str);
            panic!("`{name}` must not bring `{dependency}`, and does: {}", way.join(" → "));
        }
    }
}

#[test]
fn arrow_ipc_never_unpacks() {
    let (package, features) = PACKED;
    let tree = tree(&["--workspace", "--all-features", "--edges", "features", "--invert", package]);
    for feature in features {
        if let Some(way) = who_asks(&tree, package, feature) {
            panic!("`{package}` must not have the feature `{feature}`; who asks for it: {}", way.join(" ← "));
        }
    }
}

mod tests {
    use std::path::PathBuf;

    use super::{way_to, who_asks, wrong_uses};
    use crate::workspace::{Dependency, Package};

    fn package(name: &str, dependencies: &[(&str, bool)]) -> Package {
        let dependency = |(name, is_dev): &(&str, bool)| Dependency { name: (*name).to_owned(), is_dev: *is_dev };
        let dependencies = dependencies.iter().map(dependency).collect();
        Package { name: name.to_owned(), dir: PathBuf::new(), roots: Vec::new(), dependencies }
    }

    #[test]
    fn a_crate_that_uses_what_lies_above_is_named() {
        let host = [
            package("smelt-common", &[("serde", false), ("smelt-engine", true)]),
            package("smelt-storage", &[("smelt-storage", true), ("smelt-common", false), ("smelt-engine", false)]),
            package("smelt-engine", &[("smelt-storage", false)]),
            package("smelt-new", &[]),
        ];
        let sentences = [
            "`smelt-common` uses `smelt-engine` for its tests, and may use none of the others",
            "`smelt-storage` uses `smelt-engine`, and may use smelt-common",
            "`smelt-new` is not in the table of xtask/src/directions.rs",
        ];
        assert_eq!(wrong_uses(&host.iter().collect::<Vec<_>>()), sentences);
    }

    #[test]
    fn the_way_to_what_is_forbidden_is_told() {
        let tree = "0smelt-engine v0.1.0 (/smelt)\n1serde v1.0.1\n2serde_core v1.0.1\n1smelt-storage v0.1.0 (/smelt)\n\
                    2bytes v1.12.0\n2aws-sdk-s3 v1.157.0\n3hyper v1.0.0";
        let way = way_to(tree, &["hyper", "aws-*"]).expect("it is forbidden");
        assert_eq!(way, ["smelt-engine", "smelt-storage", "aws-sdk-s3"]);
        assert_eq!(way_to(tree, &["tokio", "byte", "smelt-engine"]), None);
    }

    #[test]
    fn whoever_asks_for_a_feature_is_told() {
        let tree = "0arrow-ipc v60.1.0\n1smelt-formats v0.1.0 (/smelt)\n2smelt-formats feature \"default\" (command-line)\n\
                    1arrow-ipc feature \"lz4\"\n2smelt-formats feature \"parquet\" (command-line)\n\
                    3smelt v0.1.0 (/smelt)\n1arrow-ipc feature \"lz4_flex\"\n2arrow-ipc feature \"lz4\" (*)";
        let way = who_asks(tree, "arrow-ipc", "lz4").expect("it is asked for");
        assert_eq!(way, ["arrow-ipc feature \"lz4\"", "smelt-formats feature \"parquet\"", "smelt v0.1.0"]);
        assert_eq!(who_asks(tree, "arrow-ipc", "zstd"), None);
    }
}
