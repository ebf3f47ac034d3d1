//! Serves a lake.

use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use smelt_common::clock::Clock;
use smelt_common::error::Result;
use smelt_storage::Store;

use crate::lake::Lake;
use crate::links::Links;
use crate::pages::Folder;
use crate::routes::{App, routes};
use crate::shell::{Blocking, Events, Listening, ShellSettings, bind};

/// What is served, and how.
pub struct Settings {
    /// The pipeline's name.
    pub pipeline: String,
    /// The folder with its pages, which need not exist.
    pub pages: PathBuf,
    /// The lake.
    pub store: Box<dyn Store>,
    /// The address and who may read.
    pub shell: ShellSettings,
}

/// A server that listens and does not serve yet.
pub struct Serving {
    app: Arc<App>,
    listening: Listening,
}

impl Serving {
    /// Opens the lake and listens.
    ///
    /// # Errors
    /// The lake cannot be read, or the address cannot be had.
    pub async fn begin(settings: Settings) -> Result<Self> {
        let Settings { pipeline, pages, store, shell } = settings;
        let (events, blocking) = (Events::new(&shell.limits), Blocking::new(&shell.limits));
        let links = Links::below(shell.base.clone());
        let listening = bind(shell).await?;
        let opened = tokio::task::spawn_blocking(move || Lake::open(store)).await;
        let lake = opened.map_err(|error| smelt_common::Error::internal(error.to_string()))??;
        let folder = Folder::at(&pages);
        let app = Arc::new(App { pipeline, lake, folder, links, events, blocking, clock: Clock::System });
        Ok(Self { app, listening })
    }

    /// Returns the address at which it listens.
    pub fn address(&self) -> SocketAddr {
        self.listening.address()
    }

    /// Returns what is wrong with pages, one sentence each.
    pub fn wrong_pages(&self) -> Vec<String> {
        let (pages, _) = self.app.folder.pages();
        pages.iter().filter_map(|page| page.section.as_ref().err()).map(ToString::to_string).collect()
    }

    /// Serves until `shutdown` resolves.
    ///
    /// # Errors
    /// Those of [`Listening::serve`].
    pub async fn serve(self, shutdown: impl Future<Output = ()>) -> Result<()> {
        let Self { app, listening } = self;
        let follower = tokio::spawn(follow(Arc::clone(&app)));
        let served = listening.serve(routes(app), shutdown).await;
        follower.abort();
        served
    }
}

/// Looks for commits and for pages that were saved, and tells readers.
async fn follow(app: Arc<App>) {
    let mut version = app.folder.pages().1;
    let mut told = app.lake.now();
    let warming = Arc::clone(&app);
    // Readers need not wait for it; whoever is first may read a table before it is reached.
    drop(tokio::task::spawn_blocking(move || warming.lake.warm_up(&warming.folder.tables())).await);
    let mut said = None;
    loop {
        tokio::time::sleep(app.lake.pause()).await;
        let looking = Arc::clone(&app);
        let looked = tokio::task::spawn_blocking(move || (looking.lake.look(), looking.folder.pages().1)).await;
        let Ok((looked, now)) = looked else { continue };
        match looked {
            Ok(_) => {
                said = None;
                // A reader may have looked before, and found the commit first.
                let now = app.lake.now();
                if !Arc::ptr_eq(&now, &told) {
                    app.events.send("commit", now.commit().to_string());
                    told = now;
                }
            }
            // The same trouble is told once.
            Err(error) => {
                let words = error.to_string();
                if said.as_ref() != Some(&words) {
                    tracing::warn!("{words}; trying again until it ends");
                    said = Some(words);
                }
            }
        }
        if now != version {
            version = now;
            app.events.send("pages", version.to_string());
        }
    }
}
