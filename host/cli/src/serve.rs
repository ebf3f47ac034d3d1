//! `smelt serve`: shows the lake in a browser.

use std::future::Future;
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread::JoinHandle;

use clap::Args;
use serde_json::json;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

use crate::common::Common;
use crate::output::{print, print_json_lines};
use crate::schedule::signal;
use smelt_common::Error;
use smelt_common::error::{Kind, Result};
use smelt_engine::manifest::Manifest;
use smelt_server::shell::{Base, HttpLimits, Listen, ShellSettings, Token};
use smelt_server::{Serving, Settings};

/// The directory of pages beside a manifest.
pub(crate) const PAGES: &str = "pages";
/// The threads that answer requests. Tables are read on others.
const THREADS: usize = 2;
/// The number of heaps from which all threads of `smelt serve` take memory.
#[cfg(target_env = "gnu")]
const HEAPS: libc::c_int = 1;

#[derive(Debug, Args)]
pub(crate) struct Serve {
    #[command(flatten)]
    address: Address,
}

/// The address of the server, and who may read.
#[derive(Debug, Clone, Args)]
pub(crate) struct Address {
    /// The address at which the server listens. Another one than of loopback needs a token
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8788")]
    listen: String,
    /// A file with the token that readers must have; nobody else may be able to read the file. Else SMELT_TOKEN, if it is set
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// The path below which everything is served, behind a proxy
    #[arg(long, value_name = "PATH", default_value = "")]
    base_path: String,
}

impl Serve {
    /// Reads only the lake and the folder of pages, and runs no component.
    pub(crate) fn run(self, common: &Common) -> Result<ExitCode> {
        common.existing_lake()?;
        share_memory();
        let stop = async {
            if let Err(error) = signal().await {
                tracing::error!("{error}");
            }
        };
        Server::begin(common, &self.address)?.serve(stop)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Makes the threads of this process take memory from one heap. By default glibc gives each thread one of its own, which keeps
/// what a table took while it was read: three times as much in all.
fn share_memory() {
    #[cfg(target_env = "gnu")]
    // SAFETY: it sets a number of the allocator, which may be done at any time.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, HEAPS);
    }
}

/// A server that listens, and the threads on which it serves.
pub(crate) struct Server {
    runtime: Runtime,
    serving: Serving,
}

impl Server {
    /// Opens the lake, listens, and says where.
    pub(crate) fn begin(common: &Common, address: &Address) -> Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(THREADS)
            .enable_all()
            .build()
            .map_err(|error| Error::new(Kind::Unavailable, format!("cannot start tokio: {error}")))?;
        let serving = runtime.block_on(Serving::begin(address.settings(common)?))?;
        for wrong in serving.wrong_pages() {
            tracing::error!("{wrong}");
        }
        let url = format!("http://{}{}/", serving.address(), address.base_path.trim_end_matches('/'));
        match common.json {
            true => print_json_lines(&format!("{}\n", json!({"serving": url}))),
            false => print(&format!("the lake is shown at {url}\n")),
        }
        Ok(Self { runtime, serving })
    }

    /// Serves until `stop` resolves, and finishes what was asked before.
    pub(crate) fn serve(self, stop: impl Future<Output = ()>) -> Result<()> {
        let Self { runtime, serving } = self;
        let served = runtime.block_on(serving.serve(stop));
        // Threads that still read tables are not waited for.
        runtime.shutdown_background();
        served
    }
}

impl Address {
    fn settings(&self, common: &Common) -> Result<Settings> {
        let manifest = Manifest::read(&common.pipeline)?;
        let shell = ShellSettings {
            listen: Listen::parse(&self.listen)?,
            token: Token::find(self.token_file.as_deref())?,
            base: Base::parse(&self.base_path)?,
            limits: HttpLimits::default(),
        };
        shell.check()?;
        Ok(Settings {
            pipeline: manifest.pipeline.name.clone(),
            pages: manifest.directory.join(PAGES),
            store: common.lake()?.open()?,
            shell,
        })
    }
}

/// A server beside other work, on a thread of its own.
pub(crate) struct Beside {
    stop: oneshot::Sender<()>,
    thread: JoinHandle<Result<()>>,
}

impl Beside {
    /// Begins to serve.
    pub(crate) fn begin(common: &Common, address: &Address) -> Result<Self> {
        let server = Server::begin(common, address)?;
        let (stop, stopped) = oneshot::channel();
        let serve = move || server.serve(async { drop(stopped.await) });
        let spawned = std::thread::Builder::new().name("server".to_owned()).spawn(serve);
        let thread =
            spawned.map_err(|error| Error::new(Kind::Unavailable, format!("cannot start a thread: {error}")))?;
        Ok(Self { stop, thread })
    }

    /// Finishes what was asked, and ends.
    pub(crate) fn end(self) -> Result<()> {
        // The server may have ended by itself; then its error is the result.
        let _ = self.stop.send(());
        self.thread.join().map_err(|_| Error::internal("the server panicked"))?
    }
}
