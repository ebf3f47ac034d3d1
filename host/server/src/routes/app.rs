//! What all routes share.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use chrono::{DateTime, Utc};
use maud::Markup;
use smelt_common::clock::Clock;
use smelt_common::error::{Kind, Result};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;

use super::saved::saved_as;
use crate::address::Parameters;
use crate::charts::Locale;
use crate::html::{Around, Place, ago, assets, halves};
use crate::lake::{Lake, Seen, Snapshot};
use crate::links::Links;
use crate::pages::{Folder, Page};
use crate::shell::{Blocking, Events, Reader, Refusal};

/// The server's state.
pub(crate) struct App {
    /// The pipeline's name.
    pub(crate) pipeline: String,
    pub(crate) lake: Arc<Lake>,
    pub(crate) folder: Folder,
    pub(crate) links: Links,
    pub(crate) events: Events,
    pub(crate) blocking: Blocking,
    pub(crate) clock: Clock,
}

/// A request, as far as pages depend on it.
pub(crate) struct Asked {
    pub(crate) parameters: Parameters,
    pub(crate) locale: Locale,
    pub(crate) is_logged_in: bool,
}

/// One commit, and what a page shows of it.
pub(crate) struct Sight<'s> {
    pub(crate) app: &'s App,
    pub(crate) seen: &'s Seen,
    pub(crate) asked: &'s Asked,
    pub(crate) pages: &'s [Page],
    pub(crate) now: DateTime<Utc>,
}

impl Sight<'_> {
    /// Writes how long ago a moment was. A page that outlives its making has the day itself.
    pub(crate) fn age(&self, at: &str) -> String {
        match self.app.links.is_static() {
            true => self.asked.locale.date(at.get(..10).unwrap_or(at)),
            false => ago(at, self.now),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Asked {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let languages = parts.headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        Ok(Self {
            parameters: Parameters::parse(parts.uri.query().unwrap_or_default()),
            locale: Locale::parse(languages.unwrap_or_default()),
            is_logged_in: parts.extensions.get() == Some(&Reader::LoggedIn),
        })
    }
}

impl App {
    /// Answers with a page: its title and its content, made for one commit. If that takes long, as when a large table is looked at
    /// for the first time, a browser gets the frame of the page meanwhile.
    pub(crate) async fn page(
        self: Arc<Self>,
        asked: Asked,
        place: PlaceOf,
        make: impl Fn(&Sight<'_>) -> Result<Option<(String, Markup)>> + Send + 'static,
    ) -> Result<Response, Refusal> {
        self.boxed_page(asked, place, Box::new(make)).await
    }

    async fn boxed_page(self: Arc<Self>, asked: Asked, place: PlaceOf, make: MakePage) -> Result<Response, Refusal> {
        let (app, asked) = (Arc::clone(&self), Arc::new(asked));
        let (of, at) = (Arc::clone(&asked), place.clone());
        let mut making = tokio::spawn(async move {
            let blocking = app.blocking.clone();
            let made = blocking.run(move |_| app.make(&of, &at, &make)).await?;
            made.map_err(refusal)?.ok_or_else(|| Refusal::not_found("there is no such page"))
        });
        let made = match tokio::time::timeout(SOON, &mut making).await {
            Ok(made) => made.map_err(|_| Refusal::busy("the server is stopping", SOON))?,
            Err(_) => return Ok(self.page_in_parts(&asked, &place, making)),
        };
        let Made { before, content, after } = made?;
        Ok((page_headers(), without_nul([before, content, after].concat())).into_response())
    }

    fn make(&self, asked: &Asked, place: &PlaceOf, make: &MakePage) -> Result<Option<Made>> {
        let (pages, _) = self.folder.pages();
        self.lake.see_the_rest(|seen| {
            let sight = Sight { app: self, seen, asked, pages: &pages, now: self.clock.now() };
            let Some((title, content)) = make(&sight)? else { return Ok(None) };
            let (before, after) = halves(&self.around(asked, seen.snapshot(), &pages), Some(place.place()), &title);
            Ok(Some(Made { before, content: content.into_string(), after }))
        })
    }

    pub(crate) fn around<'a>(&'a self, asked: &'a Asked, snapshot: &'a Snapshot, pages: &'a [Page]) -> Around<'a> {
        Around {
            pipeline: &self.pipeline,
            links: &self.links,
            locale: &asked.locale,
            snapshot,
            pages,
            trouble: self.lake.trouble(),
            is_logged_in: asked.is_logged_in,
            assets: assets(&self.links),
        }
    }

    /// Sends the frame of a page at once, and its content when it is made.
    fn page_in_parts(&self, asked: &Asked, place: &PlaceOf, making: JoinHandle<Result<Made, Refusal>>) -> Response {
        let (pages, _) = self.folder.pages();
        let (before, after) =
            halves(&self.around(asked, &self.lake.now(), &pages), Some(place.place()), place.title(&pages));
        let (parts, body) = mpsc::channel(1);
        tokio::spawn(async move {
            // An error of sending means that the client left.
            let _ = parts.send(without_nul(before)).await;
            let rest = match making.await {
                Ok(Ok(Made { content, after, .. })) => content + &after,
                Ok(Err(refused)) => refused.as_content().into_string() + &after,
                Err(_) => after,
            };
            let _ = parts.send(without_nul(rest)).await;
        });
        (page_headers(), Body::from_stream(ReceiverStream::new(body).map(Ok::<_, Infallible>))).into_response()
    }

    /// Answers with bytes that are made for one commit.
    pub(crate) async fn bytes(
        self: Arc<Self>,
        content_type: &'static str,
        file: Option<String>,
        make: impl Fn(&Seen) -> Result<Vec<u8>> + Send + 'static,
    ) -> Result<Response, Refusal> {
        self.boxed_bytes(content_type, file, Box::new(make)).await
    }

    async fn boxed_bytes(
        self: Arc<Self>,
        content_type: &'static str,
        file: Option<String>,
        make: MakeBytes,
    ) -> Result<Response, Refusal> {
        let app = Arc::clone(&self);
        let made = self.blocking.run(move |_| app.lake.see(|seen| make(seen))).await?;
        let mut response = ([(header::CONTENT_TYPE, content_type)], made.map_err(refusal)?).into_response();
        if let Some(file) = file {
            response.headers_mut().insert(header::CONTENT_DISPOSITION, saved_as(&file));
        }
        Ok(response)
    }
}

/// Makes the title and the content of a page. In a box, so that all that happens around it is compiled once.
type MakePage = Box<dyn Fn(&Sight<'_>) -> Result<Option<(String, Markup)>> + Send>;
/// Makes a file.
type MakeBytes = Box<dyn Fn(&Seen) -> Result<Vec<u8>> + Send>;

/// The time in which most pages are made.
const SOON: Duration = Duration::from_millis(8);

/// A page, in three parts.
struct Made {
    before: String,
    content: String,
    after: String,
}

/// Returns a page whose texts have a sign in place of each NUL: some browsers end a text there, some leave it out.
fn without_nul(html: String) -> String {
    if html.contains('\0') { html.replace('\0', "\u{fffd}") } else { html }
}

fn page_headers() -> [(HeaderName, &'static str); 2] {
    [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::VARY, "accept-language")]
}

/// The part of the server that a page belongs to, for a request that may outlive its borrowed name.
#[derive(Debug, Clone)]
pub(crate) enum PlaceOf {
    Page(String),
    Other(Place<'static>),
}

impl PlaceOf {
    fn place(&self) -> Place<'_> {
        match self {
            Self::Page(name) => Place::Page(name),
            Self::Other(place) => *place,
        }
    }

    /// Returns a title that is known before the page is made.
    fn title<'t>(&'t self, pages: &'t [Page]) -> &'t str {
        match self {
            Self::Page(name) => pages.iter().find(|page| page.name == *name).map_or(name.as_str(), Page::title),
            Self::Other(place) => place.title(),
        }
    }
}

/// Returns the answer to a request that cannot be met.
pub(crate) fn refusal(error: smelt_common::Error) -> Refusal {
    let status = match error.kind() {
        // Whoever asks for what is not there asks for another thing next.
        Kind::InvalidConfig | Kind::InvalidInput => StatusCode::NOT_FOUND,
        Kind::Unavailable | Kind::Conflict | Kind::Unsettled | Kind::Damaged => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    if status != StatusCode::NOT_FOUND {
        tracing::warn!("{error}");
    }
    Refusal::new(status, error.to_string())
}
