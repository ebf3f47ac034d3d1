//! The hash of a key, under a salt that nobody else can know.

use siphasher::sip::SipHasher13;

use crate::Error;
use crate::error::{Kind, Result};

/// A salt under which there are eight hashes in all, for tests.
#[cfg(any(test, feature = "testing"))]
pub const COLLIDING: &str = "c0111d1c0111d1c0111d1c0111d1c011";

/// The hash function of a map: SipHash-1-3 under its salt (<https://www.aumasson.jp/siphash/siphash.pdf>).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KeyHash {
    salt: (u64, u64),
    /// The bits that are cleared: some in tests of keys that collide.
    #[cfg(any(test, feature = "testing"))]
    cleared: u64,
}

impl KeyHash {
    /// With the salt of a map: two numbers of 16 hexadecimal digits.
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

    /// What [`new`](Self::new) was given.
    pub fn salt(&self) -> String {
        format!("{:016x}{:016x}", self.salt.0, self.salt.1)
    }

    /// Where the key lies.
    pub fn of(&self, key: &[u8]) -> u64 {
        let hash = SipHasher13::new_with_keys(self.salt.0, self.salt.1).hash(key);
        #[cfg(any(test, feature = "testing"))]
        let hash = hash & !self.cleared;
        hash
    }
}
