//! An S3 server on the loopback interface: a real MinIO if there is one, and otherwise the server of the tests.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::process::{cargo, output, run, tool};
use crate::{paths, servers};

const ACCESS_KEY: &str = "bench";
const SECRET_KEY: &str = "bench-secret";

/// A server that stops, and loses its data, when it is dropped.
pub(super) struct Server {
    /// The name for people.
    pub(super) name: String,
    process: Child,
    /// The environment variables that tell smelt where the server is.
    variables: BTreeMap<String, String>,
    data: PathBuf,
}

/// The number of attempts to create a lake while the server does not answer yet. Each attempt waits for some seconds
/// itself.
const ATTEMPTS: u32 = 10;

impl Server {
    /// Starts a server that keeps its data and its log below `dir`. It may not answer at once.
    pub(super) fn start(dir: &Path) -> Result<Self> {
        let data = dir.join("data");
        if data.exists() {
            fs::remove_dir_all(&data)?;
        }
        fs::create_dir_all(&data)?;
        let log = File::create(dir.join("server.log"))?;
        match servers::MINIO.found() {
            Some(program) => Self::minio(&program, data, log),
            None => Self::of_the_tests(data, log),
        }
    }

    fn minio(program: &Path, data: PathBuf, log: File) -> Result<Self> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let address = format!("127.0.0.1:{port}");
        let mut command = tool(program);
        command.args(["server", "--quiet", "--address", &address]).arg(&data).env("HOME", &data);
        command.env("MINIO_ROOT_USER", ACCESS_KEY).env("MINIO_ROOT_PASSWORD", SECRET_KEY);
        command.envs([("MINIO_BROWSER", "off"), ("MINIO_UPDATE", "off")]).stdout(log.try_clone()?);
        let variables = [("ENDPOINT", address.as_str()), ("ACCESS_KEY", ACCESS_KEY), ("SECRET_KEY", SECRET_KEY)];
        let variables = variables.map(|(name, value)| (format!("MINIO_{name}"), value.to_owned())).into();
        Ok(Self { name: "MinIO".to_owned(), process: spawn(&mut command, log)?, variables, data })
    }

    fn of_the_tests(data: PathBuf, log: File) -> Result<Self> {
        let mut build = cargo();
        build.args(["build", "--release", "-p", "smelt-s3-server", "--target-dir"]).arg(paths::target());
        run("building an S3 server, as there is no MinIO", &mut build)?;
        let mut command =
            tool(paths::smelt().with_file_name(format!("smelt-s3-server{}", std::env::consts::EXE_SUFFIX)));
        let mut process = spawn(command.arg("--dir").arg(&data).stdout(Stdio::piped()), log)?;
        let mut variables = BTreeMap::new();
        for line in BufReader::new(process.stdout.take().context("standard output is piped")?).lines().take(3) {
            let line = line?;
            let (name, value) = line
                .split_once('=')
                .with_context(|| format!("the S3 server printed `{line}` instead of `NAME=value`"))?;
            variables.insert(name.to_owned(), value.to_owned());
        }
        if variables.len() < 3 {
            bail!("the S3 server does not start; see {}", paths::shown(&data.with_file_name("server.log")));
        }
        Ok(Self { name: "s3s".to_owned(), process, variables, data })
    }

    /// Tells the command where the server is.
    pub(super) fn reach<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        command.envs(&self.variables).env("XDG_CONFIG_HOME", self.settings())
    }

    /// Runs `smelt init` as soon as the server answers.
    pub(super) fn init(&self, smelt: impl Fn() -> Command) -> Result<()> {
        let init = || output(smelt().arg("init"));
        let mut done = init();
        for _ in 1..ATTEMPTS {
            if done.is_ok() {
                break;
            }
            done = init();
        }
        done?;
        // `init` has made a key for pseudonyms. A directory that `init` did not make has none, so this lake must have
        // none either.
        fs::remove_dir_all(self.settings())?;
        Ok(())
    }

    /// Returns the seconds of processor time that the server has taken, if the system tells.
    pub(super) fn cpu(&self) -> Option<f64> {
        // The unit is a hundredth of a second on every Linux. The fields are counted from behind the name, which may
        // hold anything.
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.process.id())).ok()?;
        let fields: Vec<_> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let ticks = |at: usize| fields.get(at)?.parse::<f64>().ok();
        Some((ticks(11)? + ticks(12)?) / 100.0)
    }

    fn settings(&self) -> PathBuf {
        self.data.with_file_name("settings")
    }
}

fn spawn(command: &mut Command, log: File) -> Result<Child> {
    let spawned = command.stdin(Stdio::null()).stderr(log).spawn();
    spawned.with_context(|| format!("can't run `{}`", command.get_program().display()))
}

impl Drop for Server {
    fn drop(&mut self) {
        // Errors do not matter any more.
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.data);
    }
}
