//! What one plugin may use, and the limiter that wasmtime asks before memory or tables grow.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use wasmtime::ResourceLimiter;

/// How often deadlines are checked.
pub(super) const TICK: Duration = Duration::from_millis(10);

/// Limits of one plugin. Exceeding one fails the call, and nothing else.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Milliseconds that one call may take; checked every 10 ms. Default 10,000.
    pub call_ms: u64,
    /// Bytes of guest memory, all memories of a component together. Default 256 MiB.
    pub memory_bytes: usize,
    /// Table elements, all tables together. Default 100,000.
    pub table_elements: usize,
    /// Core instances. Default 32.
    pub instances: usize,
    /// Bytes that cross from guest to host in one call. Default 64 MiB.
    pub output_bytes: usize,
    /// Bytes of log messages kept from one call. Default 64 KiB.
    pub log_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            call_ms: 10_000,
            memory_bytes: 256 << 20,
            table_elements: 100_000,
            instances: 32,
            output_bytes: 64 << 20,
            log_bytes: 64 << 10,
        }
    }
}

impl Limits {
    /// The deadline in ticks of the engine's epoch.
    pub(super) fn call_ticks(&self) -> u64 {
        self.call_ms.div_ceil(TICK.as_millis() as u64) + 1
    }
}

/// Counts what a store uses; remembers in words what was refused.
#[derive(Debug)]
pub(super) struct Limiter {
    limits: Limits,
    memory: usize,
    elements: usize,
    pub(super) refused: Option<String>,
}

impl Limiter {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, memory: 0, elements: 0, refused: None }
    }

    /// Bytes of guest memory, all memories together.
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

    fn instances(&self) -> usize {
        self.limits.instances
    }

    fn tables(&self) -> usize {
        self.limits.instances
    }

    fn memories(&self) -> usize {
        4
    }
}
