//! The task of one connection: hyper and the clock, until one of them ends it.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;

use axum::http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};

use super::Base;
use super::body::AnswerBody;
use super::crowd::Seat;
use super::front::Front;
use super::gate::Gate;
use super::headers;
use super::link::Link;
use super::refusal::Refusal;
use super::settings::HttpLimits;

/// The most bytes that hyper holds for a client, beside the piece of a body that it was given last.
const BUFFER: usize = 64 << 10;
/// The most bytes that are read and thrown away when a connection ends, so that the client reads the last answer before
/// it learns that nobody reads its own bytes.
const THROWN_AWAY: usize = 4 << 20;

/// The requests of a connection.
struct Requests {
    front: Arc<Front>,
    link: Arc<Link>,
}

impl Service<Request<Incoming>> for Requests {
    type Response = Response<AnswerBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let (front, link) = (Arc::clone(&self.front), Arc::clone(&self.link));
        Box::pin(async move { Ok(front.answer(request, &link).await) })
    }
}

/// The end of a connection.
enum End {
    /// hyper is done: the client left, or one of the two said that the last answer was given.
    Done,
    /// Nothing happened for too long.
    Late,
    /// Somebody else needs the place, or the server stops.
    Cut,
}

/// Serves a connection until it ends.
pub(super) async fn drive(stream: TcpStream, seat: Seat, front: Arc<Front>) {
    let (link, limits) = (Arc::clone(&seat.link), Arc::clone(&front.limits));
    let stream = Arc::new(stream);
    let gate = Gate::new(Arc::clone(&stream), Arc::clone(&link), Arc::clone(&limits));
    let requests = Requests { front: Arc::clone(&front), link: Arc::clone(&link) };
    let connection = http1::Builder::new()
        .keep_alive(!link.reserve)
        .max_buf_size(BUFFER)
        // The gate and this task bound heads and times.
        .header_read_timeout(None)
        .serve_connection(gate, requests);
    let end = until_end(connection, &link, &limits, front.stopping.clone()).await;
    // hyper is gone with its gate, so the stream has no other owner.
    let Ok(stream) = Arc::try_unwrap(stream) else { return };
    match end {
        End::Cut => return,
        End::Late if link.in_head() => {
            link.refuse(Refusal::new(StatusCode::REQUEST_TIMEOUT, "the request did not come in time"));
        }
        End::Late => {
            if link.is_stalled() {
                // The kernel would offer its own buffer to the client for minutes.
                let _ = stream.set_zero_linger();
            }
            return;
        }
        End::Done => {}
    }
    if link.closing() {
        let last = link.take_refused().map(|refusal| written(&refusal, &front.base, front.login.is_some()));
        tokio::select! {
            () = link.ended.notified() => {}
            // A client that does not take it in time goes without.
            _ = timeout(limits.linger, close(stream, last.unwrap_or_default())) => {}
        }
    }
}

async fn until_end(
    mut connection: http1::Connection<Gate, Requests>,
    link: &Link,
    limits: &HttpLimits,
    mut stopping: watch::Receiver<bool>,
) -> End {
    let mut stopped = pin!(async move {
        // An error means that the server is gone.
        let _ = stopping.wait_for(|stopping| *stopping).await;
    });
    let mut is_stopped = false;
    let mut ended = pin!(link.ended.notified());
    let mut timer = pin!(sleep_until(Instant::now() + limits.head));
    poll_fn(|context| {
        if !is_stopped && stopped.as_mut().poll(context).is_ready() {
            is_stopped = true;
            if link.cut() {
                return Poll::Ready(End::Cut);
            }
            Pin::new(&mut connection).graceful_shutdown();
        }
        // An error is a client that left, or bytes that are no HTTP. Neither is of interest here.
        if Pin::new(&mut connection).poll(context).is_ready() {
            return Poll::Ready(End::Done);
        }
        link.settle();
        if ended.as_mut().poll(context).is_ready() || (is_stopped && link.cut()) {
            return Poll::Ready(End::Cut);
        }
        let Some(deadline) = link.deadline(limits) else { return Poll::Pending };
        if timer.deadline() != deadline {
            timer.as_mut().reset(deadline);
        }
        timer.as_mut().poll(context).map(|()| End::Late)
    })
    .await
}

/// Returns the bytes of an answer that hyper does not write.
fn written(refusal: &Refusal, base: &Base, for_readers: bool) -> Vec<u8> {
    let mut response = refusal.render(false, base);
    headers::complete(response.headers_mut(), for_readers);
    let mut bytes = format!("HTTP/1.1 {}\r\n", response.status()).into_bytes();
    for (name, value) in response.headers() {
        bytes.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
    }
    let body = response.body();
    bytes.extend(format!("content-length: {}\r\nconnection: close\r\n\r\n{body}", body.len()).into_bytes());
    bytes
}

/// Writes the last bytes, and reads until the client ends. Otherwise bytes that nobody read would make the kernel reset
/// the connection, and the client might never see the answer.
async fn close(mut stream: TcpStream, last: Vec<u8>) -> std::io::Result<()> {
    stream.write_all(&last).await?;
    stream.shutdown().await?;
    let mut thrown_away = 0;
    let mut chunk = [0; 4096];
    while thrown_away < THROWN_AWAY {
        match stream.read(&mut chunk).await? {
            0 => break,
            read => thrown_away += read,
        }
    }
    Ok(())
}
