//! Makes pseudonyms for personal data. The key never leaves this module.

use std::convert::Infallible;
use std::fmt;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

use smelt_common::error::Result;
use smelt_common::{Error, digest, files};

/// The environment variable that may hold the key: 64 hexadecimal digits.
pub const KEY_VARIABLE: &str = "SMELT_PII_KEY";
/// The most bytes of a file with a key.
const KEY_FILE_BYTES: u64 = 4096;
/// The length of a pseudonym in hexadecimal digits.
const LENGTH: usize = 16;

/// Turns a value into its pseudonym: HMAC-SHA-256 under a key, or plain SHA-256 without a key.
#[derive(Clone, Default)]
pub struct Pseudonyms {
    key: Option<Hmac<Sha256>>,
    key_id: Option<String>,
}

impl Pseudonyms {
    /// Reads the text of the key, if there is one.
    ///
    /// # Errors
    /// Fails unless the text is 64 hexadecimal digits, with or without white space around them.
    pub fn from_hex(key: Option<&str>) -> Result<Self> {
        let Some(text) = key.map(str::trim_ascii) else { return Ok(Self::default()) };
        // `from_str_radix` alone would accept `+f` as a byte.
        let is_key = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let bytes: Option<Vec<u8>> = is_key
            .then(|| (0..64).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect())
            .flatten();
        let bytes = bytes.ok_or_else(|| Error::config("the pseudonym key must be 64 hexadecimal digits"))?;
        let key = Hmac::new_from_slice(&bytes).map_err(|error| Error::internal(error.to_string()))?;
        let key_id = digest::hex([b"smelt pseudonym key ", bytes.as_slice()].concat())[..LENGTH].to_owned();
        Ok(Self { key: Some(key), key_id: Some(key_id) })
    }

    /// Reads the key from the environment variable or, if that is empty, from the file.
    ///
    /// # Errors
    /// Fails if the file cannot be read, or the key is malformed.
    pub fn find(file: Option<&Path>) -> Result<Self> {
        if let Some(key) = std::env::var_os(KEY_VARIABLE).filter(|key| !key.is_empty()) {
            return Self::from_hex(Some(&key.to_string_lossy())).map_err(|error| error.context(KEY_VARIABLE));
        }
        let Some(path) = file else { return Ok(Self::default()) };
        let unreadable = |why: &dyn fmt::Display| {
            Error::config(format!("cannot read the pseudonym key `{}`: {why}", path.display()))
        };
        let text = files::read_text(path, KEY_FILE_BYTES).map_err(|error| unreadable(&error))?;
        if std::fs::metadata(path).is_ok_and(|metadata| metadata.mode() & 0o077 != 0) {
            tracing::warn!("the pseudonym key `{}` can be read by others: `chmod 600` it", path.display());
        }
        Self::from_hex(Some(&text)).map_err(|error| error.context(path.display()))
    }

    /// Returns an id that tells keys apart and does not reveal the key, or `None` without a key.
    pub fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// Returns the pseudonym of the value.
    pub fn of(&self, value: &str) -> String {
        let Ok(pseudonym) = self.of_pieces(std::iter::once(Ok::<_, Infallible>(value.as_bytes())));
        pseudonym
    }

    /// Returns the pseudonym of a value that comes in pieces, or the error of the piece that did not come.
    pub fn of_pieces<'v, E>(&self, mut pieces: impl Iterator<Item = Result<&'v [u8], E>>) -> Result<String, E> {
        let mut hex = match self.key.clone() {
            Some(mut key) => {
                pieces.try_for_each(|piece| piece.map(|piece| key.update(piece)))?;
                digest::to_hex(&key.finalize().into_bytes())
            }
            None => {
                let mut plain = Sha256::new();
                pieces.try_for_each(|piece| piece.map(|piece| plain.update(piece)))?;
                digest::to_hex(&plain.finalize())
            }
        };
        hex.truncate(LENGTH);
        Ok(hex)
    }
}

/// Shows the key's id, never the key.
impl fmt::Debug for Pseudonyms {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Pseudonyms").field("key_id", &self.key_id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_key_it_is_the_brief_s_truncated_sha256() {
        assert_eq!(Pseudonyms::default().of("ada@example.org"), digest::hex("ada@example.org")[..16]);
    }

    #[test]
    fn with_a_key_it_is_hmac_sha256() {
        // The text is that of RFC 4231, test case 1; Python's `hmac` gave the answer for this key.
        let pseudonyms = Pseudonyms::from_hex(Some(&"0b".repeat(32))).expect("a key");
        assert_eq!(pseudonyms.of("Hi There"), "198a607eb44bfbc6");
        assert!(!format!("{pseudonyms:?}").contains("0b0b"));
    }

    #[test]
    fn a_key_of_another_length_is_refused() {
        assert!(Pseudonyms::from_hex(Some("abc")).is_err());
        assert!(Pseudonyms::from_hex(Some(&"é".repeat(32))).is_err());
        assert!(Pseudonyms::from_hex(Some("")).is_err());
        let hex = "0b".repeat(31);
        for odd in ["+f", "-1", "0x", " b", "_b", "Ｂ"] {
            assert!(Pseudonyms::from_hex(Some(&format!("{hex}{odd}"))).is_err(), "{odd}");
            assert!(Pseudonyms::from_hex(Some(&format!("{odd}{hex}"))).is_err(), "{odd}");
        }
        assert!(Pseudonyms::from_hex(Some(&format!(" {hex}0B\r\n"))).is_ok(), "white space around it is left out");
    }
}
