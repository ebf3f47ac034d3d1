//! What the host offers. Natively, for unit tests, messages go to standard error and pseudonyms are plain SHA-256.

pub use crate::bindings::log::Level;

/// Writes a message to the host's log. Never put row content in it: logs are not private.
pub fn log(level: Level, message: &str) {
    #[cfg(target_family = "wasm")]
    crate::bindings::log::write(level, message);
    #[cfg(not(target_family = "wasm"))]
    eprintln!("{level:?}: {message}");
}

/// The pseudonym of each value under the host's key. Trim and fold case first: equal values give equal pseudonyms.
pub fn pseudonymise(values: &[String]) -> Vec<String> {
    #[cfg(target_family = "wasm")]
    return crate::bindings::privacy::pseudonymise(values);
    #[cfg(all(feature = "native", not(target_family = "wasm")))]
    if let Some(pseudonyms) = crate::native::pseudonymise(values) {
        return pseudonyms;
    }
    #[cfg(not(target_family = "wasm"))]
    return values.iter().map(|value| plain_pseudonym(value)).collect();
}

#[cfg(not(target_family = "wasm"))]
fn plain_pseudonym(value: &str) -> String {
    use sha2::Digest as _;
    sha2::Sha256::digest(value).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// Makes a panic tell the host its message and location before it traps.
#[doc(hidden)]
pub fn report_panics() {
    #[cfg(target_family = "wasm")]
    {
        static ONCE: std::sync::Once = std::sync::Once::new();
        ONCE.call_once(|| std::panic::set_hook(Box::new(|info| log(Level::Fatal, &info.to_string()))));
    }
}
