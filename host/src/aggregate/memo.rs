//! Partial aggregates kept in the lake by what they are a function of. Losing one costs time, never a result.

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use crate::catalog::MEMO;
use crate::digest;
use crate::error::Result;
use crate::store::{Durability, Store, read};
use crate::wasm::{decode_ipc, encode_ipc};

/// How many characters of a sha256 in hexadecimal.
const SHA256: usize = 64;

/// Partial aggregates by the digest of everything they depend on.
pub(super) struct Memo<'m> {
    store: &'m dyn Store,
}

impl<'m> Memo<'m> {
    pub(super) fn new(store: &'m dyn Store) -> Self {
        Self { store }
    }

    fn key(id: &str) -> String {
        format!("{MEMO}{}/{id}", &id[..2])
    }

    /// The state under that id, if it is there and whole.
    pub(super) fn get(&self, id: &str, schema: &SchemaRef) -> Option<RecordBatch> {
        let mut body = read(self.store, &Self::key(id)).ok()?;
        let sha256 = body.split_off(body.len().checked_sub(SHA256)?);
        if seal(id, &body).as_bytes() != sha256 {
            tracing::warn!(id, "a partial aggregate is damaged and is computed again");
            return None;
        }
        decode_ipc(body, schema).ok()
    }

    /// Keeps the state under that id. Best effort: without it the state is computed again.
    pub(super) fn put(&self, id: &str, state: &RecordBatch) {
        if let Err(error) = self.try_put(id, state) {
            tracing::debug!(id, "a partial aggregate was not kept: {error}");
        }
    }

    fn try_put(&self, id: &str, state: &RecordBatch) -> Result<()> {
        let mut body = encode_ipc(state)?;
        let sha256 = seal(id, &body);
        body.extend_from_slice(sha256.as_bytes());
        let key = Self::key(id);
        if !self.store.put_if_absent(&key, &body, Durability::Rebuildable)? && read(self.store, &key)? != body {
            // What is there is not what belongs there: it was damaged, or forged.
            self.store.delete(&key)?;
            self.store.put_if_absent(&key, &body, Durability::Rebuildable)?;
        }
        Ok(())
    }
}

/// Tells whether the state is whole, and the one that belongs under that id.
fn seal(id: &str, body: &[u8]) -> String {
    digest::hex([id.as_bytes(), body].concat())
}
