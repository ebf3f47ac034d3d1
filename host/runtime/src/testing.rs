//! Helpers for unit tests, of other crates too.

use super::spec::Setting;

/// Returns a setting without parameters and without a time.
pub fn setting() -> Setting {
    Setting { params: "{}".to_owned(), uses_as_of: false }
}
