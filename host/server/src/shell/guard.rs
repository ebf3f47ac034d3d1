//! Judges whether a browser sent a request because another site told it to.
//!
//! Without a token the server trusts whoever reaches it, so a page elsewhere must not reach it through a reader's
//! browser: neither under a name of its own that it lets resolve to 127.0.0.1 (DNS rebinding), nor across sites.

use std::net::IpAddr;

use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, Uri, header};

use super::refusal::Refusal;
use super::settings::{Listen, is_loopback};

/// Returns the one value of the header, if it has exactly one and that is ASCII.
pub(super) fn only(headers: &HeaderMap, name: impl Into<HeaderName>) -> Option<&str> {
    let mut values = headers.get_all(name.into()).iter();
    values.next().filter(|_| values.next().is_none()).and_then(|value| value.to_str().ok())
}

/// Returns the host that the client asked for.
///
/// # Errors
/// Fails if the request does not say exactly one.
pub(super) fn authority(uri: &Uri, headers: &HeaderMap) -> Result<Authority, Refusal> {
    let wrong =
        || Refusal::new(StatusCode::BAD_REQUEST, "a request needs one Host header, like `Host: 127.0.0.1:8788`");
    let host: Authority = only(headers, header::HOST).and_then(|host| host.parse().ok()).ok_or_else(wrong)?;
    match uri.authority() {
        Some(of_target) if !of_target.as_str().eq_ignore_ascii_case(host.as_str()) => Err(wrong()),
        _ if host.as_str().contains('@') => Err(wrong()),
        _ => Ok(host),
    }
}

/// Checks that the client knows the server by a name that nobody else can point at it.
///
/// # Errors
/// Fails if the host is neither a name of loopback nor what the server listens at.
pub(super) fn check_host(authority: &Authority, listen: &Listen) -> Result<(), Refusal> {
    let host = authority.host();
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let own = host.eq_ignore_ascii_case("localhost")
        || host.eq_ignore_ascii_case(listen.host())
        || bare.parse::<IpAddr>().is_ok_and(is_loopback);
    match own {
        true => Ok(()),
        false => Err(Refusal::new(
            StatusCode::MISDIRECTED_REQUEST,
            "without a token this server answers to localhost and to loopback addresses alone: use one of those, or start \
             it with `--token-file`",
        )),
    }
}

/// Returns whether a browser says that another site led to the request.
pub(super) fn is_from_elsewhere(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-site").is_some_and(|site| site != "same-origin" && site != "none")
}

/// Checks that no other site made the browser send the request, but for links that a reader follows.
///
/// # Errors
/// Fails if another site did, or if a form comes from nowhere.
pub(super) fn check_site(method: &Method, headers: &HeaderMap, authority: &Authority) -> Result<(), Refusal> {
    let reads = method == Method::GET || method == Method::HEAD;
    let value = |name: &'static str| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let right = match value("sec-fetch-site") {
        Some("same-origin") => true,
        // Typed into the address bar, or a bookmark.
        Some("none") => reads,
        // A link from elsewhere is fine. A frame, a script, an image or a form is not.
        Some(_) => {
            reads
                && value("sec-fetch-mode") == Some("navigate")
                && matches!(value("sec-fetch-dest"), None | Some("document"))
        }
        // Programs send no such header, nor do browsers to a server without TLS that is not on loopback.
        None if reads => true,
        None => {
            let origin =
                value("origin").and_then(|origin| origin.strip_prefix("http://").or(origin.strip_prefix("https://")));
            origin.is_some_and(|origin| origin.eq_ignore_ascii_case(authority.as_str()))
        }
    };
    match right {
        true => Ok(()),
        false => Err(Refusal::new(
            StatusCode::FORBIDDEN,
            "another site sent this request: open the page itself, and use its own form",
        )),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn names_that_others_can_point_here_are_refused() {
        let listen = Listen::parse("127.0.0.1:8788").expect("an address");
        let check = |host: &str| check_host(&host.parse().expect("a host"), &listen).is_ok();
        for own in ["localhost", "LOCALHOST:1", "127.0.0.1:8788", "127.9.9.9", "[::1]:8788", "[::ffff:127.0.0.1]"] {
            assert!(check(own), "{own}");
        }
        for other in
            ["evil.example", "localhost.evil.example", "127.0.0.1.nip.io", "192.0.2.1", "[2001:db8::1]", "0.0.0.0"]
        {
            assert!(!check(other), "{other}");
        }
    }

    #[test]
    fn a_request_has_one_host() {
        let of = |uri: &'static str, pairs: &[(&'static str, &'static str)]| {
            authority(&Uri::from_static(uri), &headers(pairs)).map(|authority| authority.to_string()).ok()
        };
        assert_eq!(of("/", &[("host", "a:1")]).as_deref(), Some("a:1"));
        assert_eq!(of("http://a:1/", &[("host", "A:1")]).as_deref(), Some("A:1"));
        for wrong in [&[][..], &[("host", "")], &[("host", "a b")], &[("host", "a@b")], &[("host", "a/b")]] {
            assert_eq!(of("/", wrong), None, "{wrong:?}");
        }
        assert_eq!(of("http://b/", &[("host", "a")]), None);
        let mut twice = headers(&[("host", "a")]);
        twice.append("host", HeaderValue::from_static("b"));
        assert!(authority(&Uri::from_static("/"), &twice).is_err());
    }

    #[test]
    fn other_sites_can_link_here_and_nothing_else() {
        let here: Authority = "127.0.0.1:8788".parse().expect("a host");
        let (get, post) = (Method::GET, Method::POST);
        let check = |method: &Method, pairs: &[(&'static str, &'static str)]| {
            check_site(method, &headers(pairs), &here).is_ok()
        };
        assert!(check(&get, &[]) && check(&get, &[("sec-fetch-site", "none")]));
        assert!(check(&get, &[("sec-fetch-site", "same-origin"), ("sec-fetch-mode", "cors")]));
        for site in ["cross-site", "same-site", "", "odd"] {
            let with = |mode, dest| [("sec-fetch-site", site), ("sec-fetch-mode", mode), ("sec-fetch-dest", dest)];
            assert!(check(&get, &with("navigate", "document")), "{site}");
            for (mode, dest) in
                [("no-cors", "image"), ("cors", "empty"), ("navigate", "iframe"), ("navigate", "object")]
            {
                assert!(!check(&get, &with(mode, dest)), "{site} {mode} {dest}");
            }
            assert!(!check(&post, &with("navigate", "document")), "{site}");
        }
        assert!(check(&post, &[("sec-fetch-site", "same-origin")]));
        assert!(check(&post, &[("origin", "http://127.0.0.1:8788")]));
        for wrong in [
            &[][..],
            &[("sec-fetch-site", "none")],
            &[("origin", "null")],
            &[("origin", "http://127.0.0.1")],
            &[("origin", "http://evil.example")],
            &[("origin", "http://127.0.0.1:8788.evil.example")],
            &[("sec-fetch-site", "cross-site"), ("origin", "http://127.0.0.1:8788")],
        ] {
            assert!(!check(&post, wrong), "{wrong:?}");
        }
    }
}
