//! Stub.
use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::digest;
use crate::error::Result;
use crate::store::{Durability, Store, put_new, read_verified};

/// Map.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segments {
    runs: Vec<Segment>,
}

/// Run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// Key.
    pub key: String,
    /// Size.
    pub bytes: u64,
    sha256: String,
}

type Pair = (Vec<u8>, Option<Vec<u8>>);

impl Segments {
    /// Runs.
    pub fn runs(&self) -> &[Segment] {
        &self.runs
    }
    fn load(&self, store: &dyn Store) -> Result<HashMap<Vec<u8>, Vec<u8>>> {
        let mut map = HashMap::new();
        for run in &self.runs {
            let pairs: Vec<Pair> = serde_json::from_slice(&read_verified(store, &run.key, &run.sha256)?).expect("json");
            for (key, value) in pairs {
                match value {
                    Some(value) => drop(map.insert(key, value)),
                    None => drop(map.remove(&key)),
                }
            }
        }
        Ok(map)
    }
    /// Get.
    pub fn get_many(&self, store: &dyn Store, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>> {
        let map = self.load(store)?;
        Ok(keys.iter().map(|key| map.get(key).cloned()).collect())
    }
    /// Scan.
    pub fn scan(&self, store: &dyn Store, mut visit: impl FnMut(&[u8], &[u8]) -> Result<()>) -> Result<()> {
        self.load(store)?.iter().try_for_each(|(key, value)| visit(key, value))
    }
    /// Put.
    pub fn put(&mut self, store: &dyn Store, stem: &str, pairs: Vec<Pair>, _: &mut Vec<String>) -> Result<()> {
        let body = serde_json::to_vec(&pairs).expect("json");
        let (sha256, bytes) = (digest::hex(&body), body.len() as u64);
        let key = put_new(store, stem, '.', ".run", &body, Durability::Rebuildable)?;
        self.runs.push(Segment { key, bytes, sha256 });
        Ok(())
    }
}
