//! The status of an object that checks judge as a whole, and the decisions of people about it.

use serde::{Deserialize, Serialize};

/// The outcome of judging an object, its file's other revisions and people's decisions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Every expectation passed or was skipped.
    Admitted,
    /// An expectation warned, and none failed.
    Warned,
    /// An expectation failed.
    Refused,
    /// An expectation failed, and a person lets the object in.
    Released,
    /// A person keeps the object out.
    Withheld,
    /// A greater revision of the same file counts.
    Replaced,
}

impl Status {
    /// All of them, in the order in which reports list them.
    pub const ALL: [Self; 6] =
        [Self::Admitted, Self::Warned, Self::Released, Self::Refused, Self::Withheld, Self::Replaced];

    /// Returns whether rows of the object count. Otherwise the object is held: none of its rows is in silver.
    pub fn counts(self) -> bool {
        matches!(self, Self::Admitted | Self::Warned | Self::Released)
    }

    /// Returns the name in tables and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Admitted => "admitted",
            Self::Warned => "warned",
            Self::Refused => "refused",
            Self::Released => "released",
            Self::Withheld => "withheld",
            Self::Replaced => "replaced",
        }
    }
}

/// The direction of a person's decision about an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verb {
    /// Lets the object in though expectations failed.
    Release,
    /// Keeps the object out.
    Withhold,
}

impl Verb {
    /// Returns the name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Withhold => "withhold",
        }
    }
}

/// The decision of a person about an object with these bytes. It changes what comes of the verdicts, never a verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// The direction.
    pub verb: Verb,
    /// The reason that the person gave.
    pub why: String,
    /// The person, as the system that ran the command knows them.
    pub who: String,
    /// The time, in microseconds since the epoch.
    pub at: i64,
}

/// The facts about an object that lies in bronze and is to be judged.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Staged {
    /// The reason why nothing of it could be read, if so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unreadable: Option<String>,
    /// The sha256 and the number of the bytes after decompression, if they could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<(String, u64)>,
    /// Its columns, by the names that a cleaner asks for, if it says which it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<Vec<String>>,
    /// The number of records that are not rows.
    pub malformed: u64,
    /// The decision of a person, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
    /// The decision before the commit that made this one or took it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub former: Option<Box<Decision>>,
}
