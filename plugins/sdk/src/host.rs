//! Calls of the host. In native unit tests, messages go to standard error, and a pseudonym is a plain SHA-256.

pub use crate::bindings::log::Level;

/// Writes a message to the host's log. A message must not contain values of rows, because logs are not private.
pub fn log(level: Level, message: &str) {
    #[cfg(target_family = "wasm")]
    crate::bindings::log::write(level, message);
    #[cfg(not(target_family = "wasm"))]
    eprintln!("{level:?}: {message}");
}

/// Returns the pseudonym of each value under the host's key. Only equal values have equal pseudonyms, so the caller
/// first removes white space and differences of case.
pub fn pseudonymise(values: &[String]) -> Vec<String> {
    #[cfg(target_family = "wasm")]
    return crate::bindings::privacy::pseudonymise(values);
    #[cfg(all(feature = "native", not(target_family = "wasm")))]
    if let Some(pseudonyms) = crate::native::call::pseudonymise(values) {
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

/// Installs a hook that sends the message and location of a panic to the host's log before the component traps.
#[doc(hidden)]
pub fn report_panics() {
    #[cfg(target_family = "wasm")]
    {
        static ONCE: std::sync::Once = std::sync::Once::new();
        ONCE.call_once(|| std::panic::set_hook(Box::new(|info| log(Level::Fatal, &info.to_string()))));
    }
}
