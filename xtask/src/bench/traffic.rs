//! What a run asked of an S3 server, out of its profile.

use std::collections::BTreeMap;

use serde_json::Value;

/// What the server was asked for in one run.
pub(super) struct Traffic {
    /// Bronze rows of the run.
    pub(super) rows: u64,
    /// How many requests there were, by method.
    pub(super) requests: BTreeMap<String, u64>,
    /// Bytes of their bodies.
    pub(super) sent: u64,
    /// Bytes of the answers' bodies.
    pub(super) received: u64,
}

impl Traffic {
    /// Reads it from what `smelt run --json --profile` prints.
    pub(super) fn of(told: &Value) -> Option<Self> {
        let mut traffic = Self { rows: 0, requests: BTreeMap::new(), sent: 0, received: 0 };
        for dataset in told["datasets"].as_array()? {
            traffic.rows += dataset["read"].as_u64()?;
        }
        for stage in told["profile"]["stages"].as_array()? {
            let (calls, bytes) = (stage["calls"].as_u64()?, stage["bytes"].as_u64()?);
            match stage["stage"].as_str()? {
                "request" => {
                    traffic.requests.insert(stage["of"].as_str()?.to_owned(), calls);
                    traffic.sent += bytes;
                }
                "answer" => traffic.received += bytes,
                _ => {}
            }
        }
        Some(traffic)
    }
}
