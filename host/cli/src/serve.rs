//! `smelt serve`: shows the lake in a browser.

use std::future::Future;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::common::Common;
use crate::output::{print, print_json};
use crate::schedule::signal;
use serde_json::json;
use smelt_common::Error;
use smelt_common::error::{Kind, Result};
use smelt_engine::manifest::Manifest;
use smelt_server::shell::{Base, HttpLimits, Listen, ShellSettings, Token};
use smelt_server::{Serving, Settings};

/// The directory of pages beside a manifest.
const PAGES: &str = "pages";

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
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(|error| Error::new(Kind::Unavailable, format!("cannot start tokio: {error}")))?;
        let served = runtime.block_on(async {
            let serving = self.address.begin(common).await?;
            let stop = async {
                if let Err(error) = signal().await {
                    tracing::error!("{error}");
                }
            };
            announce(common, &self.address, &serving)?;
            serving.serve(stop).await
        });
        // Threads that still read tables are not waited for.
        runtime.shutdown_background();
        served.map(|()| ExitCode::SUCCESS)
    }
}

impl Address {
    /// Opens the lake and listens.
    pub(crate) fn begin(&self, common: &Common) -> impl Future<Output = Result<Serving>> + use<> {
        let settings = self.settings(common);
        async move { Serving::begin(settings?).await }
    }

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
            store: common.existing_lake()?.open()?,
            shell,
        })
    }
}

/// Says where the pages are, and which of them cannot be shown.
pub(crate) fn announce(common: &Common, address: &Address, serving: &Serving) -> Result<()> {
    for wrong in serving.wrong_pages() {
        tracing::error!("{wrong}");
    }
    let base = address.base_path.trim_end_matches('/');
    let url = format!("http://{}{base}/", serving.address());
    match common.json {
        true => print_json(&json!({"url": url, "address": serving.address().to_string()}))?,
        false => print(&format!("the lake is shown at {url} until Ctrl-C\n")),
    }
    Ok(())
}
