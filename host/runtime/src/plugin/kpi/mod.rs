//! KPIs: plugins that turn rows of relations into rows of sums, and sums into a table.
//!
//! - `loaded_kpi` is the loaded component. `accumulator` takes in rows of an input, and `reducer` takes groups of a stage.
//! - `earlier` calls components before contract 0.3.0, in which accumulators did all of that.
//! - `key` checks the key of the table.

mod accumulator;
mod earlier;
mod key;
mod loaded_kpi;
mod reducer;

pub use accumulator::Accumulator;
pub use earlier::EarlierAccumulator;
pub use loaded_kpi::Kpi;
pub use reducer::{Reduced, Reducer};
