//! The headers of all answers, which keep browsers from running, showing and sending what the server did not mean.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

/// Nothing but the server's own scripts, styles and pictures, forms that go to it, and no frames.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Headers that no route can do without or set otherwise.
const STRICT: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // With `no-referrer`, browsers would send `Origin: null` with the login form, which then looks as from elsewhere.
    (header::REFERRER_POLICY, "same-origin"),
    // For browsers that do not know `frame-ancestors`.
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// Completes the headers of an answer. With `for_readers` it depends on who asks.
pub(super) fn complete(headers: &mut HeaderMap, for_readers: bool) {
    for (name, value) in STRICT {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.remove(header::SERVER);
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("private, no-cache"));
    if for_readers {
        headers.append(header::VARY, HeaderValue::from_static("Cookie, Authorization"));
    }
}
