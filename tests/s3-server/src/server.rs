//! The server: it starts, is told what goes wrong, and tells what it was asked.

use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc;

use s3s::auth::SimpleAuth;
use s3s::config::{S3Config, StaticConfigProvider};
use s3s::service::S3ServiceBuilder;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::fault::{Fault, Planned};
use crate::front::Front;
use crate::objects::{Objects, Step};
use crate::operations::Operations;
use crate::request::{ACCESS_KEY, Request, SECRET_KEY};

/// A server on a loopback port. It stops when dropped.
pub struct Server {
    front: Arc<Front>,
    objects: Arc<Objects>,
    address: SocketAddr,
    runtime: Option<Runtime>,
    _directory: Option<TempDir>,
}

impl Server {
    /// Starts a server without buckets on a free port. Its objects lie in a directory that is deleted with it.
    pub fn start() -> io::Result<Self> {
        let directory = tempfile::Builder::new().prefix("smelt-s3-").tempdir()?;
        let mut server = Self::start_in(directory.path(), 0)?;
        server._directory = Some(directory);
        Ok(server)
    }

    /// Starts a server for the objects in a directory, of which each sub-directory is a bucket. With port 0 it takes a
    /// free one.
    pub fn start_in(directory: &Path, port: u16) -> io::Result<Self> {
        let directory = std::path::absolute(directory)?;
        let objects = Arc::new(Objects::open(&directory)?);
        let mut service = S3ServiceBuilder::new(Operations(objects.clone()));
        service.set_auth(SimpleAuth::from_single(ACCESS_KEY, SECRET_KEY));
        let mut config = S3Config::default();
        // `front` compares the clocks instead, because there the server's own clock can be wrong.
        config.presigned_url_max_skew_time_secs = u32::MAX;
        service.set_config(Arc::new(StaticConfigProvider::new(Arc::new(config))));
        let front = Arc::new(Front {
            service: service.build(),
            faults: Default::default(),
            log: Default::default(),
            ahead: Default::default(),
        });

        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, port)))?;
        let address = listener.local_addr()?;
        let behind = front.clone();
        runtime.spawn(async move {
            loop {
                // A failed connection concerns the client alone.
                if let Ok((stream, _)) = listener.accept().await {
                    let _ = stream.set_nodelay(true);
                    tokio::spawn(crate::front::serve(behind.clone(), stream));
                }
            }
        });
        Ok(Self { front, objects, address, runtime: Some(runtime), _directory: None })
    }

    /// Returns the endpoint, such as `http://127.0.0.1:41234`. Buckets are in the path.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the access key with which every request must be signed.
    pub fn access_key(&self) -> &str {
        ACCESS_KEY
    }

    /// Returns the secret of the access key.
    pub fn secret_key(&self) -> &str {
        SECRET_KEY
    }

    /// Creates a bucket, unless it exists.
    pub fn create_bucket(&self, name: &str) -> io::Result<()> {
        self.objects.create_bucket(name).map(drop)
    }

    /// Plans a fault.
    pub fn fault(&self, fault: Fault) -> Planned {
        Planned(self.front.faults.add(fault))
    }

    /// Makes `per_mille` of 1,000 requests that no planned fault meets fail in a way that passes by itself. The same
    /// seed decides the same for the same sequence of requests.
    pub fn chaos(&self, seed: u64, per_mille: u32) {
        self.front.faults.chaos(seed, per_mille);
    }

    /// Forgets all faults. Held requests stay held.
    pub fn heal(&self) {
        self.front.faults.clear();
    }

    /// Sets the server's clock ahead of the real one, or back. It refuses requests of clients whose clock differs by
    /// more than 15 minutes, as S3 does.
    pub fn set_clock_ahead(&self, seconds: i64) {
        self.front.ahead.store(seconds, Ordering::Relaxed);
    }

    /// From now on, lets a put replace an object although it was to be created only if there was none. Some servers do
    /// so.
    pub fn ignore_conditions(&self) {
        self.objects.heedless.store(true, Ordering::Relaxed);
    }

    /// Returns all requests since the start or the last [`Self::clear`], in the order in which they came.
    pub fn requests(&self) -> Vec<Request> {
        self.front.log().requests.clone()
    }

    /// Forgets the requests so far.
    pub fn clear(&self) {
        self.front.log().clear();
    }
}

/// Actions of another client, or of the disk, that need no request.
impl Server {
    /// Puts an object.
    pub fn put(&self, bucket: &str, key: &str, body: &[u8]) -> io::Result<()> {
        let (objects, body) = (self.objects.clone(), body.to_owned());
        self.with_key(bucket, key, move |bucket, key| objects.put(bucket, key, &body))
    }

    /// Returns an object, if there is one.
    pub fn get(&self, bucket: &str, key: &str) -> io::Result<Option<Vec<u8>>> {
        let objects = self.objects.clone();
        self.with_key(bucket, key, move |bucket, key| match objects.entry(bucket, key) {
            Ok(_) => std::fs::read(objects.path(bucket, key)).map(Some),
            Err(_) => Ok(None),
        })
    }

    /// Deletes an object, if there is one.
    pub fn delete(&self, bucket: &str, key: &str) -> io::Result<()> {
        let objects = self.objects.clone();
        self.with_key(bucket, key, move |bucket, key| objects.remove(bucket, key))
    }

    /// Flips bit number `at` of an object beneath the server, as a failing disk does: its tag and checksums stay.
    pub fn flip_bit(&self, bucket: &str, key: &str, at: u64) -> io::Result<()> {
        let objects = self.objects.clone();
        self.with_key(bucket, key, move |bucket, key| {
            let path = objects.path(bucket, key);
            let mut bytes = std::fs::read(&path)?;
            let of = bytes.len();
            let byte = bytes.get_mut((at / 8) as usize);
            let outside = || io::Error::other(format!("bit {at} is outside {bucket}/{key} of {of} bytes"));
            *byte.ok_or_else(outside)? ^= 1 << (at % 8);
            std::fs::write(path, bytes)
        })
    }

    /// Returns the keys of a bucket that begin with `prefix`, in order.
    pub fn list(&self, bucket: &str, prefix: &str) -> io::Result<Vec<String>> {
        let mut keys = Vec::new();
        let listed = self.objects.scan(bucket, prefix, "", |key, _| {
            keys.push(key.to_owned());
            Step::Next
        });
        listed.map_err(|_| io::Error::new(io::ErrorKind::NotFound, format!("there is no bucket `{bucket}`")))?;
        Ok(keys)
    }

    /// Does something while no request touches the key. It may be called from within another runtime, too.
    fn with_key<T: Send + 'static>(
        &self,
        bucket: &str,
        key: &str,
        act: impl FnOnce(&str, &str) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let (objects, bucket, key) = (self.objects.clone(), bucket.to_owned(), key.to_owned());
        self.wait_for(async move {
            let _lock = objects.lock(&bucket, &key).write().await;
            act(&bucket, &key)
        })
    }

    fn wait_for<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> T {
        let (done, wait) = mpsc::sync_channel(1);
        let runtime = self.runtime.as_ref().expect("there until dropped");
        runtime.spawn(async move { done.send(work.await) });
        wait.recv().expect("the work does not panic")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // The server does not wait for requests under way, least of all for held ones.
            runtime.shutdown_background();
        }
    }
}
