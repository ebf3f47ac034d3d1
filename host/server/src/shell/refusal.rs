//! Answers that are not what was asked for: a status, a sentence, and a plain page or a line of text.

use std::borrow::Cow;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};
use smelt_common::{Error, error::Kind, random};

use super::Base;

/// An answer that is not what was asked for. A handler returns it as an error; the shell makes a page of it for people,
/// and a line of text for programs.
#[derive(Debug, Clone)]
pub struct Refusal {
    status: StatusCode,
    text: Cow<'static, str>,
    retry_after: Option<Duration>,
    allow: Option<&'static str>,
}

impl Refusal {
    /// Returns a refusal with that status. The text says what was wrong and what would be right.
    pub fn new(status: StatusCode, text: impl Into<Cow<'static, str>>) -> Self {
        Self { status, text: text.into(), retry_after: None, allow: None }
    }

    /// Returns the refusal that there is no such thing.
    pub fn not_found(text: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::NOT_FOUND, text)
    }

    /// Returns the refusal that the server is busy for so long.
    pub fn busy(text: impl Into<Cow<'static, str>>, retry_after: Duration) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, text).after(retry_after)
    }

    /// Returns the refusal of something that failed here. Its words may hold names of files and cells of data, so the
    /// log has them, and the page has an id that finds them there.
    pub(super) fn failed(why: &dyn std::fmt::Display) -> Self {
        let id = format!("{:016x}", random());
        tracing::error!(id, "a request failed: {why}");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, format!("the request failed; the log says why, under the id {id}"))
    }

    /// Returns the same refusal, with the time after which another attempt may succeed.
    pub(super) fn after(self, retry_after: Duration) -> Self {
        Self { retry_after: Some(retry_after), ..self }
    }

    /// Returns the refusal of a method where only those are allowed.
    pub(super) fn method(allow: &'static str) -> Self {
        let text = format!("the method is not allowed here: {allow} are");
        Self { allow: Some(allow), ..Self::new(StatusCode::METHOD_NOT_ALLOWED, text) }
    }

    /// Returns its words as the content of a page whose beginning was sent already.
    pub(crate) fn as_content(&self) -> Markup {
        html! { p.state.failed role="alert" { strong { "This page cannot be shown" } " " (self.text) } }
    }

    /// Returns the status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Returns the answer, as a page or as a line of text.
    pub(super) fn render(&self, as_page: bool, base: &Base) -> Response<String> {
        let Self { status, text, retry_after, allow } = self;
        let (kind, body) = match as_page {
            true => ("text/html; charset=utf-8", self.page(base).into_string()),
            false => ("text/plain; charset=utf-8", format!("{text}\n")),
        };
        let mut response = Response::new(body);
        *response.status_mut() = *status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(after) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(after.as_secs_f64().ceil().max(1.0) as u64));
        }
        if let Some(allow) = allow {
            headers.insert(header::ALLOW, HeaderValue::from_static(allow));
        }
        if *status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"smelt\""));
        }
        response
    }

    fn page(&self, base: &Base) -> Markup {
        let title = self.status.canonical_reason().unwrap_or("Error");
        page(
            base,
            title,
            &html! {
                h1 { (title) }
                p { (self.text) }
                p { a href=(base.link("/")) { "To the first page" } }
            },
        )
    }
}

/// Returns a plain page of the shell.
pub(super) fn page(base: &Base, title: &str, content: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " – smelt" }
                link rel="stylesheet" href=(base.link("/assets/page.css"));
            }
            body class="shell" { main class="shell-main" { (content) } }
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.status;
        response.extensions_mut().insert(self);
        response
    }
}

/// An error of the host is logged and not shown, since its words may name files or hold cells of data.
impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let refusal = Self::failed(&error);
        match error.kind() {
            Kind::Unavailable => {
                Self { status: StatusCode::SERVICE_UNAVAILABLE, ..refusal.after(Duration::from_secs(5)) }
            }
            _ => refusal,
        }
    }
}
