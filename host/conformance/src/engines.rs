//! The engines on which a component is tested.

use std::path::Path;

use smelt_common::error::Result;
use smelt_runtime::{Engine, Identified};

/// Two engines with different machine code. A deterministic component gives the same results on both.
pub struct Engines {
    /// The engine of a run.
    pub(crate) usual: Engine,
    /// An engine that does not optimise.
    pub(crate) plain: Engine,
}

impl Engines {
    /// Starts both engines. They keep compiled code in `cache`, or nowhere if it is `None`.
    pub fn new(cache: Option<&Path>) -> Result<Self> {
        Ok(Self { usual: Engine::new(cache)?, plain: Engine::plain(cache)? })
    }
}

/// A plugin with its parameters, loaded on both engines.
pub(crate) struct Plugins<P> {
    pub(crate) usual: P,
    pub(crate) plain: P,
    /// The component on the usual engine, for other parameters.
    pub(crate) component: Identified<P>,
}
