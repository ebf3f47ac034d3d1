//! The arguments and the objects of ticks, as failures show them.

use crate::bench::AS_OF;
use smelt_common::error::Result;
use smelt_runtime::{Object, Tick};

/// The sentence of the contract about ticks.
pub(super) const ANY_TICK: &str =
    "a source gives the objects of any tick, named with letters, digits, `.`, `_` and `-`";

/// A minute in microseconds.
pub(super) const MINUTE: i64 = 60_000_000;

/// Returns the tick of this seed, number and time. A minute later the next tick begins.
pub(crate) fn tick((seed, number, starts): (u64, u64, i64)) -> Tick {
    Tick { seed, number, starts, ends: starts + MINUTE }
}

/// Returns seed, tick and time as text.
pub(super) fn sent_at((seed, tick, as_of): (u64, u64, i64)) -> String {
    let minutes = (as_of - AS_OF) / MINUTE;
    format!("`generate` with seed {seed}, tick {tick}, as-of {minutes} minutes after 2025-01-01T00:00:00Z")
}

/// Returns seed and tick as text, for calls at the usual time.
pub(super) fn sent((seed, tick): (u64, u64)) -> String {
    format!("`generate` with seed {seed}, tick {tick}, as-of 2025-01-01T00:00:00Z")
}

/// Returns how other objects, or an error in their place, differ from the first ones.
pub(super) fn differs(first: &[Object], other: Result<Vec<Object>>) -> Option<String> {
    let other = match other {
        Ok(other) => other,
        Err(error) => return Some(error.to_string()),
    };
    if first.len() != other.len() {
        return Some(format!("{} objects, then {}", first.len(), other.len()));
    }
    let changed = first.iter().zip(&other).find(|(a, b)| a.name != b.name || a.bytes != b.bytes)?;
    Some(format!(
        "`{}` of {} bytes, then `{}` of {}",
        changed.0.name,
        changed.0.bytes.len(),
        changed.1.name,
        changed.1.bytes.len()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(name: &str, bytes: &str) -> Object {
        Object { name: name.to_owned(), bytes: bytes.into() }
    }

    #[test]
    fn any_other_object_or_byte_is_a_difference() {
        let first = [object("a", "1"), object("b", "2")];
        let told = |other: &[Object]| differs(&first, Ok(other.to_vec()));
        assert_eq!(told(&first), None);
        assert!(told(&first[..1]).is_some());
        assert!(told(&[object("a", "1"), object("b", "3")]).is_some());
        assert!(told(&[object("b", "2"), object("a", "1")]).is_some());
    }
}
