//! Pictures of numbers: SVG and HTML whose colours are style sheets.
//!
//! The server draws every chart whole, so that a page works without script, in print and for a screen reader. Widths are
//! percentages and labels are chosen by container queries, so that one picture fits a phone and a wall.
//! `assets/charts.css` colours it; `assets/charts.js` adds hover, keys, zoom and a legend that hides series.
//!
//! A page puts its figures into an element of class `figures`, a grid of twelve columns, and its tiles into one of class
//! `stats` within it. After it has replaced them it calls the script's `start(root)` again. A drag over a chart with a
//! brush sends the event `smelt:go`, whose `detail` maps query parameters to labels; empty texts clear them.

mod axis;
mod bars;
mod boxes;
mod date;
mod drawing;
mod figure;
mod frame;
mod funnel;
mod heat_map;
mod histogram;
mod lines;
mod locale;
mod number;
mod points;
mod scale;
mod series;
mod share;
mod stat;
mod table;
#[cfg(test)]
mod tests;

pub use axis::{XAxis, XKind};
pub use bars::{BarLayout, Bars};
pub use boxes::{BoxRow, Boxes};
pub use drawing::Drawing;
pub use figure::{DataTable, Figure, State, Width};
pub use funnel::Funnel;
pub use heat_map::HeatMap;
pub use histogram::Histogram;
pub use lines::Lines;
pub use locale::Locale;
pub use number::{NumberFormat, change_text};
pub use points::Band;
pub use series::{Series, SeriesStyle};
pub use share::Share;
pub use stat::{Change, Stat, spark};

/// The style sheet that charts need.
pub const STYLE: &str = include_str!("../../assets/charts.css");
/// The script that charts can do without: a module that exports `start(root)`.
pub const SCRIPT: &str = include_str!("../../assets/charts.js");
