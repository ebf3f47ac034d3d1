//! Keeps in the lake the components that made its data, so that anyone with the lake can reproduce it.

use crate::keys::COMPONENTS;
use smelt_common::binary::Binary;
use smelt_common::error::{Kind, Result};
use smelt_common::{Error, digest};
use smelt_storage::{Durability, Store, put_unless_other, read};

/// Returns the key of the component with this sha256.
pub fn component_key(sha256: &str) -> String {
    format!("{COMPONENTS}{sha256}.wasm")
}

/// Puts the component and its signature into the lake, unless they are there.
pub fn keep_component(store: &dyn Store, binary: &Binary, durability: Durability) -> Result<()> {
    let key = component_key(binary.sha256());
    if let Some(signature) = binary.signature() {
        // The lake may have a signature by another key, which was trusted before.
        put_instead(store, &signature_key(&key), signature.as_bytes(), durability)?;
    }
    // The key contains the sha256, so an object with other bytes is damaged and is replaced.
    put_instead(store, &key, binary.bytes(), durability)
}

/// Writes the object. If the key has an object with other bytes, replaces it.
fn put_instead(store: &dyn Store, key: &str, body: &[u8], durability: Durability) -> Result<()> {
    while !put_unless_other(store, key, body, durability)? {
        store.delete(key)?;
    }
    Ok(())
}

fn signature_key(component: &str) -> String {
    format!("{component}.minisig")
}

/// Reads the component with this sha256 from the lake, with its signature if the lake has one.
///
/// # Errors
/// [`Kind::Damaged`] if the lake does not have the component, or if the object has another sha256.
pub fn kept_component(store: &dyn Store, sha256: &str) -> Result<Binary> {
    let key = component_key(sha256);
    let bytes = read(store, &key).map_err(|error| match error.kind() {
        Kind::Damaged => Error::new(Kind::Damaged, format!("the lake does not have the component {sha256}")),
        _ => error,
    })?;
    match digest::hex(&bytes) {
        found if found == sha256 => {
            let (binary, signature) = (Binary::new(&key, bytes), signature_key(&key));
            match store.exists(&signature)? {
                true => Ok(binary.signed(&String::from_utf8_lossy(&read(store, &signature)?))),
                false => Ok(binary),
            }
        }
        found => {
            Err(Error::new(Kind::Damaged, format!("`{key}` has sha256 {found}, which is not the one in its name")))
        }
    }
}
