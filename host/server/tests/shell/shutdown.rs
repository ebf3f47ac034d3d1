//! The end of a server: requests in flight are finished, and nothing else is waited for.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::routing::get;
use smelt_server::shell::{Events, HttpLimits};
use tokio::net::TcpStream;
use tokio::sync::{Notify, mpsc};
use tokio::time::timeout;
use tokio_stream::wrappers::UnboundedReceiverStream;

use crate::support::{Client, LONG, Server, get_with, routes, start};

impl Server {
    fn stop(&mut self) {
        self.stop.take().expect("it was not stopped").send(()).expect("it runs");
    }

    async fn ended(self) {
        timeout(LONG, self.ended).await.expect("in time").expect("no panic").expect("no error");
    }
}

#[tokio::test]
async fn requests_in_flight_are_finished_and_then_the_server_ends() {
    let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let slow = get({
        let (begun, go_on) = (Arc::clone(&begun), Arc::clone(&go_on));
        async move || {
            begun.notify_one();
            go_on.notified().await;
            "slow, and whole"
        }
    });
    let mut server = start(routes().route("/slow", slow), |settings| settings.limits.drain = LONG * 10).await;
    let (mut busy, mut kept, mut fresh) =
        (Client::connect(&server).await, Client::connect(&server).await, Client::connect(&server).await);
    kept.ask("GET", "/health", "").await;
    assert_eq!(kept.answer().await.status, 200);
    fresh.send("GET / HT").await;
    busy.ask("GET", "/slow", "").await;
    begun.notified().await;
    server.stop();
    assert_eq!((kept.rest().await, fresh.rest().await), (String::new(), String::new()), "those that wait are ended");
    assert!(TcpStream::connect(server.address).await.is_err(), "nothing more is accepted");
    assert!(!server.ended.is_finished());
    go_on.notify_one();
    let answer = busy.answer().await;
    assert_eq!((answer.body.as_str(), answer.header("connection")), ("slow, and whole", Some("close")));
    assert_eq!(busy.clean_rest().await, "");
    server.ended().await;
}

#[tokio::test]
async fn a_body_in_flight_is_finished() {
    let (pieces, body) = mpsc::unbounded_channel::<std::io::Result<Bytes>>();
    let body = Arc::new(std::sync::Mutex::new(Some(body)));
    let route = get(async move || {
        let body = body.lock().expect("the body").take().expect("one request");
        Body::from_stream(UnboundedReceiverStream::new(body))
    });
    let mut server = start(routes().route("/pieces", route), |settings| settings.limits.drain = LONG * 10).await;
    let mut client = Client::connect(&server).await;
    client.ask("GET", "/pieces", "").await;
    pieces.send(Ok(Bytes::from_static(b"first"))).expect("it is read");
    client.comes("first").await;
    server.stop();
    pieces.send(Ok(Bytes::from_static(b"second"))).expect("it is still read");
    client.comes("second").await;
    drop(pieces);
    assert!(client.clean_rest().await.ends_with("\r\n0\r\n\r\n"), "it ends as it should");
    server.ended().await;
}

#[tokio::test]
async fn requests_that_do_not_end_in_time_are_cut() {
    let begun = Arc::new(Notify::new());
    let route = get({
        let begun = Arc::clone(&begun);
        async move || {
            begun.notify_one();
            std::future::pending::<&'static str>().await
        }
    });
    let mut server = start(routes().route("/never", route), |settings| {
        settings.limits.drain = Duration::from_millis(50);
    })
    .await;
    let mut client = Client::connect(&server).await;
    client.ask("GET", "/never", "").await;
    begun.notified().await;
    server.stop();
    assert_eq!(client.rest().await, "");
    server.ended().await;
}

#[tokio::test]
async fn event_streams_tell_all_are_bounded_outlast_the_limits_and_end_at_shutdown() {
    let limits = HttpLimits {
        streams: 2,
        stream_beat: Duration::from_millis(50),
        // Shorter than the pause between two signs of life, which is no reason to end a stream.
        handler: Duration::from_millis(10),
        write: Duration::from_millis(10),
        idle: Duration::from_millis(10),
        drain: LONG * 10,
        ..HttpLimits::default()
    };
    let events = Events::new(&limits);
    let route = get({
        let events = events.clone();
        async move || events.stream()
    });
    let mut server = start(routes().route("/events", route), |settings| settings.limits = limits).await;
    let (mut one, mut other) = (Client::connect(&server).await, Client::connect(&server).await);
    for client in [&mut one, &mut other] {
        client.ask("GET", "/events", "").await;
        let head = client.head().await;
        assert_eq!((head.status, head.header("content-type")), (200, Some("text/event-stream")));
        client.comes("\n\n").await;
    }
    let refused = get_with(&server, "/events", "").await;
    assert!(refused.status == 503 && refused.header("retry-after").is_some(), "{refused:?}");
    events.send("commit", "7\rdata: 8\r\n9");
    for client in [&mut one, &mut other] {
        client.comes("event: commit\ndata: 7\ndata: data: 8\ndata: 9\n\n").await;
    }
    drop(other);
    // The place of a client that left is free once the next sign of life cannot be sent.
    while get_with_head(&server).await == 503 {}
    server.stop();
    assert!(one.clean_rest().await.ends_with("\r\n0\r\n\r\n"), "it ends as it should");
    server.ended().await;
}

async fn get_with_head(server: &Server) -> u16 {
    let mut client = Client::connect(server).await;
    client.ask("GET", "/events", "").await;
    client.head().await.status
}
