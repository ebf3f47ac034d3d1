//! The time, memory and instructions that calls of a plugin used.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The cost of calls of a plugin, in one instance or in all instances that took part.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cost {
    /// The time in calls of the plugin, in microseconds, of all workers together.
    pub micros: u64,
    /// The largest memory of one of its instances, in bytes. The memory of a guest never shrinks.
    pub memory_bytes: u64,
    /// About how many instructions it ran.
    pub fuel: u64,
}

impl Cost {
    /// Returns the cost of calls that took `time` in all, in one instance.
    pub fn new(time: Duration, memory_bytes: u64, fuel: u64) -> Self {
        Self { micros: u64::try_from(time.as_micros()).unwrap_or(u64::MAX), memory_bytes, fuel }
    }

    /// Adds the cost of other calls.
    pub fn merge(&mut self, Self { micros, memory_bytes, fuel }: Self) {
        self.micros = self.micros.saturating_add(micros);
        self.fuel = self.fuel.saturating_add(fuel);
        self.memory_bytes = self.memory_bytes.max(memory_bytes);
    }
}
