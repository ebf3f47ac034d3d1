//! The way to a server: one client, its time-outs and tries, and the threads that its connections live on.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use aws_config::BehaviorVersion;
use aws_config::environment::EnvironmentVariableRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::ProfileFileRegionProvider;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::interceptors::BeforeDeserializationInterceptorContextRef;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    ConfigBag, Credentials as Keys, Intercept, Region, RequestChecksumCalculation, ResponseChecksumValidation,
    RuntimeComponents, SharedHttpClient, StalledStreamProtectionConfig,
};
use aws_sdk_s3::error::BoxError;
use aws_sdk_s3::primitives::{DateTime, DateTimeFormat};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use tokio::runtime::Runtime;

use super::count::Count;
use super::fault::{Fault, header};
use crate::buckets::{Connection, Credentials};
use smelt_common::error::Result;
use smelt_common::{Error, workers};

/// How long a connection may take. With the tries, what cannot be reached is said within about ten seconds.
const CONNECT: Duration = Duration::from_secs(3);
/// How long people wait to be told that there is no way, unless the connection says otherwise.
const SOON: Duration = Duration::from_secs(10);
/// How long an answer may take to begin.
const ATTEMPT: Duration = Duration::from_secs(30);
/// How long a body may stand still.
const STALL: Duration = Duration::from_secs(10);
/// How often an ordinary request is sent.
const TRIES: u32 = 3;
/// How fast a body must be sent at least, in bytes a second: its request has so much more time.
const SLOWEST: usize = 64 << 10;
/// Threads for connections; hashing and decoding go on elsewhere.
const THREADS: usize = 2;
/// The region where none is set: what servers other than AWS take for granted.
const REGION: &str = "us-east-1";

/// A client, and the threads that drive it.
pub(super) struct Wire {
    /// There until the end.
    runtime: Option<Runtime>,
    client: Client,
    /// For people.
    endpoint: String,
    region: String,
    clock: ServerClock,
    /// How long people wait to be told that there is no way.
    soon: Duration,
}

impl Wire {
    /// Sends nothing yet.
    pub(super) fn new(connection: Connection) -> Result<Self> {
        // It panics where it cannot have them.
        workers::can_start(THREADS)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("s3")
            .enable_all()
            .build()
            .map_err(|error| Error::internal(format!("cannot start the threads for S3: {error}")))?;
        let (clock, soon) = (ServerClock::default(), connection.answer_within.unwrap_or(SOON));
        let (config, endpoint, region) = runtime.block_on(configure(connection, clock.clone()));
        let client = Client::from_conf(config);
        Ok(Self { runtime: Some(runtime), client, endpoint, region, clock, soon })
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// The server, for people.
    pub(super) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The region where it is not the default.
    pub(super) fn region(&self) -> Option<&str> {
        Some(self.region.as_str()).filter(|region| *region != REGION)
    }

    pub(super) fn runtime(&self) -> &Runtime {
        self.runtime.as_ref().expect("it is there until this is dropped")
    }

    /// Does the work while this thread waits. Not to be called from a thread that drives other work.
    pub(super) fn wait<F: Future>(&self, work: F) -> F::Output {
        self.runtime().block_on(work)
    }

    /// Returns the settings for a request that people wait for.
    pub(super) fn soon(&self) -> aws_sdk_s3::config::Builder {
        aws_sdk_s3::Config::builder().timeout_config(time_outs(0).to_builder().operation_timeout(self.soon).build())
    }

    /// What time it is for the server, in µs, if it answered lately.
    pub(super) fn time(&self) -> Option<i64> {
        self.clock.now()
    }

    /// Says what could not be done to what.
    pub(super) fn error(&self, doing: &str, what: impl std::fmt::Display, fault: &Fault) -> Error {
        Error::new(fault.kind(), format!("cannot {doing} `{what}` at {}: {fault}", self.endpoint))
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        // Waiting for its threads is not allowed where someone else's are driven.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn configure(connection: Connection, clock: ServerClock) -> (aws_sdk_s3::Config, String, String) {
    let Connection { endpoint, region, path_style, credentials, answer_within: _ } = connection;
    let endpoint = endpoint.or_else(|| std::env::var("AWS_ENDPOINT_URL_S3").ok().filter(|url| !url.is_empty()));
    let plain = endpoint.as_ref().is_some_and(|url| url.starts_with("http://"));
    let regions = RegionProviderChain::first_try(region.map(Region::new))
        .or_else(EnvironmentVariableRegionProvider::new())
        .or_else(ProfileFileRegionProvider::new())
        .or_else(REGION);
    let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(http_client(plain)).region(regions);
    if let Some(endpoint) = endpoint {
        loader = loader.endpoint_url(endpoint);
    }
    if let Some(Credentials { access_key, secret_key }) = credentials {
        loader = loader.credentials_provider(Keys::new(access_key, secret_key, None, None, "smelt"));
    }
    let shared = loader.load().await;
    let region = shared.region().map_or(REGION, Region::as_ref).to_owned();
    let endpoint = shared.endpoint_url().map(ToOwned::to_owned);
    let config = aws_sdk_s3::config::Builder::from(&shared)
        .force_path_style(path_style.unwrap_or(endpoint.is_some()))
        .retry_config(RetryConfig::standard().with_max_attempts(TRIES).with_max_backoff(Duration::from_secs(2)))
        .timeout_config(time_outs(0))
        .stalled_stream_protection(StalledStreamProtectionConfig::enabled().grace_period(STALL).build())
        // What we write is signed with its sha256, and what we read is checked against the catalog's.
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
        .interceptor(clock)
        .interceptor(Count)
        .build();
    let endpoint = endpoint.unwrap_or_else(|| format!("AWS in {region}"));
    (config, endpoint, region)
}

fn http_client(plain: bool) -> SharedHttpClient {
    match plain {
        // Certificates take a while to read.
        true => Builder::new().build_http(),
        false => Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https(),
    }
}

/// For a request with a body of so many bytes. Connections are shared between requests whose first two are the same.
fn time_outs(bytes: usize) -> TimeoutConfig {
    let attempt = ATTEMPT + Duration::from_secs((bytes / SLOWEST) as u64);
    TimeoutConfig::builder().connect_timeout(CONNECT).read_timeout(ATTEMPT).operation_attempt_timeout(attempt).build()
}

/// Settings for a request that sends so many bytes.
pub(super) fn sending(bytes: usize) -> aws_sdk_s3::config::Builder {
    aws_sdk_s3::Config::builder().timeout_config(time_outs(bytes))
}

/// Settings for a request that is sent once and given up after so long: whoever sends it finds out what became of it.
pub(super) fn once(limit: Duration, bytes: usize) -> aws_sdk_s3::config::Builder {
    let limit = limit + Duration::from_secs((bytes / SLOWEST) as u64);
    let time_outs = time_outs(bytes).to_builder().operation_timeout(limit).operation_attempt_timeout(limit).build();
    aws_sdk_s3::Config::builder().retry_config(RetryConfig::disabled()).timeout_config(time_outs)
}

/// Reads the time from every answer.
#[derive(Debug, Clone, Default)]
struct ServerClock(Arc<Mutex<Option<(i64, Instant)>>>);

/// For how long we go on from what the server last said.
const FRESH: Duration = Duration::from_secs(60);

impl ServerClock {
    fn now(&self) -> Option<i64> {
        let (said, when) = (*self.0.lock().expect("no one panics while holding it"))?;
        let since = when.elapsed();
        (since < FRESH).then(|| said + since.as_micros() as i64)
    }
}

impl Intercept for ServerClock {
    fn name(&self) -> &'static str {
        "ServerClock"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> std::result::Result<(), BoxError> {
        if let Ok(date) = DateTime::from_str(header(context.response(), "date"), DateTimeFormat::HttpDate) {
            let said = date.secs().saturating_mul(1_000_000);
            *self.0.lock().expect("no one panics while holding it") = Some((said, Instant::now()));
        }
        Ok(())
    }
}
