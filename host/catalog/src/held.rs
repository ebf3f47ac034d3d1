//! Tables that were made and are not published, because a check failed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::gold::Gold;
use crate::object_ref::ObjectRef;
use crate::verdict::Judgement;

/// The tables that readers go on to see while newer ones are held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Held {
    /// The first commit that is held.
    pub since: u64,
    /// The tables that changed since, as they were published last; `None` for a table that never was.
    pub published: BTreeMap<String, Option<Gold>>,
}

impl Held {
    /// Returns the last commit of which readers see the tables.
    pub fn published_as_of(&self) -> u64 {
        self.since - 1
    }

    /// Returns the tables that readers see in place of newer ones.
    pub fn tables(&self) -> impl Iterator<Item = &Gold> {
        self.published.values().flatten()
    }
}

/// The judgements of all checks after a change of tables, and what follows from them.
#[derive(Debug, Clone, Default)]
pub struct Audit {
    /// The judgement of each check, by name. A check that is not here says nothing any more.
    pub judgements: BTreeMap<String, Judgement>,
    /// Set if the tables are held.
    pub is_held: bool,
    /// The files of tables that were held and are published, by table.
    pub published: BTreeMap<String, ObjectRef>,
}
