//! The aggregator's role: relations become tables.

mod aggregation;
mod delta;
mod finish;
mod first_stage;
mod leave_one_out;
pub mod partial;
mod pass;
mod rows;

pub use aggregation::{Aggregation, Tables};
pub use finish::put_stamped;
pub use leave_one_out::{LeaveOneOut, States};
