//! The committed picture, and how crates are put into layers.

use std::collections::BTreeSet;
use std::fs;

use super::crates::{Crate, first_sentence};
use super::layers::{Layers, Node};
use super::{picture, svg};
use crate::workspace::Workspace;

fn crates(all: &[(&str, &[usize])]) -> Vec<Crate> {
    let one = |(name, uses): &(&str, &[usize])| Crate {
        name: (*name).to_owned(),
        sentence: format!("What {name} owns & has"),
        lines: 4_700,
        uses: uses.iter().copied().collect(),
    };
    all.iter().map(one).collect()
}

#[test]
fn the_committed_picture_shows_the_crates_and_arrows_of_the_manifests() {
    let crates = Crate::of(&Workspace::read().expect("a workspace")).expect("crates below host/");
    let committed = fs::read_to_string(picture()).unwrap_or_default();
    let shows = committed.contains(&format!(">{}</desc>", svg::uses(&crates)));
    assert!(shows, "docs/crates.svg is out of date: run `cargo xtask map` and commit it");
}

#[test]
fn a_crate_lies_above_all_that_it_uses_and_arrows_that_follow_are_left_out() {
    let crates = crates(&[("common", &[]), ("storage", &[0]), ("catalog", &[0, 1]), ("cli", &[0, 1, 2])]);
    let layers = Layers::of(&crates);
    assert_eq!(layers.layers, [[0], [1], [2], [3]]);
    assert_eq!(layers.arrows.iter().collect::<BTreeSet<_>>(), BTreeSet::from([&(1, 0), &(2, 1), &(3, 2)]));
}

#[test]
fn an_arrow_over_a_layer_passes_it() {
    let crates = crates(&[("common", &[]), ("formats", &[0]), ("catalog", &[1]), ("server", &[2, 4]), ("extra", &[])]);
    let layers = Layers::of(&crates);
    let passages = layers.nodes.iter().filter(|node| **node == Node::Passage).count();
    assert_eq!(passages, 2);
    assert!(layers.layers.iter().all(|layer| layer.len() <= 2));
}

#[test]
fn a_picture_is_the_same_every_time_and_escapes_its_texts() {
    let crates = crates(&[("common", &[]), ("formats", &[0]), ("storage", &[0]), ("cli", &[0, 1, 2])]);
    let picture = svg::draw(&crates);
    assert_eq!(picture, svg::draw(&crates));
    assert!(picture.contains("What cli owns &amp; has"));
    assert!(picture.contains("about 4,500 lines"));
    assert!(picture.contains("cli uses common, formats, storage."));
    assert!(!picture.contains("script"));
}

#[test]
fn the_first_sentence_may_take_several_lines() {
    let text = "//! Moves bytes,\n//! with `care`. And more.\n//!\n//! Other.\nuse x;";
    assert_eq!(first_sentence(text).as_deref(), Some("Moves bytes, with care"));
    assert_eq!(first_sentence("use x;"), None);
}
