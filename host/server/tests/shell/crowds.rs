//! More connections than a server has room for.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::routing::get;
use smelt_server::shell::{Blocking, HttpLimits};
use tokio::net::TcpStream;
use tokio::sync::{Notify, mpsc};

use crate::support::{Client, get_with, routes, start};

/// Returns the memory of this process, in KiB.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("the state of this process");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its memory");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

/// Returns how many connections this process may open, at most `wanted`, if the server holds no more than it may.
fn sockets(wanted: usize) -> usize {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).expect("up to the hard limit anybody may");
    let most = limit.current.map_or(wanted, |all| usize::try_from(all).unwrap_or(usize::MAX).saturating_sub(400));
    if most < wanted {
        println!("only {most} connections, not {wanted}: see `ulimit -Hn`");
    }
    most.min(wanted)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_connections_that_ask_for_nothing_keep_nobody_out() {
    let (count, room) = (sockets(10_000), 256);
    let server = start(routes(), |settings| settings.limits.connections = room).await;
    let mut kept = Client::connect(&server).await;
    kept.ask("GET", "/health", "").await;
    assert_eq!(kept.answer().await.status, 200);
    let head = [b"GET / HTTP/1.1\r\nA: ".as_slice(), &[b'a'; 12 << 10]].concat();
    let mut idle = Vec::with_capacity(count);
    let mut settled = 0;
    for number in 0..count {
        let stream = TcpStream::connect(server.address).await.expect("the kernel accepts it");
        // Half of them begin a head, as slow clients do. It takes memory.
        if number % 2 == 0 {
            let _ = stream.try_write(&head);
        }
        idle.push(stream);
        if number % 500 == 499 {
            assert_eq!(get_with(&server, "/health", "Connection: close\r\n").await.body, "alive", "a new connection");
            kept.ask("GET", "/health", "").await;
            assert_eq!(kept.answer().await.body, "alive", "the connection that was there before");
        }
        if number == count / 5 {
            settled = memory();
        }
    }
    // The server holds no more of them than it has room for: the others are at their end.
    let mut open = 0;
    for stream in &idle {
        let mut byte = [0];
        match stream.try_read(&mut byte) {
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => open += 1,
            Err(_) | Ok(_) => {}
        }
    }
    assert!(open <= room + 128, "{open} are open");
    let grown = memory().saturating_sub(settled);
    assert!(grown < 40 << 10, "{grown} KiB more after {count} connections than after a fifth of them");
}

#[tokio::test]
async fn while_all_are_busy_probes_are_answered_and_others_told_to_come_back() {
    let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let slow = get({
        let (begun, go_on) = (Arc::clone(&begun), Arc::clone(&go_on));
        async move || {
            begun.notify_one();
            go_on.notified().await;
            "slow"
        }
    });
    let server = start(routes().route("/slow", slow), |settings| settings.limits.connections = 2).await;
    let (mut one, mut other) = (Client::connect(&server).await, Client::connect(&server).await);
    for client in [&mut one, &mut other] {
        client.ask("GET", "/slow", "").await;
        begun.notified().await;
    }
    for _ in 0..100 {
        let answer = get_with(&server, "/", "").await;
        assert!(answer.status == 503 && answer.header("retry-after").is_some(), "{answer:?}");
        let answer = get_with(&server, "/health", "").await;
        assert_eq!((answer.body.as_str(), answer.header("connection")), ("alive", Some("close")));
    }
    go_on.notify_waiters();
    assert_eq!((one.answer().await.body.as_str(), other.answer().await.body.as_str()), ("slow", "slow"));
    assert_eq!(get_with(&server, "/", "").await.status, 200, "there is room again");
}

#[tokio::test]
async fn while_all_tables_are_read_slowly_what_reads_none_is_answered() {
    let limits = HttpLimits { blocking: 2, blocking_wait: Duration::from_millis(20), ..HttpLimits::default() };
    let pool = Blocking::new(&limits);
    let (begun, mut has_begun) = mpsc::unbounded_channel();
    let (release, released) = std::sync::mpsc::channel::<()>();
    let released = Arc::new(Mutex::new(released));
    let slow = get(async move || {
        let (begun, released) = (begun.clone(), Arc::clone(&released));
        let read = pool.run(move |_| {
            begun.send(()).expect("the test waits");
            released.lock().expect("the lock").recv().map_or("", |()| "read")
        });
        read.await
    });
    let server = start(routes().route("/slow", slow), |settings| settings.limits = limits).await;
    let mut busy = [Client::connect(&server).await, Client::connect(&server).await];
    for client in &mut busy {
        client.ask("GET", "/slow", "").await;
        has_begun.recv().await.expect("it began");
    }
    assert_eq!(get_with(&server, "/slow", "").await.status, 503);
    assert_eq!(get_with(&server, "/health", "").await.body, "alive");
    for _ in &busy {
        release.send(()).expect("they wait");
    }
    for client in &mut busy {
        assert_eq!(client.answer().await.body, "read");
    }
}
