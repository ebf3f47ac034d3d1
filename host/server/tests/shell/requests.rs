//! Methods, paths, hosts and headers.

use crate::support::{Client, ask, get_with, routes, start};
use smelt_server::shell::Base;

#[tokio::test]
async fn every_answer_has_the_strict_headers() {
    let server = start(routes(), |_| {}).await;
    let mut answers = Vec::new();
    for target in ["/", "/none", "/panic", "/%2e%2e/a", "/a%00"] {
        answers.push(get_with(&server, target, "").await);
    }
    answers.push(ask(&server, "PUT", "/", "").await);
    answers.push(get_with(&server, "/", "A: b\r\n".repeat(100).as_str()).await);
    answers.push(get_with(&server, "/\u{1}", "").await);
    assert_eq!(
        answers.iter().map(|answer| answer.status).collect::<Vec<_>>(),
        [200, 404, 500, 400, 400, 405, 431, 400]
    );
    for answer in &answers {
        let policy = answer.header("content-security-policy").expect("a policy");
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self';") && policy.contains("frame-ancestors 'none'")
        );
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("referrer-policy"), Some("same-origin"));
        assert_eq!(answer.header("cross-origin-opener-policy"), Some("same-origin"));
        assert_eq!(answer.header("cross-origin-resource-policy"), Some("same-origin"));
        assert!(answer.header("cache-control").is_some(), "{answer:?}");
        assert_eq!(answer.header("server"), None);
    }
    assert_eq!(answers[0].header("cache-control"), Some("private, no-cache"));
}

#[tokio::test]
async fn a_panic_is_an_answer_with_an_id_and_without_its_words() {
    let server = start(routes(), |_| {}).await;
    let mut client = Client::connect(&server).await;
    client.ask("GET", "/panic", "Accept: text/html\r\n").await;
    let answer = client.answer().await;
    assert_eq!(answer.status, 500);
    assert!(answer.body.contains("under the id ") && !answer.body.contains("somebody"), "{}", answer.body);
    assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
    client.ask("GET", "/health", "").await;
    assert_eq!(client.answer().await.body, "alive", "the connection lives on");
}

#[tokio::test]
async fn head_is_get_without_its_body() {
    let server = start(routes(), |_| {}).await;
    for target in ["/", "/none", "/panic", "/tables/a?b"] {
        let get = get_with(&server, target, "").await;
        let mut client = Client::connect(&server).await;
        client.ask("HEAD", target, "Connection: close\r\n").await;
        let head = client.head().await;
        assert_eq!(client.rest().await, "");
        assert_eq!(head.status, get.status);
        let kept = |headers: &[(String, String)]| {
            headers.iter().filter(|(name, _)| name != "date" && name != "connection").cloned().collect::<Vec<_>>()
        };
        // Of a panic the id differs, whose length does not.
        assert_eq!(kept(head.headers()), kept(get.headers()), "{target}");
    }
}

#[tokio::test]
async fn only_reading_is_allowed() {
    let server = start(routes(), |_| {}).await;
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "get", "FOO"] {
        let answer = ask(&server, method, "/", "").await;
        assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, HEAD")), "{method}");
    }
    for (method, target) in [("CONNECT", "localhost:80"), ("OPTIONS", "*"), ("POST", "/login")] {
        let status = ask(&server, method, target, "").await.status;
        assert!((400..500).contains(&status), "{method}: {status}");
    }
}

#[tokio::test]
async fn paths_in_disguise_reach_no_route() {
    let server = start(routes(), |_| {}).await;
    for target in [
        "/../tables/a",
        "/tables/../a",
        "/%2e%2e/tables/a",
        "/tables/%2E%2e",
        "/tables/..%2f..%2fetc",
        "/tables/a%2fb",
        "/tables/a%5cb",
        "/tables/a%00",
        "/tables/%0d%0aSet-Cookie:a",
        "/tables/%ff",
        "/tables/%",
    ] {
        let answer = get_with(&server, target, "").await;
        assert_eq!(answer.status, 400, "{target}");
    }
    for target in ["//tables/a", "/tables//a", "/tables/a/", "/tables", "/x/tables/a"] {
        assert_eq!(get_with(&server, target, "").await.status, 404, "{target}");
    }
    assert_eq!(get_with(&server, "/tables/a%20b?c=%00&d", "").await.body, "a b c=%00&d");
    assert_eq!(get_with(&server, "http://localhost/tables/a", "").await.body, "a ");
    assert_eq!(get_with(&server, "http://evil.example/tables/a", "").await.status, 400);
}

#[tokio::test]
async fn a_host_that_others_can_point_here_is_refused() {
    let server = start(routes(), |_| {}).await;
    for (host, status) in [
        ("127.0.0.1:1", 200),
        ("localhost", 200),
        ("[::1]:8788", 200),
        ("evil.example", 421),
        ("localhost.evil.example", 421),
        ("192.0.2.1", 421),
        ("", 400),
        ("a b", 400),
        ("a\r\nHost: localhost", 400),
    ] {
        let mut client = Client::connect(&server).await;
        client.send(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n")).await;
        assert_eq!(client.answer().await.status, status, "{host:?}");
    }
    let mut client = Client::connect(&server).await;
    client.send("GET / HTTP/1.1\r\n\r\n").await;
    assert_eq!(client.answer().await.status, 400, "no host");
}

#[tokio::test]
async fn other_sites_can_link_here_and_read_nothing() {
    let server = start(routes(), |_| {}).await;
    let of = |mode: &str, dest: &str| {
        format!("Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: {mode}\r\nSec-Fetch-Dest: {dest}\r\n")
    };
    assert_eq!(get_with(&server, "/", &of("navigate", "document")).await.status, 200);
    for (mode, dest) in [("no-cors", "script"), ("cors", "empty"), ("navigate", "iframe")] {
        assert_eq!(get_with(&server, "/", &of(mode, dest)).await.status, 403, "{mode} {dest}");
    }
}

#[tokio::test]
async fn bodies_are_refused_and_nothing_of_them_is_a_request() {
    let server = start(routes(), |_| {}).await;
    let inner = "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for (headers, status) in [
        (format!("Content-Length: {}\r\n", inner.len()), 413),
        ("Content-Length: 0\r\nContent-Length: 0\r\n".to_owned(), 400),
        ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n".to_owned(), 400),
        ("Transfer-Encoding: chunked\r\n".to_owned(), 411),
        ("Transfer-Encoding: x\r\n".to_owned(), 411),
    ] {
        let mut client = Client::connect(&server).await;
        client.ask("GET", "/", &headers).await;
        client.send_what_is_taken(format!("0\r\n\r\n{inner}")).await;
        let answer = client.answer().await;
        assert_eq!((answer.status, answer.header("connection")), (status, Some("close")), "{headers}");
        assert_eq!(client.clean_rest().await, "", "{headers}");
    }
}

#[tokio::test]
async fn requests_sent_ahead_are_answered_in_order() {
    let server = start(routes(), |_| {}).await;
    let mut client = Client::connect(&server).await;
    let of = |number: usize| format!("GET /tables/{number} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    client.send((0..200).map(of).collect::<String>()).await;
    for number in 0..200 {
        assert_eq!(client.answer().await.body, format!("{number} "));
    }
    client.send(format!("{}GET / HTTP/9\r\n\r\n", of(1))).await;
    assert_eq!((client.answer().await.status, client.answer().await.status), (200, 505));
    assert_eq!(client.clean_rest().await, "");
}

#[tokio::test]
async fn everything_is_below_the_base_path() {
    let server = start(routes(), |settings| settings.base = Base::parse("/lake/").expect("a base")).await;
    assert_eq!(get_with(&server, "/lake/", "").await.body, "first page");
    assert_eq!(get_with(&server, "/lake/tables/a?b", "").await.body, "a b");
    let answer = get_with(&server, "/lake?a=b", "").await;
    assert_eq!((answer.status, answer.header("location")), (303, Some("/lake/?a=b")));
    for target in ["/", "/tables/a", "/lakes/", "/laketables/a", "/lake/lake/", "/health", "//lake/", "/lake//"] {
        assert_eq!(get_with(&server, target, "").await.status, 404, "{target}");
    }
    for target in ["/lake/../lake/", "/lake/%2e%2e/health"] {
        assert_eq!(get_with(&server, target, "").await.status, 400, "{target}");
    }
}
