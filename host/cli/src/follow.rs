//! A host that follows its pipeline: between two ticks it loads a changed manifest, lock or component.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use crate::common::Common;
use crate::components::file_of;
use crate::schedule::{Roles, Tick, tick};
use smelt_common::error::{Kind, Result};
use smelt_engine::manifest::{FILE, Manifest};
use smelt_engine::run::Host;

/// A host, and the files that it was loaded from.
pub(crate) struct Following {
    common: Common,
    loaded: Mutex<(Arc<Host>, Vec<Seen>)>,
}

/// A file and its inode, size and time of change; `None` if there was no such file.
type Seen = (PathBuf, Option<(u64, u64, i64, i64)>);

impl Following {
    /// Loads the pipeline.
    pub(crate) fn begin(common: &Common) -> Result<Self> {
        let seen = files(&common.pipeline);
        let mut host = common.host()?;
        host.watch();
        Ok(Self { common: common.clone(), loaded: Mutex::new((Arc::new(host), seen)) })
    }

    /// Returns the host of the last tick, or before the first tick the host that it will have.
    pub(crate) fn host(&self) -> Arc<Host> {
        Arc::clone(&self.loaded.lock().expect("no one panics while holding it").0)
    }

    /// Runs one tick with the pipeline as its files are now. A tick ends with the components that it began with.
    pub(crate) fn tick(&self, number: u64, roles: Roles) -> Result<Tick> {
        let now = files(&self.common.pipeline);
        if self.loaded.lock().expect("no one panics while holding it").1 != now {
            self.load(now);
        }
        match tick(&self.host(), number, roles) {
            Err(error) if error.kind() == Kind::Stale => {
                self.load(files(&self.common.pipeline));
                tick(&self.host(), number, roles)
            }
            done => done,
        }
    }

    /// Loads the pipeline again. If that fails, the host goes on as before until the files change.
    fn load(&self, seen: Vec<Seen>) {
        // If the lake is out of reach, it is unknown which components were promoted. The tick reports the error.
        if self.host().state().is_err_and(|error| error.kind() == Kind::Unavailable) {
            return;
        }
        let loaded = self.common.host();
        let mut held = self.loaded.lock().expect("no one panics while holding it");
        // If the machine cannot read the files at the moment, the next tick loads them.
        if loaded.as_ref().err().is_none_or(|error| error.kind() != Kind::Unavailable) {
            held.1 = seen;
        }
        match loaded {
            Ok(mut host) => {
                tracing::info!("the pipeline was loaded again");
                host.watch();
                held.0 = Arc::new(host.in_place_of(&held.0));
            }
            Err(error) => tracing::error!("the pipeline changed and cannot be loaded, so it runs as before: {error}"),
        }
    }
}

/// Returns the manifest, its lock and its components as they are now.
fn files(pipeline: &Path) -> Vec<Seen> {
    let file = if pipeline.is_dir() { pipeline.join(FILE) } else { pipeline.to_owned() };
    let mut paths = vec![file.with_extension("lock"), file];
    if let Ok(manifest) = Manifest::read(pipeline) {
        paths.extend(manifest.uses().filter_map(|(_, plugin, _)| file_of(&manifest, plugin)));
    }
    let seen = |path: PathBuf| {
        let metadata = std::fs::metadata(&path).ok();
        let stamp = metadata.map(|found| (found.ino(), found.len(), found.mtime(), found.mtime_nsec()));
        (path, stamp)
    };
    paths.into_iter().map(seen).collect()
}
