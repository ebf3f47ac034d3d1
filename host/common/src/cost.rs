//! What a plugin used.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What calls of a plugin used: of one instance, or of all that took part.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cost {
    /// Time in calls of the plugin, in microseconds; of all workers together.
    pub micros: u64,
    /// The most memory that one of its instances had, in bytes. A guest's memory never shrinks.
    pub memory_bytes: u64,
    /// How many instructions it ran, about.
    pub fuel: u64,
}

impl Cost {
    /// Returns the cost of calls that took `time` together in an instance with so much memory.
    pub fn new(time: Duration, memory_bytes: u64, fuel: u64) -> Self {
        Self { micros: u64::try_from(time.as_micros()).unwrap_or(u64::MAX), memory_bytes, fuel }
    }

    /// Counts in what others used.
    pub fn merge(&mut self, Self { micros, memory_bytes, fuel }: Self) {
        self.micros = self.micros.saturating_add(micros);
        self.fuel = self.fuel.saturating_add(fuel);
        self.memory_bytes = self.memory_bytes.max(memory_bytes);
    }
}
