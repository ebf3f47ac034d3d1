//! Draws the layers: boxes with dark text on a light ground and grey arrows, to be read on white and on black.

use std::fmt::Write as _;

use super::crates::Crate;
use super::layers::{Layers, Node};

const WIDTH: f64 = 236.0;
/// The room that an arrow takes on its way through a layer.
const PASSAGE: f64 = 16.0;
const ACROSS: f64 = 28.0;
const BETWEEN: f64 = 52.0;
const MARGIN: f64 = 20.0;
const LINE: f64 = 18.0;
/// Characters of a line within a box, and its most lines.
const LETTERS: usize = 31;
const MOST: usize = 5;

pub(super) fn draw(crates: &[Crate]) -> String {
    let layers = Layers::of(crates);
    let texts: Vec<_> = crates.iter().map(|one| wrapped(&one.sentence)).collect();
    let drawing = Drawing::of(&layers, &texts);
    let (width, height) = (drawing.width, drawing.height);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\" \
         aria-labelledby=\"title desc\" font-family=\"system-ui, 'Segoe UI', Helvetica, Arial, sans-serif\" \
         font-size=\"13\">\n"
    );
    svg += "  <title id=\"title\">The crates of the host</title>\n";
    let _ = writeln!(svg, "  <desc id=\"desc\">{}</desc>", uses(crates));
    svg += "  <defs>\n    <marker id=\"tip\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" markerWidth=\"7\" \
            markerHeight=\"7\" orient=\"auto\"><path d=\"M0 0L10 5L0 10z\" fill=\"#808890\"/></marker>\n  </defs>\n";
    svg += "  <g fill=\"none\" stroke=\"#808890\" stroke-width=\"2\">\n";
    for (upper, lower) in &layers.arrows {
        svg += &drawing.arrow(&layers, *upper, *lower);
    }
    svg += "  </g>\n  <g fill=\"#1f2328\" text-anchor=\"middle\">\n";
    for (number, one) in crates.iter().enumerate() {
        svg += &drawing.boxed(number, one, &texts[number]);
    }
    svg += "  </g>\n";
    let (middle, below) = (width / 2.0, height - MARGIN);
    let _ = writeln!(
        svg,
        "  <text x=\"{middle:.0}\" y=\"{below:.0}\" fill=\"#6e7781\" text-anchor=\"middle\">\
         An arrow points at what a crate uses; those that follow from others are left out.</text>\n</svg>"
    );
    svg
}

/// Says which crate uses which: what must not be out of date.
pub(super) fn uses(crates: &[Crate]) -> String {
    let sentence = |one: &Crate| {
        let used: Vec<_> = one.uses.iter().map(|used| crates[*used].name.as_str()).collect();
        let used = if used.is_empty() { "none of the others".to_owned() } else { used.join(", ") };
        format!("{} uses {used}.", one.name)
    };
    crates.iter().map(sentence).collect::<Vec<_>>().join(" ")
}

/// Where everything lies.
struct Drawing {
    width: f64,
    height: f64,
    /// By node: the middle, the upper edge and the lower one.
    places: Vec<(f64, f64, f64)>,
}

impl Drawing {
    fn of(layers: &Layers, texts: &[Vec<String>]) -> Self {
        let size = |node: &usize| match layers.nodes[*node] {
            Node::Crate(_) => WIDTH,
            Node::Passage => PASSAGE,
        };
        let width_of = |layer: &[usize]| layer.iter().map(|node| size(node) + ACROSS).sum::<f64>() - ACROSS;
        let widest = layers.layers.iter().map(|layer| width_of(layer)).fold(2.0 * WIDTH, f64::max);
        let mut places = vec![(0.0, 0.0, 0.0); layers.nodes.len()];
        let mut top = MARGIN;
        for layer in layers.layers.iter().rev() {
            let most = layer.iter().map(|node| match layers.nodes[*node] {
                Node::Crate(number) => texts[number].len(),
                Node::Passage => 0,
            });
            // The name above the text, the number of lines below it.
            let bottom = top + 40.0 + LINE * (most.max().unwrap_or(0) + 1) as f64;
            let mut left = MARGIN + (widest - width_of(layer)) / 2.0;
            for node in layer {
                places[*node] = (left + size(node) / 2.0, top, bottom);
                left += size(node) + ACROSS;
            }
            top = bottom + BETWEEN;
        }
        Self { width: widest + 2.0 * MARGIN, height: top - BETWEEN + LINE + 2.0 * MARGIN, places }
    }

    fn boxed(&self, number: usize, one: &Crate, text: &[String]) -> String {
        let (middle, top, bottom) = self.places[number];
        let (left, height) = (middle - WIDTH / 2.0, bottom - top);
        let mut svg = format!(
            "    <rect x=\"{left:.0}\" y=\"{top:.0}\" width=\"{WIDTH:.0}\" height=\"{height:.0}\" rx=\"6\" fill=\"#cfd6dd\"/>\n"
        );
        let name = escaped(&one.name);
        let mut y = top + 24.0;
        let _ = writeln!(
            svg,
            "    <text x=\"{middle:.0}\" y=\"{y:.0}\" font-size=\"16\" font-weight=\"600\">{name}</text>"
        );
        for line in text {
            y += LINE;
            let _ = writeln!(svg, "    <text x=\"{middle:.0}\" y=\"{y:.0}\">{}</text>", escaped(line));
        }
        let (y, about) = (bottom - 12.0, about(one.lines));
        let _ = writeln!(svg, "    <text x=\"{middle:.0}\" y=\"{y:.0}\" fill=\"#57606a\">{about} lines</text>");
        svg
    }

    /// A curve from the lower edge of one to the upper edge of the other, beside what else comes from there.
    fn arrow(&self, layers: &Layers, upper: usize, lower: usize) -> String {
        let arrows = || layers.arrows.iter();
        let from = self.spread(upper, lower, arrows().filter(|(from, _)| *from == upper).map(|(_, to)| *to), layers);
        let to = self.spread(lower, upper, arrows().filter(|(_, to)| *to == lower).map(|(from, _)| *from), layers);
        let ((_, top, begin), (_, end, _)) = (self.places[upper], self.places[lower]);
        let (half, is_passage) = ((begin + end) / 2.0, layers.nodes[upper] == Node::Passage);
        // Through the layer that it passes.
        let before =
            if is_passage { format!("M{from:.0} {top:.0}V{begin:.0}") } else { format!("M{from:.0} {begin:.0}") };
        let is_last = layers.nodes[lower] != Node::Passage;
        let (end, tip) = if is_last { (end - 3.0, " marker-end=\"url(#tip)\"") } else { (end, "") };
        format!("    <path d=\"{before}C{from:.0} {half:.0} {to:.0} {half:.0} {to:.0} {end:.0}\"{tip}/>\n")
    }

    /// Where on the edge of `node` the arrow to `other` begins or ends, beside those to all others.
    fn spread(&self, node: usize, other: usize, others: impl Iterator<Item = usize>, layers: &Layers) -> f64 {
        let mut others: Vec<_> = others.collect();
        others.sort_by(|a, b| self.places[*a].0.total_cmp(&self.places[*b].0));
        let at = others.iter().position(|one| *one == other).unwrap_or(0);
        let width = if layers.nodes[node] == Node::Passage { 0.0 } else { WIDTH };
        self.places[node].0 + width * ((at as f64 + 1.0) / (others.len() as f64 + 1.0) - 0.5)
    }
}

fn wrapped(sentence: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in sentence.split_whitespace() {
        let line = lines.last_mut().expect("there is one from the beginning");
        if line.is_empty() {
            line.push_str(word);
        } else if line.chars().count() + 1 + word.chars().count() <= LETTERS {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    if lines.len() > MOST {
        lines.truncate(MOST);
        let last = &mut lines[MOST - 1];
        *last = format!("{} …", last.trim_end_matches([',', ':', ';']));
    }
    lines
}

/// In halves of a thousand, so that few changes change it.
fn about(lines: usize) -> String {
    match (lines + 250) / 500 * 500 {
        0 => "a few".to_owned(),
        number if number < 1_000 => format!("about {number}"),
        number => format!("about {},{:03}", number / 1_000, number % 1_000),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
