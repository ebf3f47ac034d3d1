//! Texts from files, components and people that try to become more than text.

use std::collections::BTreeMap;

use smelt_catalog::{Audit, Change, Despite, Entry, Failing, Failure, Fingerprint, Judgement, Shape, Verdict};

use crate::html::check;
use crate::support::{Server, TestLake, by, reading, shape};

const TEXTS: [&str; 12] = [
    "\"><script>alert(1)</script>",
    "' onmouseover='alert(1)' x='",
    "\" onfocus=\"alert(1)\" autofocus x=\"",
    "javascript:alert(1)",
    "<img src=x onerror=alert(1)>",
    "</title></style></script><script>alert(1)</script>",
    "--><svg/onload=alert(1)>",
    "\u{202e}<b>\u{2066}",
    "&lt;script&gt;&#60;script&#62;",
    "//evil.example/x",
    "<a href=javascript:alert(1)>a</a>",
    "a\\\"b'c`d${e}",
];

/// All of them in one.
fn all() -> String {
    TEXTS.concat()
}

/// A name of a table. The shell lets no slash within a name through.
fn table_name() -> String {
    all().replace(['/', '\\'], "∕")
}

/// Returns the text in quotes for TOML.
fn toml(text: &str) -> String {
    format!("{text:?}").replace("\\'", "'").replace("\\u{202e}", "\\u202e").replace("\\u{2066}", "\\u2066")
}

fn csv(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// A page with every kind of chart and filter, all of whose words are hostile.
fn page(table: &str, column: &str) -> String {
    let (all, column, table) = (toml(&all()), toml(column), toml(table));
    let mut text = format!("title = {all}\ntext = {}\n", toml(&markdown()));
    for (name, kind, more) in [
        ("s", "search", String::new()),
        ("c", "choice", format!("table = {table}\ncolumn = {column}\ndefault = {all}\n")),
        ("d", "dates", format!("table = {table}\ncolumn = \"day\"\n")),
        ("w", "switch", format!("options = [{{ name = {all}, table = {table} }}]\n")),
        ("t", "top", String::new()),
    ] {
        text += &format!("[[filter]]\nname = \"{name}\"\nkind = \"{kind}\"\nlabel = {all}\n{more}");
    }
    let numbers = "parts = [\"n\", \"n\", \"n\", \"n\", \"n\"]";
    for (kind, more) in [
        ("stat", "sum = \"n\"\ncompare = true\nspark = \"n\"".to_owned()),
        ("stat", format!("value = {column}\nnote = {column}\nchange = \"n\"")),
        ("line", format!("x = \"day\"\ny = \"n\"\nseries = {column}")),
        ("line", format!("x = {column}\ny = \"n\"\nfaint = \"n\"\nband = [\"n\", \"n\"]\nmarks = \"yes\"")),
        (
            "line",
            format!("x = {column}\ny = \"n\"\nthen = [{{ table = {table}, x = {column}, y = \"n\", name = {all} }}]"),
        ),
        ("bar", format!("x = {column}\ny = \"n\"\nchoose = \"c\"")),
        ("bar", format!("x = {column}\ny = \"n\"\nlayout = \"horizontal\"")),
        ("bar", format!("x = \"day\"\ny = \"n\"\nseries = {column}\nlayout = \"stacked\"")),
        ("share", format!("x = {column}\ny = \"n\"")),
        ("box", format!("x = {column}\n{numbers}")),
        ("histogram", "parts = [\"n\", \"n\", \"n\"]".to_owned()),
        ("heat", format!("x = {column}\nseries = {column}\ny = \"n\"")),
        ("funnel", "parts = [\"n\", \"n\"]".to_owned()),
        ("table", "choose = \"c\"".to_owned()),
        ("table", format!("where = {{ {column} = {all} }}")),
        ("table", format!("columns = {all}")),
    ] {
        let names = format!("names = {{ n = {all}, {column} = {all} }}");
        text += &format!("[[chart]]\nkind = \"{kind}\"\ntitle = {all}\nunit = {all}\ntable = \"{{w}}\"\n{more}\n");
        text += if kind == "text" { "" } else { &names };
        text += "\n";
    }
    text + &format!(
        "[[chart]]\nkind = \"text\"\ntext = {}\n[[chart]]\nkind = \"table\"\ntitle = \"none\"\ntable = {all}\n",
        toml(&markdown())
    )
}

/// Markdown that hides links and HTML.
fn markdown() -> String {
    let links = [
        "[a](javascript:alert(1))",
        "[a](JaVaScRiPt:alert(1))",
        "[a]( javascript:alert(1))",
        "[a](java\\\nscript:alert(1))",
        "[a](&#106;avascript:alert(1))",
        "[a](javascript&colon;alert(1))",
        "[a](data:text/html,x)",
        "[a](vbscript:x)",
        "[a](//evil.example)",
        "[a](/\\\\evil.example)",
        "[a](\\\\\\\\evil.example)",
        "<javascript:alert(1)>",
        "[a][b]\n\n[b]: javascript:alert(1)",
        "![a](javascript:alert(1))",
        "![\"onerror=\"alert(1)](x)",
        "[a](/x \"\\\" onclick=\\\"alert(1)\")",
        "```\" onclick=\"x\n<script>\n```",
        "# <h1 onclick=x>",
        "<div onclick=x>\n\n<script>alert(1)</script>\n",
        "<!-- --><script>alert(1)</script>",
        "a | b\n--|--\n<b> | [c](javascript:x)",
        "\u{0}<script>",
    ];
    links.join("\n\n").replace('\0', "\u{fffd}") + "\n\n" + &all()
}

async fn hostile_lake(lake: &TestLake) -> Server {
    let (name, column) = (table_name(), all());
    let columns = shape(&[(&column, "utf8?"), ("n", "int64?"), ("day", "date32"), ("yes", "boolean?")], &[0]);
    let line = |(at, text): (usize, &&str)| format!("{},{at},2024-01-{:02},true\n", csv(text), at + 1);
    let lines: String = TEXTS.iter().chain(&["\0nul", "\u{feff}", "\u{85}"]).enumerate().map(line).collect();
    let fingerprint = Fingerprint {
        plugin: name.clone(),
        version: name.clone(),
        contract: name.clone(),
        parameters: format!("{{{name:?}: 1}}"),
        host: name.clone(),
        component: name.clone(),
        ..by("p")
    };
    let silver = lake.file("silver/d.csv", &columns, &lines, smelt_formats::Formulas::Keep);
    let rules = || BTreeMap::from([(name.clone(), 1)]);
    let entry = Entry {
        rejected: rules(),
        repaired: rules(),
        read: silver.rows + 1,
        silver,
        sha256: name.clone(),
        ..Entry::some()
    };
    let mut dataset = lake.dataset_of("d", &columns, &[(name.clone(), entry)]);
    dataset.relation.fingerprint = fingerprint.clone();
    lake.commit_dataset(&name, dataset);
    let mut kept = reading(lake.kept("t", &columns, &lines), &[&name]);
    kept.relation.fingerprint = fingerprint.clone();
    let checks = shape(&[("expectation", "utf8"), ("passed", "boolean"), (&column, "utf8")], &[0]);
    let check = lake.kept("check", &checks, &format!("{},false,{}\n", csv(&name), csv(&name)));
    let failed = Verdict::Failed { expectation: name.clone(), row: vec![(name.clone(), name.clone())] };
    let despite = Despite { why: name.clone(), at: name.clone(), verdicts: vec![] };
    let judgement = Judgement { failed: vec![failed], despite: Some(despite), ..Judgement::default() };
    let failure = Failure { version: String::new(), attempts: 3, why: name.clone() };
    let failing = Failing { fingerprint, items: [(name.clone(), failure)].into() };
    lake.commit_tables([("t", kept.clone())]);
    lake.commit(&Change {
        gold: [("t".to_owned(), kept.clone()), (format!("{name}t"), kept), (format!("{name}check"), check)].into(),
        audit: Some(Audit {
            judgements: [(format!("{name}check"), judgement)].into(),
            is_held: true,
            ..Audit::default()
        }),
        failing: [(name.clone(), failing.clone())].into(),
        failing_kpis: [("t".to_owned(), failing)].into(),
        ..Change::new("aggregate")
    });
    lake.page("p", &page("t", &column));
    lake.page("d", &page(&name, &column));
    lake.page("nul", "title = \"a\\u0000b\"\nchart = []\n");
    lake.page("wrong", &format!("title = {}\nunknown = 1\n", toml(&name)));
    lake.serve().await
}

#[tokio::test]
async fn no_text_becomes_an_element_an_attribute_or_a_script() {
    let lake = TestLake::new();
    let server = hostile_lake(&lake).await;
    let (name, column, text) = (encoded(&table_name()), encoded(&all()), encoded(&TEXTS[0].replace('/', "∕")));
    let mut pages = vec![
        ("/", 200),
        ("/tables", 200),
        ("/quality", 200),
        ("/runs", 200),
        ("/runs/2", 200),
        ("/plugins", 200),
        ("/pages/p", 200),
        ("/pages/d", 200),
        ("/pages/wrong", 200),
        ("/pages/nul", 200),
        ("/none", 404),
        ("/tables/t", 200),
        ("/tables/t/history?from=1&to=2", 200),
    ]
    .into_iter()
    .map(|(target, status)| (target.to_owned(), status))
    .collect::<Vec<_>>();
    pages.extend([
        (format!("/tables/{name}"), 200),
        (format!("/tables/{name}/objects"), 200),
        (format!("/tables/{name}/history"), 200),
        (format!("/tables/{name}/row?{column}={text}"), 200),
        (format!("/tables/t/row?{column}={text}"), 200),
        (format!("/tables/{text}"), 404),
        (format!("/{text}"), 404),
        (format!("/pages/{text}"), 404),
        (format!("/pages/p/{text}.csv"), 404),
        (format!("/runs/{text}"), 404),
        (format!("/tables/t/{text}"), 404),
        (
            format!("/tables/t?q={name}&sort=-{column}&f.{column}={text}&from.{column}={text}&to.{column}={name}&page={text}"),
            200,
        ),
        (format!("/pages/p?s={name}&c={name}&d={name}&d_from={name}&w={name}&t={name}&x={name}"), 200),
        ("/pages/p?c=&d=all&s=".to_owned(), 200),
    ]);
    for (target, status) in &pages {
        let answer = server.get(target).await;
        // A page that takes long begins before it is known how it ends.
        assert!([200, *status].contains(&answer.status), "{target}: {}", answer.text());
        assert!(answer.head.contains("content-type: text/html; charset=utf-8"), "{target}: {}", answer.head);
        assert!(!answer.body.contains(&0), "{target}: a NUL, which browsers treat each in its own way");
        check(target, &answer.text());
    }
    let shown = server.get("/pages/p?c=&d=all&t=1000").await.text();
    assert!(shown.contains("&lt;img src=x onerror=alert(1)&gt;"), "the words are shown as words");
    assert!(!shown.contains("cannot be shown"), "every chart is drawn: {shown}");
}

#[tokio::test]
async fn no_name_adds_a_header_or_ends_one() {
    let lake = TestLake::new();
    let server = hostile_lake(&lake).await;
    for target in [
        format!("/tables/{}/rows.csv", encoded(&table_name())),
        "/tables/t/rows.json".to_owned(),
        "/pages/p/3.csv".to_owned(),
    ] {
        let answer = server.get(&target).await;
        assert_eq!(answer.status, 200, "{target}: {}", answer.text());
        let saved =
            answer.head.lines().find_map(|line| line.strip_prefix("content-disposition: attachment; filename="));
        let name = saved.and_then(|name| name.strip_prefix('"')).and_then(|name| name.strip_suffix('"'));
        let name = name.unwrap_or_else(|| panic!("no name of a file: {}", answer.head));
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        assert!(name.len() > 4 && name.bytes().all(is_plain), "{name}");
        assert!(answer.head.contains("x-content-type-options: nosniff"), "{}", answer.head);
    }
}

/// What a spreadsheet opens must not compute.
#[tokio::test]
async fn downloads_have_no_live_formulas() {
    let lake = TestLake::new();
    let texts: Shape = shape(&[("t", "utf8"), ("n", "int64")], &[]);
    lake.commit_tables([("t", lake.in_file("gold/t.csv", &texts, "=1+1,-1\n@x,2\n+y,3\n-z,4\n"))]);
    lake.page("p", "title = \"P\"\n[[chart]]\nkind = \"bar\"\ntitle = \"B\"\ntable = \"t\"\nx = \"t\"\ny = \"n\"\n");
    let server = lake.serve().await;
    for target in ["/tables/t/rows.csv", "/pages/p/1.csv"] {
        assert_eq!(server.get(target).await.text(), "t,n\n'=1+1,-1\n'@x,2\n'+y,3\n'-z,4\n", "{target}");
    }
    assert!(server.get("/tables/t/rows.json").await.text().contains("\"=1+1\""));
}
