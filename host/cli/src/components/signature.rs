//! Signatures of components, as [minisign](https://jedisct1.github.io/minisign/) makes them.

use minisign_verify::{PublicKey, Signature};

use smelt_common::Error;
use smelt_common::binary::Binary;
use smelt_common::error::Result;

/// The keys that a manifest trusts. Without any, nothing need be signed.
pub struct Keys(Vec<PublicKey>);

impl Keys {
    /// From the texts of public keys.
    pub fn parse(texts: &[String]) -> Result<Self> {
        let parse = |text: &String| {
            PublicKey::from_base64(text).map_err(|error| {
                Error::config(format!("[pipeline] trusted: `{text}` is no public key of minisign ({error}); the last line of a `.pub` file would be right"))
            })
        };
        texts.iter().map(parse).collect::<Result<_>>().map(Self)
    }

    /// Refuses a component that none of the keys has signed, if there are any.
    pub fn check(&self, plugin: &str, binary: &Binary) -> Result<()> {
        let Self(keys) = self;
        if keys.is_empty() {
            return Ok(());
        }
        let refused = |why: String| {
            let shown = binary.shown();
            Err(Error::config(format!(
                "the component `{shown}` of plugin `{plugin}` {why}: [pipeline] trusted requires it to be signed with one of its keys"
            )))
        };
        let Some(text) = binary.signature() else {
            return refused("has no signature (`minisign -S -m x.wasm` makes `x.wasm.minisig`)".to_owned());
        };
        let signature = match Signature::decode(text) {
            Ok(signature) => signature,
            Err(error) => return refused(format!("has a signature that cannot be read ({error})")),
        };
        match keys.iter().any(|key| key.verify(binary.bytes(), &signature, false).is_ok()) {
            true => Ok(()),
            false => refused("has a signature of another key or of other bytes".to_owned()),
        }
    }
}
