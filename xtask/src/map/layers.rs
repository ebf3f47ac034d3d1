//! Puts crates into layers: each above all that it uses, and side by side so that few arrows cross.

use std::collections::BTreeSet;

use super::crates::Crate;

/// A thing that has a place in a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Node {
    Crate(usize),
    /// Where an arrow passes a layer on its way.
    Passage,
}

/// Nodes in layers, the lowest first, and arrows between neighbouring layers.
pub(super) struct Layers {
    pub(super) nodes: Vec<Node>,
    /// The numbers of each layer's nodes, from left to right.
    pub(super) layers: Vec<Vec<usize>>,
    /// From an upper node to a lower one.
    pub(super) arrows: Vec<(usize, usize)>,
}

impl Layers {
    pub(super) fn of(crates: &[Crate]) -> Self {
        let ranks: Vec<_> = (0..crates.len()).map(|number| rank(crates, number)).collect();
        let mut layers = vec![Vec::new(); ranks.iter().max().map_or(0, |highest| highest + 1)];
        let mut nodes = Vec::new();
        for (number, rank) in ranks.iter().enumerate() {
            layers[*rank].push(number);
            nodes.push(Node::Crate(number));
        }
        let mut arrows = Vec::new();
        for (from, to) in needed(crates) {
            let mut upper = from;
            for rank in (ranks[to] + 1..ranks[from]).rev() {
                let passage = nodes.len();
                nodes.push(Node::Passage);
                layers[rank].push(passage);
                arrows.push((upper, passage));
                upper = passage;
            }
            arrows.push((upper, to));
        }
        let mut layers = Self { nodes, layers, arrows };
        layers.untangle();
        layers
    }

    /// Puts every node near the middle of its neighbours, from below and from above, until nothing moves any more.
    fn untangle(&mut self) {
        const ROUNDS: usize = 8;
        for _ in 0..ROUNDS {
            for layer in (1..self.layers.len()).chain((0..self.layers.len().saturating_sub(1)).rev()) {
                let places: Vec<_> = self.layers[layer].iter().map(|node| self.middle(*node)).collect();
                let mut order: Vec<_> = (0..places.len()).collect();
                order.sort_by(|a, b| places[*a].total_cmp(&places[*b]));
                self.layers[layer] = order.iter().map(|at| self.layers[layer][*at]).collect();
            }
        }
    }

    /// The mean place of the nodes that arrows join with this one, between 0 at the left and 1 at the right.
    fn middle(&self, node: usize) -> f64 {
        let joined = self.arrows.iter().filter_map(|&(upper, lower)| match () {
            () if upper == node => Some(lower),
            () if lower == node => Some(upper),
            () => None,
        });
        let places: Vec<_> = joined.map(|other| self.place(other)).collect();
        if places.is_empty() { self.place(node) } else { places.iter().sum::<f64>() / places.len() as f64 }
    }

    fn place(&self, node: usize) -> f64 {
        let places = self.layers.iter().filter_map(|layer| {
            let at = layer.iter().position(|other| *other == node)?;
            Some((at as f64 + 0.5) / layer.len() as f64)
        });
        places.sum()
    }
}

/// The length of the longest way down from a crate.
fn rank(crates: &[Crate], number: usize) -> usize {
    // Cargo lets no crate use itself over others.
    crates[number].uses.iter().map(|used| rank(crates, *used) + 1).max().unwrap_or(0)
}

/// The arrows that do not follow from others.
fn needed(crates: &[Crate]) -> Vec<(usize, usize)> {
    let mut arrows = Vec::new();
    for (from, one) in crates.iter().enumerate() {
        let over_others: BTreeSet<_> = one.uses.iter().flat_map(|used| below(crates, *used)).collect();
        arrows.extend(one.uses.difference(&over_others).map(|to| (from, *to)));
    }
    arrows
}

fn below(crates: &[Crate], number: usize) -> BTreeSet<usize> {
    let uses = &crates[number].uses;
    uses.iter().copied().chain(uses.iter().flat_map(|used| below(crates, *used))).collect()
}
