//! Signatures of components, made by [minisign](https://jedisct1.github.io/minisign/).

use minisign_verify::{PublicKey, Signature};

use smelt_common::Error;
use smelt_common::binary::Binary;
use smelt_common::error::Result;

/// The most bytes of a signature.
pub(super) const SIGNATURE_BYTES: u64 = 4096;

/// The keys that a manifest trusts. If there are none, components need no signature.
pub struct Keys(Vec<PublicKey>);

impl Keys {
    /// Parses public keys, each the last line of a `.pub` file.
    pub fn parse(texts: &[String]) -> Result<Self> {
        let parse = |text: &String| {
            PublicKey::from_base64(text).map_err(|error| {
                Error::config(format!(
                    "[pipeline] trusted_keys: `{text}` is no public key of minisign ({error}); the last line of a `.pub` file \
                     would be right"
                ))
            })
        };
        texts.iter().map(parse).collect::<Result<_>>().map(Self)
    }

    /// Refuses a component that none of the keys has signed. If there are no keys, refuses none.
    pub fn expect_signature(&self, plugin: &str, binary: &Binary) -> Result<()> {
        let Self(keys) = self;
        if keys.is_empty() {
            return Ok(());
        }
        let refused = |why: String| {
            let shown = binary.shown();
            Err(Error::config(format!(
                "the component `{shown}` of plugin `{plugin}` {why}: [pipeline] trusted_keys requires a signature by one of \
                 its keys"
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
