//! What failed, and how often.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use smelt_common::Error;
use smelt_common::error::Kind;

use crate::error_text::ErrorText;
use crate::fingerprint::Fingerprint;

/// How many characters of an error are kept.
const LONGEST_REASON: usize = 1000;
/// How many failing objects of a dataset are kept an account of.
const MOST_FAILING: usize = 256;

/// What a component failed at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failing {
    /// What it was tried with. With anything else it is tried anew.
    pub fingerprint: Fingerprint,
    /// By bronze object.
    pub items: BTreeMap<String, Failure>,
}

/// How often something was tried, and why it failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// What was tried: a version of the object, or of the silver that a KPI reads. Another one is tried anew.
    pub version: String,
    /// How often.
    pub attempts: u32,
    /// Why it failed the last time; what its plugin said of that is left out, unless [`ErrorText::Raw`] was asked for.
    pub why: String,
}

impl Failing {
    /// What failed so often that it is left alone, if it is still to be done in this way.
    pub fn parked<'f>(
        of: Option<&'f Self>,
        fingerprint: &Fingerprint,
        most: u32,
    ) -> impl Iterator<Item = (&'f String, &'f Failure)> + use<'f> {
        let of = of.filter(|failing| failing.fingerprint.difference(fingerprint).is_none());
        let items = of.into_iter().flat_map(|failing| &failing.items);
        items.filter(move |(_, failure)| failure.attempts >= most)
    }

    /// What is known after things were tried, by name and version, and have failed or not; `None` if that is as before.
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
            // Whether the component is to blame: if the store is, trying again costs nothing and helps.
            let counts =
                |error: &&Error| matches!(error.kind(), Kind::Plugin | Kind::LimitExceeded | Kind::InvalidInput);
            // The machine kept this one from being tried: what is known of it stays as it was.
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
        // Where so many fail it is not they that are at fault.
        if items.len() > MOST_FAILING {
            items.clear();
        }
        let after = Self { fingerprint, items };
        let changed = before.map_or(!after.items.is_empty(), |before| *before != after);
        changed.then_some(after)
    }
}
