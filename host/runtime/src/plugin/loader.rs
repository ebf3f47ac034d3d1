//! Loads a component as a plugin of one kind.

/// Defines `load`, `identity` and `spec` of one kind of plugin. It is a macro because the generated bindings of the
/// worlds have no trait in common.
macro_rules! loader {
    ($plugin:ident, $module:ident, $world:ident, $pre:ident, $call:ident, $description:ident, $spec:ty) => {
        type Pre = Versioned<v0_1_0::$module::$pre<State>, v0_2_0::$module::$pre<State>>;
        type Instance = Versioned<v0_1_0::$module::$world, v0_2_0::$module::$world>;

        impl $plugin {
            /// Compiles the component, checks it against its world, and asks it for its description.
            ///
            /// # Errors
            /// Fails if the component is not a plugin of this kind, or if its description is wrong.
            pub fn load(
                engine: &$crate::Engine,
                name: &str,
                binary: &smelt_common::binary::Binary,
                limits: &$crate::Limits,
                pseudonyms: &$crate::privacy::Pseudonyms,
            ) -> Result<Self> {
                let _span = smelt_common::profile::span("load", name);
                let (loaded, component) = $crate::plugin::loaded::Loaded::load(engine, name, binary, limits, pseudonyms)?;
                let inspection = $crate::plugin::world::Inspection::of(engine, &component);
                let contract = inspection.check(name, World::$world)?;
                let linked = $crate::imports::linker(engine.inner(), World::$world, contract);
                let linked = linked.and_then(|linker| linker.instantiate_pre(&component));
                let pre = match contract {
                    Contract::V0_1_0 => linked.and_then(v0_1_0::$module::$pre::new).map(Versioned::V0_1_0),
                    Contract::V0_2_0 => linked.and_then(v0_2_0::$module::$pre::new).map(Versioned::V0_2_0),
                };
                let pre = pre.map_err(|error| $crate::plugin::loaded::no_link(name, contract, &error))?;
                let mut store = loaded.store();
                let described = Self::describe(&Self::instance(&pre, &mut store)?, &mut store)?;
                let spec = <$spec>::try_from(described).map_err(|error| error.context(format!("plugin `{name}`")))?;
                let imports_privacy = inspection.imports_privacy(contract);
                let identity = loaded.identity(binary.clone(), contract, &spec.identity, imports_privacy)?;
                Ok(Self { loaded, pre, identity, spec })
            }

            fn instance(pre: &Pre, store: &mut Store<State>) -> Result<Instance> {
                let made = match pre {
                    Versioned::V0_1_0(pre) => pre.instantiate(&mut *store).map(Versioned::V0_1_0),
                    Versioned::V0_2_0(pre) => pre.instantiate(&mut *store).map(Versioned::V0_2_0),
                };
                instantiated(store, made)
            }

            fn describe(instance: &Instance, store: &mut Store<State>) -> Result<types::$description> {
                let described =
                    whichever!(instance, it => it.$call().call_describe(&mut *store).map(types::$description::from));
                outcome(store, "describe itself", described.map(Ok))
            }

            /// Describes itself `times` times in a new instance. The descriptions have no particular form, but can be
            /// compared.
            pub fn describe_again(&self, times: usize) -> Result<Vec<String>> {
                let limits = &self.loaded.limits;
                let mut store = self.loaded.store();
                let instance = Self::instance(&self.pre, &mut store)?;
                let mut describe = || {
                    $crate::state::arm_to_start(&mut store, limits);
                    Self::describe(&instance, &mut store).map(|what| format!("{what:?}"))
                };
                (0..times).map(|_| describe()).collect()
            }

            /// Returns its identity.
            pub fn identity(&self) -> &Identity {
                &self.identity
            }

            /// Returns its description.
            pub fn spec(&self) -> &$spec {
                &self.spec
            }
        }
    };
}
pub(super) use loader;
