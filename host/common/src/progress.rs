//! Reports how far a long piece of work has come. The command shows it as a bar.

/// Receives reports of how far a long piece of work has come.
pub trait Progress: Send + Sync {
    /// Begins a new piece of work of `units` units.
    fn begin(&self, what: &'static str, units: u64);
    /// Adds `units` units that are done.
    fn advance(&self, units: u64);
    /// Ends the work.
    fn end(&self);
}

/// Ignores all reports, for work that nobody waits for.
#[derive(Debug, Clone, Copy)]
pub struct Unwatched;

impl Progress for Unwatched {
    fn begin(&self, _: &'static str, _: u64) {}
    fn advance(&self, _: u64) {}
    fn end(&self) {}
}
