//! A host that works on one lake, in three roles. A tick of each role reads the catalog, does what the plan says, and
//! commits.

mod aggregate;
mod arrive;
mod audit;
mod clean;
mod commit;
mod decide;
mod drop;
mod generate;
mod host;
mod orphans;
mod promote;
mod purge;
mod put_away;
mod recognise;
mod report;
mod roles;
mod rollback;
mod settling;
mod sinks;
mod writing;

pub use drop::Dropped;
pub use generate::{Generated, Generation};
pub use host::Host;
pub use promote::{PromotionReport, Way, running};
pub use report::Report;
