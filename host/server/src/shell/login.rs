//! Lets readers in: a token in a header for programs, and a page with a form for people, which sets a cookie.

use std::net::IpAddr;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use maud::{Markup, html};

use super::attempts::Attempts;
use super::guard::only;
use super::refusal::{Refusal, page};
use super::sessions::Sessions;
use super::settings::HttpLimits;
use super::{Base, Token, encoded};

/// The reader whom a request is from. Routes find it in the extensions of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// The server needs no token, or the route is open to all.
    Anyone,
    /// Somebody logged in, who can log out with `POST /logout`.
    LoggedIn,
    /// A program sent the token.
    Program,
}

/// Judges who may read.
pub(super) struct Login {
    token: Token,
    sessions: Sessions,
    attempts: Attempts,
    base: Base,
    cookie: String,
}

impl Login {
    /// Returns the judge of that token. Cookies are not kept apart by port, so their name has it: else two servers on one
    /// machine would log out each other's readers.
    pub(super) fn new(token: Token, base: Base, limits: &HttpLimits, port: u16) -> Self {
        Self {
            token,
            sessions: Sessions::new(limits.sessions, limits.session),
            attempts: Attempts::new(limits.attempts, limits.attempt_every),
            base,
            cookie: format!("smelt-{port}"),
        }
    }

    /// Returns the reader, or `None` if nobody says who it is.
    ///
    /// # Errors
    /// Fails if the request has a wrong token, or its client sent too many.
    pub(super) fn reader(&self, headers: &HeaderMap, peer: IpAddr) -> Result<Option<Reader>, Refusal> {
        if headers.contains_key(header::AUTHORIZATION) {
            let token = only(headers, header::AUTHORIZATION)
                .and_then(|value| value.split_once(' '))
                .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
                .map_or("", |(_, token)| token.trim());
            return match self.accepts(token, peer)? {
                true => Ok(Some(Reader::Program)),
                false => Err(Refusal::new(StatusCode::UNAUTHORIZED, "the token is not that of this server")),
            };
        }
        Ok(self.is_logged_in(headers).then_some(Reader::LoggedIn))
    }

    fn is_logged_in(&self, headers: &HeaderMap) -> bool {
        self.ids(headers).any(|id| self.sessions.has(id))
    }

    /// Returns the page that a login leads to.
    fn after_login(&self, next: Option<&str>) -> String {
        next.and_then(|next| self.base.next(next)).map_or(self.base.link("/"), str::to_owned)
    }

    /// Returns the answer to a request that needs a login: the way to it for people, and 401 for programs.
    pub(super) fn ask(&self, as_page: bool, from_elsewhere: bool, path_and_query: &str) -> Result<Response, Refusal> {
        if !as_page {
            let text = "a token is needed: send it as `Authorization: Bearer …`";
            return Err(Refusal::new(StatusCode::UNAUTHORIZED, text));
        }
        // Browsers send no strict cookie with a link from another site. The reader may be logged in, so the page asks for
        // itself: then the request comes from this site.
        if let Some(same) = self.base.next(path_and_query).filter(|_| from_elsewhere) {
            let again = html! {
                meta http-equiv="refresh" content=(format!("0; url={same}"));
                p { a href=(same) { "Go on" } }
            };
            return Ok(shown(StatusCode::OK, &page(&self.base, "Go on", &again)));
        }
        let login = self.base.link("/login");
        match self.base.next(path_and_query) {
            Some(next) if next != self.base.link("/") => see_other(&format!("{login}?next={}", encoded(next))),
            _ => see_other(&login),
        }
    }

    /// Returns the login page, which leads to the page that the query names as `next`.
    pub(super) fn form(&self, query: &str, headers: &HeaderMap) -> Result<Response, Refusal> {
        let next = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "next");
        let next = next.as_ref().map(|(_, next)| &**next);
        match self.is_logged_in(headers) {
            true => see_other(&self.after_login(next)),
            false => Ok(self.page(StatusCode::OK, next, None)),
        }
    }

    /// Logs in whoever sends the token in a form.
    ///
    /// # Errors
    /// Fails if the body is no form, or does not come in time.
    pub(super) async fn enter(
        &self,
        request: Request<Body>,
        peer: IpAddr,
        limits: &HttpLimits,
    ) -> Result<Response, Refusal> {
        let (parts, body) = request.into_parts();
        let kind =
            only(&parts.headers, header::CONTENT_TYPE).and_then(|kind| kind.split(';').next()).unwrap_or_default();
        if !kind.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            let text = "a login is a form with the field `token`";
            return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, text));
        }
        let late = |_| Refusal::new(StatusCode::REQUEST_TIMEOUT, "the form did not come in time");
        let form = tokio::time::timeout(limits.head, to_bytes(body, limits.form_bytes)).await.map_err(late)?;
        let form = form.map_err(|_| Refusal::new(StatusCode::BAD_REQUEST, "the form did not come whole"))?;
        let field =
            |wanted: &str| form_urlencoded::parse(&form).find(|(name, _)| name == wanted).map(|(_, value)| value);
        let next = field("next");
        match self.accepts(field("token").unwrap_or_default().trim(), peer) {
            Ok(true) => {
                let seconds = self.sessions.lasting().as_secs();
                let mut response = see_other(&self.after_login(next.as_deref()))?;
                self.set_cookie(&mut response, &self.sessions.begin(), seconds, &parts.headers)?;
                Ok(response)
            }
            Ok(false) => {
                Ok(self.page(StatusCode::FORBIDDEN, next.as_deref(), Some("This is not the token of this server.")))
            }
            Err(refusal) => Err(refusal),
        }
    }

    /// Logs out whoever sends the request.
    pub(super) fn leave(&self, headers: &HeaderMap) -> Result<Response, Refusal> {
        self.ids(headers).for_each(|id| self.sessions.end(id));
        let mut response = see_other(&self.base.link("/login"))?;
        self.set_cookie(&mut response, "", 0, headers)?;
        Ok(response)
    }

    fn accepts(&self, token: &str, peer: IpAddr) -> Result<bool, Refusal> {
        self.attempts.take(peer).map_err(|wait| {
            let text = "too many wrong tokens came from your address: wait a moment";
            Refusal::new(StatusCode::TOO_MANY_REQUESTS, text).after(wait)
        })?;
        let right = self.token.is(token.as_bytes());
        if right {
            self.attempts.give_back(peer);
        } else {
            tracing::warn!(%peer, "a wrong token was sent");
        }
        Ok(right)
    }

    /// Returns the ids in the cookies of this server.
    fn ids<'h>(&self, headers: &'h HeaderMap) -> impl Iterator<Item = &'h str> {
        let cookies = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
        let pairs = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.filter(|(name, _)| *name == self.cookie).map(|(_, id)| id)
    }

    fn set_cookie(&self, response: &mut Response, id: &str, seconds: u64, headers: &HeaderMap) -> Result<(), Refusal> {
        let proxy = headers.get("x-forwarded-proto").and_then(|value| value.to_str().ok()).unwrap_or_default();
        // A proxy that is behind another one adds to the header; the first is what the browser speaks.
        let https = proxy.split(',').next().is_some_and(|first| first.trim().eq_ignore_ascii_case("https"));
        let cookie = format!(
            "{}={id}; Path={}; Max-Age={seconds}; HttpOnly; SameSite=Strict{}",
            self.cookie,
            self.base.link("/"),
            if https { "; Secure" } else { "" }
        );
        let value = HeaderValue::try_from(cookie).map_err(|error| Refusal::failed(&error))?;
        response.headers_mut().insert(header::SET_COOKIE, value);
        Ok(())
    }

    fn page(&self, status: StatusCode, next: Option<&str>, wrong: Option<&str>) -> Response {
        let next = next.and_then(|next| self.base.next(next));
        let content = html! {
            h1 { "Log in" }
            form class="login" method="post" action=(self.base.link("/login")) {
                @if let Some(next) = next { input type="hidden" name="next" value=(next); }
                label class="login-label" for="token" { "Token of this server" }
                input class="login-token" id="token" name="token" type="password" autocomplete="current-password"
                    required autofocus aria-describedby=[wrong.map(|_| "wrong")];
                @if let Some(wrong) = wrong { p class="login-wrong" id="wrong" role="alert" { (wrong) } }
                button class="login-button" type="submit" { "Log in" }
            }
        };
        shown(status, &page(&self.base, "Log in", &content))
    }
}

/// Returns the answer that shows a page which must not be kept.
fn shown(status: StatusCode, page: &Markup) -> Response {
    let mut response = (status, page.0.clone()).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Returns the answer that leads to that path.
pub(super) fn see_other(to: &str) -> Result<Response, Refusal> {
    let mut response = StatusCode::SEE_OTHER.into_response();
    let location = HeaderValue::try_from(to).map_err(|error| Refusal::failed(&error))?;
    response.headers_mut().insert(header::LOCATION, location);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
