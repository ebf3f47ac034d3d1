//! The requests that reach the server, and the credentials of those who may send them.

use crate::fault::Action;

/// Who may send requests.
pub(crate) const ACCESS_KEY: &str = "smelt-test";
pub(crate) const SECRET_KEY: &str = "smelt-test-secret";

/// A request that reached the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The method; `LIST` for a listing of a bucket's keys.
    pub verb: String,
    /// The bucket.
    pub bucket: String,
    /// The key, decoded; for a listing, the prefix.
    pub key: String,
    /// The query as it was sent.
    pub query: String,
    /// The status of the answer; `None` if there was no answer, or none yet.
    pub status: Option<u16>,
    /// The bytes of the request's body.
    pub received: u64,
    /// The bytes of the answer's body, if it was sent in full.
    pub sent: u64,
    /// The fault that was planned for the request, if it met one.
    pub fault: Option<Action>,
}
