//! Paths of requests and links: the base path of a server behind a proxy, and which paths are taken at all.

use smelt_common::{Error, Result};

/// The most bytes of a path that a login may return to.
const LONGEST_NEXT: usize = 2048;

/// The path below which everything is served: empty, or like `/lake`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Base(String);

impl Base {
    /// Returns the base path of that text. A slash at its end means nothing.
    ///
    /// # Errors
    /// Fails if it does not begin with a slash, or has segments other than of letters, digits, `-`, `_`, `.` and `~`.
    pub fn parse(text: &str) -> Result<Self> {
        let path = text.strip_suffix('/').unwrap_or(text);
        let plain = |segment: &str| {
            !matches!(segment, "" | "." | "..")
                && segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte))
        };
        let right =
            path.is_empty() || (path.len() <= 256 && path.split('/').skip(1).all(plain) && path.starts_with('/'));
        match right {
            true => Ok(Self(path.to_owned())),
            false => Err(Error::config(format!(
                "`--base-path {}` is no path: it is like /lake, of letters, digits, `-`, `_`, `.` and `~`",
                text.escape_debug()
            ))),
        }
    }

    /// Returns the link to a path of the router, which begins with a slash and is already [`encoded`].
    pub fn link(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }

    /// Returns the path of the router for a path of a request, or `None` if it is not below the base.
    pub(super) fn below<'p>(&self, path: &'p str) -> Option<&'p str> {
        path.strip_prefix(self.0.as_str()).filter(|rest| rest.starts_with('/'))
    }

    /// Returns whether the path is the base itself without its slash, where cookies of the base are not sent.
    pub(super) fn lacks_slash(&self, path: &str) -> bool {
        !self.0.is_empty() && path == self.0
    }

    /// Returns the path and query if a login may return there: a page below the base, and nothing that a browser would
    /// take for another server.
    pub(super) fn next<'n>(&self, next: &'n str) -> Option<&'n str> {
        let (path, _) = next.split_once('?').unwrap_or((next, ""));
        let local = next.len() <= LONGEST_NEXT
            && next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\' && byte != b'#')
            && !next.starts_with("//")
            && is_plain(path)
            && self.below(path).is_some_and(|path| !path.starts_with("//") && path != "/login" && path != "/logout");
        local.then_some(next)
    }
}

/// Returns the text as one segment of a path, or as a value of a query.
pub fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// Returns whether every reader takes the path for the same: it begins with a slash, and decodes to UTF-8 without control
/// characters, backslashes, further slashes and segments of dots.
pub(super) fn is_plain(path: &str) -> bool {
    let Some(rest) = path.strip_prefix('/') else { return false };
    rest.split('/').all(|segment| match decoded(segment) {
        None => false,
        Some(text) => {
            !matches!(text.as_str(), "." | "..")
                && !text.chars().any(|character| character.is_control() || matches!(character, '/' | '\\'))
        }
    })
}

fn decoded(segment: &str) -> Option<String> {
    let mut bytes = segment.bytes();
    let mut out = Vec::with_capacity(segment.len());
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'%' => {
                let mut digit = || char::from(bytes.next()?).to_digit(16);
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_below_the_base() {
        for (text, link) in
            [("", "/t"), ("/", "/t"), ("/lake", "/lake/t"), ("/lake/", "/lake/t"), ("/a/b.c", "/a/b.c/t")]
        {
            assert_eq!(Base::parse(text).expect(text).link("/t"), link);
        }
        for text in
            ["lake", "//", "/a//b", "/../a", "/a/.", "/a b", "/ä", "/a?b", "/a%20", "https://x", "/a\\b", "/a\n"]
        {
            Base::parse(text).expect_err(text);
        }
    }

    #[test]
    fn only_paths_below_the_base_are_its_own() {
        let base = Base::parse("/lake").expect("a base");
        assert_eq!(base.below("/lake/"), Some("/"));
        assert_eq!(base.below("/lake/a/b"), Some("/a/b"));
        for other in ["/lake", "/", "/lakes/a", "/a/lake/", ""] {
            assert_eq!(base.below(other), None, "{other}");
        }
        assert!(base.lacks_slash("/lake") && !base.lacks_slash("/lake/") && !Base::default().lacks_slash(""));
    }

    #[test]
    fn paths_that_readers_take_for_different_ones_are_refused() {
        for path in ["/", "/a/b", "/a%20b", "/%C3%A4", "/a/", "//a", "/...", "/a..b", "/%25"] {
            assert!(is_plain(path), "{path}");
        }
        for path in [
            "",
            "a",
            "/..",
            "/a/../b",
            "/.",
            "/%2e%2e/a",
            "/%2E./a",
            "/a%2fb",
            "/a%2Fb",
            "/a%5cb",
            "/a\\b",
            "/%00",
            "/%0d%0a",
            "/%7f",
            "/%c2%85",
            "/%",
            "/%2",
            "/%zz",
            "/%+f",
            "/%ff",
        ] {
            assert!(!is_plain(path), "{path}");
        }
    }

    #[test]
    fn a_login_returns_to_pages_of_this_server_alone() {
        let (root, lake) = (Base::default(), Base::parse("/lake").expect("a base"));
        for next in ["/", "/tables/orders?sort=a&page=2", "/a?next=//evil", "/pages/%C3%A4"] {
            assert_eq!(root.next(next), Some(next));
        }
        assert_eq!(lake.next("/lake/tables"), Some("/lake/tables"));
        for next in [
            "",
            "//evil",
            "///evil",
            "/\\evil",
            "\\\\evil",
            "https://evil",
            "https:evil",
            "javascript:alert(1)",
            "evil",
            "/a\r\nb",
            "/a\tb",
            "/\t/evil",
            "/a b",
            "/%0d%0aSet-Cookie:a=b",
            "/..//evil",
            "/%2e%2e//evil",
            "/login",
            "/logout",
            "/a#b",
            "/ä",
        ] {
            assert_eq!(root.next(next), None, "{next:?}");
        }
        for next in ["/", "/tables", "/lake", "/lake//evil", "/lake/../x", "//lake/"] {
            assert_eq!(lake.next(next), None, "{next:?}");
        }
        assert_eq!(root.next(&format!("/{}", "a".repeat(2048))), None);
    }

    #[test]
    fn texts_are_one_segment() {
        assert_eq!(encoded("a b/ä?&\r\n"), "a%20b%2F%C3%A4%3F%26%0D%0A");
    }
}
