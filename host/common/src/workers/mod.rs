//! The worker pool: WebAssembly guests and encoding run here, on one thread for each core and never on tokio's threads.
//!
//! `pool` shares independent items among the threads. `relay` shares the batches of one item, and keeps their order.

mod pool;
mod relay;
#[cfg(test)]
mod tests;

pub use pool::{can_start, expect_to_wait, map, map_waiting, no_thread, share};
pub use relay::{Relay, Turn};
