//! The place of a lake: a directory or buckets.

use std::path::{Path, PathBuf};

use super::connection::connection_of;
use super::section::LakeSection;
use crate::buckets::{BucketUrl, Connection, Places};
use crate::dir::DirStore;
use crate::layers::LAYERS;
#[cfg(feature = "s3")]
use crate::s3::S3Store;
use crate::store::Store;
use smelt_common::Error;
use smelt_common::error::Result;

/// The directory of a lake if nothing says where it lies.
const DEFAULT: &str = "./lake";

/// The place of a lake.
pub enum Lake {
    /// A directory of this machine.
    Directory(PathBuf),
    /// Buckets of a server.
    Buckets(Buckets),
}

/// The buckets of a lake, and how to reach them.
pub struct Buckets {
    places: Places,
    pub(super) connection: Connection,
    /// The name of the lake's key file, without its extension.
    pub(super) name: String,
}

impl Lake {
    /// Returns the lake at `url`, or else the one of the manifest's section. `variable` looks up an environment
    /// variable.
    ///
    /// # Errors
    /// The URLs are malformed, incomplete or overlap, or the environment contradicts itself.
    pub fn find(url: Option<&str>, section: &LakeSection, variable: &dyn Fn(&str) -> Option<String>) -> Result<Self> {
        let LakeSection { url: own_url, bronze, silver, gold, quarantine, catalog, .. } = section;
        let layers = [bronze, silver, gold, quarantine, catalog];
        let apart = layers.iter().any(|layer| layer.is_some());
        if own_url.is_some() && apart {
            return Err(Error::config(
                "[lake] has `url` and URLs of layers: expected either `url` or one URL for each layer",
            ));
        }
        let (places, name) = match url.or(own_url.as_deref()) {
            None if apart => {
                let urls = LAYERS.iter().zip(layers).map(|(layer, url)| {
                    let name = layer.trim_end_matches('/');
                    let url = url
                        .as_deref()
                        .ok_or_else(|| Error::config(format!("[lake]: no `{name}`: each layer needs a URL")))?;
                    Ok((*layer, BucketUrl::parse(url).map_err(|error| error.context(format!("[lake] {name}")))?))
                });
                let urls = urls.collect::<Result<Vec<_>>>()?;
                let name = urls.last().map(|(_, url)| key_name(url)).unwrap_or_default();
                (Places::apart(urls)?, name)
            }
            Some(url) if BucketUrl::is_meant(url) => {
                let url = BucketUrl::parse(url)?;
                let name = key_name(&url);
                (Places::below(url), name)
            }
            directory => return Ok(Self::Directory(directory.unwrap_or(DEFAULT).into())),
        };
        let connection = connection_of(section, variable)?;
        Ok(Self::Buckets(Buckets { places, connection, name }))
    }

    /// Opens the lake's store. Sends no request yet.
    pub fn open(&self) -> Result<Box<dyn Store>> {
        match self {
            Self::Directory(path) if path.exists() && !path.is_dir() => {
                Err(Error::config(format!("the lake `{}` is not a directory", path.display())))
            }
            Self::Directory(path) => Ok(Box::new(DirStore::new(path))),
            Self::Buckets(buckets) => buckets.open(),
        }
    }

    /// Fails if there is no lake in this place. A mistyped place is not an empty lake.
    pub fn expect(&self) -> Result<()> {
        match self {
            Self::Directory(path) if path.is_dir() => Ok(()),
            Self::Directory(path) => Err(Error::config(format!(
                "there is no lake at `{0}`: `smelt init --lake {0}` makes one, or put raw files into `{0}/bronze`",
                path.display()
            ))),
            Self::Buckets(buckets) => buckets.expect(),
        }
    }

    /// Makes the directories or buckets that are missing. Returns the place, for people.
    pub fn init(&self) -> Result<String> {
        match self {
            Self::Directory(path) => {
                DirStore::new(path).create_layers(&LAYERS)?;
                Ok(std::fs::canonicalize(path).unwrap_or_else(|_| path.clone()).display().to_string())
            }
            Self::Buckets(buckets) => buckets.init(),
        }
    }

    /// Returns the file for the key of the lake's pseudonyms. It lies beside the lake, never in it: a reader of the
    /// lake must not be able to undo the pseudonyms.
    pub fn key_file(&self, variable: &dyn Fn(&str) -> Option<String>) -> Result<PathBuf> {
        match self {
            Self::Directory(path) => beside(path),
            Self::Buckets(Buckets { name, .. }) => {
                let home = || variable("HOME").map(|home| Path::new(&home).join(".config"));
                let config = variable("XDG_CONFIG_HOME").map(PathBuf::from).or_else(home);
                let config = config.ok_or_else(|| {
                    Error::config("neither XDG_CONFIG_HOME nor HOME is set, so there is no place for the pseudonym key")
                })?;
                Ok(config.join("smelt").join(format!("{name}.key")))
            }
        }
    }
}

/// Opens the store below the URL, on the server that the section and the environment name.
///
/// # Errors
/// [`Kind::InvalidConfig`](smelt_common::error::Kind::InvalidConfig) if this build has no client for buckets.
pub fn open_bucket(
    url: BucketUrl,
    section: &LakeSection,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Box<dyn Store>> {
    let (places, name) = (Places::below(url), String::new());
    Buckets { places, connection: connection_of(section, variable)?, name }.open()
}

#[cfg(feature = "s3")]
impl Buckets {
    fn store(&self) -> Result<S3Store> {
        S3Store::new(self.places.clone(), self.connection.clone())
    }

    fn open(&self) -> Result<Box<dyn Store>> {
        Ok(Box::new(self.store()?))
    }

    fn expect(&self) -> Result<()> {
        self.store()?.expect_buckets()
    }

    fn init(&self) -> Result<String> {
        let store = self.store()?;
        store.create_buckets()?;
        Ok(store.describe())
    }
}

/// Refuses every use of buckets, since a build without the feature `s3` has no client.
#[cfg(not(feature = "s3"))]
impl Buckets {
    fn lacking<T>(&self) -> Result<T> {
        let Self { places, connection, name: _ } = self;
        Err(Error::config(format!(
            "`{}` is a bucket at {}, and this build of smelt can use directories only: the feature `s3` adds buckets",
            places.describe(),
            connection.endpoint.as_deref().unwrap_or("AWS")
        )))
    }

    fn open(&self) -> Result<Box<dyn Store>> {
        self.lacking()
    }

    fn expect(&self) -> Result<()> {
        self.lacking()
    }

    fn init(&self) -> Result<String> {
        self.lacking()
    }
}

/// Returns the key file of a lake in a directory. The result does not depend on how the path is spelt.
fn beside(lake: &Path) -> Result<PathBuf> {
    let unusable = |error: std::io::Error| Error::config(format!("the lake `{}`: {error}", lake.display()));
    let lake = std::fs::canonicalize(lake).or_else(|_| std::path::absolute(lake)).map_err(unusable)?;
    let Some(name) = lake.file_name() else { return Err(Error::config("the lake cannot be the root directory")) };
    let mut name = name.to_owned();
    name.push(".key");
    Ok(lake.with_file_name(name))
}

/// Returns the name of a key file: `bucket` or `bucket-some-prefix`.
fn key_name(BucketUrl { bucket, prefix }: &BucketUrl) -> String {
    let prefix = prefix.trim_end_matches('/').replace('/', "-");
    if prefix.is_empty() { bucket.clone() } else { format!("{bucket}-{prefix}") }
}
