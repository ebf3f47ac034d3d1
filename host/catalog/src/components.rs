//! The components that made what the lake holds, kept in it: so that it can be made again, by whomever and wherever.

use crate::keys::COMPONENTS;
use smelt_common::binary::Binary;
use smelt_common::error::{Kind, Result};
use smelt_common::{Error, digest};
use smelt_storage::{Durability, Store, put_unless_other, read};

/// Where the component of that sha256 lies.
pub fn component_key(sha256: &str) -> String {
    format!("{COMPONENTS}{sha256}.wasm")
}

/// Puts the component into the lake, unless it is there.
pub fn keep_component(store: &dyn Store, binary: &Binary, durability: Durability) -> Result<()> {
    let key = component_key(binary.sha256());
    if let Some(signature) = binary.signature() {
        // Another one is of a key that was trusted before.
        put_instead(store, &signature_key(&key), signature.as_bytes(), durability)?;
    }
    // Its name says what it holds: another one was damaged.
    put_instead(store, &key, binary.bytes(), durability)
}

/// Puts the object, in place of another one of that key if there is one.
fn put_instead(store: &dyn Store, key: &str, body: &[u8], durability: Durability) -> Result<()> {
    while !put_unless_other(store, key, body, durability)? {
        store.delete(key)?;
    }
    Ok(())
}

fn signature_key(component: &str) -> String {
    format!("{component}.minisig")
}

/// The component of that sha256, if the lake has it, with its signature if it has that.
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
        found => Err(Error::new(Kind::Damaged, format!("`{key}` has sha256 {found}"))),
    }
}
