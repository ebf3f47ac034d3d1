//! The aggregation step: turns relations into tables.

mod aggregation;
mod check_rows;
mod delta;
mod empty_stages;
mod feed;
mod finalize;
mod kept;
mod leave_one_out;
mod neighbourhood;
pub mod partial;
mod pass;
mod read;
mod row_stage;
mod rows;
mod saves;
mod taker;

pub use aggregation::{Aggregation, Made};
pub use finalize::{put_held, put_stamped};
pub use leave_one_out::{LeaveOneOut, States, Without};
pub use read::{rows_of, visit_rows};
pub(crate) use row_stage::RowStage;
