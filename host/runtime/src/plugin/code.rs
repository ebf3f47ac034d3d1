//! The code of a component, and what the component said of itself before.

use std::sync::OnceLock;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use wasmtime::component::Component;

use super::world::World;
use crate::versions::Said;
use crate::{Contract, Engine, Limits};
use smelt_common::binary::Binary;
use smelt_common::digest;
use smelt_common::error::Result;
use smelt_common::profile;

/// The code of a component, which makes instances of the kind `P`. It is loaded when the first one is needed: a plugin that is
/// only asked what it is, and has said so before, may have nothing to do.
pub(super) struct Code<P> {
    engine: Engine,
    name: String,
    binary: Binary,
    limits: Limits,
    link: fn(&Engine, &str, &Component) -> Result<Linked<P>>,
    linked: OnceLock<Result<Linked<P>>>,
}

/// Code that fits its world.
pub(super) struct Linked<P> {
    /// Makes instances.
    pub(super) pre: P,
    pub(super) contract: Contract,
    pub(super) imports_privacy: bool,
}

/// The answer of a component that does not depend on its parameters. It is a function of the component, so it is asked once.
#[derive(Serialize, Deserialize)]
pub(super) struct Remembered<D> {
    pub(super) contract: Contract,
    pub(super) imports_privacy: bool,
    pub(super) said: Said<D>,
}

impl<P> Code<P> {
    pub(super) fn new(
        engine: &Engine,
        name: &str,
        binary: &Binary,
        limits: &Limits,
        link: fn(&Engine, &str, &Component) -> Result<Linked<P>>,
    ) -> Self {
        let (engine, name, binary) = (engine.clone(), name.to_owned(), binary.clone());
        Self { engine, name, binary, limits: limits.clone(), link, linked: OnceLock::new() }
    }

    /// Returns the code. Loads it if it is needed for the first time, and compiles it unless the cache has it.
    pub(super) fn linked(&self) -> Result<&Linked<P>> {
        let load = || {
            let _span = profile::span("load", &self.name);
            let component = self.engine.load(&self.binary, &self.limits)?;
            (self.link)(&self.engine, &self.name, &component)
        };
        self.linked.get_or_init(load).as_ref().map_err(Clone::clone)
    }

    /// Returns the maker of instances.
    pub(super) fn pre(&self) -> Result<&P> {
        self.linked().map(|linked| &linked.pre)
    }

    /// Returns what was said before about `what`, if the cache has it; otherwise asks, and remembers the answer if `is_right`
    /// finds nothing wrong with it. The cache vouches for what it has as it does for code.
    pub(super) fn told<T: Serialize + DeserializeOwned>(
        &self,
        world: World,
        what: &str,
        is_right: impl Fn(&T) -> Result<()>,
        ask: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        // Limits decide whether it may say so at all.
        let about = [env!("CARGO_PKG_VERSION"), world.name(), &format!("{:?}", self.limits), what];
        let name = format!("{}-{}", self.engine.cache_name(self.binary.sha256()), digest::of_parts(about));
        if let Some(told) = self.engine.recall(&name) {
            return Ok(told);
        }
        let told = ask()?;
        is_right(&told)?;
        self.engine.remember(&name, &told);
        Ok(told)
    }
}
