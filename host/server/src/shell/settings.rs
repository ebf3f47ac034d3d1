//! Settings of the server: the address, who may read, and every bound on what a client can take.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::time::Duration;

use smelt_common::{Error, Result};

use super::{Base, Token};

/// The file descriptors that are left to the lake, the log and the runtime when the limit of the process is low.
const KEPT_DESCRIPTORS: u64 = 64;
/// The fewest connections that a server has, whatever the limit of the process.
const FEWEST_CONNECTIONS: u64 = 8;

/// The settings of a server.
#[derive(Debug, Clone)]
pub struct ShellSettings {
    /// The address to listen at.
    pub listen: Listen,
    /// The token that readers must have. Without one the server must listen on loopback.
    pub token: Option<Token>,
    /// The path below which everything is served.
    pub base: Base,
    /// The bounds.
    pub limits: HttpLimits,
}

impl ShellSettings {
    /// Checks that nobody else than this machine can read without a token.
    ///
    /// # Errors
    /// Fails if the address is not loopback and there is no token.
    pub fn check(&self) -> Result<()> {
        let Self { listen, token, base: _, limits: _ } = self;
        match listen.addresses.iter().find(|address| !is_loopback(address.ip())) {
            Some(address) if token.is_none() => Err(Error::config(format!(
                "`--listen {listen}` serves other machines ({}), and anybody there could read the lake: listen at \
                 127.0.0.1, or require a token with `--token-file` or SMELT_TOKEN",
                address.ip()
            ))),
            _ => Ok(()),
        }
    }
}

/// The address to listen at, as it was written and as it resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listen {
    text: String,
    addresses: Vec<SocketAddr>,
}

impl Listen {
    /// Resolves `host:port`, where the host is an address or a name.
    ///
    /// # Errors
    /// Fails if the text is not of that form, or if the name does not resolve.
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = |why: &dyn std::fmt::Display| {
            Error::config(format!(
                "`--listen {}` is no address ({why}): it is like 127.0.0.1:8788",
                text.escape_debug()
            ))
        };
        let mut addresses: Vec<_> = text.to_socket_addrs().map_err(|error| wrong(&error))?.collect();
        // `localhost` is often both; clients that try IPv6 first fall back to IPv4, and few do the reverse.
        addresses.sort_by_key(SocketAddr::is_ipv6);
        match addresses.is_empty() {
            true => Err(wrong(&"the name has no address")),
            false => Ok(Self { text: text.to_owned(), addresses }),
        }
    }

    /// Returns the addresses, of which the first that can be bound is used.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Returns the host as it was written, without the port.
    pub(super) fn host(&self) -> &str {
        self.text.rsplit_once(':').map_or(self.text.as_str(), |(host, _)| host)
    }
}

impl From<SocketAddr> for Listen {
    fn from(address: SocketAddr) -> Self {
        Self { text: address.to_string(), addresses: vec![address] }
    }
}

impl std::fmt::Display for Listen {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.text)
    }
}

/// Returns whether only this machine reaches the address. `::ffff:127.0.0.1` is loopback too.
pub(super) fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

/// The bounds on what clients can take. Times are parameters, so that tests wait for milliseconds.
#[derive(Debug, Clone)]
pub struct HttpLimits {
    /// The most connections at once (1,024). Beyond them, see `shell::crowd`. It is lowered to half of the descriptors
    /// that the process may open, since an answer may hold a file of the lake open.
    pub connections: usize,
    /// The connections beyond `connections` (64) that are answered while all of those are busy: `/health`, `/ready` and
    /// `/metrics` as ever, anything else with 503.
    pub reserve: usize,
    /// The most bytes of a request's head (16 KiB). Beyond them the answer is 431.
    pub head_bytes: usize,
    /// The most bytes of a request's target (8 KiB). Beyond them the answer is 414.
    pub uri_bytes: usize,
    /// The most header lines of a request (64). Beyond them the answer is 431.
    pub headers: usize,
    /// The most bytes of the login form (4 KiB). Beyond them, and for any other body, the answer is 413.
    pub form_bytes: usize,
    /// The time in which a whole head, or the login form, must arrive (10 s).
    pub head: Duration,
    /// The time for which a connection waits for its next request (60 s).
    pub idle: Duration,
    /// The time after which a client is dropped that takes no byte (30 s). It counts only while bytes wait for it.
    pub write: Duration,
    /// The time in which a handler must answer (30 s), and the longest pause within an answer that is made piecemeal.
    /// Event streams may pause for ever.
    pub handler: Duration,
    /// The time in which a client must take the last answer of a connection, and end what it was sending (1 s).
    pub linger: Duration,
    /// The time in which requests in flight are finished at shutdown (5 s).
    pub drain: Duration,
    /// The most event streams at once (256).
    pub streams: usize,
    /// The time between two signs of life of an event stream (15 s), so that proxies keep it open.
    pub stream_beat: Duration,
    /// The most handlers at once that read tables (4).
    pub blocking: usize,
    /// The time for which a handler waits for its turn to read tables (2 s). After it the answer is 503.
    pub blocking_wait: Duration,
    /// The time after which one must log in again (12 h).
    pub session: Duration,
    /// The most people who are logged in (1,024). A further one logs out whoever logged in first.
    pub sessions: usize,
    /// The wrong tokens (10) that one address may send before it has to wait.
    pub attempts: u32,
    /// The time (6 s) after which one more of them is allowed.
    pub attempt_every: Duration,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            connections: 1024,
            reserve: 64,
            head_bytes: 16 << 10,
            uri_bytes: 8 << 10,
            headers: 64,
            form_bytes: 4 << 10,
            head: Duration::from_secs(10),
            idle: Duration::from_secs(60),
            write: Duration::from_secs(30),
            handler: Duration::from_secs(30),
            linger: Duration::from_secs(1),
            drain: Duration::from_secs(5),
            streams: 256,
            stream_beat: Duration::from_secs(15),
            blocking: 4,
            blocking_wait: Duration::from_secs(2),
            session: Duration::from_secs(12 * 3600),
            sessions: 1024,
            attempts: 10,
            attempt_every: Duration::from_secs(6),
        }
    }
}

impl HttpLimits {
    /// Returns the connections that fit a process that may open so many descriptors, if that is limited.
    pub(super) fn fitting(&self, descriptors: Option<u64>) -> usize {
        let fit =
            descriptors.map_or(u64::MAX, |all| (all.saturating_sub(KEPT_DESCRIPTORS) / 2).max(FEWEST_CONNECTIONS));
        usize::try_from(fit).unwrap_or(usize::MAX).min(self.connections).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(listen: &str, token: Option<&str>) -> ShellSettings {
        ShellSettings {
            listen: Listen::parse(listen).expect("an address"),
            token: token.map(|text| Token::parse(text).expect("a token")),
            base: Base::default(),
            limits: HttpLimits::default(),
        }
    }

    #[test]
    fn an_address_that_others_reach_needs_a_token() {
        for public in ["0.0.0.0:8788", "[::]:8788", "192.0.2.1:8788", "[::ffff:192.0.2.1]:1"] {
            let error = settings(public, None).check().expect_err(public).to_string();
            assert!(error.contains("--token-file") && error.contains("127.0.0.1"), "{error}");
            settings(public, Some("0123456789abcdef")).check().expect("a token is enough");
        }
        for loopback in ["127.0.0.1:8788", "127.1.2.3:1", "[::1]:8788", "localhost:8788", "[::ffff:127.0.0.1]:1"] {
            settings(loopback, None).check().expect(loopback);
        }
    }

    #[test]
    fn an_address_that_is_none_is_refused() {
        for text in ["", "127.0.0.1", "8788", "localhost:", ":8788x", "127.0.0.1:99999", "no such name:1", "a\u{1b}[1m"]
        {
            let error = Listen::parse(text).expect_err(text).to_string();
            assert!(error.contains("127.0.0.1:8788") && !error.contains('\u{1b}'), "{error}");
        }
    }

    #[test]
    fn connections_fit_the_descriptors_of_the_process() {
        let limits = HttpLimits::default();
        assert_eq!(limits.fitting(None), 1024);
        assert_eq!(limits.fitting(Some(1 << 20)), 1024);
        assert_eq!(limits.fitting(Some(1024)), 480);
        assert_eq!(limits.fitting(Some(10)), 8);
    }
}
