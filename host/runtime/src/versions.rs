//! The published versions of the contract. Each version has its own bindings, because a component names the version of
//! all its imports and exports. The versions share their types; only this file and `bindings.rs` know the differences.

use super::bindings::{types, v0_1_0};

/// A published version of the contract, `wit/<version>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contract {
    /// The first version.
    V0_1_0,
    /// The version in which KPIs declare the key of their table.
    V0_2_0,
}

impl Contract {
    /// All versions, the newest last.
    pub const ALL: [Self; 2] = [Self::V0_1_0, Self::V0_2_0];
    /// The version for new plugins.
    pub const NEWEST: Self = Self::V0_2_0;

    /// Returns the version as it is written: `0.1.0`.
    pub fn version(self) -> &'static str {
        match self {
            Self::V0_1_0 => "0.1.0",
            Self::V0_2_0 => "0.2.0",
        }
    }
}

/// Something that is generated for each version of a world: the maker of instances, or an instance.
pub(super) enum Versioned<A, B> {
    V0_1_0(A),
    V0_2_0(B),
}

/// Evaluates the same expression for whichever version it is.
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
