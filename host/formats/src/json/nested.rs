//! The columns of a record that JSON Pointers name. The members of the record itself are staged as those of any other
//! record; the values within them are looked up once the whole record is known to be good.

use super::span::{elements, members, span};
use crate::Pointer;
use crate::batch::{Cell, CellKind, unescape};

/// The columns of records, at least one of which lies within a member.
pub(super) struct Nested {
    /// For each member that is staged what is wanted of it.
    roots: Vec<Node>,
    cells: Vec<Cell>,
    /// For each column, true if a record has had it.
    seen: Vec<bool>,
    /// Working memory for a name with escapes.
    name: Vec<u8>,
}

/// A value that is wanted, or has values that are.
#[derive(Default)]
struct Node {
    /// The columns that have the value itself.
    columns: Vec<usize>,
    /// The names and indices of values within it.
    children: Vec<(Box<[u8]>, Node)>,
}

impl Node {
    /// Returns the node of that name within this one.
    fn child(&mut self, name: &str) -> &mut Self {
        let at = self.children.iter().position(|(known, _)| **known == *name.as_bytes()).unwrap_or_else(|| {
            self.children.push((name.as_bytes().into(), Self::default()));
            self.children.len() - 1
        });
        &mut self.children[at].1
    }
}

impl Nested {
    /// Returns the columns and the names of the members to stage; `None` if every column is a member itself.
    pub(super) fn new(columns: &[String]) -> Option<(Self, Vec<String>)> {
        let pointers: Vec<Pointer> =
            columns.iter().map(|name| Pointer::of_column(name)).collect::<Result<_, _>>().ok()?;
        if pointers.iter().zip(columns).all(|(pointer, name)| matches!(pointer.names(), [one] if one == name)) {
            return None;
        }
        let mut root = Node::default();
        for (column, pointer) in pointers.iter().enumerate() {
            pointer.names().iter().fold(&mut root, |node, name| node.child(name)).columns.push(column);
        }
        let (cells, seen) = (vec![Cell::NULL; columns.len()], vec![false; columns.len()]);
        let names = root.children.iter().map(|(name, _)| String::from_utf8_lossy(name).into_owned()).collect();
        let roots = root.children.into_iter().map(|(_, node)| node).collect();
        Some((Self { roots, cells, seen, name: Vec::new() }, names))
    }

    /// Returns the cells of the record that was staged last.
    pub(super) fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// Stages the columns of a record whose members are `staged`. `has` says which members any record has had.
    #[inline(never)]
    pub(super) fn stage(&mut self, bytes: &[u8], staged: &[Cell], has: &[bool]) {
        self.cells.fill(Cell::NULL);
        let Self { roots, cells, seen, name } = self;
        for ((node, cell), has) in roots.iter().zip(staged).zip(has) {
            for &column in &node.columns {
                cells[column] = *cell;
                seen[column] |= has;
            }
            // A text that looks like an object follows its quote; an object follows a colon or a blank.
            if cell.kind() == CellKind::Plain && !node.children.is_empty() && bytes[cell.start() - 1] != b'"' {
                node.within(bytes, cell.start(), cells, seen, name);
            }
        }
    }

    /// Returns the columns that no record has had.
    pub(super) fn missing(&self) -> Vec<usize> {
        (0..self.seen.len()).filter(|&column| !self.seen[column]).collect()
    }
}

impl Node {
    /// Stages what is wanted of the object or array at `at`, if there is one. A pointer has few names, so the depth of
    /// the recursion is small.
    fn within(&self, bytes: &[u8], at: usize, cells: &mut [Cell], seen: &mut [bool], name: &mut Vec<u8>) {
        match bytes.get(at) {
            Some(b'{') => members(bytes, at, |key, value| {
                let key = if key.contains(&b'\\') {
                    name.clear();
                    unescape(key, name);
                    name.as_slice()
                } else {
                    key
                };
                let child = self.children.iter().find(|(known, _)| **known == *key).map(|(_, child)| child);
                child.map_or_else(|| span(bytes, value), |child| child.take(bytes, value, cells, seen, &mut Vec::new()))
            }),
            Some(b'[') => {
                let mut index = 0_usize;
                elements(bytes, at, |value| {
                    let child = self.children.iter().find(|(known, _)| as_index(known) == Some(index));
                    index += 1;
                    child.map_or_else(|| span(bytes, value), |(_, child)| child.take(bytes, value, cells, seen, name))
                });
            }
            _ => {}
        }
    }

    /// Stages the value at `at` and what is wanted of it. Returns the position after it.
    fn take(&self, bytes: &[u8], at: usize, cells: &mut [Cell], seen: &mut [bool], name: &mut Vec<u8>) -> usize {
        // Of equal keys the last one counts, with all that it has and lacks.
        self.clear(cells);
        let end = span(bytes, at);
        let cell = match bytes.get(at) {
            Some(b'"') if bytes[at + 1..end - 1].contains(&b'\\') => Cell::new(at + 1, end - 1, CellKind::JsonEscaped),
            Some(b'"') => Cell::new(at + 1, end - 1, CellKind::Plain),
            Some(b'n') | None => Cell::NULL,
            Some(_) => Cell::new(at, end, CellKind::Plain),
        };
        for &column in &self.columns {
            (cells[column], seen[column]) = (cell, true);
        }
        if !self.children.is_empty() {
            self.within(bytes, at, cells, seen, name);
        }
        end
    }

    fn clear(&self, cells: &mut [Cell]) {
        self.columns.iter().for_each(|&column| cells[column] = Cell::NULL);
        self.children.iter().for_each(|(_, child)| child.clear(cells));
    }
}

/// Returns the index that the name in a pointer is, without superfluous zeros.
fn as_index(name: &[u8]) -> Option<usize> {
    match name {
        b"0" => Some(0),
        [b'1'..=b'9', ..] => std::str::from_utf8(name).ok()?.parse().ok(),
        _ => None,
    }
}
