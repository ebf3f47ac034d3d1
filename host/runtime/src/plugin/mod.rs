//! Loaded plugins. Each kind has a file with its calls, which take and return Arrow batches.

mod cleaner;
mod code;
mod generator;
mod identified;
mod identity;
mod kpi;
mod loaded;
mod loader;
mod parameters;
mod world;

pub use cleaner::{Cleaned, Cleaner, Session};
pub use generator::Generator;
pub use identified::Identified;
pub use identity::{Identity, plugin_of};
pub use kpi::{Accumulator, EarlierAccumulator, Kpi, Reduced, Reducer};
pub use parameters::check_parameters;
pub use world::{Inspection, World};
