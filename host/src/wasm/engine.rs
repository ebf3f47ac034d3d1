//! The wasmtime engine: one configuration for all components, compiled code cached on disk, and the epoch's ticker.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;

use wasmtime::component::Component;
use wasmtime::{Config, Enabled, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig};

use super::limits::TICK;
use crate::error::{Kind, Result};
use crate::{Error, digest};

/// What a component begins with: `\0asm`, version 13, layer 1.
const COMPONENT_MAGIC: &[u8] = b"\0asm\x0d\0\x01\0";
/// How much of a guest's memory is wiped and kept, not given back, when its store is dropped: about what a cleaner needs
/// for its batches.
const WARM_BYTES: usize = 4 << 20;

/// Compiles and runs components. Dropping it stops its ticker.
pub struct Engine {
    inner: wasmtime::Engine,
    cache: Option<PathBuf>,
    _ticker: Sender<()>,
}

impl Engine {
    /// The largest component that is accepted.
    pub const COMPONENT_BYTES: u64 = 64 << 20;

    /// An engine that keeps compiled code in `cache`, or nowhere. The directory is made private to its user; one that
    /// others could write to is not used, because compiled code is trusted.
    pub fn new(cache: Option<&Path>) -> Result<Self> {
        // Pooling reserves address space up front; where that is short, instances are allocated on demand.
        Self::start(wasmtime::Engine::new(&config(true)).or_else(|_| wasmtime::Engine::new(&config(false))), cache)
    }

    /// An engine that makes other machine code of the same component: not optimised, for no CPU in particular, counting
    /// instructions. What a plugin returns must not show the difference.
    pub fn plain(cache: Option<&Path>) -> Result<Self> {
        let mut config = config(false);
        config.cranelift_opt_level(OptLevel::None).consume_fuel(true);
        let target = config.target(&format!("{}-unknown-linux-gnu", std::env::consts::ARCH)).map(|_| ());
        Self::start(target.and_then(|()| wasmtime::Engine::new(&config)), cache)
    }

    fn start(inner: wasmtime::Result<wasmtime::Engine>, cache: Option<&Path>) -> Result<Self> {
        let inner =
            inner.map_err(|error| Error::internal(format!("cannot start the WebAssembly engine: {error:#}")))?;
        let cache = cache.filter(|directory| private(directory)).map(Path::to_owned);
        let (ticker, stop) = channel();
        let engine = inner.weak();
        thread::Builder::new()
            .name("smelt-epoch".into())
            .spawn(move || {
                // Until the engine that owns the sender is dropped.
                while stop.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                    let Some(engine) = engine.upgrade() else { break };
                    engine.increment_epoch();
                }
            })
            .map_err(|error| Error::internal(format!("cannot start a thread: {error}")))?;
        Ok(Self { inner, cache, _ticker: ticker })
    }

    pub(super) fn inner(&self) -> &wasmtime::Engine {
        &self.inner
    }

    /// The component in the file and its sha256.
    pub(super) fn load(&self, path: &Path) -> Result<(Component, String)> {
        let shown = path.display();
        let read = || {
            let bytes = fs::metadata(path)?.len();
            if bytes > Self::COMPONENT_BYTES {
                return Err(std::io::Error::other(format!(
                    "it has {bytes} bytes; at most {} are accepted",
                    Self::COMPONENT_BYTES
                )));
            }
            fs::read(path)
        };
        let binary = read().map_err(|error| Error::config(format!("cannot read the component `{shown}`: {error}")))?;
        if !binary.starts_with(COMPONENT_MAGIC) {
            return Err(Error::config(format!("`{shown}` is not a WebAssembly component")));
        }
        let sha256 = digest::hex(&binary);
        if let Some(component) = self.cached(&sha256) {
            return Ok((component, sha256));
        }
        let component = Component::from_binary(&self.inner, &binary)
            .map_err(|error| Error::new(Kind::Plugin, format!("`{shown}` does not compile: {error:#}")))?;
        self.store(&sha256, &component);
        Ok((component, sha256))
    }

    fn cache_path(&self, sha256: &str) -> Option<PathBuf> {
        let mut compatibility = DefaultHasher::new();
        self.inner.precompile_compatibility_hash().hash(&mut compatibility);
        Some(self.cache.as_ref()?.join(format!("{sha256}-{:016x}.cwasm", compatibility.finish())))
    }

    fn cached(&self, sha256: &str) -> Option<Component> {
        let path = self.cache_path(sha256).filter(|path| path.exists())?;
        // SAFETY: the file is in a directory that only this user can write to (`private`), where only `store` puts
        // files, each complete before it has its name; and its name says that this engine's settings made it.
        unsafe { Component::deserialize_file(&self.inner, path) }.ok()
    }

    /// Best effort: without it the component is compiled again next time.
    fn store(&self, sha256: &str, component: &Component) {
        let Some(path) = self.cache_path(sha256) else { return };
        let Ok(code) = component.serialize() else { return };
        let temporary = path.with_extension(format!("tmp-{}", std::process::id()));
        if fs::write(&temporary, code).and_then(|()| fs::rename(&temporary, &path)).is_err() {
            tracing::debug!(cache = %path.display(), "compiled code was not cached");
        }
    }
}

/// Makes the directory, readable by its user alone, and tells whether it is.
fn private(directory: &Path) -> bool {
    if fs::DirBuilder::new().recursive(true).mode(0o700).create(directory).is_err() {
        return false;
    }
    let user = rustix::process::geteuid().as_raw();
    fs::metadata(directory).is_ok_and(|metadata| metadata.uid() == user && metadata.mode() & 0o022 == 0)
}

fn config(pooling: bool) -> Config {
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        .cranelift_opt_level(OptLevel::Speed)
        .cranelift_nan_canonicalization(true)
        .wasm_relaxed_simd(false)
        .wasm_memory64(false)
        .wasm_multi_memory(true)
        .max_wasm_stack(512 << 10);
    if pooling {
        // A worker holds an instance of each KPI that reads a dataset while it writes silver.
        let slots = 64 * thread::available_parallelism().map_or(1, usize::from) as u32;
        let mut pool = PoolingAllocationConfig::new();
        pool.total_component_instances(slots)
            .total_core_instances(4 * slots)
            .total_memories(slots)
            .total_tables(4 * slots)
            .table_elements(100_000)
            .max_core_instances_per_component(32)
            // A memory is used again by the next instance: wiping what one has written costs less than taking the pages
            // away and faulting them in again.
            .linear_memory_keep_resident(WARM_BYTES)
            .pagemap_scan(Enabled::Auto);
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    }
    config
}
