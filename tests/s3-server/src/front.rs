//! The front of the server: it reads and logs requests, applies faults to them, and hands them to the service.

#![expect(clippy::disallowed_methods, reason = "an S3 server has a clock, which the tests of clocks set")]

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::{Bytes, BytesMut};
use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, DATE, HeaderValue};
use hyper::http::request::Parts;
use hyper::http::response;
use hyper::{Method, Response, StatusCode};
use s3s::service::S3Service;

use crate::fault::{Action, Faults, Gate, Verdict};
use crate::operations::Stale;
use crate::request::Request;
use crate::wire::{self, Pieces};

/// The most that a client's clock may be off, as with S3.
const SKEW: TimeDelta = TimeDelta::minutes(15);

/// Everything behind a connection.
pub(crate) struct Front {
    pub(crate) service: S3Service,
    pub(crate) faults: Faults,
    pub(crate) log: Mutex<Log>,
    /// The seconds by which the server's clock is ahead.
    pub(crate) ahead: AtomicI64,
}

/// The requests since the log was cleared, and how many there were before.
#[derive(Debug, Default)]
pub(crate) struct Log {
    pub(crate) requests: Vec<Request>,
    cleared: usize,
}

impl Log {
    pub(crate) fn clear(&mut self) {
        self.cleared += self.requests.len();
        self.requests.clear();
    }

    fn arrive(&mut self, request: Request) -> usize {
        self.requests.push(request);
        self.cleared + self.requests.len() - 1
    }

    fn get(&mut self, at: usize) -> Option<&mut Request> {
        self.requests.get_mut(at.checked_sub(self.cleared)?)
    }
}

/// The connection ends without an answer, or without another one.
#[derive(Debug)]
pub(crate) struct Gone;

impl std::fmt::Display for Gone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the connection is to be closed")
    }
}

impl std::error::Error for Gone {}

/// An answer together with its whole body.
type FullAnswer = (response::Parts, Bytes);

impl Front {
    /// Answers a request. As on any server, the request is carried out even if the client has gone by then.
    pub(crate) async fn answer(
        self: Arc<Self>,
        request: hyper::Request<Incoming>,
        reset: Arc<AtomicBool>,
    ) -> Result<Response<Pieces>, Gone> {
        let (parts, body) = request.into_parts();
        let request = describe(&parts);
        let head = parts.method == Method::HEAD;
        let met = self.faults.meet(&request.verb, &format!("{}/{}", request.bucket, request.key));
        let (action, gate) = match met {
            Some((action, gate)) => (Some(action), gate),
            None => (None, Arc::default()),
        };
        let at = self.log().arrive(Request { fault: action.clone(), ..request });

        let body = match &action {
            Some(Action::Throttle(per_second)) => slowly(body, *per_second).await?,
            _ => body.collect().await.map_err(|_| Gone)?.to_bytes(),
        };
        if let Some(request) = self.log().get(at) {
            request.received = body.len() as u64;
        }
        if action.is_some() {
            gate.met();
        }
        let (front, of) = (self.clone(), action.clone());
        let answer = tokio::spawn(async move { front.act(parts, body, of, &gate).await }).await.map_err(|_| Gone)??;

        let (mut parts, body) = answer;
        let date = (self.now().format("%a, %d %b %Y %H:%M:%S GMT")).to_string();
        parts.headers.insert(DATE, HeaderValue::try_from(date).map_err(|_| Gone)?);
        if let Some(request) = self.log().get(at) {
            request.status = Some(parts.status.as_u16());
            request.sent = if head { 0 } else { body.len() as u64 };
        }
        let breaks_off = matches!(action, Some(Action::Truncate | Action::Reset));
        // An answer without a body cannot be cut, so it is not sent at all.
        if breaks_off && body.is_empty() {
            return Err(Gone);
        }
        reset.store(action == Some(Action::Reset), Ordering::Relaxed);
        let body = match action {
            Some(Action::Throttle(per_second)) => Pieces::slow(body, per_second),
            _ if breaks_off => Pieces::half(body),
            _ => Pieces::whole(body),
        };
        Ok(Response::from_parts(parts, body))
    }

    async fn act(&self, parts: Parts, body: Bytes, action: Option<Action>, gate: &Gate) -> Result<FullAnswer, Gone> {
        let head = parts.method == Method::HEAD;
        match action {
            None | Some(Action::Truncate | Action::Reset | Action::Throttle(_)) => self.serve(parts, body).await,
            Some(Action::Refuse(status, code)) => Ok(refusal(status, code, head)),
            Some(Action::ErrorWithin200) => Ok(refusal(200, "InternalError", false)),
            Some(Action::ActThenRefuse(status, code)) => {
                self.serve(parts, body).await?;
                Ok(refusal(status, code, head))
            }
            Some(Action::Drop) => Err(Gone),
            Some(Action::ActThenDrop) => {
                self.serve(parts, body).await?;
                Err(Gone)
            }
            Some(Action::Hold) => {
                let verdict = gate.hold().await;
                let answer = match verdict {
                    Verdict::Go => self.serve(parts, body).await,
                    Verdict::Forget => Err(Gone),
                };
                gate.left();
                answer
            }
            Some(Action::ActThenHold) => {
                let answer = self.serve(parts, body).await;
                let verdict = gate.hold().await;
                gate.left();
                answer.and_then(|answer| if verdict == Verdict::Go { Ok(answer) } else { Err(Gone) })
            }
            Some(Action::Stale(newest)) => {
                let mut parts = parts;
                parts.extensions.insert(Stale(newest));
                self.serve(parts, body).await
            }
        }
    }

    async fn serve(&self, parts: Parts, body: Bytes) -> Result<FullAnswer, Gone> {
        if self.is_skewed(&parts) {
            return Ok(refusal(403, "RequestTimeTooSkewed", parts.method == Method::HEAD));
        }
        let head = parts.method == Method::HEAD;
        let request = hyper::Request::from_parts(parts, s3s::Body::from(body));
        let (mut parts, body) = self.service.call(request).await.map_err(|_| Gone)?.into_parts();
        if !head {
            // The length follows from the body that is sent.
            parts.headers.remove(CONTENT_LENGTH);
        }
        let body = body.collect().await.map_err(|_| Gone)?;
        Ok((parts, body.to_bytes()))
    }

    fn is_skewed(&self, parts: &Parts) -> bool {
        let date = parts.headers.get("x-amz-date").and_then(|date| date.to_str().ok());
        let date = date.and_then(|date| NaiveDateTime::parse_from_str(date, "%Y%m%dT%H%M%SZ").ok());
        date.is_some_and(|date| (date.and_utc() - self.now()).abs() > SKEW)
    }

    fn now(&self) -> DateTime<Utc> {
        Utc::now() + TimeDelta::seconds(self.ahead.load(Ordering::Relaxed))
    }

    pub(crate) fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Returns the request as the log records it. Paths are in path style, so the first segment is the bucket.
fn describe(parts: &Parts) -> Request {
    let decoded = |text: &str| urlencoding::decode(text).map_or_else(|_| text.to_owned(), |text| text.into_owned());
    let path = parts.uri.path().trim_start_matches('/');
    let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
    let query = parts.uri.query().unwrap_or_default();
    let mut key = decoded(key);
    let lists = parts.method == Method::GET && key.is_empty();
    if lists {
        let prefix = query.split('&').find_map(|pair| pair.strip_prefix("prefix="));
        key = decoded(prefix.unwrap_or_default());
    }
    Request {
        verb: if lists { "LIST".to_owned() } else { parts.method.to_string() },
        bucket: bucket.to_owned(),
        key,
        query: query.to_owned(),
        status: None,
        received: 0,
        sent: 0,
        fault: None,
    }
}

fn refusal(status: u16, code: &str, head: bool) -> FullAnswer {
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code>\
         <Message>a fault that the test planned</Message><RequestId>0000000000000000</RequestId></Error>"
    );
    let (mut parts, ()) = Response::new(()).into_parts();
    parts.status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    parts.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    (parts, if head { Bytes::new() } else { Bytes::from(text) })
}

/// Reads a body no faster than `per_second` bytes a second.
async fn slowly(mut body: Incoming, per_second: u64) -> Result<Bytes, Gone> {
    let mut bytes = BytesMut::new();
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame.map_err(|_| Gone)?.into_data() {
            let pauses = data.len() / wire::piece(per_second);
            tokio::time::sleep(wire::pause() * pauses as u32).await;
            bytes.extend_from_slice(&data);
        }
    }
    Ok(bytes.freeze())
}

/// Serves a connection to its end.
pub(crate) async fn serve(front: Arc<Front>, stream: tokio::net::TcpStream) {
    let reset = Arc::new(AtomicBool::new(false));
    let socket = wire::Socket { stream, reset: reset.clone() };
    let service = hyper::service::service_fn(move |request| front.clone().answer(request, reset.clone()));
    let connection = hyper::server::conn::http1::Builder::new();
    // The error is ignored: the client saw how the connection ended, or ended it.
    let _ = connection.serve_connection(hyper_util::rt::TokioIo::new(socket), service).await;
}
