//! What a component imports and exports, and so which kind of plugin it is; looked at before anything of it runs.

use wasmtime::component::Component;

use crate::Error;
use crate::error::Result;
use crate::wasm::{Binary, CONTRACT, Engine, Limits};

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
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Source, Self::Cleaner, Self::Kpi];

    /// Its name in the contract.
    pub fn name(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Cleaner => "cleaner",
            Self::Kpi => "kpi",
        }
    }

    /// The interface that it must export, in full.
    pub fn export(self) -> String {
        package(match self {
            Self::Source => "generation",
            Self::Cleaner => "cleaning",
            Self::Kpi => "aggregation",
        })
    }

    /// The interfaces that it may import, in full.
    pub fn imports(self) -> Vec<String> {
        let interfaces: &[&str] = match self {
            Self::Cleaner => &["types", "log", "privacy"],
            Self::Source | Self::Kpi => &["types", "log"],
        };
        interfaces.iter().map(|interface| package(interface)).collect()
    }
}

fn package(interface: &str) -> String {
    format!("smelt:plugin/{interface}@{CONTRACT}")
}

/// What a component imports and exports.
#[derive(Debug, Clone)]
pub struct Inspection {
    /// In full, as `smelt:plugin/log@0.1.0`.
    pub imports: Vec<String>,
    /// Likewise.
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

    /// The worlds whose interface it exports; a plugin has one.
    pub fn worlds(&self) -> Vec<World> {
        World::ALL.into_iter().filter(|world| self.exports.contains(&world.export())).collect()
    }

    /// The imports that the world does not offer.
    pub fn foreign(&self, world: World) -> Vec<&str> {
        let allowed = world.imports();
        self.imports.iter().filter(|import| !allowed.contains(import)).map(String::as_str).collect()
    }

    pub(super) fn imports_privacy(&self) -> bool {
        self.imports.contains(&package("privacy"))
    }

    /// Refuses a component that imports what the world does not offer or does not export its interface.
    pub(super) fn check(&self, name: &str, world: World) -> Result<()> {
        let kind = world.name();
        let foreign = self.foreign(world);
        if !foreign.is_empty() {
            let (foreign, allowed) = (foreign.join("`, `"), world.imports().join("`, `"));
            return Err(Error::plugin(format!(
                "plugin `{name}` imports `{foreign}`; a {kind} may import only `{allowed}`"
            )));
        }
        let wanted = world.export();
        if !self.exports.contains(&wanted) {
            let exports = match self.exports.as_slice() {
                [] => "nothing".to_owned(),
                exports => format!("`{}`", exports.join("`, `")),
            };
            return Err(Error::plugin(format!("plugin `{name}` exports {exports}; a {kind} exports `{wanted}`")));
        }
        Ok(())
    }
}

impl Engine {
    /// What the component imports and exports; nothing of it runs.
    pub fn inspect(&self, binary: &Binary, limits: &Limits) -> Result<Inspection> {
        Ok(Inspection::of(self, &self.load(binary, limits)?))
    }
}
