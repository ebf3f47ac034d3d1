//! Sizes and times.

use std::pin::Pin;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::routing::get;
use tokio::sync::mpsc;
use tokio_stream::{Stream, StreamExt as _};

use crate::support::{Client, get_with, routes, start};

#[tokio::test]
async fn heads_that_are_too_long_are_refused_and_the_client_reads_why() {
    let server = start(routes(), |_| {}).await;
    for (request, status) in [
        (format!("GET /?{} HTTP/1.1\r\nHost: localhost\r\n\r\n", "a".repeat(1 << 20)), 414),
        // More than the kernel holds for a connection, so that the client is still sending when it is refused.
        (format!("GET /?{} HTTP/1.1\r\nHost: localhost\r\n\r\n", "a".repeat(4_000_000)), 414),
        (format!("GET / HTTP/1.1\r\nHost: localhost\r\nA: {}\r\n\r\n", "a".repeat(1 << 20)), 431),
        (format!("GET / HTTP/1.1\r\nHost: localhost\r\n{}\r\n", "A: b\r\n".repeat(10_000)), 431),
        ("a".repeat(1 << 20), 400),
    ] {
        let mut client = Client::connect(&server).await;
        assert!(client.send_what_is_taken(request).await, "all is read, so that nothing is reset");
        let answer = client.answer().await;
        assert_eq!((answer.status, answer.header("connection")), (status, Some("close")));
        assert_eq!(client.clean_rest().await, "");
    }
}

#[tokio::test]
async fn a_client_that_sends_byte_by_byte_is_cut_and_others_are_served() {
    let server = start(routes(), |settings| settings.limits.head = Duration::from_millis(300)).await;
    let (mut slow, mut other) = (Client::connect(&server).await, Client::connect(&server).await);
    slow.send("GET / HTTP/1.1\r\nHost: localhost\r\nA: ").await;
    // The head never ends, so only the server's clock ends this loop.
    while !slow.has_answer() {
        slow.send_what_is_taken("a").await;
        other.ask("GET", "/health", "").await;
        assert_eq!(other.answer().await.status, 200);
    }
    assert_eq!(slow.answer().await.status, 408);
    slow.rest().await;
}

#[tokio::test]
async fn a_head_that_does_not_come_whole_in_time_is_answered_with_408() {
    let server = start(routes(), |settings| settings.limits.head = Duration::from_millis(100)).await;
    let mut client = Client::connect(&server).await;
    client.send("GET / HTTP/1.1\r\nHost: loc").await;
    assert_eq!(client.answer().await.status, 408);
    assert_eq!(client.clean_rest().await, "");
    let mut silent = Client::connect(&server).await;
    assert_eq!(silent.clean_rest().await, "", "one that sends nothing is closed without a word");
}

#[tokio::test]
async fn a_connection_without_a_next_request_ends() {
    let server = start(routes(), |settings| settings.limits.idle = Duration::from_millis(100)).await;
    let mut client = Client::connect(&server).await;
    client.ask("GET", "/health", "").await;
    assert_eq!(client.answer().await.status, 200);
    assert_eq!(client.clean_rest().await, "");
    // And one whose next head begins and does not end, which has the time of a head.
    let server = start(routes(), |settings| settings.limits.head = Duration::from_millis(500)).await;
    let mut client = Client::connect(&server).await;
    client.ask("GET", "/health", "").await;
    assert_eq!(client.answer().await.status, 200);
    client.send("GET /").await;
    assert_eq!(client.answer().await.status, 408);
}

/// Tells when it is dropped.
struct Told(mpsc::UnboundedSender<&'static str>);

impl Drop for Told {
    fn drop(&mut self) {
        let _ = self.0.send("dropped");
    }
}

/// Returns a route whose body never ends, and what tells that the body was dropped.
fn endless() -> (Router, mpsc::UnboundedReceiver<&'static str>) {
    let (tell, told) = mpsc::unbounded_channel();
    let route = get(async move || {
        let told = Told(tell.clone());
        let pieces = std::iter::repeat_with(move || {
            let _ = &told;
            Ok::<_, std::io::Error>(Bytes::from_static(&[b'a'; 65536]))
        });
        Body::from_stream(tokio_stream::iter(pieces))
    });
    (Router::new().route("/endless", route), told)
}

#[tokio::test]
async fn a_client_that_takes_no_bytes_is_dropped_and_one_that_takes_some_is_not() {
    let (app, mut told) = endless();
    let server = start(app, |settings| settings.limits.write = Duration::from_millis(500)).await;
    let mut client = Client::connect(&server).await;
    client.ask("GET", "/endless", "").await;
    assert_eq!(client.head().await.status, 200);
    // It reads 64 MiB, which is more than all buffers on the way hold, and then nothing.
    client.take(64 << 20).await;
    assert!(told.try_recv().is_err(), "it takes bytes");
    assert_eq!(told.recv().await, Some("dropped"));
}

#[tokio::test]
async fn a_client_that_leaves_ends_its_answer() {
    let (app, mut told) = endless();
    let server = start(app, |_| {}).await;
    let mut client = Client::connect(&server).await;
    client.ask("GET", "/endless", "").await;
    client.head().await;
    drop(client);
    assert_eq!(told.recv().await, Some("dropped"));
}

#[tokio::test]
async fn a_handler_that_takes_too_long_is_answered_with_503() {
    let app = routes().route("/never", get(std::future::pending::<&'static str>));
    let server = start(app, |settings| settings.limits.handler = Duration::from_millis(50)).await;
    let answer = get_with(&server, "/never", "").await;
    assert!(answer.status == 503 && answer.header("retry-after").is_some(), "{answer:?}");
}

#[tokio::test]
async fn a_body_that_pauses_fails_or_panics_is_seen_to_be_incomplete() {
    type Pieces = Pin<Box<dyn Stream<Item = std::io::Result<Bytes>> + Send>>;
    let pause = || -> Pieces { Box::pin(tokio_stream::pending()) };
    let fail = || -> Pieces { Box::pin(tokio_stream::once(Err(std::io::Error::other("a cell of somebody")))) };
    let panic = || -> Pieces { Box::pin(tokio_stream::once(()).map(|()| panic!("a bug"))) };
    for rest in [pause, fail, panic as fn() -> Pieces] {
        let first = || tokio_stream::once(Ok(Bytes::from_static(b"first")));
        let app = routes().route("/odd", get(async move || Body::from_stream(first().chain(rest()))));
        let server = start(app, |settings| settings.limits.handler = Duration::from_millis(50)).await;
        let mut client = Client::connect(&server).await;
        client.ask("GET", "/odd", "").await;
        let body = client.rest().await;
        assert!(!body.ends_with("\r\n0\r\n\r\n") && !body.contains("somebody"), "{body}");
        assert_eq!(get_with(&server, "/health", "").await.status, 200);
    }
}
