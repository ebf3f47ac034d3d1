//! A diff as one HTML page, with nothing to load from elsewhere.

use std::fmt::Write as _;

use super::{costs, counts};
use crate::lock::short;
use crate::table::thousands;
use smelt_common::text::one_line;
use smelt_engine::inspect::diff::{Diff, RowDiff, Rules, TableDiff};

/// How many rows of a kind are shown.
const MOST: usize = 1000;

const STYLE: &str = "
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; color: #1b1f24; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
table { border-collapse: collapse; margin: .5rem 0; } th, td { padding: .2rem .6rem; text-align: left; border-bottom: 1px solid #d0d7de; }
code { font-size: .9em; } del { background: #ffebe9; } ins { background: #dafbe1; text-decoration: none; }
tr.added td { background: #dafbe1; } tr.removed td { background: #ffebe9; } .quiet { color: #59636e; }
@media (prefers-color-scheme: dark) { body { background: #0d1117; color: #e6edf3; } th, td { border-color: #3d444d; }
  del, tr.removed td { background: #67060c; } ins, tr.added td { background: #033a16; } .quiet { color: #9198a1; } }
";

/// The page.
pub(super) fn page(diff: &Diff) -> String {
    let Diff { plugin, old, new, datasets, kpis } = diff;
    let title = format!("{} {} → {}", escaped(plugin), escaped(&old.version), escaped(&new.version));
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n<h1>{title}</h1>\n\
         <p class=\"quiet\"><code>{}</code> → <code>{}</code>, over the data that is committed</p>\n",
        short(&old.sha256),
        short(&new.sha256)
    );
    if diff.is_empty() {
        page.push_str("<p>Nothing is different.</p>\n");
    }
    datasets.iter().for_each(|diff| rows(diff, &mut page));
    kpis.iter().for_each(|diff| table(diff, &mut page));
    page.push_str("</html>\n");
    page
}

fn rows(diff: &RowDiff, page: &mut String) {
    let RowDiff {
        dataset,
        objects,
        of,
        rows,
        same,
        changed,
        added,
        removed,
        rejected,
        repaired,
        columns: _,
        cells,
        moved,
        cost,
    } = diff;
    let _ = writeln!(page, "<h2>Dataset {}</h2>", escaped(dataset));
    let _ = writeln!(
        page,
        "<p>{} rows of {} of {} objects: {} kept alike, {} changed, <ins>{} kept only by the new one</ins>, <del>{} only by the \
         old one</del></p>",
        thousands(*rows),
        thousands(*objects as u64),
        thousands(*of as u64),
        thousands(*same),
        thousands(*changed),
        thousands(*added),
        thousands(*removed)
    );
    let rule = |what: &str, rules: &Rules| format!("<li>{what}: {}</li>\n", escaped(&counts(rules)));
    let _ = writeln!(page, "<ul>{}{}</ul>", rule("rejected", rejected), rule("repaired", repaired));
    if !cells.is_empty() {
        page.push_str("<table><tr><th>bronze object<th>row<th>column<th>cell</tr>\n");
        for cell in cells.iter().take(MOST) {
            let (object, column) = (escaped(&cell.object), escaped(&cell.column));
            let _ =
                writeln!(page, "<tr><td>{object}<td>{}<td>{column}<td>{}</tr>", cell.row, both(&cell.old, &cell.new));
        }
        page.push_str("</table>\n");
    }
    for (what, class, some) in
        [("Kept only by the new one", "added", &moved.new), ("Kept only by the old one", "removed", &moved.old)]
    {
        if !some.is_empty() {
            let _ = writeln!(page, "<table><tr><th>{what}, for example<th>row</tr>");
            for (object, row) in some.iter().take(MOST) {
                let _ = writeln!(page, "<tr class=\"{class}\"><td>{}<td>{row}</tr>", escaped(object));
            }
            page.push_str("</table>\n");
        }
    }
    let _ = writeln!(page, "<p class=\"quiet\">{}</p>", escaped(costs(cost, "these objects").trim()));
}

fn table(diff: &TableDiff, page: &mut String) {
    let TableDiff { kpi, key: _, columns, same, changed, added, removed, cost } = diff;
    let _ = writeln!(page, "<h2>KPI {}</h2>", escaped(kpi));
    let _ = writeln!(
        page,
        "<p>{same} rows the same, {} changed, <ins>{} added</ins>, <del>{} removed</del></p>",
        changed.len(),
        added.len(),
        removed.len()
    );
    if !diff.is_empty() {
        let heading: String = columns.iter().map(|column| format!("<th>{}", escaped(column))).collect();
        let _ = writeln!(page, "<table><tr>{heading}</tr>");
        for row in changed.iter().take(MOST) {
            let cells: String =
                row.old.iter().zip(&row.new).map(|(old, new)| format!("<td>{}", both(old, new))).collect();
            let _ = writeln!(page, "<tr>{cells}</tr>");
        }
        for (class, rows) in [("added", added), ("removed", removed)] {
            for row in rows.iter().take(MOST) {
                let cells: String = row.iter().map(|cell| format!("<td>{}", escaped(cell))).collect();
                let _ = writeln!(page, "<tr class=\"{class}\">{cells}</tr>");
            }
        }
        page.push_str("</table>\n");
    }
    let _ = writeln!(page, "<p class=\"quiet\">{}</p>", escaped(costs(cost, "all of silver").trim()));
}

fn both(old: &str, new: &str) -> String {
    match old == new {
        true => escaped(old),
        false => format!("<del>{}</del> <ins>{}</ins>", escaped(old), escaped(new)),
    }
}

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
