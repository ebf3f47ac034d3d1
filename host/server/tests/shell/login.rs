//! Tokens, the login page and its cookie.

use std::time::Duration;

use smelt_server::shell::Base;

use crate::support::{Client, TOKEN, ask, get_with, post, routes, start, token};

const OWN: &str = "Sec-Fetch-Site: same-origin\r\n";

/// Returns the cookie that the answer sets, without its attributes.
fn cookie(set: &str) -> &str {
    set.split(';').next().expect("a cookie")
}

#[tokio::test]
async fn a_program_sends_the_token_and_nothing_else_will_do() {
    let server = start(routes(), token).await;
    let right = format!("Authorization: Bearer {TOKEN}\r\n");
    let answer = get_with(&server, "/", &right).await;
    assert_eq!((answer.status, answer.header("vary")), (200, Some("Cookie, Authorization")));
    for wrong in [
        String::new(),
        format!("Authorization: Basic {TOKEN}\r\n"),
        format!("Authorization: {TOKEN}\r\n"),
        format!("Authorization: Bearer {TOKEN}x\r\n"),
        format!("{right}{right}"),
        format!("Cookie: smelt-{}={TOKEN}\r\n", server.address.port()),
    ] {
        let answer = get_with(&server, "/tables/a", &wrong).await;
        assert_eq!((answer.status, answer.header("www-authenticate").is_some()), (401, true), "{wrong}");
    }
    assert_eq!(get_with(&server, &format!("/?token={TOKEN}"), "").await.status, 401, "URLs end up in logs");
}

#[tokio::test]
async fn probes_and_style_sheets_need_no_token_and_all_else_does() {
    let server = start(routes(), token).await;
    for open in ["/health", "/assets/page.css", "/login"] {
        assert_eq!(get_with(&server, open, "").await.status, 200, "{open}");
    }
    for closed in ["/", "/metrics", "/none", "/tables/a", "/assets", "/healthy", "/health/", "/login/"] {
        assert_eq!(get_with(&server, closed, "").await.status, 401, "{closed}");
    }
    assert_eq!(get_with(&server, "/health", "").await.body, "alive");
}

#[tokio::test]
async fn with_a_token_any_host_may_be_asked_for() {
    let server = start(routes(), token).await;
    let mut client = Client::connect(&server).await;
    client.send(format!("GET / HTTP/1.1\r\nHost: lake.example\r\nAuthorization: Bearer {TOKEN}\r\n\r\n")).await;
    assert_eq!(client.answer().await.status, 200);
}

#[tokio::test]
async fn a_reader_logs_in_comes_back_to_the_page_and_logs_out() {
    let server = start(routes(), |settings| {
        token(settings);
        settings.base = Base::parse("/lake").expect("a base");
    })
    .await;
    let answer = get_with(&server, "/lake/tables/a?b=c", "Accept: text/html\r\n").await;
    let login = answer.header("location").expect("the way to the login").to_owned();
    assert_eq!((answer.status, login.as_str()), (303, "/lake/login?next=%2Flake%2Ftables%2Fa%3Fb%3Dc"));
    let page = get_with(&server, &login, "").await;
    assert!(page.body.contains(r#"name="next" value="/lake/tables/a?b=c""#), "{}", page.body);
    assert!(page.body.contains(r#"action="/lake/login""#) && page.body.contains(r#"href="/lake/assets/page.css""#));
    assert_eq!(page.header("cache-control"), Some("no-store"));

    let answer = post(&server, "/lake/login", OWN, &format!("token={TOKEN}&next=%2Flake%2Ftables%2Fa%3Fb%3Dc")).await;
    assert_eq!((answer.status, answer.header("location")), (303, Some("/lake/tables/a?b=c")));
    let set = answer.header("set-cookie").expect("a cookie");
    let (name, attributes) = set.split_once('=').expect("a name");
    assert_eq!(name, format!("smelt-{}", server.address.port()));
    assert!(!set.contains(TOKEN) && !set.contains("Secure"), "{set}");
    assert!(attributes.ends_with("; Path=/lake/; Max-Age=43200; HttpOnly; SameSite=Strict"), "{set}");

    let sent = format!("Cookie: other=1; {}\r\n", cookie(set));
    assert_eq!(get_with(&server, "/lake/tables/a?b=c", &sent).await.body, "a b=c");
    for tampered in [sent.replace("\r\n", "0\r\n"), sent.replace('=', "=0"), sent.replace(name, "smelt")] {
        assert_eq!(get_with(&server, "/lake/", &tampered).await.status, 401, "{tampered}");
    }
    let answer = post(&server, "/lake/logout", &format!("{OWN}{sent}"), "").await;
    assert_eq!((answer.status, answer.header("location")), (303, Some("/lake/login")));
    assert!(answer.header("set-cookie").expect("it ends the cookie").contains("Max-Age=0"));
    assert_eq!(get_with(&server, "/lake/", &sent).await.status, 401, "the cookie is of no use any more");
}

#[tokio::test]
async fn a_link_from_elsewhere_finds_a_reader_logged_in() {
    let server = start(routes(), token).await;
    let answer = post(&server, "/login", OWN, &format!("token={TOKEN}")).await;
    let cookie = cookie(answer.header("set-cookie").expect("a cookie"));
    let sent = format!("{OWN}Accept: text/html\r\nCookie: {cookie}\r\n");
    // The browser keeps the cookie to itself, so the page asks for itself.
    let link =
        "Accept: text/html\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n";
    let answer = get_with(&server, "/tables/a?b=%22%3E", link).await;
    assert!(answer.status == 200 && answer.body.contains(r#"content="0; url=/tables/a?b=%22%3E""#), "{}", answer.body);
    assert_eq!(get_with(&server, "/tables/a?b", &sent).await.body, "a b");
    let answer = get_with(&server, "/login?next=/tables/a", &sent).await;
    assert_eq!((answer.status, answer.header("location")), (303, Some("/tables/a")), "no form for who is logged in");
}

#[tokio::test]
async fn a_cookie_is_secure_behind_https_and_expires() {
    let server = start(routes(), |settings| {
        token(settings);
        settings.limits.session = Duration::ZERO;
    })
    .await;
    let answer =
        post(&server, "/login", &format!("{OWN}X-Forwarded-Proto: https\r\n"), &format!("token={TOKEN}")).await;
    let set = answer.header("set-cookie").expect("a cookie");
    assert!(set.ends_with("HttpOnly; SameSite=Strict; Secure"), "{set}");
    assert_eq!(get_with(&server, "/", &format!("Cookie: {}\r\n", cookie(set))).await.status, 401);
}

#[tokio::test]
async fn a_login_leads_to_no_other_server_and_its_page_runs_nothing() {
    let server = start(routes(), token).await;
    for next in [
        "//evil",
        "https:%2F%2Fevil",
        "/%5Cevil",
        "%5C%5Cevil",
        "/a%0D%0ASet-Cookie:x=y",
        "/%09/evil",
        "javascript:a",
        "",
        "%22%3E%3Cscript%3E",
        "/..//evil",
        "/login",
    ] {
        let answer = post(&server, "/login", OWN, &format!("token={TOKEN}&next={next}")).await;
        assert_eq!((answer.status, answer.header("location")), (303, Some("/")), "{next}");
        assert!(!answer.headers().iter().any(|(_, value)| value.contains("x=y")), "{answer:?}");
        let page = get_with(&server, &format!("/login?next={next}"), "").await;
        assert!(!page.body.contains("name=\"next\""), "{next}: {}", page.body);
    }
    let page = get_with(&server, "/login?next=/a%22%3E%3Cscript%3E", "").await;
    assert!(!page.body.contains("<script"), "{}", page.body);
}

#[tokio::test]
async fn a_form_from_elsewhere_is_refused() {
    let server = start(routes(), token).await;
    let form = format!("token={TOKEN}");
    let port = server.address.port();
    for elsewhere in [
        String::new(),
        "Sec-Fetch-Site: cross-site\r\n".to_owned(),
        "Sec-Fetch-Site: same-site\r\n".to_owned(),
        "Origin: null\r\n".to_owned(),
        format!("Origin: http://localhost:{port}\r\n"),
    ] {
        for target in ["/login", "/logout"] {
            assert_eq!(post(&server, target, &elsewhere, &form).await.status, 403, "{target} {elsewhere}");
        }
    }
    assert_eq!(post(&server, "/login", "Origin: http://localhost\r\n", &form).await.status, 303);
    assert_eq!(ask(&server, "GET", "/logout", OWN).await.status, 405);
    assert_eq!(ask(&server, "PUT", "/login", OWN).await.status, 405);
    assert_eq!(post(&server, "/tables/a", OWN, &form).await.status, 405);
}

#[tokio::test]
async fn guesses_are_bounded() {
    let server = start(routes(), |settings| {
        token(settings);
        settings.limits.attempts = 3;
        settings.limits.attempt_every = Duration::from_secs(600);
    })
    .await;
    assert_eq!(post(&server, "/login", OWN, &format!("token={TOKEN}")).await.status, 303, "right ones cost nothing");
    let first = post(&server, "/login", OWN, "token=0000000000000000").await;
    assert!(first.status == 403 && first.body.contains("not the token") && first.header("set-cookie").is_none());
    assert_eq!(post(&server, "/login", OWN, "").await.status, 403);
    assert_eq!(get_with(&server, "/", "Authorization: Bearer 0000000000000000\r\n").await.status, 401);
    let last = post(&server, "/login", OWN, &format!("token={TOKEN}")).await;
    assert!(last.status == 429 && last.header("retry-after").is_some(), "{last:?}");
    assert_eq!(get_with(&server, "/", &format!("Authorization: Bearer {TOKEN}\r\n")).await.status, 429);
}

#[tokio::test]
async fn a_client_that_asks_before_it_sends_a_form_is_told_to_go_on() {
    let server = start(routes(), token).await;
    let mut client = Client::connect(&server).await;
    let form = format!("token={TOKEN}");
    let kind = format!("Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}", form.len());
    client.ask("POST", "/login", &format!("{OWN}{kind}\r\nExpect: 100-continue\r\n")).await;
    assert_eq!(client.head().await.status, 100);
    // The next request is sent ahead, and is not of the form.
    client.send(format!("{form}GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")).await;
    assert_eq!((client.answer().await.status, client.answer().await.body.as_str()), (303, "alive"));
}

#[tokio::test]
async fn a_login_is_a_small_form_that_comes_in_time() {
    let server = start(routes(), |settings| {
        token(settings);
        settings.limits.head = Duration::from_millis(300);
    })
    .await;
    let long = format!("token={TOKEN}&next={}", "a".repeat(5000));
    assert_eq!(post(&server, "/login", OWN, &long).await.status, 413);
    let mut client = Client::connect(&server).await;
    client.ask("POST", "/login", &format!("{OWN}Content-Type: text/plain\r\nContent-Length: 0\r\n")).await;
    assert_eq!(client.answer().await.status, 415);
    let kind = "Content-Type: application/x-www-form-urlencoded";
    client.ask("POST", "/login", &format!("{OWN}{kind}\r\nContent-Length: 100\r\n")).await;
    assert_eq!(client.answer().await.status, 408, "the form does not come");
    client.rest().await;
}
