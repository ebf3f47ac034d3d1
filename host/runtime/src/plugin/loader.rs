//! Loads a component as a plugin of one kind.

/// Defines `load`, `identify` and what every kind of plugin has. It is a macro because the generated bindings of the
/// worlds have no trait in common.
macro_rules! loader {
    ($plugin:ident, $module:ident, $world:ident, $pre:ident, $call:ident, $description:ident, $spec:ty) => {
        type Pre = Versioned<
            v0_1_0::$module::$pre<State>,
            v0_2_0::$module::$pre<State>,
            v0_3_0::$module::$pre<State>,
        >;
        type Remembered = $crate::plugin::code::Remembered<v0_2_0::types::$description>;
        type Instance = Versioned<v0_1_0::$module::$world, v0_2_0::$module::$world, v0_3_0::$module::$world>;

        impl $plugin {
            /// Asks a component who it is, checks the parameters against its schema, and asks what it does under them. `params` is
            /// a JSON object. Answers of the same component are remembered.
            ///
            /// # Errors
            /// Fails if the component is not a plugin of this kind, or if its description is wrong.
            /// [`Kind::InvalidConfig`](smelt_common::error::Kind::InvalidConfig) if it does not accept the parameters.
            pub fn load(
                engine: &$crate::Engine,
                name: &str,
                binary: &smelt_common::binary::Binary,
                limits: &$crate::Limits,
                pseudonyms: &$crate::privacy::Pseudonyms,
                params: &str,
            ) -> Result<Self> {
                Self::identify(engine, name, binary, limits, pseudonyms)?.describe(params)
            }

            /// Asks a component who it is, whatever its parameters. Its code is loaded, and checked against the world, when it
            /// is needed: for one that has said before who it is, that is the first call.
            ///
            /// # Errors
            /// Fails if the component is not a plugin of this kind, or if what it says of itself is wrong.
            pub fn identify(
                engine: &$crate::Engine,
                name: &str,
                binary: &smelt_common::binary::Binary,
                limits: &$crate::Limits,
                pseudonyms: &$crate::privacy::Pseudonyms,
            ) -> Result<$crate::Identified<Self>> {
                let loaded = Loaded::new(engine, name, limits, pseudonyms)?;
                let code = std::sync::Arc::new($crate::plugin::code::Code::new(engine, name, binary, limits, Self::link));
                let wrong = |error: smelt_common::Error| error.context(format!("plugin `{name}`"));
                let identity = |told: &Remembered| -> Result<Identity> {
                    let declared = match &told.said {
                        Said::All(said) => types::Identity::from($crate::versions::Constant::identity(said)),
                        Said::Identity(identity) => identity.clone(),
                    };
                    $crate::convert::check_identity(&declared).map_err(wrong)?;
                    if let Said::All(said) = &told.said {
                        // A fault of a constant description does not depend on the parameters.
                        $crate::convert::Described::spec(said.clone(), "{}").map_err(wrong)?;
                    }
                    loaded.identity(binary.clone(), told.contract, declared, told.imports_privacy)
                };
                let ask = || {
                    let linked = code.linked()?;
                    let mut store = loaded.store();
                    let said = Self::said(&Self::instance(&linked.pre, &mut store)?, &mut store)?;
                    let &$crate::plugin::code::Linked { contract, imports_privacy, .. } = linked;
                    Ok(Remembered { contract, imports_privacy, said })
                };
                let told = code.told(World::$world, "identify", |told| identity(told).map(drop), ask)?;
                let identity = identity(&told)?;
                Ok($crate::Identified::new(identity.clone(), move |params| {
                    let described = || {
                        let ask = || {
                            let mut store = loaded.store_to_describe();
                            let instance = Self::instance(code.pre()?, &mut store)?;
                            Self::described(&instance, &mut store, params)
                        };
                        let is_right = |said: &types::$description| <$spec>::try_from(said.clone()).map(drop);
                        <$spec>::try_from(code.told(World::$world, params, is_right, ask)?)
                    };
                    let spec = match &told.said {
                        Said::All(said) => $crate::convert::Described::spec(said.clone(), params),
                        Said::Identity(_) => described(),
                    };
                    let spec = spec.map_err(|error| error.context(format!("plugin `{}`", loaded.name)))?;
                    let (loaded, code, identity) = (loaded.clone(), code.clone(), identity.clone());
                    Ok(Self { loaded, code, identity, spec, params: params.to_owned() })
                }))
            }

            /// Checks code against the world.
            fn link(
                engine: &$crate::Engine,
                name: &str,
                component: &wasmtime::component::Component,
            ) -> Result<$crate::plugin::code::Linked<Pre>> {
                let inspection = $crate::plugin::world::Inspection::of(engine, component);
                let contract = inspection.check(name, World::$world)?;
                let linked = $crate::imports::linker(engine.inner(), World::$world, contract);
                let linked = linked.and_then(|linker| linker.instantiate_pre(component));
                let pre = linked.and_then(|linked| Ok(match contract {
                    Contract::V0_1_0 => Versioned::Earlier(Earlier::V0_1_0(v0_1_0::$module::$pre::new(linked)?)),
                    Contract::V0_2_0 => Versioned::Earlier(Earlier::V0_2_0(v0_2_0::$module::$pre::new(linked)?)),
                    Contract::V0_3_0 => Versioned::V0_3_0(v0_3_0::$module::$pre::new(linked)?),
                }));
                let pre = pre.map_err(|error| $crate::plugin::loaded::no_link(name, contract, &error))?;
                let imports_privacy = inspection.imports_privacy(contract);
                Ok($crate::plugin::code::Linked { pre, contract, imports_privacy })
            }

            pub(super) fn instance(pre: &Pre, store: &mut Store<State>) -> Result<Instance> {
                let made = match pre {
                    Versioned::Earlier(Earlier::V0_1_0(pre)) => {
                        pre.instantiate(&mut *store).map(|made| Versioned::Earlier(Earlier::V0_1_0(made)))
                    }
                    Versioned::Earlier(Earlier::V0_2_0(pre)) => {
                        pre.instantiate(&mut *store).map(|made| Versioned::Earlier(Earlier::V0_2_0(made)))
                    }
                    Versioned::V0_3_0(pre) => pre.instantiate(&mut *store).map(Versioned::V0_3_0),
                };
                instantiated(store, made)
            }

            /// Returns what the plugin says whatever its parameters.
            fn said(instance: &Instance, store: &mut Store<State>) -> Result<Said<v0_2_0::types::$description>> {
                Ok(match instance {
                    Versioned::Earlier(instance) => {
                        let said = earlier!(instance, it => {
                            it.$call().call_describe(&mut *store).map(v0_2_0::types::$description::from)
                        });
                        Said::All(outcome(store, "describe itself", said.map(Ok))?)
                    }
                    Versioned::V0_3_0(it) => {
                        let said = it.$call().call_identify(&mut *store);
                        Said::Identity(outcome(store, "identify itself", said.map(Ok))?)
                    }
                })
            }

            /// Returns the description of a plugin of 0.3.0.
            fn described(
                instance: &Instance,
                store: &mut Store<State>,
                params: &str,
            ) -> Result<types::$description> {
                let Versioned::V0_3_0(it) = instance else {
                    return Err(smelt_common::Error::internal("a component before 0.3.0 was asked about parameters"));
                };
                let described = it.$call().call_describe(&mut *store, params);
                $crate::state::described(store, described)
            }

            /// Says who it is and what it does `times` times in a new instance. The texts have no particular form, but
            /// can be compared.
            pub fn describe_again(&self, times: usize) -> Result<Vec<String>> {
                let limits = &self.loaded.limits;
                let mut store = self.loaded.store();
                let instance = Self::instance(self.code.pre()?, &mut store)?;
                let mut describe = || {
                    $crate::state::arm_to_start(&mut store, limits);
                    let said = Self::said(&instance, &mut store)?;
                    Ok(match said {
                        Said::All(said) => format!("{said:?}"),
                        Said::Identity(identity) => {
                            $crate::state::arm_to_describe(&mut store, limits);
                            format!("{identity:?} {:?}", Self::described(&instance, &mut store, &self.params)?)
                        }
                    })
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

            /// Returns the parameters for which it described itself, as a JSON object.
            pub fn params(&self) -> &str {
                &self.params
            }
        }
    };
}
pub(super) use loader;
