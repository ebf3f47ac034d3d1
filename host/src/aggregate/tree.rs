//! The tree over which a KPI is merged: a leaf for each silver object, a node for each group of them.
//!
//! Where an object stands follows from the digest of its bronze name alone, so that a new or changed object changes one
//! path from leaf to root and nothing else, whatever the order in which objects came.

use crate::digest::of_parts;

/// The most leaves of a node that has no nodes below it.
const FANOUT: usize = 16;

/// One silver object as an input of a KPI.
#[derive(Debug, Clone, Copy)]
pub(super) struct Leaf<'t> {
    /// Index of the KPI's input.
    pub(super) input: usize,
    /// Which of the dataset's objects, by its name in bronze.
    pub(super) object: &'t str,
    /// The silver object's content.
    pub(super) sha256: &'t str,
}

/// A partial aggregate and how it comes about.
#[derive(Debug)]
pub(super) struct Node<'t> {
    /// A digest of everything the partial aggregate depends on.
    pub(super) id: String,
    pub(super) made: Made<'t>,
}

/// How a partial aggregate comes about.
#[derive(Debug)]
pub(super) enum Made<'t> {
    /// From the rows of a silver object.
    Leaf(Leaf<'t>),
    /// By merging others.
    Merge(Vec<Node<'t>>),
}

/// The tree over the leaves. `fingerprint` stands for everything but data.
///
/// `inputs` are the KPI's, by name and schema.
pub(super) fn tree<'t>(fingerprint: &str, inputs: &[String], leaves: Vec<Leaf<'t>>) -> Node<'t> {
    let mut placed: Vec<_> =
        leaves.into_iter().map(|leaf| (of_parts([inputs[leaf.input].as_str(), leaf.object]), leaf)).collect();
    placed.sort_by(|(a, _), (b, _)| a.cmp(b));
    node(fingerprint, inputs, &placed, 0)
}

fn node<'t>(fingerprint: &str, inputs: &[String], placed: &[(String, Leaf<'t>)], depth: usize) -> Node<'t> {
    let children: Vec<_> = if placed.len() <= FANOUT {
        let leaf = |leaf: &Leaf<'t>| Node {
            id: of_parts(["leaf", fingerprint, &inputs[leaf.input], leaf.sha256]),
            made: Made::Leaf(*leaf),
        };
        placed.iter().map(|(_, placed)| leaf(placed)).collect()
    } else {
        let digit = |place: &(String, Leaf<'t>)| place.0.as_bytes()[depth];
        placed.chunk_by(|a, b| digit(a) == digit(b)).map(|group| node(fingerprint, inputs, group, depth + 1)).collect()
    };
    let mut ids: Vec<&str> = children.iter().map(|child| child.id.as_str()).collect();
    // The same children in any order merge to the same state.
    ids.sort_unstable();
    Node { id: of_parts(["merge", fingerprint].into_iter().chain(ids)), made: Made::Merge(children) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids<'n>(node: &'n Node<'_>, found: &mut Vec<&'n str>) {
        found.push(&node.id);
        if let Made::Merge(children) = &node.made {
            children.iter().for_each(|child| ids(child, found));
        }
    }

    fn build(names: &[String], salt: &str) -> Vec<String> {
        let digests: Vec<String> =
            names.iter().map(|name| of_parts([name.as_str(), if name == "7" { salt } else { "" }])).collect();
        let leaves = names.iter().zip(&digests).map(|(object, sha256)| Leaf { input: 0, object, sha256 }).collect();
        let node = tree("f", &["rows".to_owned()], leaves);
        let mut found = Vec::new();
        ids(&node, &mut found);
        found.into_iter().map(str::to_owned).collect()
    }

    #[test]
    fn a_changed_object_changes_one_path() {
        let names: Vec<String> = (0..5000).map(|number| number.to_string()).collect();
        let (before, after) = (build(&names, "a"), build(&names, "b"));
        let changed = after.iter().filter(|id| !before.contains(id)).count();
        assert!((3..=8).contains(&changed), "{changed} of {} changed", after.len());
    }

    #[test]
    fn the_order_of_objects_does_not_matter() {
        let names: Vec<String> = (0..100).map(|number| number.to_string()).collect();
        let reversed: Vec<String> = names.iter().rev().cloned().collect();
        assert_eq!(build(&names, ""), build(&reversed, ""));
    }
}
