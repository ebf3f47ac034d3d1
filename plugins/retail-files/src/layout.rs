//! The layouts of files: CSV, JSON Lines, a log, or cells between bars.

use std::fmt::Write as _;

use rand::RngExt as _;

use crate::dataset::Dataset;
use crate::flaws::Flaw::Malformed;
use crate::kind::Kind;
use crate::shop::{Dice, Shop};
use crate::table::Table;

/// The way in which a file is written. By default it is written as it should be.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Layout {
    kind: Option<Kind>,
}

impl Layout {
    /// Returns the layout of a bad file of that kind.
    pub(crate) fn of(kind: Kind) -> Self {
        Self { kind: Some(kind) }
    }

    fn is(self, kind: Kind) -> bool {
        self.kind == Some(kind)
    }
}

/// Returns the lines of a file as bytes, in the encoding of the dataset.
pub(crate) fn lines(shop: &Shop, dataset: Dataset, table: &Table, layout: Layout, dice: &mut Dice) -> Vec<u8> {
    let mut out = String::new();
    if layout.is(Kind::Bom) {
        out.push('\u{feff}');
    }
    let write = |cells: &[&str]| match dataset {
        Dataset::Products => csv(cells, if layout.is(Kind::WrongDelimiter) { ',' } else { ';' }),
        Dataset::Users => csv(cells, if layout.is(Kind::WrongDelimiter) { ';' } else { ',' }),
        Dataset::Sessions => session(cells, layout),
        Dataset::Requests => request(cells, layout),
        Dataset::Sales => cells.join(if layout.is(Kind::WrongDelimiter) { ";" } else { "|" }),
    };
    let (end, has_header) = match dataset {
        Dataset::Products => ("\r\n", true),
        Dataset::Users => ("\n", true),
        Dataset::Sessions | Dataset::Requests | Dataset::Sales => ("\n", false),
    };
    let order = order(dataset, table, layout);
    if has_header {
        let names: Vec<_> = order.iter().map(|&column| *table.columns.get(column).unwrap_or(&"exported_by")).collect();
        out += &write(&names);
        out += end;
    }
    for row in &table.rows {
        let cells: Vec<_> = order.iter().map(|&column| row.get(column).map_or("till", String::as_str)).collect();
        let is_malformed = match layout.is(Kind::Malformed) {
            true => dice.random_ratio(3, 10),
            false => !has_header && shop.flaws.strike(Malformed, dice),
        };
        let line = match is_malformed {
            // A row of CSV that lacks its last cells.
            true if has_header => write(&cells[..cells.len() - dice.random_range(1..4)]),
            true => {
                let line = write(&cells);
                line[..line.floor_char_boundary(line.len() / 2)].to_owned()
            }
            false => write(&cells),
        };
        out += &line;
        out += end;
    }
    match dataset {
        Dataset::Products if !layout.is(Kind::WrongEncoding) => windows_1252(&out),
        _ => out.into_bytes(),
    }
}

/// Returns the indices of the columns that are written, in their order. One that the table lacks is a column too many.
fn order(dataset: Dataset, table: &Table, layout: Layout) -> Vec<usize> {
    let mut order: Vec<_> = (0..table.columns.len()).collect();
    // In these two a column has a place in a text, and the text says what is missing.
    let is_nested = matches!(dataset, Dataset::Sessions | Dataset::Requests);
    match layout.kind {
        Some(Kind::MissingColumn) if !is_nested => {
            order.remove(3);
        }
        Some(Kind::ExtraColumn) if !is_nested => order.insert(2, table.columns.len()),
        Some(Kind::Reordered) if !is_nested => order.rotate_left(3),
        _ => {}
    }
    order
}

/// Writes a line of CSV (RFC 4180), with quotes where a cell needs them.
fn csv(cells: &[&str], delimiter: char) -> String {
    let mut line = String::new();
    for (place, cell) in cells.iter().enumerate() {
        if place > 0 {
            line.push(delimiter);
        }
        match cell.contains([delimiter, '"', '\r', '\n']) {
            true => {
                line.push('"');
                line += &cell.replace('"', "\"\"");
                line.push('"');
            }
            false => line += cell,
        }
    }
    line
}

/// Writes a session as an object. An empty cell is null; events are JSON already, and all other cells need no escapes.
fn session(cells: &[&str], layout: Layout) -> String {
    let [id, user, ip, started, ended, device, country, source, events] = cells else { return String::new() };
    let text = |cell: &str| if cell.is_empty() { "null".to_owned() } else { format!("\"{cell}\"") };
    let mut session = format!("\"id\":{}", text(id));
    if !layout.is(Kind::MissingColumn) {
        let _ = write!(session, ",\"started_at\":{}", text(started));
    }
    let _ = write!(session, ",\"ended_at\":{}", text(ended));
    let mut parts = [
        format!("\"session\":{{{session}}}"),
        format!("\"user\":{{\"id\":{},\"ip\":{}}}", text(user), text(ip)),
        format!(
            "\"context\":{{\"device\":{{\"type\":{}}},\"geo\":{{\"country\":{}}},\"campaign\":{{\"source\":{}}}}}",
            text(device),
            text(country),
            text(source)
        ),
        format!("\"events\":{events}"),
    ];
    if layout.is(Kind::Reordered) {
        parts.rotate_left(1);
    }
    format!("{{{}}}", parts.join(","))
}

/// Writes a line of the Combined Log Format, with the latency at the end.
fn request(cells: &[&str], layout: Layout) -> String {
    let [ip, ident, user, time, method, path, protocol, status, bytes, referer, agent, latency] = cells else {
        return String::new();
    };
    let line = format!(
        "{ip} {ident} {user} [{time}] \"{method} {path} {protocol}\" {status} {bytes} \"{referer}\" \"{agent}\""
    );
    if layout.is(Kind::MissingColumn) { line } else { format!("{line} {latency}") }
}

/// Encodes text, whose characters are all in windows-1252.
fn windows_1252(text: &str) -> Vec<u8> {
    let encode = |character| match character {
        '€' => 0x80,
        '–' => 0x96,
        'Œ' => 0x8c,
        'œ' => 0x9c,
        // Of the strange names of bad files too, all characters are those of their bytes.
        _ => u8::try_from(u32::from(character)).unwrap_or(b'?'),
    };
    text.chars().map(encode).collect()
}
