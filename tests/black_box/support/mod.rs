//! A lake in a temporary directory, and the `smelt` command on it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use smelt_s3_server::{Minio, Server};
use tempfile::TempDir;

pub mod audit;
pub mod embedded;
pub mod ended;
pub mod process;
pub mod random_rows;
pub mod reference;
pub mod rows;
pub mod ticks;

/// Where a lake on S3 lies.
pub const BUCKET: &str = "lakes";
/// And under which prefix.
pub const PREFIX: &str = "one of them";

/// The repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("host/cli is in the repository")
}

/// A lake of its own, gone with the value.
pub struct Lake {
    directory: TempDir,
    pipeline: PathBuf,
    /// Where it lies, unless in the directory.
    server: Option<Arc<Server>>,
    /// Or the way to where it lies.
    elsewhere: Option<[String; 3]>,
}

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
        let lake = Self { directory, pipeline: pipeline.into(), server: None, elsewhere: None };
        std::fs::create_dir(lake.path()).expect("a lake can be made");
        lake
    }

    /// The same lake in a bucket of an S3 server of its own.
    pub fn on_s3(self) -> Self {
        let server = Server::start().expect("an S3 server starts");
        server.create_bucket(BUCKET).expect("a bucket can be made");
        Self { server: Some(server.into()), ..self }
    }

    /// The same lake in a bucket of a MinIO server.
    pub fn on_minio(self, minio: &Minio) -> Self {
        let access = [minio.endpoint(), minio.access_key().to_owned(), minio.secret_key().to_owned()];
        let lake = Self { elsewhere: Some(access), ..self };
        lake.smelt(&["init"]);
        // As all lakes here, without a key: pseudonyms are the same everywhere.
        std::fs::remove_dir_all(lake.directory.path().join("config")).expect("`init` made a key");
        lake
    }

    /// Endpoint, access key and secret key of the server that it lies on.
    pub fn access(&self) -> [String; 3] {
        let of =
            |server: &Arc<Server>| [server.endpoint(), server.access_key().to_owned(), server.secret_key().to_owned()];
        self.server.as_ref().map(of).or_else(|| self.elsewhere.clone()).expect("the lake is on S3")
    }

    /// The server that it lies on.
    pub fn server(&self) -> &Server {
        self.server.as_ref().expect("the lake is on S3")
    }

    /// What `--lake` takes.
    fn url(&self) -> std::ffi::OsString {
        match self.server.is_some() || self.elsewhere.is_some() {
            true => format!("s3://{BUCKET}/{PREFIX}").into(),
            false => self.path().into(),
        }
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
            .arg(self.url())
            .arg("--pipeline")
            .arg(&self.pipeline)
            .env("SMELT_CACHE_DIR", root().join("target/components/cache"))
            .env("XDG_CONFIG_HOME", self.directory.path().join("config"))
            .env_remove("SMELT_PII_KEY");
        if self.server.is_some() || self.elsewhere.is_some() {
            let [endpoint, access_key, secret_key] = self.access();
            command.env("MINIO_ENDPOINT", endpoint);
            command.env("MINIO_ACCESS_KEY", access_key).env("MINIO_SECRET_KEY", secret_key);
        }
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
        if let Some(server) = &self.server {
            let put = server.put(BUCKET, &format!("{PREFIX}/bronze/{name}"), body.as_ref());
            return put.expect("bronze can be written");
        }
        let path = self.path().join("bronze").join(name);
        std::fs::create_dir_all(path.parent().expect("a file has a directory")).expect("bronze can be made");
        std::fs::write(path, body).expect("bronze can be written");
    }

    /// Removes an object behind smelt's back.
    pub fn remove(&self, key: &str) {
        match &self.server {
            Some(server) => server.delete(BUCKET, &format!("{PREFIX}/{key}")).expect("it can be removed"),
            None => std::fs::remove_file(self.path().join(key)).expect("it can be removed"),
        }
    }

    /// All files below a layer, by their path in it.
    pub fn files(&self, layer: &str) -> BTreeMap<String, Vec<u8>> {
        fn walk(directory: &Path, prefix: &str, found: &mut BTreeMap<String, Vec<u8>>) {
            for entry in std::fs::read_dir(directory).into_iter().flatten() {
                let entry = entry.expect("a directory can be read");
                let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
                if entry.path().is_dir() {
                    walk(&entry.path(), &format!("{name}/"), found);
                } else {
                    found.insert(name, std::fs::read(entry.path()).expect("a file can be read"));
                }
            }
        }
        let mut found = BTreeMap::new();
        if let Some(server) = &self.server {
            let layer = if layer.is_empty() { format!("{PREFIX}/") } else { format!("{PREFIX}/{layer}/") };
            for key in server.list(BUCKET, &layer).expect("the bucket can be listed") {
                // What is deleted meanwhile was never there.
                if let Some(body) = server.get(BUCKET, &key).expect("an object can be read") {
                    found.insert(key[layer.len()..].to_owned(), body);
                }
            }
            return found;
        }
        walk(&self.path().join(layer), "", &mut found);
        found
    }

    /// The newest table of each KPI, as text.
    pub fn gold(&self) -> BTreeMap<String, String> {
        let mut newest = BTreeMap::new();
        for (path, body) in self.files("gold") {
            let (kpi, _) = path.split_once('/').expect("gold has a directory for each KPI");
            // Paths come in order, so the last one is the newest.
            newest.insert(kpi.to_owned(), String::from_utf8(body).expect("gold is text"));
        }
        newest
    }

    /// The lines of a dataset's silver objects without their headers, sorted: what `SELECT * FROM 'silver/<dataset>/*.csv'`
    /// gives.
    pub fn silver(&self, dataset: &str) -> Vec<String> {
        let mut lines = Vec::new();
        for (name, body) in self.files(&format!("silver/{dataset}")) {
            assert!(name.ends_with(".csv"), "`{name}` is among the silver objects");
            let body = String::from_utf8(body).expect("silver is text");
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
        self.pipeline = self.directory.path().join("smelt.toml");
        std::fs::write(&self.pipeline, manifest).expect("a manifest can be written");
    }
}
