//! A real MinIO server, if there is one on PATH or one that `cargo xtask minio` built.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// The version that `cargo xtask minio` builds.
const VERSION: &str = include_str!("../minio.version");

/// A MinIO server on a loopback port with a directory of its own. It stops when dropped.
#[derive(Debug)]
pub struct Minio {
    server: Child,
    port: u16,
    directory: TempDir,
}

impl Minio {
    /// Returns the path of MinIO; the error says why there is none.
    pub fn find() -> Result<PathBuf, String> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let on_path = std::env::split_paths(&path).map(|dir| dir.join("minio"));
        let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools");
        let built = tools.join(format!("minio-{}", VERSION.trim()));
        on_path.chain([built]).find(|path| path.is_file()).ok_or_else(|| {
            "there is no `minio` on PATH or in target/tools; `cargo xtask minio` builds it where Go is installed"
                .to_owned()
        })
    }

    /// Starts MinIO. If there is none, says on standard error why the test `what` is skipped. If there is one that does
    /// not start, returns an error.
    pub fn start_or_skip(what: &str) -> io::Result<Option<Self>> {
        match Self::find() {
            Ok(program) => Self::start(&program).map(Some),
            Err(reason) => {
                // `eprintln!` would not do, because the test harness hides its output in a test that passes.
                writeln!(io::stderr(), "skipped: {what}: {reason}")?;
                Ok(None)
            }
        }
    }

    /// Starts this program and waits until it answers.
    pub fn start(program: &Path) -> io::Result<Self> {
        // Another process may take the free port before MinIO does. MinIO ends then, and another port may do.
        let mut attempt = Self::attempt(program);
        for _ in 0..4 {
            if attempt.is_ok() {
                break;
            }
            attempt = Self::attempt(program);
        }
        attempt
    }

    fn attempt(program: &Path) -> io::Result<Self> {
        let directory = tempfile::Builder::new().prefix("smelt-minio-").tempdir()?;
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let log = directory.path().join("log");
        let server = Command::new(program)
            .args(["server", "--quiet", "--address", &format!("127.0.0.1:{port}")])
            .arg(directory.path().join("data"))
            // MinIO gets neither the user's settings nor their certificates.
            .env_clear()
            .env("HOME", directory.path())
            .env("MINIO_ROOT_USER", crate::request::ACCESS_KEY)
            .env("MINIO_ROOT_PASSWORD", crate::request::SECRET_KEY)
            .envs([("MINIO_BROWSER", "off"), ("MINIO_UPDATE", "off")])
            .stdin(Stdio::null())
            .stdout(File::create(&log)?)
            .stderr(File::options().append(true).open(&log)?)
            .spawn()?;
        let mut minio = Self { server, port, directory };
        minio.wait_until_ready()?;
        Ok(minio)
    }

    fn wait_until_ready(&mut self) -> io::Result<()> {
        const LIMIT: Duration = Duration::from_secs(60);
        let end = Instant::now() + LIMIT;
        // Nobody sends: the time-out of the channel is the pause between two attempts.
        let (_keep, pause) = mpsc::channel::<()>();
        while !self.is_ready() {
            let ended = self.server.try_wait()?;
            if ended.is_some() || Instant::now() > end {
                let log = std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default();
                return Err(io::Error::other(format!(
                    "MinIO is not ready after {LIMIT:?} or ended ({ended:?}): {log}"
                )));
            }
            let _ = pause.recv_timeout(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Returns whether MinIO is ready. For some moments after it says so it answers 503 nevertheless; once it answers
    /// 403 to unsigned requests, it is ready.
    fn is_ready(&self) -> bool {
        let status = |path: &str| -> io::Result<[u8; 12]> {
            let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
            stream.set_read_timeout(Some(Duration::from_secs(1)))?;
            write!(stream, "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
            let mut status = [0; 12];
            stream.read_exact(&mut status)?;
            Ok(status)
        };
        let is = |path, wanted: &[u8]| status(path).is_ok_and(|status| status == wanted);
        is("/minio/health/ready", b"HTTP/1.1 200") && is("/", b"HTTP/1.1 403")
    }

    /// Returns the endpoint, such as `http://127.0.0.1:41234`.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Returns the user's name, which is the access key.
    pub fn access_key(&self) -> &str {
        crate::request::ACCESS_KEY
    }

    /// Returns the secret of the access key.
    pub fn secret_key(&self) -> &str {
        crate::request::SECRET_KEY
    }

    /// Returns the directory in which MinIO keeps its objects, in its own format.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }
}

impl Drop for Minio {
    fn drop(&mut self) {
        // It has ended already, or ends now. Nothing of it is kept.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
