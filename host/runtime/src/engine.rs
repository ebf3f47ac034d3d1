//! The wasmtime engine: one configuration for all components, compiled code cached on disk, and the epoch's ticker.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::panic::catch_unwind;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;

use wasmtime::component::Component;
use wasmtime::{Config, Enabled, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig};

use super::cache::Cache;
use super::limits::{Limits, STACK_BYTES, TICK};
use super::machine;
use super::machine::Ticks;
use super::state::guest_text;
use super::{pieces, shape};
use smelt_common::binary::Binary;
use smelt_common::error::{Kind, Result};
use smelt_common::{Error, workers};

/// What a component begins with: `\0asm`, version 13, layer 1.
const COMPONENT_MAGIC: &[u8] = b"\0asm\x0d\0\x01\0";
/// How much of a guest's memory is wiped and kept, not given back, when its store is dropped: about what a cleaner needs
/// for its batches.
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
    /// An engine that keeps compiled code in `cache`, or nowhere. The directory is made private to its user; one that
    /// others could write to is not used, because compiled code is trusted.
    pub fn new(cache: Option<&Path>) -> Result<Self> {
        // Pooling reserves address space up front; where that is short, instances are allocated on demand.
        Self::start(wasmtime::Engine::new(&config(true)).or_else(|_| wasmtime::Engine::new(&config(false))), cache)
    }

    /// An engine that makes other machine code of the same component: not optimised, for no CPU in particular. What a plugin returns must not show the difference.
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
                // Until the engine that owns the sender is dropped. A tick says that it is time to look, not how much time
                // went by, so late ones are not made up for.
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

    /// The component, compiled unless the cache has it.
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
        // What is malformed is told by the compiler, in better words.
        let cut = catch_unwind(|| pieces::cut(bytes)).unwrap_or_else(|_| Err("it is malformed".into()));
        let component = Component::from_binary(&self.inner, cut.as_deref().unwrap_or(bytes))
            .and_then(|component| cut.as_ref().map(|_| component).map_err(|error| wasmtime::format_err!("{error}")))
            .map_err(|error| match machine::lacks(&error) {
                Some(lack) => Error::new(Kind::Unavailable, format!("`{shown}` cannot be compiled now: {lack}")),
                None => wrong(guest_text(&format!("{error:#}"), limits.error_bytes)),
            })?;
        if let (Some(cache), Ok(code)) = (&self.cache, component.serialize()) {
            cache.put(&name, &code);
        }
        Ok(component)
    }

    /// Of the component and of what it was compiled with.
    fn cache_name(&self, sha256: &str) -> String {
        let mut compatibility = DefaultHasher::new();
        self.inner.precompile_compatibility_hash().hash(&mut compatibility);
        format!("{sha256}-{}-{:016x}", pieces::VERSION, compatibility.finish())
    }

    fn cached(&self, name: &str) -> Option<Component> {
        let code = self.cache.as_ref()?.get(name)?;
        // SAFETY: a host of this user made it from this component with these settings: the cache has checked that under a
        // key that no one else can read, and the bytes are in memory, where they stay as they are.
        unsafe { Component::deserialize(&self.inner, code) }.ok()
    }
}

fn config(pooling: bool) -> Config {
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        // Counting, which the catalog records, costs about 4 % of a run (docs/performance.md).
        .consume_fuel(true)
        .cranelift_opt_level(OptLevel::Speed)
        .cranelift_nan_canonicalization(true)
        .wasm_relaxed_simd(false)
        .wasm_memory64(false)
        .wasm_multi_memory(true)
        .max_wasm_stack(STACK_BYTES);
    if pooling {
        // A worker holds an instance of each KPI that reads a dataset while it writes silver.
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
            // A memory is used again by the next instance: wiping what one has written costs less than taking the pages
            // away and faulting them in again.
            .linear_memory_keep_resident(WARM_BYTES)
            .pagemap_scan(Enabled::Auto);
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    }
    config
}
