//! Records what a component failed at, and how often.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use smelt_common::Error;
use smelt_common::error::Kind;

use crate::error_text::ErrorText;
use crate::fingerprint::Fingerprint;

/// The most characters of an error that are kept.
const LONGEST_REASON: usize = 1000;
/// The most failing objects of a dataset that are recorded. If more fail, the cause is not in the objects.
const MOST_FAILING: usize = 256;

/// The objects that a component failed at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failing {
    /// The fingerprint of the failed attempts. With another fingerprint, the count begins again.
    pub fingerprint: Fingerprint,
    /// The failures, by bronze object.
    pub items: BTreeMap<String, Failure>,
}

/// The failed attempts at one object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// The version of the object, or of the silver that a KPI reads. With another version, the count begins again.
    pub version: String,
    /// The number of failed attempts.
    pub attempts: u32,
    /// The error of the last attempt. The plugin's own text is left out, except with [`ErrorText::Raw`].
    pub why: String,
}

impl Failing {
    /// Returns the objects that failed at least `most` times with this fingerprint, and so are parked.
    pub fn parked<'f>(
        of: Option<&'f Self>,
        fingerprint: &Fingerprint,
        most: u32,
    ) -> impl Iterator<Item = (&'f String, &'f Failure)> + use<'f> {
        let of = of.filter(|failing| failing.fingerprint.difference(fingerprint).is_none());
        let items = of.into_iter().flat_map(|failing| &failing.items);
        items.filter(move |(_, failure)| failure.attempts >= most)
    }

    /// Returns the record after some attempts, each given by an object's name, its version, and the error if the
    /// attempt failed. Returns `None` if the record does not change.
    pub fn after<'e>(
        before: Option<&Self>,
        fingerprint: Fingerprint,
        tried: impl Iterator<Item = (&'e str, &'e str, Option<&'e Error>)>,
        text: ErrorText,
    ) -> Option<Self> {
        let same = before.filter(|before| before.fingerprint.difference(&fingerprint).is_none());
        let mut items = same.map(|before| before.items.clone()).unwrap_or_default();
        for (name, version, error) in tried {
            let before = items.remove(name).filter(|before| before.version == version);
            // Only errors of the component or its input count. If the store is to blame, another attempt costs nothing
            // and may help.
            let counts =
                |error: &&Error| matches!(error.kind(), Kind::Plugin | Kind::LimitExceeded | Kind::InvalidInput);
            // The machine was to blame, so the attempt says nothing of the object, and its record stays.
            if let Some((_, before)) = error.filter(|error| !counts(error)).zip(before.clone()) {
                items.insert(name.to_owned(), before);
            }
            if let Some(error) = error.filter(counts) {
                let attempts = before.map_or(0, |before| before.attempts) + 1;
                let why = match text {
                    ErrorText::Masked => error.without_words(),
                    ErrorText::Raw => error.to_string(),
                };
                let why = why.chars().take(LONGEST_REASON).collect();
                items.insert(name.to_owned(), Failure { version: version.to_owned(), attempts, why });
            }
        }
        // If so many objects fail, the cause is not in the objects, and none of them is parked.
        if items.len() > MOST_FAILING {
            items.clear();
        }
        let after = Self { fingerprint, items };
        let changed = before.map_or(!after.items.is_empty(), |before| *before != after);
        changed.then_some(after)
    }
}
