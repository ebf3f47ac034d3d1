//! Random bits from the system.

/// Returns random bits, for names that must not clash. No result of smelt depends on them.
pub fn random() -> u64 {
    getrandom::u64().expect("the system has randomness")
}
