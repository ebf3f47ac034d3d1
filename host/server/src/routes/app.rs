//! What all routes share.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use chrono::{DateTime, Utc};
use maud::Markup;
use smelt_common::clock::Clock;
use smelt_common::error::{Kind, Result};

use crate::address::Parameters;
use crate::charts::Locale;
use crate::html::{Around, Place, layout};
use crate::lake::{Lake, Seen};
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
    /// Answers with a page: its title and its content, made for one commit.
    pub(crate) async fn page(
        self: Arc<Self>,
        asked: Asked,
        place: PlaceOf,
        make: impl Fn(&Sight<'_>) -> Result<Option<(String, Markup)>> + Send + 'static,
    ) -> Result<Response, Refusal> {
        let app = Arc::clone(&self);
        let made = self
            .blocking
            .run(move |_| {
                let (pages, _) = app.folder.pages();
                app.lake.see(|seen| {
                    let sight = Sight { app: &app, seen, asked: &asked, pages: &pages, now: app.clock.now() };
                    let Some((title, body)) = make(&sight)? else { return Ok(None) };
                    let around = Around {
                        pipeline: &app.pipeline,
                        links: &app.links,
                        locale: &asked.locale,
                        snapshot: seen.snapshot(),
                        pages: &pages,
                        trouble: app.lake.trouble(),
                        is_logged_in: asked.is_logged_in,
                    };
                    Ok(Some(layout(&around, place.place(), &title, &body).into_string()))
                })
            })
            .await?;
        match made.map_err(refusal)? {
            Some(html) => {
                Ok(([(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::VARY, "accept-language")], html)
                    .into_response())
            }
            None => Err(Refusal::not_found("there is no such page")),
        }
    }

    /// Answers with bytes that are made for one commit.
    pub(crate) async fn bytes(
        self: Arc<Self>,
        content_type: &'static str,
        file: Option<String>,
        make: impl Fn(&Seen) -> Result<Vec<u8>> + Send + 'static,
    ) -> Result<Response, Refusal> {
        let app = Arc::clone(&self);
        let made = self.blocking.run(move |_| app.lake.see(|seen| make(seen))).await?;
        let mut response = ([(header::CONTENT_TYPE, content_type)], made.map_err(refusal)?).into_response();
        let name = file.and_then(|file| HeaderValue::from_str(&format!("attachment; filename=\"{file}\"")).ok());
        if let Some(name) = name {
            response.headers_mut().insert(header::CONTENT_DISPOSITION, name);
        }
        Ok(response)
    }
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
