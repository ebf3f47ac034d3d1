//! Planning: what would run and why. It compares the manifest and the listing of bronze with the catalog, and changes
//! nothing.

mod bronze;
mod estimate;
mod estimated;
mod gate;
mod kpis;
mod planning;
mod records;
mod young;

pub use estimate::Estimate;
pub use kpis::{inputs, is_whole, of_input, silver_version};
pub use planning::Planning;
pub use records::{DatasetPlan, GatePlan, KpiPlan, Parked, Plan, PlannedObject};
pub use young::{YOUNG, hash, unsettled};
