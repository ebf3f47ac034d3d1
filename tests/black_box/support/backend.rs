//! The places where a lake may lie, and how a test reaches a lake there without the command. Only this file tells one backend
//! from another.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use smelt_s3_server::{Minio, Server};
use smelt_storage::lake::LakeSection;
use smelt_storage::{Durability, Store};

/// The bucket of a lake on the S3 server in the process of the test.
pub const BUCKET: &str = "lakes";
/// The prefix under which a lake lies in its bucket.
pub const PREFIX: &str = "one of them";

/// A place for one lake.
pub enum Backend {
    /// A directory.
    Directory(PathBuf),
    /// A bucket of an S3 server in the process of the test. The lake has the server for itself, so a test can count, fail and
    /// hold its requests.
    Server(Server),
    /// A bucket of its own on a MinIO server, which other lakes may use too.
    Minio(Bucket),
}

/// A bucket on a server that the test reaches as any client does.
pub struct Bucket {
    name: String,
    access: [String; 3],
    store: Box<dyn Store>,
}

impl Backend {
    /// Starts an S3 server in this process and makes a bucket there.
    pub fn start_server() -> Self {
        let server = Server::start().expect("an S3 server starts");
        server.create_bucket(BUCKET).expect("a bucket can be made");
        Self::Server(server)
    }

    /// Makes a bucket on the MinIO server that no other lake has.
    pub fn bucket_of(minio: &Minio) -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("{BUCKET}-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let access = [minio.endpoint(), minio.access_key().to_owned(), minio.secret_key().to_owned()];
        let variables = variables(&access);
        let variable =
            |wanted: &str| variables.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value.clone());
        let lake = smelt_storage::lake::Lake::find(Some(&url(&name)), &LakeSection::default(), &variable);
        let store = lake.and_then(|lake| lake.init().and_then(|_| lake.open())).expect("a bucket can be made");
        Self::Minio(Bucket { name, access, store })
    }

    /// Returns what `--lake` takes.
    pub fn url(&self) -> OsString {
        match self {
            Self::Directory(path) => path.into(),
            Self::Server(_) => url(BUCKET).into(),
            Self::Minio(bucket) => url(&bucket.name).into(),
        }
    }

    /// Returns the environment variables with which smelt reaches the place.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        self.access().map(|access| variables(&access).into()).unwrap_or_default()
    }

    /// Returns endpoint, access key and secret key of the server, if there is one.
    pub fn access(&self) -> Option<[String; 3]> {
        match self {
            Self::Directory(_) => None,
            Self::Server(server) => {
                Some([server.endpoint(), server.access_key().to_owned(), server.secret_key().to_owned()])
            }
            Self::Minio(bucket) => Some(bucket.access.clone()),
        }
    }

    /// Returns the bucket's name, if the place is a bucket.
    pub fn bucket(&self) -> Option<&str> {
        match self {
            Self::Directory(_) => None,
            Self::Server(_) => Some(BUCKET),
            Self::Minio(bucket) => Some(&bucket.name),
        }
    }

    /// Returns the server in the process of the test.
    pub fn server(&self) -> &Server {
        match self {
            Self::Server(server) => server,
            Self::Directory(_) | Self::Minio(_) => panic!("the lake is not on an S3 server in this process"),
        }
    }

    /// Writes an object, in place of another one if there is one under that key.
    pub fn put(&self, key: &str, body: &[u8]) {
        match self {
            Self::Directory(root) => {
                let path = root.join(key);
                fs::create_dir_all(path.parent().expect("a file has a directory")).expect("a directory can be made");
                fs::write(path, body).expect("a file can be written");
            }
            Self::Server(server) => server.put(BUCKET, &of_lake(key), body).expect("an object can be put"),
            Self::Minio(Bucket { store, .. }) => {
                store.delete(key).expect("an object can be deleted");
                let is_new = store.put_if_absent(key, body, Durability::Durable).expect("an object can be put");
                assert!(is_new, "`{key}` was written by someone else meanwhile");
            }
        }
    }

    /// Removes an object.
    pub fn remove(&self, key: &str) {
        match self {
            Self::Directory(root) => fs::remove_file(root.join(key)).expect("a file can be removed"),
            Self::Server(server) => server.delete(BUCKET, &of_lake(key)).expect("an object can be deleted"),
            Self::Minio(bucket) => bucket.store.delete(key).expect("an object can be deleted"),
        }
    }

    /// Returns the objects whose keys begin with the prefix, by the rest of their keys. The prefix is empty or ends with `/`.
    pub fn objects(&self, prefix: &str) -> BTreeMap<String, Vec<u8>> {
        let mut found = BTreeMap::new();
        match self {
            Self::Directory(root) => walk(&root.join(prefix), "", &mut |name, path| {
                // smelt deletes files while a test looks.
                match fs::read(path) {
                    Err(error) if error.kind() == ErrorKind::NotFound => {}
                    body => drop(found.insert(name, body.expect("a file can be read"))),
                }
            }),
            Self::Server(server) => {
                let prefix = of_lake(prefix);
                for key in server.list(BUCKET, &prefix).expect("a bucket can be listed") {
                    if let Some(body) = server.get(BUCKET, &key).expect("an object can be read") {
                        found.insert(key[prefix.len()..].to_owned(), body);
                    }
                }
            }
            Self::Minio(Bucket { store, .. }) => {
                for object in store.list(prefix, "").expect("a bucket can be listed") {
                    let body = smelt_storage::read(&**store, &object.key).expect("an object can be read");
                    found.insert(object.key[prefix.len()..].to_owned(), body);
                }
            }
        }
        found
    }

    /// Makes everything that smelt wrote so far that much older, by the clock of the place. Bronze keeps its times, because
    /// smelt takes another time of a bronze object for another object.
    pub fn grow_older(&self, by: Duration) {
        match self {
            Self::Directory(root) => walk(root, "", &mut |name, path| {
                if !name.starts_with("bronze/") {
                    let file = File::open(path).expect("a file can be opened");
                    let written = file.metadata().and_then(|found| found.modified()).expect("a file has a time");
                    file.set_modified(written - by).expect("a file's time can be set");
                }
            }),
            Self::Server(server) => server.set_clock_ahead(by.as_secs() as i64),
            Self::Minio(_) => panic!("the clock of MinIO cannot be set"),
        }
    }
}

fn url(bucket: &str) -> String {
    format!("s3://{bucket}/{PREFIX}")
}

fn of_lake(key: &str) -> String {
    format!("{PREFIX}/{key}")
}

fn variables([endpoint, access_key, secret_key]: &[String; 3]) -> [(&'static str, String); 3] {
    [
        ("MINIO_ENDPOINT", endpoint.clone()),
        ("MINIO_ACCESS_KEY", access_key.clone()),
        ("MINIO_SECRET_KEY", secret_key.clone()),
    ]
}

/// Visits all files below a directory, with their paths in it.
fn walk(directory: &Path, prefix: &str, visit: &mut dyn FnMut(String, &Path)) {
    for entry in fs::read_dir(directory).into_iter().flatten() {
        let entry = entry.expect("a directory can be read");
        let (path, name) = (entry.path(), format!("{prefix}{}", entry.file_name().to_string_lossy()));
        match path.is_dir() {
            true => walk(&path, &format!("{name}/"), visit),
            false => visit(name, &path),
        }
    }
}
