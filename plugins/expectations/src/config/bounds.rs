//! The bounds of an expectation.

use smelt_sdk::prelude::*;

use super::fields::{Fields, Place};
use crate::number::Amount;
use crate::yaml::Node;

/// Limits that an observed number must not be past. `None` where the expectation has no such bound.
#[derive(Debug, Clone, Default, PartialEq, Saved)]
pub(crate) struct Bounds {
    pub(crate) warn: Option<Limits>,
    pub(crate) fail: Option<Limits>,
}

/// The least and the greatest number that an observed one may be, both included.
#[derive(Debug, Clone, PartialEq, Saved)]
pub(crate) struct Limits {
    pub(crate) min: Option<Amount>,
    pub(crate) max: Option<Amount>,
}

impl Limits {
    pub(crate) fn at_most(max: Amount) -> Self {
        Self { min: None, max: Some(max) }
    }

    /// Returns how reports write it: `<= 0.1`, `>= 0.9`, `1..1000`.
    pub(crate) fn show(&self) -> String {
        match (&self.min, &self.max) {
            (None, None) => String::new(),
            (None, Some(max)) => format!("<= {}", max.plain()),
            (Some(min), None) => format!(">= {}", min.plain()),
            (Some(min), Some(max)) => format!("{}..{}", min.plain(), max.plain()),
        }
    }
}

impl Bounds {
    /// A bound that fails past 0.
    pub(crate) fn fail_past_zero() -> Self {
        Self { warn: None, fail: Some(Limits::at_most(Amount::ZERO)) }
    }

    pub(crate) fn warn_past_zero() -> Self {
        Self { warn: Some(Limits::at_most(Amount::ZERO)), fail: None }
    }

    /// Reads `warn` and `fail`, the greatest numbers; `None` if there is neither.
    pub(crate) fn greatest(fields: &Fields<'_>) -> Result<Option<Self>, String> {
        let limits = |key| Ok::<_, String>(not_negative(fields, key)?.map(Limits::at_most));
        let bounds = Self { warn: limits("warn")?, fail: limits("fail")? };
        Ok((bounds != Self::default()).then_some(bounds))
    }

    /// Reads a mapping of `warn` and `fail`, at least one of them.
    pub(crate) fn of(node: &Node, place: Place) -> Result<Self, String> {
        let fields = Fields::of(place, node, &["warn", "fail"])?;
        Self::greatest(&fields)?.ok_or_else(|| fields.place.wrong("needs `warn`, `fail` or both"))
    }

    /// Reads `warn` and `fail`, each a mapping of limits of which `known` are allowed.
    pub(crate) fn limits(fields: &Fields<'_>, known: &[&str]) -> Result<Self, String> {
        let limits = |key| {
            let Some((node, place)) = fields.find(key) else { return Ok(None) };
            let inner = Fields::of(place, node, known)?;
            let limits = Limits { min: inner.number("min")?, max: inner.number("max")? };
            match (&limits.min, &limits.max) {
                (None, None) => Err(inner.place.wrong(format!("needs {}", known.map_ticks()))),
                (Some(min), Some(max)) if min > max => {
                    Err(inner.place.wrong(format!("`min` {} is more than `max` {}", min.plain(), max.plain())))
                }
                _ => Ok(Some(limits)),
            }
        };
        let bounds = Self { warn: limits("warn")?, fail: limits("fail")? };
        match bounds == Self::default() {
            true => Err(fields.place.wrong("needs `warn`, `fail` or both")),
            false => Ok(bounds),
        }
    }
}

/// Returns the number of that name, which is not less than 0.
pub(crate) fn not_negative(fields: &Fields<'_>, key: &str) -> Result<Option<Amount>, String> {
    let Some((node, place)) = fields.find(key) else { return Ok(None) };
    let number = super::fields::number(node, &place)?;
    match number.is_negative() {
        true => Err(place.wrong(format!("must not be less than 0, is {}", number.plain()))),
        false => Ok(Some(number)),
    }
}

trait Ticks {
    /// Returns the names in backquotes: `min`, `max` or both.
    fn map_ticks(&self) -> String;
}

impl Ticks for [&str] {
    fn map_ticks(&self) -> String {
        match self {
            [one] => format!("`{one}`"),
            many => format!("{} or both", many.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")),
        }
    }
}
