//! The pipeline as a graph, drawn.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use maud::{Markup, PreEscaped, html};

use super::app::Sight;
use crate::html::whole;
use crate::lake::{Facts, RelationKind};

/// The size of a node, and the room between nodes, in pixels.
const WIDTH: usize = 196;
const HEIGHT: usize = 58;
const ACROSS: usize = 64;
const DOWN: usize = 16;
/// The rounds in which nodes move towards those that they are joined to.
const ROUNDS: usize = 8;

/// Where each relation stands: its column and its place in it.
type Places<'s> = BTreeMap<&'s str, (usize, usize)>;

/// Draws what is made from what. With `only`, just these relations.
pub(super) fn graph(sight: &Sight<'_>, only: Option<&BTreeSet<String>>) -> Markup {
    let state = &sight.seen.snapshot().state;
    let all: Vec<_> = Facts::all(state).filter(|facts| only.is_none_or(|only| only.contains(facts.name))).collect();
    let edges: Vec<(&str, &str)> = all
        .iter()
        .flat_map(|facts| facts.reads().into_iter().map(|read| (read, facts.name)))
        .filter(|(read, _)| all.iter().any(|facts| facts.name == *read))
        .collect();
    let places = places(&all, &edges);
    let columns = places.values().map(|(column, _)| column + 1).max().unwrap_or(0);
    let rows = places.values().map(|(_, row)| row + 1).max().unwrap_or(0);
    let (width, height) = (columns * (WIDTH + ACROSS) - ACROSS.min(columns * ACROSS), rows * (HEIGHT + DOWN));
    let at = |name: &str| {
        let (column, row) = places[name];
        let inside = places.values().filter(|(other, _)| *other == column).count();
        // A column stands in the middle of the picture.
        let offset = (rows - inside) * (HEIGHT + DOWN) / 2;
        (column * (WIDTH + ACROSS), offset + row * (HEIGHT + DOWN) + DOWN / 2)
    };
    let path = |(from, to): &(&str, &str)| {
        let ((x1, y1), (x2, y2)) = (at(from), at(to));
        let (x1, y1, y2) = (x1 + WIDTH, y1 + HEIGHT / 2, y2 + HEIGHT / 2);
        let bend = (x2.saturating_sub(x1) / 2).max(20);
        let mut path = String::new();
        let _ = write!(path, "M{x1} {y1}C{} {y1} {} {y2} {x2} {y2}", x1 + bend, x2.saturating_sub(bend));
        path
    };
    html! {
        div.graph tabindex="0" role="region" aria-label="What is made from what" {
            svg width=(width + 2) height=(height + 2) viewBox={ "-1 -1 " (width + 2) " " (height + 2) } role="group" {
                g.edges aria-hidden="true" { @for edge in &edges {
                    path d=(path(edge)) data-from=(edge.0) data-to=(edge.1) {}
                } }
                @for facts in &all { (node(sight, facts, at(facts.name))) }
            }
        }
    }
}

fn node(sight: &Sight<'_>, facts: &Facts<'_>, (x, y): (usize, usize)) -> Markup {
    let state = &sight.seen.snapshot().state;
    let run = sight.seen.snapshot().run(sight.seen.store(), facts.commit());
    let is_held = state.held.as_ref().is_some_and(|held| held.published.contains_key(facts.name));
    let (status, words) = match () {
        () if facts.failing(state).is_some() => ("bad", "failing"),
        () if is_held && facts.kind != RelationKind::Check => ("warn", "held"),
        () if facts.is_behind(state) => ("warn", "behind"),
        () => ("good", "current"),
    };
    let age = run.map_or_else(String::new, |run| match sight.app.links.is_static() {
        true => format!("commit {}", run.commit),
        false => sight.age(&run.at),
    });
    let rows = whole(facts.relation.rows, &sight.asked.locale);
    let kind = format!("{:?}", facts.kind).to_lowercase();
    let note = if status == "good" { age } else { words.to_owned() };
    html! {
        a.node .(kind) .(status) href=(sight.app.links.table(facts.name)) data-name=(facts.name) {
            title { (facts.name) ": " (facts.kind.name()) " by " (facts.by().plugin) " " (facts.by().version) ", " (rows) " rows, " (words) }
            (rectangle(x, y))
            circle cx=(x + 16) cy=(y + 20) r="4" {}
            text.name x=(x + 28) y=(y + 24) { (shortened(facts.name, 22)) }
            text.facts x=(x + 16) y=(y + 44) { (rows) " rows" }
            text.facts.end x=(x + WIDTH - 14) y=(y + 44) { (note) }
        }
    }
}

fn rectangle(x: usize, y: usize) -> Markup {
    PreEscaped(format!("<rect x=\"{x}\" y=\"{y}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" rx=\"9\"/>"))
}

fn shortened(name: &str, most: usize) -> String {
    if name.chars().count() <= most {
        return name.to_owned();
    }
    name.chars().take(most - 1).chain(['…']).collect()
}

/// Returns what a relation is joined to.
fn neighbours<'e>(edges: &'e [(&'e str, &'e str)], name: &'e str) -> impl Iterator<Item = &'e str> {
    edges.iter().filter_map(move |(from, to)| match () {
        () if *from == name => Some(*to),
        () if *to == name => Some(*from),
        () => None,
    })
}

/// Places relations in columns, from what is read to what reads it, so that few edges cross.
fn places<'s>(all: &[Facts<'s>], edges: &[(&'s str, &'s str)]) -> Places<'s> {
    let mut column: BTreeMap<&str, usize> = all.iter().map(|facts| (facts.name, 0)).collect();
    // A relation that reads itself through others cannot be made, so this ends.
    for _ in 0..all.len() {
        let mut moved = false;
        for (from, to) in edges {
            let least = column[from] + 1;
            if column[to] < least && least < all.len() {
                column.insert(to, least);
                moved = true;
            }
        }
        if !moved {
            break;
        }
    }
    let mut columns: Vec<Vec<&str>> = vec![];
    for facts in all {
        let at = column[facts.name];
        columns.resize(columns.len().max(at + 1), vec![]);
        columns[at].push(facts.name);
    }
    let mut height: BTreeMap<&str, f64> = BTreeMap::new();
    let stand = |height: &mut BTreeMap<&'s str, f64>, names: &[&'s str]| {
        for (row, name) in names.iter().enumerate() {
            height.insert(name, row as f64 - names.len() as f64 / 2.0);
        }
    };
    columns.iter().for_each(|names| stand(&mut height, names));
    for round in 0..ROUNDS {
        let order: Vec<usize> =
            if round % 2 == 0 { (0..columns.len()).collect() } else { (0..columns.len()).rev().collect() };
        for at in order {
            let middle = |name: &str| {
                let (sum, count) =
                    neighbours(edges, name).fold((0.0, 0), |(sum, count), other| (sum + height[other], count + 1));
                if count == 0 { height[name] } else { sum / f64::from(count) }
            };
            let mut wanted: Vec<_> = columns[at].iter().map(|name| (middle(name), *name)).collect();
            wanted.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.cmp(other.1)));
            columns[at] = wanted.into_iter().map(|(_, name)| name).collect();
            stand(&mut height, &columns[at]);
        }
    }
    let place = |(at, names): (usize, &Vec<&'s str>)| {
        names.iter().enumerate().map(move |(row, name)| (*name, (at, row))).collect::<Vec<_>>()
    };
    columns.iter().enumerate().flat_map(place).collect()
}
