//! The sets of dimensions by which sales are added up.

use smelt_sdk::{Fault, Result};

/// The dimensions, in the order of the table.
const DIMENSIONS: [&str; 4] = ["month", "category", "country", "channel"];

/// The value of a dimension that is not in the set.
pub(crate) const ALL: &str = "ALL";

/// The name of the empty set.
const EMPTY: &str = "all";

/// The sets as they are given, each with its name.
#[derive(Clone)]
pub(crate) struct Sets(Vec<(String, [bool; DIMENSIONS.len()])>);

impl Sets {
    /// Reads sets that are separated by commas.
    ///
    /// # Errors
    /// Fails if there is none, or at the first that has an unknown dimension, one dimension twice, or comes twice.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let wrong = |message: String| Err(Fault::invalid_parameters(format!("parameter `sets`: {message}")));
        let mut sets: Vec<(String, _)> = Vec::new();
        for given in text.split(',').map(str::trim) {
            let mut mask = [false; DIMENSIONS.len()];
            for name in given.split('+').map(str::trim).filter(|_| given != EMPTY) {
                match DIMENSIONS.iter().position(|&dimension| dimension == name) {
                    Some(at) if !mask[at] => mask[at] = true,
                    Some(_) => return wrong(format!("`{given}` has `{name}` twice")),
                    None => {
                        let known = DIMENSIONS.join(", ");
                        return wrong(format!(
                            "no dimension `{name}`; a set is `{EMPTY}`, or of {known} joined by `+`"
                        ));
                    }
                }
            }
            let names = DIMENSIONS.iter().zip(mask).filter(|(_, in_set)| *in_set).map(|(name, _)| *name);
            let name = names.collect::<Vec<_>>().join("+");
            let name = if name.is_empty() { EMPTY.to_owned() } else { name };
            if sets.iter().any(|(known, _)| *known == name) {
                return wrong(format!("`{given}` comes twice"));
            }
            sets.push((name, mask));
        }
        Ok(Self(sets))
    }

    /// Returns for each set whether it has each dimension.
    pub(crate) fn masks(&self) -> impl Iterator<Item = [bool; DIMENSIONS.len()]> {
        self.0.iter().map(|&(_, mask)| mask)
    }

    /// Returns the name of the set with that number.
    pub(crate) fn name(&self, set: i64) -> &str {
        let named = usize::try_from(set).ok().and_then(|set| self.0.get(set));
        named.map_or(EMPTY, |(name, _)| name)
    }

    /// Returns the number of the empty set, if it is one of them.
    pub(crate) fn all(&self) -> Option<i64> {
        self.0.iter().position(|(name, _)| name == EMPTY).map(|set| set as i64)
    }
}
