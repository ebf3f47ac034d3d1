//! Tests of the content of ticks: equal bytes each time, ids and dates that match across ticks, every flaw at its rate
//! and nothing else that a cleaner would mind, and a shop whose seasons and habits show.

mod flaws;
mod rules;
mod shape;
mod sheet;
mod ticks;
