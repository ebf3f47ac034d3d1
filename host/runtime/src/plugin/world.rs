//! Finds out what a component imports and exports, and so which kind of plugin it is. Nothing of the component runs for
//! that.

use wasmtime::component::Component;

use crate::{Contract, Engine, Limits};
use smelt_common::Error;
use smelt_common::binary::Binary;
use smelt_common::error::Result;

/// The kinds of plugins: the worlds of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum World {
    /// Makes bronze objects.
    Source,
    /// Turns bronze rows into silver rows.
    Cleaner,
    /// Turns silver rows into a gold table.
    Kpi,
}

impl World {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Source, Self::Cleaner, Self::Kpi];

    /// Returns its name in the contract.
    pub fn name(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Cleaner => "cleaner",
            Self::Kpi => "kpi",
        }
    }

    fn interface(self) -> &'static str {
        match self {
            Self::Source => "generation",
            Self::Cleaner => "cleaning",
            Self::Kpi => "aggregation",
        }
    }

    /// Returns the full name of the interface that it must export.
    pub fn export(self, contract: Contract) -> String {
        full(self.interface(), contract)
    }

    /// Returns the full names of the interfaces that it may import.
    pub fn imports(self, contract: Contract) -> Vec<String> {
        let interfaces: &[&str] = match self.may_pseudonymise(contract) {
            true => &["types", "log", "privacy"],
            false => &["types", "log"],
        };
        interfaces.iter().map(|interface| full(interface, contract)).collect()
    }

    /// Returns whether it may import `privacy`.
    pub(crate) fn may_pseudonymise(self, contract: Contract) -> bool {
        match self {
            Self::Source => false,
            Self::Cleaner => true,
            // A check sees records as they came, so it needs pseudonyms where a cleaner does.
            Self::Kpi => contract >= Contract::V0_3_0,
        }
    }
}

/// The beginning of the full name of every interface.
const PACKAGE: &str = "smelt:plugin/";

fn full(interface: &str, contract: Contract) -> String {
    format!("{PACKAGE}{interface}@{}", contract.version())
}

/// The imports and exports of a component.
#[derive(Debug, Clone)]
pub struct Inspection {
    /// The full names of its imports, such as `smelt:plugin/log@0.1.0`.
    pub imports: Vec<String>,
    /// The full names of its exports.
    pub exports: Vec<String>,
}

impl Inspection {
    pub(super) fn of(engine: &Engine, component: &Component) -> Self {
        let component = component.component_type();
        Self {
            imports: component.imports(engine.inner()).map(|(import, _)| import.to_owned()).collect(),
            exports: component.exports(engine.inner()).map(|(export, _)| export.to_owned()).collect(),
        }
    }

    /// Returns the kinds and versions whose interface it exports. A plugin has exactly one.
    pub fn kinds(&self) -> Vec<(World, Contract)> {
        let of = |world| self.contracts(world).into_iter().map(move |contract| (world, contract));
        World::ALL.into_iter().flat_map(of).collect()
    }

    /// Returns the versions in which it exports the world's interface.
    fn contracts(&self, world: World) -> Vec<Contract> {
        Contract::ALL.into_iter().filter(|contract| self.exports.contains(&world.export(*contract))).collect()
    }

    /// Returns its kind and version.
    ///
    /// # Errors
    /// Fails if it exports the interface of no world, of several, or of an unknown version.
    pub fn kind(&self) -> Result<(World, Contract)> {
        match self.kinds().as_slice() {
            &[kind] => Ok(kind),
            [] if let Some(version) = World::ALL.into_iter().find_map(|world| self.other_version(world)) => {
                Err(Error::plugin(format!("it is of contract {version}; {}", known())))
            }
            _ => Err(Error::plugin("it exports the interface of no world, or of several")),
        }
    }

    /// Returns the version of the world's interface that it exports, if smelt does not know it.
    fn other_version(&self, world: World) -> Option<&str> {
        let prefix = format!("{PACKAGE}{}@", world.interface());
        let version = self.exports.iter().find_map(|export| export.strip_prefix(&prefix))?;
        (!Contract::ALL.map(Contract::version).contains(&version)).then_some(version)
    }

    /// Returns the imports that the world does not offer.
    pub fn foreign(&self, world: World, contract: Contract) -> Vec<&str> {
        let allowed = world.imports(contract);
        self.imports.iter().filter(|import| !allowed.contains(import)).map(String::as_str).collect()
    }

    pub(super) fn imports_privacy(&self, contract: Contract) -> bool {
        self.imports.contains(&full("privacy", contract))
    }

    /// Checks that the component exports the world's interface in exactly one known version, and imports only what the
    /// world of that version offers. Returns the version.
    pub(super) fn check(&self, name: &str, world: World) -> Result<Contract> {
        let kind = world.name();
        let contracts = self.contracts(world);
        if let ([], Some(version)) = (contracts.as_slice(), self.other_version(world)) {
            return Err(Error::plugin(format!("plugin `{name}` is of contract {version}; {}", known())));
        }
        // A component of another kind is judged by its own version: its imports are not what is wrong with it.
        let own = contracts.last().copied().or_else(|| self.kinds().last().map(|&(_, contract)| contract));
        let contract = own.unwrap_or(Contract::NEWEST);
        let foreign = self.foreign(world, contract);
        if !foreign.is_empty() {
            let (foreign, allowed) = (foreign.join("`, `"), world.imports(contract).join("`, `"));
            return Err(Error::plugin(format!(
                "plugin `{name}` imports `{foreign}`; a {kind} may import only `{allowed}`"
            )));
        }
        let [contract] = contracts.as_slice() else {
            let exports = match self.exports.as_slice() {
                [] => "nothing".to_owned(),
                exports => format!("`{}`", exports.join("`, `")),
            };
            let wanted = Contract::ALL.map(|contract| format!("`{}`", world.export(contract))).join(" or ");
            return Err(Error::plugin(format!("plugin `{name}` exports {exports}; a {kind} exports {wanted}")));
        };
        Ok(*contract)
    }
}

/// Returns the part of a message that names the known versions.
fn known() -> String {
    let [earlier @ .., newest] = &Contract::ALL.map(Contract::version);
    format!("this smelt knows {} and {newest}", earlier.join(", "))
}

impl Engine {
    /// Returns the imports and exports of the component. Nothing of it runs.
    ///
    /// # Errors
    /// Fails if the component does not compile.
    pub fn inspect(&self, binary: &Binary, limits: &Limits) -> Result<Inspection> {
        Ok(Inspection::of(self, &self.load(binary, limits)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(imports: &[&str], exports: &[&str]) -> Result<Contract, String> {
        let full = |names: &[&str]| names.iter().map(|name| format!("smelt:plugin/{name}")).collect();
        let inspection = Inspection { imports: full(imports), exports: full(exports) };
        inspection.check("x", World::Kpi).map_err(|error| error.to_string())
    }

    #[test]
    fn a_component_is_of_one_version_in_all_that_it_imports_and_exports() {
        assert_eq!(refusal(&["types@0.1.0", "log@0.1.0"], &["aggregation@0.1.0"]), Ok(Contract::V0_1_0));
        assert_eq!(refusal(&["types@0.2.0", "log@0.2.0"], &["aggregation@0.2.0"]), Ok(Contract::V0_2_0));
        assert_eq!(refusal(&["types@0.3.0", "privacy@0.3.0"], &["aggregation@0.3.0"]), Ok(Contract::V0_3_0));
        for (imports, exports, words) in [
            (
                &["types@0.1.0", "log@0.2.0"][..],
                &["aggregation@0.1.0"][..],
                "imports `smelt:plugin/log@0.2.0`; a kpi may import only `smelt:plugin/types@0.1.0`, `smelt:plugin/log@0.1.0`",
            ),
            (&["log@0.1.0"], &["aggregation@0.2.0"], "may import only `smelt:plugin/types@0.2.0`"),
            (&[], &["aggregation@0.1.0", "aggregation@0.2.0"], "a kpi exports `smelt:plugin/aggregation@0.1.0` or"),
            (&["log@0.4.0"], &["aggregation@0.4.0"], "is of contract 0.4.0; this smelt knows 0.1.0, 0.2.0 and 0.3.0"),
            (&["privacy@0.2.0"], &["aggregation@0.2.0"], "imports `smelt:plugin/privacy@0.2.0`; a kpi may import only"),
            (&[], &["cleaning@0.2.0"], "a kpi exports `smelt:plugin/aggregation@0.1.0` or"),
        ] {
            let told = refusal(imports, exports).expect_err("it is refused");
            assert!(told.contains(words), "`{words}` is not in: {told}");
        }
    }
}
