//! The hash of a key, under a salt that nobody else can know. It decides the order of keys in sorted runs.

use siphasher::sip::SipHasher13;

use crate::Error;
use crate::error::{Kind, Result};

/// A salt for tests, under which only eight hashes exist.
#[cfg(any(test, feature = "testing"))]
pub const COLLIDING: &str = "c0111d1c0111d1c0111d1c0111d1c011";

/// The hash function of a map: SipHash-1-3 under the map's salt (<https://www.aumasson.jp/siphash/siphash.pdf>).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KeyHash {
    salt: (u64, u64),
    /// The bits that are cleared, in tests of keys that collide.
    #[cfg(any(test, feature = "testing"))]
    cleared: u64,
}

impl KeyHash {
    /// Returns the hash function for the salt of a map, which is 32 hexadecimal digits.
    ///
    /// # Errors
    /// Returns [`Kind::Damaged`] if the salt is anything else.
    pub fn new(salt: &str) -> Result<Self> {
        let half = |at: usize| salt.get(at..at + 16).and_then(|digits| u64::from_str_radix(digits, 16).ok());
        let digits = salt.len() == 32 && salt.bytes().all(|byte| byte.is_ascii_hexdigit());
        match (digits, half(0), half(16)) {
            (true, Some(first), Some(second)) => Ok(Self {
                salt: (first, second),
                #[cfg(any(test, feature = "testing"))]
                cleared: if salt == COLLIDING { !(7 << 60) } else { 0 },
            }),
            _ => Err(Error::new(Kind::Damaged, "the salt of a map is not 32 hexadecimal digits")),
        }
    }

    /// Returns the salt, as [`new`](Self::new) takes it.
    pub fn salt(&self) -> String {
        format!("{:016x}{:016x}", self.salt.0, self.salt.1)
    }

    /// Returns the hash of the key.
    #[inline]
    pub fn of(&self, key: &[u8]) -> u64 {
        let hash = SipHasher13::new_with_keys(self.salt.0, self.salt.1).hash(key);
        #[cfg(any(test, feature = "testing"))]
        let hash = hash & !self.cleared;
        hash
    }
}
