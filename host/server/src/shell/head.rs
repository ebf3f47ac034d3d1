//! Judges the head of a request before hyper sees it. So each refusal has its own words and the strict headers of all
//! answers, where hyper would write a bare status line, and each bound holds while the head still arrives.

use axum::http::{StatusCode, Uri};

use super::refusal::Refusal;
use super::settings::HttpLimits;

/// The longest method that is told from a request line without a blank.
const LONGEST_METHOD: usize = 16;
/// The bytes of a request line beside its target: method, blanks and version.
const AROUND_TARGET: usize = LONGEST_METHOD + " HTTP/1.1\r\n".len() + 1;
/// The most header lines that may be configured. The parser's room for them is on the stack.
pub(super) const MOST_HEADERS: usize = 128;

/// The judgement of the bytes that have come.
#[derive(Debug)]
pub(super) enum Verdict {
    /// The head is not whole.
    More,
    /// The head ends after `head` bytes, and a body of `body` bytes follows.
    Whole {
        /// The length of the head with its empty line.
        head: usize,
        /// The length of the body.
        body: usize,
    },
    /// The connection gets this answer and ends, since nobody knows where its next request would begin.
    Refused(Refusal),
}

/// Judges the bytes, of which the first `judged` were found to be the beginning of a head.
pub(super) fn judge(bytes: &[u8], judged: usize, limits: &HttpLimits) -> Verdict {
    // A client that sends bytes one by one must not have each of them parse all before it.
    let ended_line = bytes[judged.min(bytes.len())..].contains(&b'\n');
    match ended_line.then(|| parse(bytes, limits)) {
        None | Some(Verdict::More) => unfinished(bytes, limits),
        Some(verdict) => verdict,
    }
}

fn unfinished(bytes: &[u8], limits: &HttpLimits) -> Verdict {
    let line = &bytes[bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count()..];
    let in_line = !line.contains(&b'\n');
    if in_line && line.len() > LONGEST_METHOD && !line[..=LONGEST_METHOD].contains(&b' ') {
        return Verdict::Refused(malformed("it does not begin with a method"));
    }
    if in_line && line.len() > limits.uri_bytes + AROUND_TARGET {
        return Verdict::Refused(uri_too_long(limits));
    }
    match bytes.len() > limits.head_bytes {
        true => Verdict::Refused(head_too_long(limits)),
        false => Verdict::More,
    }
}

fn parse(bytes: &[u8], limits: &HttpLimits) -> Verdict {
    let mut room = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut request = httparse::Request::new(&mut room[..limits.headers.min(MOST_HEADERS)]);
    let head = match request.parse(bytes) {
        Ok(httparse::Status::Complete(head)) => head,
        Ok(httparse::Status::Partial) => match request.path.is_some_and(|path| path.len() > limits.uri_bytes) {
            true => return Verdict::Refused(uri_too_long(limits)),
            false => return Verdict::More,
        },
        Err(httparse::Error::TooManyHeaders) => {
            let text = format!("a request may have {} header lines", limits.headers);
            return Verdict::Refused(Refusal::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, text));
        }
        Err(httparse::Error::Version) => {
            let text = "this server speaks HTTP/1.1 and HTTP/1.0";
            return Verdict::Refused(Refusal::new(StatusCode::HTTP_VERSION_NOT_SUPPORTED, text));
        }
        Err(error) => return Verdict::Refused(malformed(&error.to_string())),
    };
    match check(&request, &bytes[..head], limits) {
        Ok(body) => Verdict::Whole { head, body },
        Err(refusal) => Verdict::Refused(refusal),
    }
}

/// Returns the length of the body of a request that may pass.
fn check(request: &httparse::Request<'_, '_>, head: &[u8], limits: &HttpLimits) -> Result<usize, Refusal> {
    let target = request.path.unwrap_or_default();
    if target.len() > limits.uri_bytes {
        return Err(uri_too_long(limits));
    }
    if head.len() > limits.head_bytes {
        return Err(head_too_long(limits));
    }
    // The parser takes a line feed alone for the end of a line. A proxy may not, and then sees other headers.
    if head.iter().enumerate().any(|(at, byte)| *byte == b'\n' && (at == 0 || head[at - 1] != b'\r')) {
        return Err(malformed("a line ends without a carriage return"));
    }
    if !target.is_ascii() || target.parse::<Uri>().is_err() {
        return Err(malformed("its target is no URI"));
    }
    let of = |name: &'static str| request.headers.iter().filter(move |header| header.name.eq_ignore_ascii_case(name));
    let mut lengths = of("content-length");
    let (length, further) = (lengths.next(), lengths.next());
    if of("transfer-encoding").next().is_some() {
        return Err(match length {
            // A proxy that believes the other of the two headers sees another request in the body.
            Some(_) => malformed("it has both Content-Length and Transfer-Encoding"),
            None => Refusal::new(StatusCode::LENGTH_REQUIRED, "a body needs a Content-Length"),
        });
    }
    if further.is_some() {
        return Err(malformed("it has more than one Content-Length"));
    }
    let length = match length.map(|header| header.value) {
        None => 0,
        Some(digits) if !digits.is_empty() && digits.len() <= 18 && digits.iter().all(u8::is_ascii_digit) => {
            digits.iter().fold(0_u64, |number, digit| number * 10 + u64::from(digit - b'0'))
        }
        Some(_) => return Err(malformed("its Content-Length is no number")),
    };
    let most = if request.method == Some("POST") { limits.form_bytes } else { 0 };
    match usize::try_from(length) {
        Ok(length) if length <= most => Ok(length),
        _ => Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, format!("a body may have {most} bytes here"))),
    }
}

fn malformed(why: &str) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, format!("the request is malformed: {why}"))
}

fn uri_too_long(limits: &HttpLimits) -> Refusal {
    Refusal::new(StatusCode::URI_TOO_LONG, format!("a path with its query may have {} bytes", limits.uri_bytes))
}

fn head_too_long(limits: &HttpLimits) -> Refusal {
    let text = format!("the head of a request may have {} bytes", limits.head_bytes);
    Refusal::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn status(bytes: impl AsRef<[u8]>) -> u16 {
        match judge(bytes.as_ref(), 0, &HttpLimits::default()) {
            Verdict::More => 100,
            Verdict::Whole { .. } => 200,
            Verdict::Refused(refusal) => refusal.status().as_u16(),
        }
    }

    #[test]
    fn heads_are_taken_within_their_bounds() {
        let target = |bytes: usize| format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "a".repeat(bytes - 1));
        assert_eq!((status(target(8192)), status(target(8193))), (200, 414));
        let header = |bytes: usize| format!("GET / HTTP/1.1\r\nA: {}\r\n\r\n", "a".repeat(bytes - 23));
        assert_eq!((status(header(16384)), status(header(16385))), (200, 431));
        let many = |headers: usize| format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(headers));
        assert_eq!((status(many(64)), status(many(65))), (200, 431));
        assert_eq!(status(format!("GET /?{}", "a".repeat(1 << 20))), 414);
        assert_eq!(status(format!("GET / HTTP/1.1\r\nA: {}", "a".repeat(1 << 20))), 431);
        assert_eq!(status("a".repeat(1 << 20)), 400);
        assert_eq!(status("\r\n".repeat(1 << 19)), 431);
    }

    #[test]
    fn requests_that_two_readers_could_take_for_different_ones_are_refused() {
        let of = |line: &str, headers: &str| status(format!("{line} HTTP/1.1\r\nHost: a\r\n{headers}\r\n"));
        assert_eq!(of("POST /login", "Content-Length: 4096\r\n"), 200);
        assert_eq!(of("POST /login", "Content-Length: 4097\r\n"), 413);
        assert_eq!(of("GET /", "Content-Length: 0\r\n"), 200);
        assert_eq!(of("GET /", "Content-Length: 1\r\n"), 413);
        assert_eq!(of("POST /login", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), 400);
        assert_eq!(of("POST /login", "Transfer-Encoding: chunked\r\n"), 411);
        assert_eq!(of("GET /", "transfer-encoding: identity\r\n"), 411);
        assert_eq!(of("POST /login", "Content-Length: 5\r\ncontent-length: 5\r\n"), 400);
        for length in ["", "+5", "-1", "5,5", "0x5", "5 5", "99999999999999999999999"] {
            assert_eq!(of("POST /login", &format!("Content-Length: {length}\r\n")), 400, "{length}");
        }
        assert_eq!(status("GET / HTTP/1.1\nHost: a\n\n"), 400);
        assert_eq!(status("GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n"), 400);
        assert_eq!(status("GET / HTTP/1.1\r\nHost : a\r\n\r\n"), 400);
        assert_eq!(status("GET /\u{e4} HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
        assert_eq!(status("GET  / HTTP/1.1\r\n\r\n"), 400);
        assert_eq!(status("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 505);
    }

    proptest! {
        #[test]
        fn any_bytes_are_judged_alike_whole_and_byte_by_byte(
            start in "(GET|POST|X) /[a-z%?]{0,6} HTTP/1.[01](\r\n|\n)",
            rest in proptest::collection::vec(prop_oneof![Just(b'\r'), Just(b'\n'), Just(b':'), any::<u8>()], 0..64),
        ) {
            let limits = HttpLimits { head_bytes: 48, uri_bytes: 8, ..HttpLimits::default() };
            let bytes = [start.as_bytes(), &rest].concat();
            let ends = |verdict: &Verdict| match verdict {
                Verdict::More => None,
                Verdict::Whole { head, body } => Some((200, head + body)),
                Verdict::Refused(refusal) => Some((refusal.status().as_u16(), 0)),
            };
            let slowly = (1..=bytes.len()).find_map(|end| ends(&judge(&bytes[..end], end - 1, &limits)));
            let at_once = ends(&judge(&bytes, 0, &limits));
            // Read slowly, a head may be found malformed later, or to be too long before that; it is taken by neither.
            let passes = |end: Option<(u16, usize)>| end.filter(|(status, _)| *status == 200);
            prop_assert_eq!(passes(slowly), passes(at_once));
        }
    }
}
