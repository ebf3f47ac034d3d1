//! A diff as text for people.

use std::fmt::Write as _;

use super::sections::{Cell, Change, Row, Section, sections, title};
use crate::table::render;
use smelt_engine::inspect::diff::Diff;

/// Returns the diff as text, with at most `most` rows of each kind of difference.
pub(super) fn text(diff: &Diff, most: usize) -> String {
    let [plugin, old, new] = title(diff);
    let mut text = format!("{plugin}: {old} → {new}\n");
    let sections = sections(diff, most);
    if sections.is_empty() {
        text.push_str("\nno section of the manifest uses it for data that is committed\n");
    }
    sections.iter().for_each(|section| write_section(section, &mut text));
    text
}

fn write_section(Section { kind, name, compared, counts, notes, tables, cost }: &Section, text: &mut String) {
    let counts: Vec<_> = counts.iter().map(|(_, count)| count.as_str()).collect();
    let _ = writeln!(text, "\n{kind} {name}: {compared}: {}", counts.join(", "));
    for note in notes {
        let _ = writeln!(text, "  {note}");
    }
    for table in tables {
        let heading: Vec<_> = [""].into_iter().chain(table.heading.iter().map(String::as_str)).collect();
        text.push_str(&render(&heading, &table.rows.iter().map(line).collect::<Vec<_>>()));
    }
    let _ = writeln!(text, "  {cost}");
}

fn line(Row { change, cells }: &Row) -> Vec<String> {
    let mark = match change {
        Change::Same => "",
        Change::Changed => "~",
        Change::Added => "+",
        Change::Removed => "-",
    };
    let cell = |cell: &Cell| match cell {
        Cell::One(cell) => cell.clone(),
        Cell::Two(old, new) => format!("{old} → {new}"),
    };
    [mark.to_owned()].into_iter().chain(cells.iter().map(cell)).collect()
}
