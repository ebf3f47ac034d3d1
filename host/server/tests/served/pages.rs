//! Pages: files that are wrong, tables that are missing, and filters.

use std::path::Path;

use smelt_catalog::{Audit, Change, Judgement};
use smelt_server::pages::Folder;

use crate::support::{Server, TestLake, rows_of, shape};

/// Page files that are wrong, and what their messages must say: of what, and what would be right.
const WRONG: &[(&str, &[&str])] = &[
    ("", &["missing", "`title`"]),
    ("title = 1\nchart = []", &["title = 1", "expected a text"]),
    ("title = \"T\"", &["missing", "`chart`"]),
    ("title = ", &["title = ", "line 1"]),
    ("title = \"T\"\ntitle = \"U\"\nchart = []", &["title", "duplicate"]),
    ("title = \"T\"\ncharts = []", &["unknown", "`charts`", "`chart`"]),
    ("title = \"T\"\n[chart]\nkind = \"bar\"", &["chart", "`[[chart]]`"]),
    ("title = \"T\"\n[filter]\nname = \"a\"\n[[chart]]\nkind = \"bar\"", &["filter", "`[[filter]]`"]),
    ("title = \"T\"\nposition = \"first\"\nchart = []", &["position", "expected a whole number"]),
    ("title = \"T\"\nchart = []\n[[filter]]\nkind = \"top\"", &["filter", "missing", "`name`"]),
    (
        "title = \"T\"\nchart = []\n[[filter]]\nname = \"Top N\"\nkind = \"top\"",
        &["filter `Top N`", "lower-case letters"],
    ),
    (
        "title = \"T\"\nchart = []\n[[filter]]\nname = \"a\"\nkind = \"date\"",
        &["`date`", "`dates`", "`choice`", "`switch`", "`search`", "`top`"],
    ),
    ("title = \"T\"\nchart = []\n[[filter]]\nname = \"a\"\nkind = \"top\"\ncolum = \"x\"", &["`colum`", "`column`"]),
    (
        "title = \"T\"\nchart = []\n[[filter]]\nname = \"a\"\nkind = \"top\"\n[[filter]]\nname = \"a\"\nkind = \"search\"",
        &["two filters `a`", "name of its own"],
    ),
    (
        "title = \"T\"\nchart = []\n[[filter]]\nname = \"a\"\nkind = \"dates\"\ntable = \"t\"",
        &["filter `a`", "kind dates needs `column`"],
    ),
    (
        "title = \"T\"\nchart = []\n[[filter]]\nname = \"a\"\nkind = \"choice\"\ncolumn = \"t\"",
        &["filter `a`", "kind choice needs `table`"],
    ),
    (
        "title = \"T\"\nchart = []\n[[filter]]\nname = \"a\"\nkind = \"search\"\ncolumn = \"t\"",
        &["filter `a`", "`column` belongs to filters of kind dates, choice", "search"],
    ),
    (
        "title = \"T\"\nchart = []\n[[filter]]\nname = \"a\"\nkind = \"search\"\nrequired = true",
        &["filter `a`", "`required` belongs to filters of kind choice"],
    ),
    (
        "title = \"T\"\nchart = []\n[[filter]]\nname = \"a\"\nkind = \"switch\"",
        &["filter `a`", "kind switch needs `options`"],
    ),
    (
        "title = \"T\"\nchart = []\n[[filter]]\nname = \"a\"\nkind = \"switch\"\noptions = [{ name = \"x\" }]",
        &["options", "missing", "`table`"],
    ),
    (
        "title = \"T\"\nchart = []\n[[filter]]\nname = \"a\"\nkind = \"switch\"\ndefault = \"z\"\noptions = [{ name = \"x\", table = \"t\" }]",
        &["filter `a`", "default = \"z\"", "one of the options: x"],
    ),
    (
        "title = \"T\"\nchart = []\n[[filter]]\nname = \"a\"\nkind = \"switch\"\noptions = [{ name = \"x\", table = \"t\" }, { name = \"x\", table = \"u\" }]",
        &["filter `a`", "two options `x`"],
    ),
    (
        "title = \"T\"\nchart = []\n[[filter]]\nname = \"a\"\nkind = \"dates\"\ntable = \"t\"\ncolumn = \"c\"\nlast = \"30\"",
        &["filter `a`", "last = \"30\"", "`30d`"],
    ),
    (
        "title = \"T\"\nchart = []\n[[filter]]\nname = \"a\"\nkind = \"dates\"\ntable = \"t\"\ncolumn = \"c\"\nlast = 30",
        &["last = 30", "expected a text"],
    ),
    (
        "title = \"T\"\nchart = []\n[[filter]]\nname = \"a\"\nkind = \"dates\"\ntable = \"t\"\ncolumn = \"c\"\nuntil = \"as_of\"",
        &["filter `a`", "until = \"as_of\"", "`summary.as_of`"],
    ),
    (
        "title = \"T\"\nchart = []\n[[filter]]\nname = \"a\"\nkind = \"dates\"\ntable = \"t\"\ncolumn = \"c\"\n[[filter]]\nname = \"a_to\"\nkind = \"search\"",
        &["filter `a_to`", "filter `a`", "another name"],
    ),
    (
        "title = \"T\"\nchart = []\n[[filter]]\nname = \"a\"\nkind = \"top\"\nrows = 0",
        &["filter `a`", "rows = 0", "1 to 1000"],
    ),
    ("title = \"T\"\n[[chart]]\ntitle = \"C\"", &["chart", "missing", "`kind`"]),
    ("title = \"T\"\n[[chart]]\nkind = \"pie\"", &["`pie`", "`share`", "`bar`"]),
    ("title = \"T\"\n[[chart]]\nkind = \"Bar\"", &["`Bar`", "`bar`"]),
    ("title = \"T\"\n[[chart]]\nkind = \"bar\"\ntabel = \"t\"", &["`tabel`", "`table`"]),
    (
        "title = \"T\"\n[[chart]]\nkind = \"bar\"\ntable = \"t\"\nx = \"a\"\ny = \"b\"",
        &["chart 1", "kind bar needs `title`"],
    ),
    (
        "title = \"T\"\n[[chart]]\nkind = \"bar\"\ntitle = \"C\"\nx = \"a\"\ny = \"b\"",
        &["chart 1 (`C`)", "needs `table`"],
    ),
    (
        "title = \"T\"\n[[chart]]\nkind = \"line\"\ntitle = \"C\"\ntable = \"t\"\ny = \"b\"",
        &["chart 1 (`C`)", "kind line needs `x`"],
    ),
    (
        "title = \"T\"\n[[chart]]\nkind = \"line\"\ntitle = \"C\"\ntable = \"t\"\nx = \"b\"",
        &["chart 1 (`C`)", "needs `y`"],
    ),
    (
        "title = \"T\"\n[[chart]]\nkind = \"line\"\ntitle = \"C\"\ntable = \"t\"\nx = \"b\"\ny = 3",
        &["y = 3", "a name or a list of names"],
    ),
    (
        "title = \"T\"\n[[chart]]\nkind = \"line\"\ntitle = \"C\"\ntable = \"t\"\nx = [\"b\"]\ny = \"c\"",
        &["x = [\"b\"]", "expected a text"],
    ),
    (
        "title = \"T\"\n[[chart]]\nkind = \"stat\"\ntitle = \"C\"\ntable = \"t\"",
        &["chart 1 (`C`)", "one of `value`, `sum` and `ratio`"],
    ),
    (
        "title = \"T\"\n[[chart]]\nkind = \"stat\"\ntitle = \"C\"\ntable = \"t\"\nsum = \"a\"\nvalue = \"b\"",
        &["chart 1 (`C`)", "one of `value`, `sum` and `ratio`"],
    ),
    (
        "title = \"T\"\n[[chart]]\nkind = \"stat\"\ntitle = \"C\"\ntable = \"t\"\nratio = \"a\"",
        &["chart 1 (`C`)", "ratio: expected 2 columns, found 1"],
    ),
    (
        "title = \"T\"\n[[chart]]\nkind = \"stat\"\ntitle = \"C\"\ntable = \"t\"\nsum = \"a\"\ncompare = true",
        &["chart 1 (`C`)", "compare = true", "filter of kind dates"],
    ),
    (
        "title = \"T\"\n[[chart]]\nkind = \"stat\"\ntitle = \"C\"\ntable = \"t\"\nvalue = \"a\"\ncompare = \"yes\"",
        &["compare", "expected true or false"],
    ),
    (
        "title = \"T\"\n[[chart]]\nkind = \"box\"\ntitle = \"C\"\ntable = \"t\"\nparts = [\"a\", \"b\"]",
        &["chart 1 (`C`)", "parts: expected 5 columns, found 2"],
    ),
    (
        "title = \"T\"\n[[chart]]\nkind = \"histogram\"\ntitle = \"C\"\ntable = \"t\"\nparts = \"a\"",
        &["chart 1 (`C`)", "parts: expected 3 columns, found 1"],
    ),
    (
        "title = \"T\"\n[[chart]]\nkind = \"share\"\ntitle = \"C\"\ntable = \"t\"\nx = \"a\"\ny = [\"a\", \"b\"]",
        &["chart 1 (`C`)", "y: expected 1 column, found 2"],
    ),
    (
        "title = \"T\"\n[[chart]]\nkind = \"heat\"\ntitle = \"C\"\ntable = \"t\"\nx = \"a\"\ny = \"b\"",
        &["chart 1 (`C`)", "kind heat needs `series`"],
    ),
    (
        "title = \"T\"\n[[chart]]\nkind = \"line\"\ntitle = \"C\"\ntable = \"t\"\nx = \"a\"\ny = [\"b\", \"c\"]\nseries = \"d\"",
        &["chart 1 (`C`)", "y (with `series`): expected 1 column, found 2"],
    ),
    (
        "title = \"T\"\n[[chart]]\nkind = \"line\"\ntitle = \"C\"\ntable = \"t\"\nx = \"a\"\ny = \"b\"\nband = \"c\"",
        &["chart 1 (`C`)", "band: expected 2 columns, found 1"],
    ),
    (
        "title = \"T\"\n[[chart]]\nkind = \"line\"\ntitle = \"C\"\ntable = \"t\"\nx = \"a\"\ny = \"b\"\nlayout = \"stacked\"",
        &["chart 1 (`C`)", "`layout` belongs to charts of kind bar", "line"],
    ),
    (
        "title = \"T\"\n[[chart]]\nkind = \"line\"\ntitle = \"C\"\ntable = \"t\"\nx = \"a\"\ny = \"b\"\nthen = [{ table = \"t\", x = \"a\" }]",
        &["then", "missing", "`y`"],
    ),
    (
        "title = \"T\"\n[[chart]]\nkind = \"bar\"\ntitle = \"C\"\ntable = \"t\"\nx = \"a\"\ny = \"b\"\nlayout = \"diagonal\"",
        &["`diagonal`", "`grouped`, `stacked`, `horizontal`"],
    ),
    (
        "title = \"T\"\n[[chart]]\nkind = \"bar\"\ntitle = \"C\"\ntable = \"t\"\nx = \"a\"\ny = \"b\"\nlimit = 0",
        &["chart 1 (`C`)", "limit = 0", "1 to 10000"],
    ),
    (
        "title = \"T\"\n[[chart]]\nkind = \"bar\"\ntitle = \"C\"\ntable = \"t\"\nx = \"a\"\ny = \"b\"\nlimit = 10001",
        &["chart 1 (`C`)", "limit = 10001", "1 to 10000"],
    ),
    (
        "title = \"T\"\n[[chart]]\nkind = \"bar\"\ntitle = \"C\"\ntable = \"t\"\nx = \"a\"\ny = \"b\"\nlimit = -1",
        &["limit = -1", "whole number that is not negative"],
    ),
    (
        "title = \"T\"\n[[chart]]\nkind = \"bar\"\ntitle = \"C\"\ntable = \"t\"\nx = \"a\"\ny = \"b\"\nlimit = \"ten\"",
        &["limit = \"ten\"", "expected a whole number"],
    ),
    (
        "title = \"T\"\n[[chart]]\nkind = \"bar\"\ntitle = \"C\"\ntable = \"t\"\nx = \"a\"\ny = \"b\"\ntop = true",
        &["chart 1 (`C`)", "top = true", "no filter of kind top"],
    ),
    (
        "title = \"T\"\n[[chart]]\nkind = \"bar\"\ntitle = \"C\"\ntable = \"t\"\nx = \"a\"\ny = \"b\"\nchoose = \"f\"",
        &["chart 1 (`C`)", "choose = \"f\"", "no filter `f` of kind choice"],
    ),
    (
        "title = \"T\"\n[[chart]]\nkind = \"bar\"\ntitle = \"C\"\ntable = \"{f}\"\nx = \"a\"\ny = \"b\"",
        &["chart 1 (`C`)", "table = \"{f}\"", "no filter `f` of kind switch"],
    ),
    (
        "title = \"T\"\n[[chart]]\nkind = \"bar\"\ntitle = \"C\"\ntable = \"t\"\nx = \"a\"\ny = \"b\"\nwhere = { a = 1.5 }",
        &["where", "expected a text, a whole number, true, false, or a list of these"],
    ),
    (
        "title = \"T\"\n[[chart]]\nkind = \"bar\"\ntitle = \"C\"\ntable = \"t\"\nx = \"a\"\ny = \"b\"\nwhere = { a = 2024-01-01 }",
        &["where", "expected a text, a whole number, true, false, or a list of these"],
    ),
    (
        "title = \"T\"\n[[chart]]\nkind = \"bar\"\ntitle = \"C\"\ntable = \"t\"\nx = \"a\"\ny = \"b\"\nwhere = \"a = 1\"",
        &["where = \"a = 1\"", "expected"],
    ),
    (
        "title = \"T\"\n[[chart]]\nkind = \"bar\"\ntitle = \"C\"\ntable = \"t\"\nx = \"a\"\ny = \"b\"\nformat = { b = \"euro\" }",
        &["`euro`", "`percent`, `money`, `integer`, `number`"],
    ),
    (
        "title = \"T\"\n[[chart]]\nkind = \"bar\"\ntitle = \"C\"\ntable = \"t\"\nx = \"a\"\ny = \"b\"\nwidth = \"huge\"",
        &["`huge`", "`full`, `half`, `third`, `quarter`"],
    ),
    (
        "title = \"T\"\n[[chart]]\nkind = \"text\"\ntext = \"x\"\n[[chart]]\nkind = \"text\"",
        &["chart 2", "kind text needs `text`"],
    ),
    (
        "title = \"T\"\n[[chart]]\nkind = \"text\"\ntext = \"x\"\ntable = \"t\"",
        &["chart 1", "`table` belongs to charts of kind", "text"],
    ),
    (
        "title = \"T\"\n[[chart]]\nkind = \"table\"\ntitle = \"C\"\ntable = \"t\"\ny = \"b\"",
        &["chart 1 (`C`)", "`y` belongs to charts of kind line, bar, share, heat"],
    ),
];

fn pages(folder: &Path) -> Vec<String> {
    let (pages, _) = Folder::at(folder).pages();
    pages.iter().map(|page| page.section.as_ref().err().map_or_else(String::new, ToString::to_string)).collect()
}

#[test]
fn every_mistake_in_a_page_is_told_with_its_place_and_what_would_be_right() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("wrong.toml");
    let mut unclear = Vec::new();
    for (text, needed) in WRONG {
        std::fs::write(&file, text).expect("a file");
        let said = pages(folder.path()).remove(0);
        let is_clear =
            said.starts_with("page `") && said.contains("wrong.toml") && needed.iter().all(|it| said.contains(it));
        if !is_clear {
            unclear.push(format!("{text}\nsaid: {said}\nneeded: {needed:?}\n"));
        }
    }
    assert!(unclear.is_empty(), "{}", unclear.join("\n"));
}

#[test]
fn files_that_are_no_text_or_have_no_address_are_told_by_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).expect("a file");
    write("latin.toml", b"title = \"\xe9\"");
    write("My Page.toml", b"title = \"T\"\nchart = []");
    write("note.txt", b"no page");
    std::fs::create_dir(folder.path().join("folder.toml")).expect("a folder");
    let said = pages(folder.path());
    assert_eq!(said.len(), 3, "{said:?}");
    for (name, why) in [("latin.toml", "UTF-8"), ("My Page.toml", "lower-case letters"), ("folder.toml", "")] {
        assert!(said.iter().any(|said| said.contains(name) && said.contains(why)), "{name}: {said:?}");
    }
}

fn chart(kind: &str, title: &str, table: &str, more: &str) -> String {
    format!("[[chart]]\nkind = \"{kind}\"\ntitle = \"{title}\"\ntable = \"{table}\"\n{more}\n")
}

/// A lake with sales by day and client.
async fn shop(lake: &TestLake) -> Server {
    let sales = shape(&[("day", "date32"), ("client", "utf8"), ("amount", "int64"), ("paid", "boolean")], &[0, 1]);
    let day = |day: u32| format!("2024-01-{day:02},{},{day},true\n", ["anna", "bert"][day as usize % 2]);
    let lines: String = (1..=28).map(day).collect();
    let when = shape(&[("as_of", "date32")], &[]);
    lake.commit_tables([
        ("sales", lake.kept("sales", &sales, &lines)),
        ("summary", lake.in_file("gold/summary.csv", &when, "2024-01-10\n")),
    ]);
    lake.serve().await
}

#[tokio::test]
async fn a_chart_that_cannot_be_drawn_says_why_and_the_others_are_drawn() {
    let lake = TestLake::new();
    let server = shop(&lake).await;
    let bars = "x = \"client\"\ny = \"amount\"";
    lake.page(
        "p",
        &["title = \"P\"\n".to_owned()]
            .into_iter()
            .chain([
                chart("bar", "none", "sails", bars),
                chart("bar", "column", "sales", "x = \"client\"\ny = \"amuont\""),
                chart("bar", "where", "sales", "x = \"client\"\ny = \"amount\"\nwhere = { cleint = 1 }"),
                chart("bar", "sort", "sales", "x = \"client\"\ny = \"amount\"\nsort = \"-day_\""),
                chart("stat", "spark", "sales", "sum = \"amount\"\nspark = \"sales_.amount\""),
                chart(
                    "line",
                    "then",
                    "sales",
                    "x = \"day\"\ny = \"amount\"\nthen = [{ table = \"forecast\", x = \"day\", y = \"a\" }]",
                ),
                chart("table", "right", "sales", ""),
            ])
            .collect::<String>(),
    );
    let page = server.get("/pages/p").await;
    let text = page.text();
    assert_eq!(page.status, 200);
    for why in [
        "there is no dataset or table `sails`; there are sales, summary",
        "`sales` has no column `amuont`; it has day, client, amount, paid",
        "`sales` has no column `cleint`",
        "`sales` has no column `day_`",
        "no dataset or table `sales_`",
        "no dataset or table `forecast`",
    ] {
        assert!(text.contains(why), "{why}: {text}");
    }
    assert_eq!(text.matches("where from</a>").count(), 28, "the last chart has its rows");
}

#[tokio::test]
async fn all_is_all_where_a_choice_has_a_default() {
    let lake = TestLake::new();
    let server = shop(&lake).await;
    let filter =
        "[[filter]]\nname = \"who\"\nkind = \"choice\"\ntable = \"sales\"\ncolumn = \"client\"\ndefault = \"anna\"\n";
    lake.page("p", &format!("title = \"P\"\n{filter}{}", chart("table", "T", "sales", "")));
    let rows = |page: &str| page.matches("where from</a>").count();
    assert_eq!(rows(&server.get("/pages/p").await.text()), 14);
    let all = server.get("/pages/p?who=").await.text();
    assert_eq!(rows(&all), 28);
    let csv = all.split('"').find(|part| part.contains("/pages/p/1.csv")).expect("a link").replace("&amp;", "&");
    assert_eq!(server.get(&csv).await.text().lines().count(), 1 + 28, "{csv} has the rows that are shown");
}

#[tokio::test]
async fn days_end_where_the_page_says_and_days_that_are_chosen_are_kept_by_links() {
    let lake = TestLake::new();
    let server = shop(&lake).await;
    let filter = "[[filter]]\nname = \"when\"\nkind = \"dates\"\ntable = \"sales\"\ncolumn = \"day\"\nlast = \"7d\"\nuntil = \"summary.as_of\"\n";
    lake.page("p", &format!("title = \"P\"\n{filter}{}", chart("table", "T", "sales", "sort = \"-day\"")));
    let days = async |query: &str| {
        let csv = server.get(&format!("/pages/p/1.csv{query}")).await.text();
        let days: Vec<String> = csv.lines().skip(1).map(|line| line[8..10].to_owned()).collect();
        (days.len(), days.last().cloned().unwrap_or_default(), days.first().cloned().unwrap_or_default())
    };
    let expected = |count: usize, first: &str, last: &str| (count, first.to_owned(), last.to_owned());
    assert_eq!(days("").await, expected(7, "04", "10"));
    assert_eq!(days("?when=30d").await, expected(10, "01", "10"));
    assert_eq!(days("?when=all").await, expected(28, "01", "28"));
    assert_eq!(days("?when=nonsense").await, expected(7, "04", "10"));
    assert_eq!(days("?when_from=2024-01-20").await, expected(9, "20", "28"));
    assert_eq!(days("?when_from=2024-01-03&when_to=2024-01-05&when=all").await, expected(3, "03", "05"));
    assert_eq!(days("?when_from=2024-01-05&when_to=2024-01-03").await, expected(0, "", ""));
    assert_eq!(days("?when_from=2024-13-41").await, expected(7, "04", "10"));
    let page = server.get("/pages/p?when_from=2024-01-03&when_to=2024-01-05").await.text();
    let csv = page.split('"').find(|part| part.contains("/pages/p/1.csv")).expect("a link").replace("&amp;", "&");
    assert_eq!(server.get(&csv).await.text().lines().count(), 1 + 3);
    let table = page.split('"').find(|part| part.starts_with("/tables/sales?")).expect("a link").replace("&amp;", "&");
    assert!(server.get(&table).await.text().contains("3 of 28 rows"), "{table}");
}

#[tokio::test]
async fn what_is_left_out_is_said_and_is_in_the_csv() {
    let lake = TestLake::new();
    let many = shape(&[("n", "int64"), ("group", "utf8"), ("late", "int64?")], &[0]);
    let late = |row: u32| if row < 11_990 { String::new() } else { row.to_string() };
    let lines: String = (0..12_000).map(|row| format!("{row},g{:03},{}\n", row % 40, late(row))).collect();
    lake.commit_tables([("many", lake.kept("many", &many, &lines))]);
    let series = "x = \"n\"\ny = \"n\"\nseries = \"group\"\nlimit = 400";
    lake.page(
        "p",
        &["title = \"P\"\n".to_owned()]
            .into_iter()
            .chain([
                chart("table", "all", "many", ""),
                chart("table", "some", "many", "limit = 500"),
                chart("bar", "few", "many", "x = \"group\"\ny = \"n\"\nlimit = 5"),
                chart("bar", "series", "many", series),
                chart("stat", "spark", "many", "sum = \"n\"\nspark = \"late\""),
            ])
            .collect::<String>(),
    );
    let server = lake.serve().await;
    let page = server.get("/pages/p").await.text();
    let csv = async |chart: u32| server.get(&format!("/pages/p/{chart}.csv")).await.text().lines().count() - 1;
    assert!(page.contains("The first 200 of 12000 rows are shown; the CSV has all"), "{page}");
    assert!(page.contains("The first 200 of 500 rows are shown; the CSV has all"), "a limit that is not kept is said");
    assert!(page.contains("24 of 40 series"), "series that are not drawn are said");
    assert_eq!((csv(1).await, csv(2).await, csv(3).await, csv(4).await), (12_000, 500, 5, 400));
    assert!(page.contains("class=\"line c0\""), "the small course is that of the last rows: {page}");
}

#[tokio::test]
async fn a_chart_has_a_link_to_exactly_its_rows() {
    let lake = TestLake::new();
    let server = shop(&lake).await;
    let charts = [
        chart("table", "two", "sales", "where = { client = [\"anna\", \"bert\"], amount = [3, 4, 5] }"),
        chart("table", "none", "sales", "where = { client = [] }"),
        chart("bar", "bars", "sales", "x = \"client\"\ny = \"amount\"\nwhere = { client = [\"anna\", \"bert\"] }"),
    ];
    lake.page("p", &format!("title = \"P\"\n{}", charts.concat()));
    let page = server.get("/pages/p").await.text();
    let links: Vec<_> = page
        .split('"')
        .filter(|part| part.starts_with("/tables/sales?"))
        .map(|link| link.replace("&amp;", "&"))
        .collect();
    let mut found = Vec::new();
    for link in &links {
        let text = server
            .get(&format!("/api/v1/relations/sales/rows?limit=0&{}", link.split_once('?').expect("a query").1))
            .await;
        found.push(text.json()["total"].as_u64().expect("a number"));
    }
    assert!(
        found.contains(&3) && found.contains(&28) && found.contains(&14) && found.contains(&0),
        "{links:?}: {found:?}"
    );
}

#[tokio::test]
async fn a_period_is_compared_with_the_one_before_if_the_data_have_all_of_it() {
    let lake = TestLake::new();
    let profits = shape(&[("day", "date32"), ("profit", "int64")], &[0]);
    let lines: String = (1..=9).map(|day| format!("2024-01-0{day},{}\n", if day <= 6 { -4 } else { 2 })).collect();
    lake.commit_tables([("profits", lake.kept("profits", &profits, &lines))]);
    let filter = "[[filter]]\nname = \"when\"\nkind = \"dates\"\ntable = \"profits\"\ncolumn = \"day\"\n";
    let stat = chart("stat", "Profit", "profits", "sum = \"profit\"\ncompare = true");
    lake.page("p", &format!("title = \"P\"\n{filter}{stat}"));
    let server = lake.serve().await;
    let says = async |query: &str| {
        let page = server.get(&format!("/pages/p?{query}")).await.text();
        let change = page.split("period before").next().and_then(|before| before.rsplit('>').next()).expect("words");
        (change.trim().to_owned(), page.contains("nothing to compare with"))
    };
    // From a loss of 12 to a gain of 6 is up.
    assert_eq!(says("when=3d").await, ("+150.0% on the".to_owned(), false));
    assert!(says("when=5d").await.1, "of the five days before only four are there");
    assert!(says("when_from=2024-01-01&when_to=2024-01-03").await.1, "no day before is there");
}

#[tokio::test]
async fn a_line_goes_on_only_where_it_is_shown_to_its_end() {
    let lake = TestLake::new();
    let server = shop(&lake).await;
    let forecast = shape(&[("day", "date32"), ("amount", "int64")], &[0]);
    lake.commit_tables([("forecast", lake.kept("forecast", &forecast, "2024-01-29,30\n2024-01-30,31\n"))]);
    let filter = "[[filter]]\nname = \"when\"\nkind = \"dates\"\ntable = \"sales\"\ncolumn = \"day\"\n";
    let then = "then = [{ table = \"forecast\", x = \"day\", y = \"amount\", name = \"Expected\" }]";
    let line = chart("line", "L", "sales", &format!("x = \"day\"\ny = \"amount\"\n{then}"));
    lake.page("p", &format!("title = \"P\"\n{filter}{line}"));
    server.shows(2).await;
    assert!(server.get("/pages/p").await.text().contains("Expected"));
    assert!(server.get("/pages/p?when_from=2024-01-20").await.text().contains("Expected"));
    assert!(
        !server.get("/pages/p?when_to=2024-01-20").await.text().contains("Expected"),
        "nine days would be left out"
    );
}

#[tokio::test]
async fn numbers_have_all_their_digits() {
    let lake = TestLake::new();
    let exact = shape(&[("n", "int64"), ("amount", "decimal128(38,10)"), ("whole", "decimal128(38,0)")], &[0]);
    lake.commit_tables([("exact", lake.kept("exact", &exact, "1,12345678.1234567891,90071992547409931\n"))]);
    let page = lake.serve().await.get("/tables/exact").await.text();
    assert!(page.contains("12345678.1234567891") && page.contains("90071992547409931"), "{page}");
}

#[tokio::test]
async fn expectations_that_are_not_met_come_first_however_many_there_are() {
    let lake = TestLake::new();
    let verdicts = shape(&[("expectation", "utf8"), ("passed", "boolean")], &[0]);
    let lines: String = (0..300).map(|n| format!("e{n:03},{}\n", n < 250 || n == 260)).collect();
    let gold = lake.kept("check", &verdicts, &lines);
    lake.commit(&Change {
        gold: [("check".to_owned(), gold)].into(),
        audit: Some(Audit { judgements: [("check".to_owned(), Judgement::default())].into(), ..Audit::default() }),
        ..Change::new("aggregate")
    });
    let page = lake.serve().await.get("/quality").await.text();
    assert!(page.contains("49 not met") && page.contains("300 expectations"), "{page}");
    let rows: Vec<_> = page.split("<tr").filter(|row| row.contains(">e")).collect();
    assert_eq!(rows.len(), 200, "{page}");
    assert!(rows[0].contains("e250") && rows[48].contains("e299") && rows[49].contains("e000"), "{page}");
    assert!(page.contains("The first 200 are shown"), "{page}");
}

#[test]
fn lines_of_csv_are_rows() {
    let some = shape(&[("a", "int64"), ("b", "utf8?")], &[]);
    assert_eq!(rows_of(&some, "1,x\n2,\n").num_rows(), 2);
}
