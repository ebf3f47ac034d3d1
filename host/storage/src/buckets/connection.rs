//! Credentials and addresses of a server of buckets.

use std::fmt;
use std::time::Duration;

/// The way to reach the buckets. Values that are missing here are looked up where AWS's own tools look.
#[derive(Debug, Clone, Default)]
pub struct Connection {
    /// The URL of the server, such as `http://localhost:9000`. Without one the server is AWS.
    pub endpoint: Option<String>,
    /// The region, such as `eu-central-1`.
    pub region: Option<String>,
    /// True if URLs name the bucket in the path, false if they name it in the host. By default true if there is an
    /// endpoint.
    pub path_style: Option<bool>,
    /// The credentials for the server.
    pub credentials: Option<Credentials>,
    /// The time that people wait to be told that the server does not answer. The default is ten seconds.
    pub answer_within: Option<Duration>,
}

/// The name and the secret that a server knows us by. `Debug` does not show the secret.
#[derive(Clone)]
pub struct Credentials {
    /// The name, which S3 calls the access key.
    pub access_key: String,
    /// The secret.
    pub secret_key: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Credentials").field("access_key", &self.access_key).finish_non_exhaustive()
    }
}
