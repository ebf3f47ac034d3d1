//! The wasmtime engine: one configuration for all components, a cache of compiled code on disk, and the ticker that
//! makes calls look at their deadlines.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::panic::catch_unwind;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;

use serde::Serialize;
use serde::de::DeserializeOwned;
use wasmtime::component::Component;
use wasmtime::{Config, Enabled, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig};

use super::cache::{CODE_FILE, Cache, TOLD_FILE};
use super::limits::{Limits, STACK_BYTES};
use super::meter::{TICK, Ticks};
use super::{bulk_memory, machine, shape};
use smelt_common::binary::Binary;
use smelt_common::error::{Kind, Result};
use smelt_common::text::guest_text;
use smelt_common::{Error, workers};

/// The first bytes of every component: `\0asm`, version 13, layer 1.
const COMPONENT_MAGIC: &[u8] = b"\0asm\x0d\0\x01\0";
/// How much of a guest's memory is wiped and kept when its store is dropped, instead of being returned to the system.
/// It is about what a cleaner needs for its batches.
const WARM_BYTES: usize = 4 << 20;

/// Compiles and runs components. Its ticker stops when the last clone is dropped.
#[derive(Clone)]
pub struct Engine {
    inner: wasmtime::Engine,
    cache: Option<Arc<Cache>>,
    ticks: Ticks,
    _ticker: Sender<()>,
}

impl Engine {
    /// Returns an engine that keeps compiled code in the directory `cache`, or nowhere. The directory is made private
    /// to its user. A directory to which others could write is not used, because compiled code is trusted.
    ///
    /// # Errors
    /// Returns [`Kind::Unavailable`] if the machine cannot start it.
    pub fn new(cache: Option<&Path>) -> Result<Self> {
        // Pooling reserves address space in advance. If there is too little of it, instances are allocated on demand.
        Self::start(wasmtime::Engine::new(&config(true)).or_else(|_| wasmtime::Engine::new(&config(false))), cache)
    }

    /// Returns an engine that makes other machine code of the same component: not optimised, and for no CPU in
    /// particular. The results of a plugin must be the same.
    pub fn plain(cache: Option<&Path>) -> Result<Self> {
        let mut config = config(false);
        config.cranelift_opt_level(OptLevel::None);
        let target = config.target(&format!("{}-unknown-linux-gnu", std::env::consts::ARCH)).map(|_| ());
        Self::start(target.and_then(|()| wasmtime::Engine::new(&config)), cache)
    }

    fn start(inner: wasmtime::Result<wasmtime::Engine>, cache: Option<&Path>) -> Result<Self> {
        let inner = inner.map_err(|error| {
            let kind = machine::lacks(&error).map_or(Kind::Internal, |_| Kind::Unavailable);
            Error::new(kind, format!("cannot start the WebAssembly engine: {error:#}"))
        })?;
        let cache = cache.and_then(Cache::open).map(Arc::new);
        let (ticker, stop) = channel();
        let (engine, ticks) = (inner.weak(), Ticks::default());
        let counted = ticks.clone();
        thread::Builder::new()
            .name("smelt-epoch".into())
            .spawn(move || {
                // The loop ends when the engine that owns the sender is dropped. A tick says that it is time to look,
                // not how much time has passed, so the loop does not catch up on late ticks.
                while stop.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                    let Some(engine) = engine.upgrade() else { break };
                    counted.count();
                    engine.increment_epoch();
                }
            })
            .map_err(|error| workers::no_thread(&error))?;
        Ok(Self { inner, cache, ticks, _ticker: ticker })
    }

    pub(super) fn ticks(&self) -> Ticks {
        self.ticks.clone()
    }

    pub(super) fn inner(&self) -> &wasmtime::Engine {
        &self.inner
    }

    /// Returns the component. Compiles it unless the cache has it.
    ///
    /// # Errors
    /// Returns [`Kind::InvalidConfig`] if it is too large or not a component, [`Kind::Plugin`] if it does not compile,
    /// and [`Kind::Unavailable`] if the machine cannot compile it now.
    pub(super) fn load(&self, binary: &Binary, limits: &Limits) -> Result<Component> {
        let (shown, bytes, most) = (binary.shown(), binary.bytes(), limits.component_bytes);
        if bytes.len() as u64 > most {
            return Err(Error::config(format!("the component `{shown}` has more than {most} bytes")));
        }
        if !bytes.starts_with(COMPONENT_MAGIC) {
            return Err(Error::config(format!("`{shown}` is not a WebAssembly component")));
        }
        let wrong = |error: String| Error::new(Kind::Plugin, format!("`{shown}` does not compile: {error}"));
        shape::check(bytes, limits).map_err(wrong)?;
        let name = self.cache_name(binary.sha256());
        if let Some(component) = self.cached(&name) {
            return Ok(component);
        }
        // The compiler works on as many threads as there are cores, and panics where it cannot have them.
        workers::can_start(thread::available_parallelism().map_or(1, usize::from))?;
        // If the component is malformed, the compiler gets the original: its message is better.
        let split = catch_unwind(|| bulk_memory::split(bytes)).unwrap_or_else(|_| Err("it is malformed".into()));
        let component = Component::from_binary(&self.inner, split.as_deref().unwrap_or(bytes))
            .and_then(|component| split.as_ref().map(|_| component).map_err(|error| wasmtime::format_err!("{error}")))
            .map_err(|error| match machine::lacks(&error) {
                Some(lack) => Error::new(Kind::Unavailable, format!("`{shown}` cannot be compiled now: {lack}")),
                None => wrong(guest_text(&format!("{error:#}"), limits.error_bytes)),
            })?;
        if let (Some(cache), Ok(code)) = (&self.cache, component.serialize()) {
            cache.put(&name, CODE_FILE, &code);
        }
        Ok(component)
    }

    /// Returns the name in the cache: of the component, and of the settings with which it is compiled.
    pub(super) fn cache_name(&self, sha256: &str) -> String {
        let mut compatibility = DefaultHasher::new();
        self.inner.precompile_compatibility_hash().hash(&mut compatibility);
        format!("{sha256}-{}-{:016x}", bulk_memory::VERSION, compatibility.finish())
    }

    /// Returns what was remembered under the name, if the cache has it.
    pub(super) fn recall<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        serde_json::from_slice(&self.cache.as_ref()?.get(name, TOLD_FILE)?).ok()
    }

    /// Remembers something under a name that no code has. Without a cache, it is asked again next time.
    pub(super) fn remember<T: Serialize>(&self, name: &str, what: &T) {
        if let (Some(cache), Ok(json)) = (&self.cache, serde_json::to_vec(what)) {
            cache.put(name, TOLD_FILE, &json);
        }
    }

    fn cached(&self, name: &str) -> Option<Component> {
        let code = self.cache.as_ref()?.get(name, CODE_FILE)?;
        // SAFETY: a host of this user compiled the code from this component with these settings. The cache has checked
        // that under a key that nobody else can read, and the bytes are in memory, where nobody changes them.
        unsafe { Component::deserialize(&self.inner, code) }.ok()
    }
}

fn config(pooling: bool) -> Config {
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        // The catalog records the fuel of calls. Counting it costs about 4 % of a run (docs/performance.md).
        .consume_fuel(true)
        .cranelift_opt_level(OptLevel::Speed)
        .cranelift_nan_canonicalization(true)
        .wasm_relaxed_simd(false)
        .wasm_memory64(false)
        .wasm_multi_memory(true)
        .max_wasm_stack(STACK_BYTES);
    if pooling {
        // While a worker writes silver, it holds an instance of each KPI that reads the dataset.
        let slots = 64 * thread::available_parallelism().map_or(1, usize::from) as u32;
        let mut pool = PoolingAllocationConfig::new();
        pool.total_component_instances(slots)
            .total_core_instances(4 * slots)
            .total_memories(slots)
            .total_tables(4 * slots)
            .max_memories_per_module(Limits::MOST.memories as u32)
            .max_tables_per_module(Limits::MOST.tables as u32)
            .table_elements(Limits::MOST.table_elements)
            .max_core_instances_per_component(Limits::MOST.instances as u32)
            // The next instance uses the same memory. Wiping what one instance has written costs less than returning
            // the pages and faulting them in again.
            .linear_memory_keep_resident(WARM_BYTES)
            .pagemap_scan(Enabled::Auto);
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    }
    config
}
