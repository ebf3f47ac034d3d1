//! Exports of a small lake that the tests commit themselves.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use chrono::DateTime;
use sha2::{Digest as _, Sha256};
use smelt_catalog::{
    Audit, Catalog, Change, Failing, Failure, Fingerprint, Gold, Judgement, ObjectRef, Relation, Shape, Verdict,
};
use smelt_common::cost::Cost;
use smelt_common::error::{Kind, Result};
use smelt_server::charts::Locale;
use smelt_server::export::{ExportSettings, Exported, export};
use smelt_storage::{DirStore, Durability, Store as _};
use tempfile::TempDir;

const EVIL: &str = "<script>alert(1)</script>";
const REGIONS: [&str; 3] = ["north", "south", EVIL];

/// A lake and the pages of its pipeline.
struct Fixture(TempDir);

impl Fixture {
    fn empty() -> Self {
        let fixture = Self(tempfile::tempdir().expect("a temporary directory"));
        fs::create_dir(fixture.at("pages")).expect("a directory");
        fixture.page("sales", SALES);
        fixture.page("other", OTHER);
        fixture.page("broken", "title = \"Broken\"\n[[chart]]\nkind = \"pie\"\n");
        fixture
    }

    fn new() -> Self {
        let fixture = Self::empty();
        let rows = |days: u32| {
            let mut csv = "day,region,revenue,n\n".to_owned();
            for day in 1..=days {
                for (at, region) in REGIONS.iter().enumerate() {
                    csv += &format!("2026-01-{day:02},{region},{}.50,{}\n", day * 10 + at as u32, at + 1);
                }
            }
            csv
        };
        fixture.commit(|change| {
            change.gold.insert("daily".to_owned(), fixture.table("daily", &rows(28)));
            change.gold.insert("weekly".to_owned(), fixture.table("weekly", &rows(27)));
            change.gold.insert("unused".to_owned(), fixture.table("unused", &rows(1)));
            change.gold.insert(EVIL.to_owned(), fixture.table("evil", &rows(2)));
        });
        fixture
    }

    fn at(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn page(&self, name: &str, text: &str) {
        fs::write(self.at(&format!("pages/{name}.toml")), text).expect("a page");
    }

    fn store(&self) -> DirStore {
        DirStore::new(self.at("lake"))
    }

    fn table(&self, name: &str, csv: &str) -> Gold {
        let sha256: String = Sha256::digest(csv).iter().map(|byte| format!("{byte:02x}")).collect();
        let key = format!("gold/{name}-{}.csv", &sha256[..8]);
        self.store().put_if_absent(&key, csv.as_bytes(), Durability::Durable).expect("a put");
        let file = ObjectRef { key, sha256, bytes: csv.len() as u64, rows: csv.lines().count() as u64 - 1 };
        let columns = [("day", "date32"), ("region", "utf8"), ("revenue", "decimal128(18,2)"), ("n", "int64")];
        let columns = columns.map(|(name, kind)| (name.to_owned(), kind.to_owned())).to_vec();
        let shape = Shape { columns, key: vec![0, 1], own_order: true };
        Gold {
            relation: Relation::of_file(fingerprint(name), file).of_shape(shape),
            file: None,
            inputs: BTreeMap::new(),
            stages: vec![],
            saved: vec![],
            parts: vec![],
            commit: 0,
            cost: Cost::default(),
            micros: 0,
        }
    }

    fn commit(&self, change: impl FnOnce(&mut Change)) {
        let store = self.store();
        let mut made = Change::new("aggregate");
        change(&mut made);
        let at = DateTime::from_timestamp(1_767_225_600, 0).expect("a time");
        Catalog::load(&store).expect("a lake").commit(&made, at).expect("commits");
    }

    fn export_in(&self, to: &str, language: &str) -> Result<Exported> {
        let settings = ExportSettings {
            pipeline: "shop".to_owned(),
            pages: self.at("pages"),
            store: Box::new(self.store()),
            locale: Locale::of(language),
        };
        export(settings, &self.at(to))
    }

    fn export(&self, to: &str) -> Exported {
        self.export_in(to, "en").expect("an export")
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.at(path)).expect(path)
    }
}

fn fingerprint(plugin: &str) -> Fingerprint {
    Fingerprint {
        plugin: plugin.to_owned(),
        version: "1.0.0".to_owned(),
        component: "c0ffee00".to_owned(),
        contract: "0.1.0".to_owned(),
        parameters: format!("{{\"a\":\"{EVIL}\"}}"),
        host: String::new(),
        key: None,
        as_of: None,
    }
}

const SALES: &str = r##"
title = "Sales"
text = "See [the other page](/pages/other), [by week](/pages/sales?period=weekly), [more](https://example.org/) and [nothing](/pages/none)."
[[filter]]
name = "period"
kind = "switch"
options = [{ name = "daily", table = "daily" }, { name = "weekly", table = "weekly" }]
[[filter]]
name = "region"
kind = "choice"
table = "daily"
column = "region"
[[filter]]
name = "days"
kind = "dates"
table = "daily"
column = "day"
last = "7d"
[[chart]]
kind = "stat"
title = "Revenue"
table = "{period}"
sum = "revenue"
[[chart]]
kind = "line"
title = "Revenue by day"
table = "{period}"
x = "day"
y = "revenue"
[[chart]]
kind = "bar"
title = "Revenue by region"
table = "{period}"
x = "region"
y = "revenue"
choose = "region"
[[chart]]
kind = "table"
title = "Rows <b>"
table = "{period}"
"##;

const OTHER: &str = r##"
title = "Other <i>"
position = 1
[[filter]]
name = "day"
kind = "choice"
table = "daily"
column = "day"
[[filter]]
name = "find"
kind = "search"
[[chart]]
kind = "bar"
title = "By day"
table = "daily"
x = "day"
y = "revenue"
choose = "day"
[[chart]]
kind = "table"
title = "Of a strange table"
table = "<script>alert(1)</script>"
[[chart]]
kind = "table"
title = "Of no table"
table = "none"
"##;

/// Returns the values of the attributes of that name, unescaped.
fn values(html: &str, attribute: &str) -> Vec<String> {
    let start = format!(" {attribute}=\"");
    let parts = html.split(start.as_str()).skip(1);
    let value = |part: &str| part.split('"').next().unwrap_or_default().replace("&quot;", "\"").replace("&amp;", "&");
    parts.map(value).collect()
}

/// Returns all files below a directory, by path.
fn files(below: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![below.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(directory).expect("a directory").flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(below).expect("it is below").to_str().expect("UTF-8").to_owned();
                found.insert(name, fs::read(path).expect("a file"));
            }
        }
    }
    found
}

fn decoded(text: &str) -> String {
    let mut parts = text.split('%');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        plain.push(char::from(u8::from_str_radix(&part[..2], 16).expect("two digits")));
        plain += &part[2..];
    }
    plain
}

/// Checks that each link of the file leads to something that is there, and that no two elements have one id.
fn check_links(name: &str, files: &BTreeMap<String, Vec<u8>>) {
    let text = |name: &str| String::from_utf8(files[name].clone()).expect("UTF-8");
    let html = text(name);
    let ids = values(&html, "id");
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "{name} has an id twice");
    for label in ["aria-labelledby", "for"] {
        values(&html, label).iter().for_each(|id| assert!(ids.contains(id), "{name}: no {id}"));
    }
    let links = values(&html, "href").into_iter().chain(values(&html, "src"));
    for link in links.filter(|link| !link.starts_with("data:") && link != "https://example.org/") {
        let (path, id) = link.split_once('#').unwrap_or((&link, ""));
        assert!(!path.contains(['?', ':']) && !path.starts_with('/'), "{name}: {link}");
        let mut at: Vec<_> = name.split('/').map(ToOwned::to_owned).collect();
        if !path.is_empty() {
            at.pop();
            for segment in path.split('/') {
                match segment {
                    ".." => drop(at.pop().expect("it stays below")),
                    segment => at.push(decoded(segment)),
                }
            }
        }
        let to = at.join("/");
        assert!(files.contains_key(&to), "{name}: {link} leads to no file {to}");
        assert!(id.is_empty() || values(&text(&to), "id").iter().any(|known| known == id), "{name}: no {link}");
    }
}

#[test]
fn no_link_leads_nowhere() {
    let fixture = Fixture::new();
    let exported = fixture.export("site");
    let site = files(&fixture.at("site"));
    assert_eq!((exported.files, exported.commit), (site.len(), 1));
    assert_eq!(exported.bytes, site.values().map(|file| file.len() as u64).sum::<u64>());
    for name in ["index.html", "tables.html", "quality.html", "runs.html", "plugins.html", "pages/sales.html"] {
        assert!(site.contains_key(name), "{name}");
    }
    let pages: Vec<_> = site.keys().filter(|name| name.ends_with(".html")).collect();
    assert_eq!(pages.len(), 5 + 3 + 4);
    pages.iter().for_each(|name| check_links(name, &site));
    assert!(site.contains_key("tables/%3Cscript%3Ealert%281%29%3C%2Fscript%3E.html"));

    fixture.export("all.html");
    check_links("all.html", &[("all.html".to_owned(), fixture.read("all.html").into_bytes())].into());
}

#[test]
fn nothing_is_asked_of_a_server() {
    let fixture = Fixture::new();
    fixture.export("site");
    fixture.export("all.html");
    let mut all: Vec<_> = files(&fixture.at("site")).into_iter().filter(|(name, _)| name.ends_with(".html")).collect();
    all.push(("all.html".to_owned(), fixture.read("all.html").into_bytes()));
    for (name, html) in all {
        let html = String::from_utf8(html).expect("UTF-8");
        let html = html.replace("https://example.org/", "");
        for asks in
            ["http://", "https://", "<form", "<input", "<select", "data-events", "type=\"module\"", " ago", "_from"]
        {
            assert!(!html.contains(asks), "{name} has {asks}");
        }
    }
}

#[test]
fn the_same_commit_gives_the_same_bytes() {
    let fixture = Fixture::new();
    fixture.export("one");
    fixture.export("other");
    assert_eq!(files(&fixture.at("one")), files(&fixture.at("other")));
    fixture.export("one.html");
    fixture.export("other.html");
    assert!(fixture.read("one.html") == fixture.read("other.html"));
    fixture.export_in("german.html", "de").expect("an export");
    assert!(fixture.read("german.html").contains("<html lang=\"de\">"));
    assert!(fixture.read("german.html").contains("1. Jan. 2026") && fixture.read("one.html").contains("Jan 1, 2026"));
}

#[test]
fn the_policy_lets_only_the_style_and_the_script_of_the_file_pass() {
    let fixture = Fixture::new();
    fixture.export("all.html");
    let html = fixture.read("all.html");
    let policy = values(&html, "content").into_iter().find(|content| content.starts_with("default-src")).expect("one");
    let within = |open: &str, close: &str| {
        let (_, rest) = html.split_once(open).expect(open);
        rest.split_once(close).expect(close).0.to_owned()
    };
    let source = |text: &str| format!("'sha256-{}'", base64(&Sha256::digest(text)));
    assert_eq!(
        policy,
        format!(
            "default-src 'none'; script-src {}; style-src {}; img-src data:; base-uri 'none'; form-action 'none'",
            source(&within("<script>", "</script>")),
            source(&within("<style>", "</style>"))
        )
    );
    assert_eq!(html.matches("<script>").count(), 1);
    assert_eq!(html.matches("<script").count(), 1 + html.matches("<script type=\"application/json\">").count());
    assert!(!html.contains(" style=") && !html.contains(" onclick=") && !html.contains("javascript:"));
}

fn base64(bytes: &[u8]) -> String {
    let letters: Vec<char> = ('A'..='Z').chain('a'..='z').chain('0'..='9').chain(['+', '/']).collect();
    let bits: String = bytes.iter().map(|byte| format!("{byte:08b}")).collect();
    let six = |at: usize| usize::from_str_radix(&format!("{:0<6}", &bits[at..bits.len().min(at + 6)]), 2);
    let mut text: String = (0..bits.len()).step_by(6).map(|at| letters[six(at).expect("bits")]).collect();
    text += &"=".repeat((4 - text.len() % 4) % 4);
    text
}

#[test]
fn names_and_values_stay_text() {
    let fixture = Fixture::new();
    fixture.export("site");
    fixture.export("all.html");
    let pages = files(&fixture.at("site"));
    let pages = pages.into_iter().filter(|(name, _)| name.ends_with(".html")).map(|(_, html)| html);
    for html in pages.chain([fixture.read("all.html").into_bytes()]) {
        let html = String::from_utf8(html).expect("UTF-8");
        assert!(!html.contains("<script>alert") && !html.contains("</script>alert") && !html.contains("<b>\""));
        assert!(!html.contains("Other <i>") && !html.contains("Rows <b>"));
    }
    let csv = fixture.read("site/tables/daily.csv");
    assert_eq!(csv.lines().count(), 1 + 28 * 3);
    assert!(csv.contains(EVIL), "a file of rows is no page");
}

#[test]
fn few_choices_have_a_view_each_and_many_have_words() {
    let fixture = Fixture::new();
    fixture.export("all.html");
    let html = fixture.read("all.html");
    let views = |page: &str| {
        values(&html, "id").iter().filter(|id| id.starts_with(page) && id.matches('/').count() == 2).count()
    };
    assert_eq!(html.matches("class=\"view\"").count(), 2 * 4, "two periods, and three regions or all");
    assert!(html.contains("id=\"pages/sales/view-8\"") && html.contains("href=\"#pages/sales/view-8\""));
    let by_week = html.split("by week").next().and_then(|text| text.rsplit_once("<a ")).expect("a link").1;
    assert!(by_week.starts_with("href=\"#pages/sales/view-"), "{by_week}");
    assert_ne!(by_week, "href=\"#pages/sales/view-1\">");
    assert!(html.contains("7 days: Jan 22, 2026 – Jan 28, 2026"));
    assert!(views("pages/other/view") == 0, "28 days are too many");
    assert!(html.contains("<a>nothing</a>"), "a link to no page is its words");
}

#[test]
fn one_file_has_the_tables_that_pages_show() {
    let fixture = Fixture::new();
    let exported = fixture.export("all.html");
    assert_eq!(exported.tables, [EVIL, "daily", "weekly"]);
    let html = fixture.read("all.html");
    assert!(html.contains("id=\"tables/daily/proof\"") && !html.contains("id=\"tables/unused\""));
    assert!(html.contains("href=\"data:text/csv;charset=utf-8;base64,"));
    assert_eq!(exported.wrong.len(), 1);
    assert!(exported.wrong[0].contains("broken.toml") && html.contains("This page cannot be shown"));
}

#[test]
fn a_file_has_short_downloads_and_says_who_has_the_long_ones() {
    let fixture = Fixture::new();
    let rows: String = (0..9_000).map(|at| format!("2026-01-01,r{at:05},1.00,{at}\n")).collect();
    let csv = format!("day,region,revenue,n\n{rows}");
    assert!(csv.len() > 200_000);
    fixture.commit(|change| drop(change.gold.insert("large".to_owned(), fixture.table("large", &csv))));
    let page = "title = \"Large\"\n[[chart]]\nkind = \"table\"\ntitle = \"All\"\ntable = \"large\"\n";
    fixture.page("large", page);
    fixture.export("all.html");
    let html = fixture.read("all.html");
    assert_eq!(html.matches(": the server has it").count(), 1);
    assert!(html.contains("download=\"sales-2.csv\"") && !html.contains("download=\"large-1.csv\""));
    fixture.export("site");
    assert!(fixture.read("site/pages/large.html").contains("href=\"../pages/large/1.csv\" download=\"large-1.csv\""));
    assert_eq!(fixture.read("site/pages/large/1.csv").lines().count(), 9_001);
}

#[test]
fn what_is_no_former_export_is_refused() {
    let fixture = Fixture::new();
    let refused = |to: &str| {
        let error = fixture.export_in(to, "en").expect_err(to);
        assert_eq!(error.kind(), Kind::InvalidConfig, "{error}");
        error.to_string()
    };
    fs::create_dir(fixture.at("mine")).expect("a directory");
    fs::write(fixture.at("mine/thesis.txt"), "years of work").expect("a file");
    assert!(refused("mine").contains("has files and is no former export; name a new or empty directory"));
    fs::write(fixture.at("mine.html"), "<p>years of work").expect("a file");
    assert!(refused("mine.html").contains("is a file that is no former export"));
    assert_eq!(
        (fixture.read("mine/thesis.txt"), fixture.read("mine.html")),
        ("years of work".into(), "<p>years of work".into())
    );
    let left: Vec<_> =
        fs::read_dir(fixture.0.path()).expect("a directory").flatten().map(|it| it.file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().starts_with(".smelt")), "{left:?}");
}

#[test]
fn a_former_export_is_replaced_as_a_whole() {
    let fixture = Fixture::new();
    fs::create_dir(fixture.at("site")).expect("an empty directory");
    fixture.export("site");
    fs::write(fixture.at("site/tables/gone.html"), "of a table that left").expect("a file");
    fixture.export("site");
    assert!(!fixture.at("site/tables/gone.html").exists() && fixture.at("site/index.html").exists());
    fixture.export("all.html");
    fixture.export("all.html");
    let left: Vec<_> =
        fs::read_dir(fixture.0.path()).expect("a directory").flatten().map(|it| it.file_name()).collect();
    assert_eq!(left.len(), 4, "{left:?}");
}

#[test]
fn an_empty_lake_is_shown_as_one() {
    let fixture = Fixture::empty();
    assert_eq!(fixture.export("site").commit, 0);
    fixture.export("all.html");
    let site = files(&fixture.at("site"));
    site.keys().filter(|name| name.ends_with(".html")).for_each(|name| check_links(name, &site));
    for html in [fixture.read("site/index.html"), fixture.read("all.html")] {
        assert!(html.contains("The lake has no commit yet"));
    }
}

#[test]
fn held_and_failing_tables_say_so() {
    let fixture = Fixture::new();
    fixture.commit(|change| {
        let csv = "day,region,revenue,n\n2026-02-01,north,1.00,1\n";
        change.gold.insert("daily".to_owned(), fixture.table("daily", csv));
        change.gold.insert("check".to_owned(), fixture.table("check", csv));
        let failed = vec![Verdict::Missing { why: "it failed".to_owned() }];
        let judgement = Judgement { failed, ..Judgement::default() };
        change.audit = Some(Audit {
            judgements: [("check".to_owned(), judgement)].into(),
            is_held: true,
            published: BTreeMap::new(),
        });
        let failure = Failure { version: String::new(), attempts: 3, why: EVIL.to_owned() };
        let failing = Failing { fingerprint: fingerprint("weekly"), items: [("weekly".to_owned(), failure)].into() };
        change.failing_kpis.insert("weekly".to_owned(), failing);
    });
    let exported = fixture.export("all.html");
    fixture.export("site");
    let html = fixture.read("all.html");
    assert_eq!(exported.commit, 2);
    assert!(
        html.contains("A check holds newer rows back") && html.contains("Jan 28, 2026"),
        "readers see the former rows"
    );
    assert!(html.contains("3 attempts to make it again failed") && !html.contains("<script>alert"));
    assert!(fixture.read("site/index.html").contains("A check holds newer tables back"));
    let site = files(&fixture.at("site"));
    site.keys().filter(|name| name.ends_with(".html")).for_each(|name| check_links(name, &site));
}
