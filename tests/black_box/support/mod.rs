//! A lake in a temporary directory, and the `smelt` command on it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use smelt_formats::Formulas;
use smelt_s3_server::{Minio, Server};
use tempfile::TempDir;

pub mod audit;
pub mod backend;
pub mod embedded;
pub mod ended;
pub mod process;
pub mod random_rows;
pub mod reference;
pub mod rows;
pub mod tables;
pub mod ticks;

pub use backend::{BUCKET, Backend, PREFIX};

/// The repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("host/cli is in the repository")
}

/// A lake of its own, gone with the value.
pub struct Lake {
    directory: TempDir,
    pipeline: PathBuf,
    backend: Backend,
}

/// Makes an empty lake of a test that runs on every backend.
pub type NewLake<'a> = dyn Fn() -> Lake + 'a;

/// Writes a component into the directory that has other bytes than the plugin's and does the same.
pub fn twin(directory: &Path, plugin: &str) -> String {
    let path = directory.join(plugin).with_extension("wasm");
    let own = std::fs::read(root().join("target/components").join(format!("{plugin}.wasm"))).expect("it was built");
    // A custom section without content, called `x`.
    std::fs::write(&path, [&own[..], &[0, 2, 1, b'x']].concat()).expect("it can be written");
    path.to_str().expect("a UTF-8 path").to_owned()
}

impl Lake {
    /// An empty lake for the e-commerce pipeline.
    pub fn new() -> Self {
        Self::with_pipeline(root().join("pipelines/ecommerce"))
    }

    /// An empty lake for that pipeline.
    pub fn with_pipeline(pipeline: impl Into<PathBuf>) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("lake");
        std::fs::create_dir(&path).expect("a lake can be made");
        let mut lake = Self { directory, pipeline: pipeline.into(), backend: Backend::Directory(path) };
        if tables::output().is_some() {
            let text = std::fs::read_to_string(lake.pipeline.join("smelt.toml")).expect("the pipeline has a manifest");
            let components = root().join("target/components");
            lake.set_manifest(&text.replace("../../target/components", components.to_str().expect("UTF-8")));
        }
        lake
    }

    /// Moves the lake, still empty, to a bucket of an S3 server of its own.
    pub fn on_s3(self) -> Self {
        Self { backend: Backend::start_server(), ..self }
    }

    /// Moves the lake, still empty, to a bucket of a MinIO server.
    pub fn on_minio(self, minio: &Minio) -> Self {
        Self { backend: Backend::bucket_of(minio), ..self }
    }

    /// Returns where the lake lies.
    pub fn backend(&self) -> &Backend {
        &self.backend
    }

    /// Returns endpoint, access key and secret key of the server that it lies on.
    pub fn access(&self) -> [String; 3] {
        self.backend.access().expect("the lake is in a bucket")
    }

    /// Returns the server in the process of the test that it lies on.
    pub fn server(&self) -> &Server {
        self.backend.server()
    }

    /// The lake's directory; beside it there is room for other files.
    pub fn path(&self) -> PathBuf {
        self.directory.path().join("lake")
    }

    /// `smelt <arguments>` on this lake, ready to be spawned: the command that was built with the tests, or that of the variable
    /// `SMELT_COMMAND`. Compiled components are shared by all tests.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let built = || env!("CARGO_BIN_EXE_smelt").into();
        let mut command = Command::new(std::env::var_os("SMELT_COMMAND").unwrap_or_else(built));
        command
            .args(arguments)
            .arg("--lake")
            .arg(self.backend.url())
            .arg("--pipeline")
            .arg(&self.pipeline)
            .env("SMELT_CACHE_DIR", root().join("target/components/cache"))
            .env("XDG_CONFIG_HOME", self.directory.path().join("config"))
            .env_remove("SMELT_PII_KEY")
            .envs(self.backend.variables());
        command
    }

    /// Runs `smelt <arguments>`, whatever comes of it.
    pub fn try_smelt(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("smelt starts")
    }

    /// Runs `smelt <arguments>`, which must succeed; returns standard output.
    pub fn smelt(&self, arguments: &[&str]) -> String {
        let output = self.try_smelt(arguments);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "smelt {arguments:?} failed: {stderr}");
        String::from_utf8(output.stdout).expect("smelt writes UTF-8")
    }

    /// Runs `smelt <arguments> --json`, which must succeed.
    pub fn json(&self, arguments: &[&str]) -> serde_json::Value {
        let text = self.smelt(&[arguments, &["--json"]].concat());
        serde_json::from_str(&text).expect("--json writes JSON")
    }

    /// Puts a raw file into bronze.
    pub fn bronze(&self, name: &str, body: impl AsRef<[u8]>) {
        self.put(&format!("bronze/{name}"), body);
    }

    /// Writes an object behind smelt's back.
    pub fn put(&self, key: &str, body: impl AsRef<[u8]>) {
        self.backend.put(key, body.as_ref());
    }

    /// Removes an object behind smelt's back.
    pub fn remove(&self, key: &str) {
        self.backend.remove(key);
    }

    /// Returns all files below a layer, by their path in it.
    pub fn files(&self, layer: &str) -> BTreeMap<String, Vec<u8>> {
        let prefix = if layer.is_empty() { String::new() } else { format!("{layer}/") };
        self.backend.objects(&prefix)
    }

    /// The newest table of each KPI, as CSV whatever its format.
    pub fn gold(&self) -> BTreeMap<String, String> {
        let mut newest = BTreeMap::new();
        for (path, body) in self.files("gold") {
            let (kpi, _) = path.split_once('/').expect("gold has a directory for each KPI");
            // Paths come in order, so the last one is the newest.
            newest.insert(kpi.to_owned(), (path, body));
        }
        let text = |(kpi, (path, body)): (_, (String, _))| (kpi, tables::as_csv(&path, body, Formulas::Escape));
        newest.into_iter().map(text).collect()
    }

    /// The lines of a dataset's silver objects as CSV, without their headers, sorted: what
    /// `SELECT * FROM 'silver/<dataset>/*.csv'` gives.
    pub fn silver(&self, dataset: &str) -> Vec<String> {
        let mut lines = Vec::new();
        for (name, body) in self.files(&format!("silver/{dataset}")) {
            let body = tables::as_csv(&name, body, Formulas::Keep);
            lines.extend(body.lines().skip(1).map(str::to_owned));
        }
        lines.sort();
        lines
    }

    /// Copies another lake's bronze.
    pub fn copy_bronze(&self, from: &Lake) {
        from.files("bronze").into_iter().for_each(|(name, body)| self.bronze(&name, body));
    }

    /// From now on works with a copy of the pipeline in which each of the texts is replaced by the other.
    pub fn change_pipeline(&mut self, changes: &[(&str, &str)]) {
        let mut manifest = std::fs::read_to_string(root().join("pipelines/ecommerce/smelt.toml"))
            .expect("the pipeline has a manifest");
        let components = root().join("target/components");
        let components = ("../../target/components", components.to_str().expect("the repository has a UTF-8 path"));
        for (from, to) in [components].iter().chain(changes) {
            assert!(manifest.contains(from), "the manifest lacks `{from}`");
            manifest = manifest.replace(from, to);
        }
        self.set_manifest(&manifest);
    }
}
