//! The published versions of the contract. Each version has its own bindings, because a component names the version of
//! all its imports and exports. Only this file, `bindings.rs` and `plugin/` know the differences.

use serde::{Deserialize, Serialize};

use super::bindings::{types, v0_1_0, v0_2_0};

/// A published version of the contract, `wit/<version>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Contract {
    /// The first version.
    V0_1_0,
    /// The version in which KPIs declare the key of their table.
    V0_2_0,
    /// The version in which plugins describe themselves for parameters, and KPIs reduce groups in pieces.
    V0_3_0,
}

impl Contract {
    /// All versions, the newest last.
    pub const ALL: [Self; 3] = [Self::V0_1_0, Self::V0_2_0, Self::V0_3_0];
    /// The version for new plugins.
    pub const NEWEST: Self = Self::V0_3_0;

    /// Returns the version as it is written: `0.1.0`.
    pub fn version(self) -> &'static str {
        match self {
            Self::V0_1_0 => "0.1.0",
            Self::V0_2_0 => "0.2.0",
            Self::V0_3_0 => "0.3.0",
        }
    }

    /// Returns whether plugins describe themselves for parameters. Before 0.3.0 a description was constant.
    pub fn describes_parameters(self) -> bool {
        self >= Self::V0_3_0
    }
}

/// Something that is generated for each version of a world: the maker of instances, or an instance.
#[derive(Clone)]
pub(super) enum Versioned<A, B, C> {
    Earlier(Earlier<A, B>),
    V0_3_0(C),
}

/// The same for the versions before 0.3.0, whose calls are alike.
#[derive(Clone)]
pub(super) enum Earlier<A, B> {
    V0_1_0(A),
    V0_2_0(B),
}

/// The answer of a plugin that does not depend on its parameters.
#[derive(Serialize, Deserialize)]
pub(super) enum Said<D> {
    /// All that it is, before 0.3.0.
    All(D),
    /// Who it is.
    Identity(types::Identity),
}

/// Evaluates the same expression for whichever version before 0.3.0 it is.
macro_rules! earlier {
    ($earlier:expr, $it:ident => $what:expr) => {
        match $earlier {
            $crate::versions::Earlier::V0_1_0($it) => $what,
            $crate::versions::Earlier::V0_2_0($it) => $what,
        }
    };
}
/// Evaluates the same expression for whichever version it is.
macro_rules! whichever {
    ($versioned:expr, $it:ident => $what:expr) => {
        match $versioned {
            $crate::versions::Versioned::Earlier(earlier) => $crate::versions::earlier!(earlier, $it => $what),
            $crate::versions::Versioned::V0_3_0($it) => $what,
        }
    };
}
pub(super) use {earlier, whichever};

impl From<v0_1_0::types::KpiDescription> for v0_2_0::types::KpiDescription {
    fn from(description: v0_1_0::types::KpiDescription) -> Self {
        let v0_1_0::types::KpiDescription { identity, inputs, stages, output } = description;
        Self { identity, inputs, stages, output, key: None }
    }
}

/// A description as it was before 0.3.0: constant, with the identity within it.
pub(super) trait Constant: Clone {
    /// The description of 0.3.0 that says the same.
    type Current;

    /// Returns the identity, and whether all of the plugin depends on `as-of`.
    fn identity(&self) -> &v0_2_0::types::Identity;

    /// Returns what it says in the words of 0.3.0, if the plugin has these parameters: each part of the work depends on
    /// all of them.
    fn current(self, params: &str) -> Self::Current;

    /// Returns what every part of the work depends on.
    fn setting(&self, params: &str) -> types::Setting {
        types::Setting { params: params.to_owned(), uses_as_of: self.identity().uses_as_of }
    }
}

impl From<&v0_2_0::types::Identity> for types::Identity {
    fn from(identity: &v0_2_0::types::Identity) -> Self {
        let v0_2_0::types::Identity { name, version, summary, parameters, uses_as_of: _ } = identity.clone();
        Self { name, version, summary, parameters }
    }
}

impl Constant for v0_2_0::types::SourceDescription {
    type Current = types::SourceDescription;

    fn identity(&self) -> &v0_2_0::types::Identity {
        &self.identity
    }

    fn current(self, _: &str) -> Self::Current {
        types::SourceDescription { objects: self.objects }
    }
}

impl Constant for v0_2_0::types::CleanerDescription {
    type Current = types::CleanerDescription;

    fn identity(&self) -> &v0_2_0::types::Identity {
        &self.identity
    }

    fn current(self, params: &str) -> Self::Current {
        let session = self.setting(params);
        let Self { identity: _, input, output, key, order_by, rules } = self;
        types::CleanerDescription { input, output, key, order_by, rules, session }
    }
}

impl Constant for v0_2_0::types::KpiDescription {
    type Current = types::KpiDescription;

    fn identity(&self) -> &v0_2_0::types::Identity {
        &self.identity
    }

    /// All inputs feed the first stage, and the last stage is one group.
    fn current(self, params: &str) -> Self::Current {
        let setting = self.setting(params);
        let Self { identity: _, inputs, stages, output, key } = self;
        let input = |v0_2_0::types::KpiInput { name, columns }| types::KpiInput {
            name,
            columns,
            stage: 0,
            accumulator: setting.clone(),
        };
        let stage =
            |v0_2_0::types::Stage { key, sums, group }| types::Stage { key, sums, group, reducer: setting.clone() };
        let (inputs, stages) = (inputs.into_iter().map(input).collect(), stages.into_iter().map(stage).collect());
        types::KpiDescription { inputs, stages, output, key }
    }
}
