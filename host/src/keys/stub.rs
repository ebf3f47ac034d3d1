//! Stub.
use std::collections::HashMap;
use std::sync::Mutex;

use arrow_array::RecordBatch;

use super::Keys;
use crate::error::Result;
use crate::segments::Segments;
use crate::store::Store;
use crate::wasm::CleanerSpec;

/// Stub.
pub struct KeySpool(Mutex<Vec<(Vec<u8>, Vec<u8>, u32, u32)>>);

impl KeySpool {
    /// Stub.
    pub fn new(_: &Segments) -> Self {
        Self(Mutex::default())
    }
    /// Stub.
    pub fn append(&self, object: u32, first: u32, batch: &RecordBatch, spec: &CleanerSpec) -> Result<()> {
        let keys = Keys::of(std::slice::from_ref(batch), spec);
        let mut all = self.0.lock().expect("x");
        for row in 0..batch.num_rows() as u32 {
            let (_, key, order) = keys.get(row);
            all.push((key.to_vec(), order.to_vec(), object, first + row));
        }
        Ok(())
    }
}

/// Stub.
pub fn resolve(
    store: &dyn Store,
    spool: &KeySpool,
    segments: &mut Segments,
    stem: &str,
    is_new: &dyn Fn(u32) -> bool,
    name_of: &dyn Fn(u32) -> Result<String>,
    retired: &mut Vec<String>,
) -> Result<HashMap<u32, Vec<u32>>> {
    let rows = spool.0.lock().expect("x");
    let keys: Vec<_> = rows.iter().filter(|row| is_new(row.2)).map(|row| row.0.clone()).collect();
    let mut held: HashMap<Vec<u8>, (Vec<u8>, u32, u32)> = HashMap::new();
    for (key, value) in keys.iter().zip(segments.get_many(store, &keys)?) {
        if let Some(value) = value {
            let (ids, order) = value.split_at(8);
            let number = |at: usize| u32::from_le_bytes(ids[at..at + 4].try_into().expect("4"));
            held.insert(key.clone(), (order.to_vec(), number(0), number(4)));
        }
    }
    let mut lost: HashMap<u32, Vec<u32>> = HashMap::new();
    let mut changed = HashMap::new();
    for (key, order, object, place) in rows.iter().filter(|row| is_new(row.2)) {
        let new = (order.clone(), *object, *place);
        let wins = match held.get(key) {
            None => true,
            Some(old) => {
                let names = || Ok::<_, crate::Error>(name_of(new.1)?.cmp(&name_of(old.1)?));
                let tie = if new.1 == old.1 {
                    new.2.cmp(&old.2)
                } else if new.0 == old.0 {
                    names()?
                } else {
                    std::cmp::Ordering::Equal
                };
                let wins = new.0.cmp(&old.0).then(tie).is_gt();
                let (o, p) = if wins { (old.1, old.2) } else { (new.1, new.2) };
                lost.entry(o).or_default().push(p);
                wins
            }
        };
        if wins {
            let mut value = [new.1.to_le_bytes(), new.2.to_le_bytes()].concat();
            value.extend(&new.0);
            changed.insert(key.clone(), Some(value));
            held.insert(key.clone(), new);
        }
    }
    lost.values_mut().for_each(|places| places.sort_unstable());
    if !changed.is_empty() {
        segments.put(store, stem, changed.into_iter().collect(), retired)?;
    }
    Ok(lost)
}
