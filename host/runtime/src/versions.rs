//! The published versions of the contract. Each has bindings of its own, since a component names the version of all that it
//! imports and exports. They share their types, so what differs is told here and in `bindings.rs`, and nowhere else.

use super::bindings::{types, v0_1_0};

/// A published version of the contract, `wit/<version>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contract {
    /// The first.
    V0_1_0,
    /// KPIs declare the key of their table.
    V0_2_0,
}

impl Contract {
    /// All of them, the newest last.
    pub const ALL: [Self; 2] = [Self::V0_1_0, Self::V0_2_0];
    /// What new plugins are written for.
    pub const NEWEST: Self = Self::V0_2_0;

    /// As it is written: `0.1.0`.
    pub fn version(self) -> &'static str {
        match self {
            Self::V0_1_0 => "0.1.0",
            Self::V0_2_0 => "0.2.0",
        }
    }
}

/// What is generated anew for each version: of a world, what makes instances, or an instance.
pub(super) enum Versioned<A, B> {
    V0_1_0(A),
    V0_2_0(B),
}

/// What is written alike for all versions.
macro_rules! whichever {
    ($versioned:expr, $it:ident => $what:expr) => {
        match $versioned {
            $crate::versions::Versioned::V0_1_0($it) => $what,
            $crate::versions::Versioned::V0_2_0($it) => $what,
        }
    };
}
pub(super) use whichever;

impl From<v0_1_0::types::KpiDescription> for types::KpiDescription {
    fn from(description: v0_1_0::types::KpiDescription) -> Self {
        let v0_1_0::types::KpiDescription { identity, inputs, stages, output } = description;
        Self { identity, inputs, stages, output, key: None }
    }
}
