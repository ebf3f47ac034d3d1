//! The bytes of a component, with their digest and signature.

use std::path::Path;
use std::sync::Arc;

use crate::error::Result;
use crate::{Error, digest, files};

/// The bytes of a component. They are read once, so later changes to the file have no effect.
#[derive(Debug, Clone)]
pub struct Binary {
    shown: Arc<str>,
    bytes: Arc<[u8]>,
    sha256: Arc<str>,
    signature: Option<Arc<str>>,
}

impl Binary {
    /// Reads the file, which may have at most `most` bytes.
    ///
    /// # Errors
    /// Returns [`Error::unreadable`] if the file cannot be read or is larger.
    pub fn read(path: &Path, most: u64) -> Result<Self> {
        let shown = path.display();
        match files::read(path, most) {
            Ok(bytes) => Ok(Self::new(&shown.to_string(), bytes)),
            Err(error) => Err(Error::unreadable(format!("the component `{shown}`"), &error)),
        }
    }

    /// Returns a component of these bytes, which messages call `shown`.
    pub fn new(shown: &str, bytes: impl Into<Arc<[u8]>>) -> Self {
        let bytes = bytes.into();
        Self { shown: shown.into(), sha256: digest::hex(&bytes).into(), bytes, signature: None }
    }

    /// Returns the same component with a signature, which is not verified here.
    pub fn signed(self, signature: &str) -> Self {
        Self { signature: Some(signature.into()), ..self }
    }

    /// Returns the signature that came with it.
    pub fn signature(&self) -> Option<&str> {
        self.signature.as_deref()
    }

    /// Returns the name for messages: its file or address.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// Returns the bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the sha256 of the bytes.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }
}
