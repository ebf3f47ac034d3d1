//! A diff as one HTML page that loads nothing from elsewhere.

use std::fmt::Write as _;

use super::sections::{Cell, Change, Row, Section, Table, sections, title};
use smelt_common::text::one_line;
use smelt_engine::inspect::diff::Diff;

/// The most rows of each kind of difference.
const MOST: usize = 1000;

/// The style of the page, light or dark as the reader's system is.
const STYLE: &str = "
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; color: #1b1f24; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; } h2::first-letter { text-transform: uppercase; }
table { border-collapse: collapse; margin: .5rem 0; } th, td { padding: .2rem .6rem; text-align: left; border-bottom: 1px solid #d0d7de; }
del { background: #ffebe9; } ins { background: #dafbe1; text-decoration: none; }
tr.added td { background: #dafbe1; } tr.removed td { background: #ffebe9; } .quiet { color: #59636e; }
@media (prefers-color-scheme: dark) { body { background: #0d1117; color: #e6edf3; } th, td { border-color: #3d444d; }
  del, tr.removed td { background: #67060c; } ins, tr.added td { background: #033a16; } .quiet { color: #9198a1; } }
";

/// Returns the page.
pub(super) fn page(diff: &Diff) -> String {
    let [plugin, old, new] = title(diff).map(|part| escaped(&part));
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{plugin}: {old} → {new}</title>\n<style>{STYLE}</style>\n<h1>{plugin}: {old} → {new}</h1>\n\
         <p class=\"quiet\">Both components ran over the committed data.</p>\n"
    );
    if diff.is_empty() {
        page.push_str("<p>Nothing is different.</p>\n");
    }
    sections(diff, MOST).iter().for_each(|section| write_section(section, &mut page));
    page.push_str("</html>\n");
    page
}

fn write_section(Section { kind, name, compared, counts, notes, tables, cost }: &Section, page: &mut String) {
    let _ = writeln!(page, "<h2>{kind} {}</h2>", escaped(name));
    let count = |(change, count): &(Change, String)| match change {
        Change::Same | Change::Changed => count.clone(),
        Change::Added => format!("<ins>{count}</ins>"),
        Change::Removed => format!("<del>{count}</del>"),
    };
    let _ = writeln!(page, "<p>{compared}: {}</p>", counts.iter().map(count).collect::<Vec<_>>().join(", "));
    if !notes.is_empty() {
        let notes: String = notes.iter().map(|note| format!("<li>{}</li>\n", escaped(note))).collect();
        let _ = writeln!(page, "<ul>{notes}</ul>");
    }
    tables.iter().for_each(|table| write_table(table, page));
    let _ = writeln!(page, "<p class=\"quiet\">{}</p>", escaped(cost));
}

fn write_table(Table { heading, rows }: &Table, page: &mut String) {
    let heading: String = heading.iter().map(|column| format!("<th>{}", escaped(column))).collect();
    let _ = writeln!(page, "<table><tr>{heading}</tr>");
    for Row { change, cells } in rows {
        let class = match change {
            Change::Same | Change::Changed => "",
            Change::Added => " class=\"added\"",
            Change::Removed => " class=\"removed\"",
        };
        let cell = |cell: &Cell| match cell {
            Cell::One(cell) => format!("<td>{}", escaped(cell)),
            Cell::Two(old, new) => format!("<td><del>{}</del> <ins>{}</ins>", escaped(old), escaped(new)),
        };
        let _ = writeln!(page, "<tr{class}>{}</tr>", cells.iter().map(cell).collect::<String>());
    }
    page.push_str("</table>\n");
}

/// Returns text that HTML shows as it is. Characters that cannot be seen are escaped as in all output of smelt.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in one_line(text).chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            _ => safe.push(character),
        }
    }
    safe
}
