//! How far a long piece of work has come, for whoever waits for it.

/// Is told how far a long piece of work has come.
pub trait Progress: Send + Sync {
    /// A new piece of work of that many units begins.
    fn begin(&self, what: &'static str, units: u64);
    /// So many units more are done.
    fn advance(&self, units: u64);
    /// The work is done.
    fn end(&self);
}

/// Nobody waits.
#[derive(Debug, Clone, Copy)]
pub struct Unwatched;

impl Progress for Unwatched {
    fn begin(&self, _: &'static str, _: u64) {}
    fn advance(&self, _: u64) {}
    fn end(&self) {}
}
