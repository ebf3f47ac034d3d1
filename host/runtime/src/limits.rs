//! The limits of one plugin.

use serde::{Deserialize, Serialize};

/// The stack of a guest, in bytes. It is the same for all guests, because compiled code depends on it.
pub const STACK_BYTES: usize = 512 << 10;

/// The limits of one plugin. A plugin that exceeds one fails its call, and nothing else fails.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// How long one call may run, in milliseconds of CPU time, checked every 10 ms. Default 10,000.
    pub call_ms: u64,
    /// How long an instance may run to start and to describe itself, in milliseconds of CPU time. Default 5,000.
    pub start_ms: u64,
    /// The memory of a guest in bytes, all memories of the component together. Default 256 MiB.
    pub memory_bytes: usize,
    /// The number of memories. Default 4.
    pub memories: usize,
    /// The number of tables. Default 32.
    pub tables: usize,
    /// The number of table elements, all tables together. Default 100,000.
    pub table_elements: usize,
    /// The number of core instances. Default 32.
    pub instances: usize,
    /// The number of handles to resources that exist at once. Default 1,000.
    pub handles: usize,
    /// The bytes that one call may pass from the guest to the host. Default 64 MiB.
    pub output_bytes: usize,
    /// The rows of one stream from the guest to the host. Default 4 Mi.
    pub output_rows: usize,
    /// The bytes of log messages that are kept from one call. Default 64 KiB.
    pub log_bytes: usize,
    /// The bytes of the text of an error, and of one log message. Default 10,000.
    pub error_bytes: usize,
    /// The size of the component in bytes. Default 64 MiB.
    pub component_bytes: u64,
    /// The number of functions of the component, all its modules together. Default 100,000.
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
    /// The greatest values that can be set. The engine reserves room for them, and a 32-bit guest can have no more
    /// memory.
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

    /// Returns each limit with its key in the manifest.
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

    /// Returns a message about the first limit that is zero or more than the host can grant.
    pub fn wrong(&self) -> Option<String> {
        self.list().into_iter().zip(Self::MOST.list()).find_map(|((key, value), (_, most))| match value {
            0 => Some(format!("{key} must not be zero")),
            _ if value > most => Some(format!("{key} must be at most {most}, not {value}")),
            _ => None,
        })
    }
}
