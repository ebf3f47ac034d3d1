//! A component's bytes.

use std::path::Path;
use std::sync::Arc;

use crate::error::Result;
use crate::{Error, digest, files};

/// A component's bytes, read once: what becomes of the file later changes nothing.
#[derive(Debug, Clone)]
pub struct Binary {
    shown: Arc<str>,
    bytes: Arc<[u8]>,
    sha256: Arc<str>,
    signature: Option<Arc<str>>,
}

impl Binary {
    /// What the file holds, which may have so many bytes.
    pub fn read(path: &Path, most: u64) -> Result<Self> {
        let shown = path.display();
        match files::read(path, most) {
            Ok(bytes) => Ok(Self::new(&shown.to_string(), bytes)),
            Err(error) => Err(Error::unreadable(format!("the component `{shown}`"), &error)),
        }
    }

    /// These bytes, which people know under that name.
    pub fn new(shown: &str, bytes: impl Into<Arc<[u8]>>) -> Self {
        let bytes = bytes.into();
        Self { shown: shown.into(), sha256: digest::hex(&bytes).into(), bytes, signature: None }
    }

    /// The same with a signature, whatever that is worth.
    pub fn signed(self, signature: &str) -> Self {
        Self { signature: Some(signature.into()), ..self }
    }

    /// The signature that came with it.
    pub fn signature(&self) -> Option<&str> {
        self.signature.as_deref()
    }

    /// Where it is from, for people.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// The component itself.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Of the bytes.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }
}
