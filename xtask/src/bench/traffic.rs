//! The requests that a run sent to an S3 server, from its profile.

use std::collections::BTreeMap;

use serde_json::Value;

/// The requests of one run.
pub(super) struct Traffic {
    /// The bronze rows of the run.
    pub(super) rows: u64,
    /// The number of requests, by method.
    pub(super) requests: BTreeMap<String, u64>,
    /// The bytes of the requests' bodies.
    pub(super) sent: u64,
    /// The bytes of the answers' bodies.
    pub(super) received: u64,
}

impl Traffic {
    /// Reads the requests from what `smelt run --json --profile` prints.
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
