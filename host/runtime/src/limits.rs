//! What one plugin may use, and the limiter that wasmtime asks before memory or tables grow.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use wasmtime::ResourceLimiter;

use super::machine;

/// How often deadlines are checked.
pub(super) const TICK: Duration = Duration::from_millis(10);
/// The stack of a guest: the same for all, because compiled code depends on it.
pub const STACK_BYTES: usize = 512 << 10;

/// Limits of one plugin. Exceeding one fails the call, and nothing else.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Milliseconds that one call may run, of the time of a core; checked every 10 ms. Default 10,000.
    pub call_ms: u64,
    /// Milliseconds that an instance may run to start, and to describe itself. Default 5,000.
    pub start_ms: u64,
    /// Bytes of guest memory, all memories of a component together. Default 256 MiB.
    pub memory_bytes: usize,
    /// Memories. Default 4.
    pub memories: usize,
    /// Tables. Default 32.
    pub tables: usize,
    /// Table elements, all tables together. Default 100,000.
    pub table_elements: usize,
    /// Core instances. Default 32.
    pub instances: usize,
    /// Handles to resources that exist at once. Default 1,000.
    pub handles: usize,
    /// Bytes that cross from guest to host at once. Default 64 MiB.
    pub output_bytes: usize,
    /// Rows of one stream from guest to host. Default 4 Mi.
    pub output_rows: usize,
    /// Bytes of log messages kept from one call. Default 64 KiB.
    pub log_bytes: usize,
    /// Bytes of an error's text, and of one log message. Default 10,000.
    pub error_bytes: usize,
    /// Bytes of the component. Default 64 MiB.
    pub component_bytes: u64,
    /// Functions of the component, those of all its modules together. Default 100,000.
    pub functions: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            call_ms: 10_000,
            start_ms: 5_000,
            memory_bytes: 256 << 20,
            memories: 4,
            tables: 32,
            table_elements: 100_000,
            instances: 32,
            handles: 1_000,
            output_bytes: 64 << 20,
            output_rows: 4 << 20,
            log_bytes: 64 << 10,
            error_bytes: 10_000,
            component_bytes: 64 << 20,
            functions: 100_000,
        }
    }
}

impl Limits {
    /// What they can be set to at most: what the engine sets room aside for, and what a 32-bit guest can have.
    pub(super) const MOST: Self = Self {
        call_ms: 86_400_000,
        start_ms: 86_400_000,
        memory_bytes: 4 << 30,
        memories: 16,
        tables: 64,
        table_elements: 250_000,
        instances: 128,
        handles: 100_000,
        output_bytes: 2 << 30,
        output_rows: 1 << 30,
        log_bytes: 64 << 20,
        error_bytes: 1 << 20,
        component_bytes: 1 << 30,
        functions: 1_000_000,
    };

    /// Each with its key in the manifest.
    pub fn list(&self) -> [(&'static str, u64); 14] {
        let &Self {
            call_ms,
            start_ms,
            memory_bytes,
            memories,
            tables,
            table_elements,
            instances,
            handles,
            output_bytes,
            output_rows,
            log_bytes,
            error_bytes,
            component_bytes,
            functions,
        } = self;
        [
            ("call_ms", call_ms),
            ("start_ms", start_ms),
            ("memory_bytes", memory_bytes as u64),
            ("memories", memories as u64),
            ("tables", tables as u64),
            ("table_elements", table_elements as u64),
            ("instances", instances as u64),
            ("handles", handles as u64),
            ("output_bytes", output_bytes as u64),
            ("output_rows", output_rows as u64),
            ("log_bytes", log_bytes as u64),
            ("error_bytes", error_bytes as u64),
            ("component_bytes", component_bytes),
            ("functions", functions as u64),
        ]
    }

    /// The first that is zero or more than the host can grant, in words.
    pub fn wrong(&self) -> Option<String> {
        self.list().into_iter().zip(Self::MOST.list()).find_map(|((key, value), (_, most))| match value {
            0 => Some(format!("{key} must not be zero")),
            _ if value > most => Some(format!("{key} must be at most {most}, not {value}")),
            _ => None,
        })
    }
}

/// Counts what a store uses; remembers in words what was refused, and what the machine could not give.
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

    /// The guest sees only that it got none, and most then give up: whose fault that was is remembered.
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
