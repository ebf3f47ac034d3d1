//! The aggregation step: turns relations into tables.

mod aggregation;
mod delta;
mod finalize;
mod first_stage;
mod leave_one_out;
pub mod partial;
mod pass;
mod rows;

pub use aggregation::{Aggregation, Tables};
pub use finalize::put_stamped;
pub use leave_one_out::{LeaveOneOut, States};
