//! The limiter that wasmtime asks before memories or tables grow.

use wasmtime::ResourceLimiter;

use super::limits::Limits;
use super::machine;

/// Counts what a store uses. Remembers in words what it refused, and what the machine could not give.
#[derive(Debug)]
pub(super) struct Limiter {
    limits: Limits,
    memory: usize,
    elements: usize,
    pub(super) refused: Option<String>,
    pub(super) lacking: Option<String>,
}

impl Limiter {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, memory: 0, elements: 0, refused: None, lacking: None }
    }

    /// Returns the memory of the guest in bytes, all memories together.
    pub(super) fn memory_bytes(&self) -> usize {
        self.memory
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let total = self.memory.saturating_add(desired.saturating_sub(current));
        if total > self.limits.memory_bytes {
            self.refused = Some(format!("more than {} bytes of memory", self.limits.memory_bytes));
            return Ok(false);
        }
        self.memory = total;
        Ok(true)
    }

    fn table_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let total = self.elements.saturating_add(desired.saturating_sub(current));
        if total > self.limits.table_elements {
            self.refused = Some(format!("more than {} table elements", self.limits.table_elements));
            return Ok(false);
        }
        self.elements = total;
        Ok(true)
    }

    /// Remembers whether the machine lacked memory. The guest sees only that it got none, and most guests then give up.
    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        self.lacking = machine::lacks(&error).or_else(|| self.lacking.take());
        Ok(())
    }

    fn table_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        self.lacking = machine::lacks(&error).or_else(|| self.lacking.take());
        Ok(())
    }

    fn instances(&self) -> usize {
        self.limits.instances
    }

    fn tables(&self) -> usize {
        self.limits.tables
    }

    fn memories(&self) -> usize {
        self.limits.memories
    }
}
