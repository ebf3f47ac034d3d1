//! From a request to its answer: all that holds for every route, in the order in which it is asked.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use hyper::body::Incoming;
use tokio::sync::watch;
use tower::ServiceExt as _;

use super::Base;
use super::body::AnswerBody;
use super::guard;
use super::headers;
use super::link::Link;
use super::login::{Login, Reader, see_other};
use super::panics::caught;
use super::refusal::Refusal;
use super::settings::{HttpLimits, Listen};

/// Routes that cost nothing, and answer while all connections are busy.
const CHEAP: [&str; 3] = ["/health", "/ready", "/metrics"];
/// Routes that need no token. They must tell nothing of the lake.
const OPEN: [&str; 2] = ["/health", "/ready"];
/// The files of pages, such as the style sheet of the login page, need no token either.
const OPEN_FILES: &str = "/assets/";

/// All that answers share.
pub(super) struct Front {
    pub(super) app: Router,
    pub(super) login: Option<Login>,
    pub(super) base: Base,
    pub(super) listen: Listen,
    pub(super) limits: Arc<HttpLimits>,
    pub(super) stopping: watch::Receiver<bool>,
}

impl Front {
    /// Returns the answer to a request.
    pub(super) async fn answer(&self, request: Request<Incoming>, link: &Arc<Link>) -> Response<AnswerBody> {
        let as_page = wants_page(request.headers());
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let answered = caught(self.route(request.map(Body::new), as_page, link.peer, link.reserve)).await;
        let response = match answered {
            Ok(Ok(response)) => response,
            Ok(Err(refusal)) => refusal.into_response(),
            Err(words) => Refusal::failed(&format_args!("a handler panicked: {words}")).into_response(),
        };
        tracing::debug!(%method, path, status = response.status().as_u16(), "answered");
        self.finish(response, as_page, link)
    }

    async fn route(
        &self,
        mut request: Request<Body>,
        as_page: bool,
        peer: IpAddr,
        reserve: bool,
    ) -> Result<Response, Refusal> {
        let authority = guard::authority(request.uri(), request.headers())?;
        if self.login.is_none() {
            guard::check_host(&authority, &self.listen)?;
        }
        let uri = request.uri().clone();
        if !super::path::is_plain(uri.path()) {
            let text = "the path is malformed: it may have no segments of dots, encoded slashes or control characters";
            return Err(Refusal::new(StatusCode::BAD_REQUEST, text));
        }
        let reads = request.method() == Method::GET || request.method() == Method::HEAD;
        if self.base.lacks_slash(uri.path()) && reads {
            // Cookies of the base are not sent without its slash.
            let query = uri.query().map_or(String::new(), |query| format!("?{query}"));
            return see_other(&format!("{}{query}", self.base.link("/")));
        }
        let path = self.base.below(uri.path()).ok_or_else(|| {
            Refusal::not_found(format!("nothing is here: this server's pages are below {}", self.base.link("/")))
        })?;
        let posts = self.login.is_some() && matches!(path, "/login" | "/logout");
        match (reads, request.method() == Method::POST && posts, path) {
            (true, _, path) if path != "/logout" || !posts => {}
            (_, true, _) => {}
            (_, _, "/logout") if posts => return Err(Refusal::method("POST")),
            _ if posts => return Err(Refusal::method("GET, HEAD, POST")),
            _ => return Err(Refusal::method("GET, HEAD")),
        }
        guard::check_site(request.method(), request.headers(), &authority)?;
        if reserve && !CHEAP.contains(&path) {
            return Err(Refusal::busy(
                "all connections of this server are busy: try again soon",
                self.limits.handler / 6,
            ));
        }
        let reader = match &self.login {
            None => Reader::Anyone,
            Some(login) => match path {
                "/login" if reads => return login.form(uri.query().unwrap_or_default(), request.headers()),
                "/login" => return login.enter(request, peer, &self.limits).await,
                "/logout" => return login.leave(request.headers()),
                path if OPEN.contains(&path) || path.starts_with(OPEN_FILES) => Reader::Anyone,
                _ => match login.reader(request.headers(), peer)? {
                    Some(reader) => reader,
                    None => {
                        let same = uri.path_and_query().map_or("", PathAndQuery::as_str);
                        return login.ask(as_page, guard::is_from_elsewhere(request.headers()), same);
                    }
                },
            },
        };
        let rest = uri.query().map_or(path.to_owned(), |query| format!("{path}?{query}"));
        *request.uri_mut() = PathAndQuery::try_from(rest).map(Uri::from).map_err(|error| Refusal::failed(&error))?;
        request.extensions_mut().insert(reader);
        match tokio::time::timeout(self.limits.handler, self.app.clone().oneshot(request)).await {
            Ok(Ok(response)) => Ok(response),
            Err(_) => Err(Refusal::busy("the answer took too long: ask for less, or try again", self.limits.handler)),
        }
    }

    fn finish(&self, mut response: Response, as_page: bool, link: &Arc<Link>) -> Response<AnswerBody> {
        if let Some(refusal) = response.extensions_mut().remove::<Refusal>() {
            response = refusal.render(as_page, &self.base).map(Body::from);
            response.headers_mut().append(header::VARY, HeaderValue::from_static("Accept"));
        }
        headers::complete(response.headers_mut(), self.login.is_some());
        let streams = response
            .headers()
            .get(header::CONTENT_TYPE)
            .is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
        response.map(|body| match streams {
            true => AnswerBody::events(body, Arc::clone(link), self.stopping.clone()),
            false => AnswerBody::new(body, Arc::clone(link), self.limits.handler),
        })
    }
}

/// Returns whether the client is a browser that shows a page.
fn wants_page(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|value| value.contains("text/html"))
}
