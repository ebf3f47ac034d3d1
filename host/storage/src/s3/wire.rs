//! The connection to a server: one client, its time-outs and retries, and the threads that drive it.

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

/// The time that connecting may take. With all attempts, a server that cannot be reached is reported within about 10 s.
const CONNECT: Duration = Duration::from_secs(3);
/// The time that people wait to be told that the server does not answer, unless the connection says otherwise.
const SOON: Duration = Duration::from_secs(10);
/// The time after which an answer must begin.
const ATTEMPT: Duration = Duration::from_secs(30);
/// The time that the transfer of a body may stall.
const STALL: Duration = Duration::from_secs(10);
/// The number of attempts of an ordinary request.
const ATTEMPTS: u32 = 3;
/// The slowest rate at which a body may be sent, in bytes a second. The time of a request grows by this rate.
const SLOWEST: usize = 64 << 10;
/// The number of threads for connections. Hashing and decoding run on other threads.
const THREADS: usize = 2;
/// The region if none is set. Servers other than AWS take it for granted.
const REGION: &str = "us-east-1";

/// A client, and the threads that drive it.
pub(super) struct Wire {
    /// Taken only when this is dropped.
    runtime: Option<Runtime>,
    client: Client,
    /// The server, for people.
    endpoint: String,
    region: String,
    clock: ServerClock,
    /// The time that people wait to be told that the server does not answer.
    soon: Duration,
}

impl Wire {
    /// Makes the client. Sends no request yet.
    ///
    /// # Errors
    /// The threads cannot be started.
    pub(super) fn new(connection: Connection) -> Result<Self> {
        // tokio panics if it cannot start its threads.
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

    /// Returns the server, for people.
    pub(super) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Returns the region, unless it is the default.
    pub(super) fn region(&self) -> Option<&str> {
        Some(self.region.as_str()).filter(|region| *region != REGION)
    }

    pub(super) fn runtime(&self) -> &Runtime {
        self.runtime.as_ref().expect("it is there until this is dropped")
    }

    /// Does the work while this thread waits. A thread that drives other asynchronous work must not call it.
    pub(super) fn wait<F: Future>(&self, work: F) -> F::Output {
        self.runtime().block_on(work)
    }

    /// Returns the settings of a request that people wait for.
    pub(super) fn soon(&self) -> aws_sdk_s3::config::Builder {
        aws_sdk_s3::Config::builder().timeout_config(time_outs(0).to_builder().operation_timeout(self.soon).build())
    }

    /// Returns the server's time in microseconds since the epoch, if the server has answered lately.
    pub(super) fn time(&self) -> Option<i64> {
        self.clock.now()
    }

    /// Makes the error of a request: "cannot {action} `{object}` at {endpoint}: …".
    pub(super) fn error(&self, action: &str, object: impl std::fmt::Display, fault: &Fault) -> Error {
        Error::new(fault.kind(), format!("cannot {action} `{object}` at {}: {fault}", self.endpoint))
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        // A thread that drives other asynchronous work may not wait for these threads.
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
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS).with_max_backoff(Duration::from_secs(2)))
        .timeout_config(time_outs(0))
        .stalled_stream_protection(StalledStreamProtectionConfig::enabled().grace_period(STALL).build())
        // Requests are signed with the sha256 of their bodies, and objects are compared with the catalog's sha256.
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
        // Plain HTTP needs no certificates, which take a while to read.
        true => Builder::new().build_http(),
        false => Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https(),
    }
}

/// Returns the time-outs of a request with a body of that size. Requests share connections only if their first two are
/// equal.
fn time_outs(bytes: usize) -> TimeoutConfig {
    let attempt = ATTEMPT + Duration::from_secs((bytes / SLOWEST) as u64);
    TimeoutConfig::builder().connect_timeout(CONNECT).read_timeout(ATTEMPT).operation_attempt_timeout(attempt).build()
}

/// Returns the settings of a request that sends that many bytes.
pub(super) fn sending(bytes: usize) -> aws_sdk_s3::config::Builder {
    aws_sdk_s3::Config::builder().timeout_config(time_outs(bytes))
}

/// Returns the settings of a request that is sent once and abandoned after `limit`. The caller finds out whether it
/// succeeded.
pub(super) fn once(limit: Duration, bytes: usize) -> aws_sdk_s3::config::Builder {
    let limit = limit + Duration::from_secs((bytes / SLOWEST) as u64);
    let time_outs = time_outs(bytes).to_builder().operation_timeout(limit).operation_attempt_timeout(limit).build();
    aws_sdk_s3::Config::builder().retry_config(RetryConfig::disabled()).timeout_config(time_outs)
}

/// Reads the server's time from every answer.
#[derive(Debug, Clone, Default)]
struct ServerClock(Arc<Mutex<Option<(i64, Instant)>>>);

/// The time for which a server's time is extrapolated.
const LATELY: Duration = Duration::from_secs(60);

impl ServerClock {
    fn now(&self) -> Option<i64> {
        let (said, when) = (*self.0.lock().expect("no one panics while holding it"))?;
        let since = when.elapsed();
        (since < LATELY).then(|| said + since.as_micros() as i64)
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
