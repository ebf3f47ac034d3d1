//! Where a lake lies: a directory or buckets, as the command line, the manifest and the environment say together.

use std::path::{Path, PathBuf};

use serde::Deserialize;

#[cfg(feature = "s3")]
use crate::S3Store;
use crate::layers::LAYERS;
use crate::{BucketUrl, Connection, Credentials, DirStore, Places, Store};
use smelt_common::Error;
use smelt_common::error::Result;

/// Where a lake lies if nothing says it.
const DEFAULT: &str = "./lake";

/// `[lake]`: a place for the whole lake, or one for each layer.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LakeSection {
    /// A directory, relative to the manifest's, or `s3://bucket[/prefix]`. Default `./lake`, where the command is started.
    pub url: Option<String>,
    /// Raw objects, `s3://bucket[/prefix]` as are the following.
    pub bronze: Option<String>,
    /// Clean objects.
    pub silver: Option<String>,
    /// KPI tables.
    pub gold: Option<String>,
    /// Rejected rows.
    pub quarantine: Option<String>,
    /// What the lake holds.
    pub catalog: Option<String>,
    /// Of a server other than AWS, such as `http://localhost:9000`.
    pub endpoint: Option<String>,
    /// Default: that of AWS's own tools, or `us-east-1`.
    pub region: Option<String>,
    /// Whether a bucket is named in a URL's path instead of its host. Default: if there is an endpoint.
    pub path_style: Option<bool>,
}

/// Where a lake lies.
pub enum Lake {
    /// In a directory.
    Directory(PathBuf),
    /// In buckets.
    Buckets(Buckets),
}

/// Buckets, and how to reach them.
pub struct Buckets {
    places: Places,
    connection: Connection,
    /// Names the lake's key file.
    name: String,
}

impl Lake {
    /// The lake that `url` names, else the manifest; `variable` looks into the environment.
    pub fn find(url: Option<&str>, section: &LakeSection, variable: &dyn Fn(&str) -> Option<String>) -> Result<Self> {
        let LakeSection { url: own_url, bronze, silver, gold, quarantine, catalog, .. } = section;
        let layers = [bronze, silver, gold, quarantine, catalog];
        let apart = layers.iter().any(|layer| layer.is_some());
        if own_url.is_some() && apart {
            return Err(Error::config("[lake]: either `url`, or one URL for each layer"));
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

    /// The lake's store. Nothing is asked of it yet.
    pub fn open(&self) -> Result<Box<dyn Store>> {
        match self {
            Self::Directory(path) if path.exists() && !path.is_dir() => {
                Err(Error::config(format!("the lake `{}` is not a directory", path.display())))
            }
            Self::Directory(path) => Ok(Box::new(DirStore::new(path))),
            Self::Buckets(buckets) => buckets.open(),
        }
    }

    /// The lake must be there: a mistyped place is not an empty lake.
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

    /// Makes what is missing of it, and says where it is.
    pub fn init(&self) -> Result<String> {
        match self {
            Self::Directory(path) => {
                DirStore::new(path).create_layers(&LAYERS)?;
                Ok(std::fs::canonicalize(path).unwrap_or_else(|_| path.clone()).display().to_string())
            }
            Self::Buckets(buckets) => buckets.init(),
        }
    }

    /// The file for the key of its pseudonyms. Beside the lake, never in it: whoever reads the lake must not be able to guess
    /// the pseudonyms back.
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

#[cfg(feature = "s3")]
impl Buckets {
    fn store(&self) -> Result<S3Store> {
        S3Store::new(self.places.clone(), self.connection.clone())
    }

    fn open(&self) -> Result<Box<dyn Store>> {
        Ok(Box::new(self.store()?))
    }

    fn expect(&self) -> Result<()> {
        self.store()?.check()
    }

    fn init(&self) -> Result<String> {
        let store = self.store()?;
        store.create_buckets()?;
        Ok(store.describe())
    }
}

/// Without the feature `s3` there is no client, and every use of buckets is refused.
#[cfg(not(feature = "s3"))]
impl Buckets {
    fn lacking<T>(&self) -> Result<T> {
        let Self { places: _, connection: _, name } = self;
        Err(Error::config(format!(
            "the lake `{name}` is in buckets, and this build of smelt reaches directories alone: the feature `s3` adds buckets"
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

/// The same however the path is spelt.
fn beside(lake: &Path) -> Result<PathBuf> {
    let unusable = |error: std::io::Error| Error::config(format!("the lake `{}`: {error}", lake.display()));
    let lake = std::fs::canonicalize(lake).or_else(|_| std::path::absolute(lake)).map_err(unusable)?;
    let Some(name) = lake.file_name() else { return Err(Error::config("the lake cannot be the root directory")) };
    let mut name = name.to_owned();
    name.push(".key");
    Ok(lake.with_file_name(name))
}

/// `bucket` or `bucket-some-prefix`
fn key_name(BucketUrl { bucket, prefix }: &BucketUrl) -> String {
    let prefix = prefix.trim_end_matches('/').replace('/', "-");
    if prefix.is_empty() { bucket.clone() } else { format!("{bucket}-{prefix}") }
}

/// How buckets are reached, as the section and the environment say.
pub fn connection_of(section: &LakeSection, variable: &dyn Fn(&str) -> Option<String>) -> Result<Connection> {
    let LakeSection { endpoint, region, path_style, .. } = section;
    let connection = connection(endpoint.as_deref(), variable)?;
    Ok(Connection { region: region.clone(), path_style: *path_style, ..connection })
}

/// How to reach the buckets: MinIO's variables where there are some, else what AWS's own tools would use.
fn connection(endpoint: Option<&str>, variable: &dyn Fn(&str) -> Option<String>) -> Result<Connection> {
    let minio = variable("MINIO_ENDPOINT");
    let secure = match variable("MINIO_SECURE").unwrap_or_default().to_ascii_lowercase().as_str() {
        "" | "false" | "0" | "no" => false,
        "true" | "1" | "yes" => true,
        other => return Err(Error::config(format!("MINIO_SECURE is `{other}`: it must be true or false"))),
    };
    let endpoint = match minio {
        Some(url) if url.contains("://") => Some(url),
        Some(host) => Some(format!("http{}://{host}", if secure { "s" } else { "" })),
        None => endpoint.map(ToOwned::to_owned),
    };
    if let Some(url) = endpoint.as_deref().filter(|url| !(url.starts_with("http://") || url.starts_with("https://"))) {
        return Err(Error::config(format!("the endpoint `{url}` must begin with http:// or https://")));
    }
    // They are for a server that was named, never for AWS.
    let keys = match (endpoint.is_some(), variable("MINIO_ACCESS_KEY"), variable("MINIO_SECRET_KEY")) {
        (true, Some(access), Some(secret)) => Some(Credentials { access_key: access, secret_key: secret }),
        (true, Some(_), None) => return Err(Error::config("MINIO_ACCESS_KEY is set, but MINIO_SECRET_KEY is not")),
        (true, None, Some(_)) => return Err(Error::config("MINIO_SECRET_KEY is set, but MINIO_ACCESS_KEY is not")),
        _ => None,
    };
    Ok(Connection { endpoint, credentials: keys, ..Connection::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(toml: &str) -> LakeSection {
        toml::from_str(toml).expect("a section")
    }

    fn find(url: Option<&str>, toml: &str, variables: &[(&str, &str)]) -> Result<Lake> {
        let variable =
            |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        Lake::find(url, &section(toml), &variable)
    }

    fn buckets(url: Option<&str>, toml: &str, variables: &[(&str, &str)]) -> Buckets {
        match find(url, toml, variables).expect("a lake") {
            Lake::Buckets(buckets) => buckets,
            Lake::Directory(path) => panic!("{}", path.display()),
        }
    }

    fn refused(url: Option<&str>, toml: &str, variables: &[(&str, &str)]) -> String {
        find(url, toml, variables).map(drop).expect_err("not a lake").to_string()
    }

    fn directory(url: Option<&str>, toml: &str) -> PathBuf {
        match find(url, toml, &[]).expect("a lake") {
            Lake::Directory(path) => path,
            Lake::Buckets(_) => panic!("buckets"),
        }
    }

    #[test]
    fn the_command_line_goes_before_the_manifest() {
        assert_eq!(directory(None, ""), Path::new("./lake"));
        assert_eq!(directory(None, "url = '/data'"), Path::new("/data"));
        assert_eq!(directory(Some("here"), "url = 's3://lake'"), Path::new("here"));
        let lake = buckets(Some("s3://other/x"), "url = 's3://lake'\nregion = 'eu-west-1'\npath_style = false", &[]);
        assert_eq!(lake.name, "other-x");
        assert_eq!((lake.connection.region.as_deref(), lake.connection.path_style), (Some("eu-west-1"), Some(false)));
    }

    #[test]
    fn layers_may_have_buckets_of_their_own() {
        let all = "bronze = 's3://raw'\nsilver = 's3://clean'\ngold = 's3://kpis'\nquarantine = 's3://clean-rest'\n";
        assert_eq!(buckets(None, &format!("{all}catalog = 's3://cat/a/b'"), &[]).name, "cat-a-b");
        assert!(refused(None, all, &[]).contains("`catalog`"));
        assert!(refused(None, &format!("{all}catalog = 'catalog'"), &[]).contains("[lake] catalog: `catalog`"));
        assert!(refused(None, &format!("{all}url = 's3://lake'"), &[]).contains("either"));
    }

    #[test]
    fn minio_is_found_by_its_variables() {
        let keys = [("MINIO_ACCESS_KEY", "who"), ("MINIO_SECRET_KEY", "hush")];
        let with = |more: &[(&'static str, &'static str)]| [&keys[..], more].concat();
        let of = |toml, variables: &[_]| buckets(Some("s3://lake"), toml, variables).connection;
        let endpoint = |toml, variables: &[_]| of(toml, variables).endpoint.expect("an endpoint");
        assert_eq!(endpoint("", &with(&[("MINIO_ENDPOINT", "minio:9000")])), "http://minio:9000");
        let secure = with(&[("MINIO_ENDPOINT", "minio:9000"), ("MINIO_SECURE", "True")]);
        assert_eq!(endpoint("", &secure), "https://minio:9000");
        assert_eq!(endpoint("endpoint = 'http://a'", &with(&[("MINIO_ENDPOINT", "https://b")])), "https://b");
        assert_eq!(of("endpoint = 'http://a'", &keys).credentials.expect("keys").access_key, "who");
        assert!(of("", &keys).credentials.is_none(), "MinIO's keys are not for AWS");
        assert!(!format!("{:?}", of("endpoint = 'http://a'", &keys)).contains("hush"));
        assert!(refused(Some("s3://lake"), "endpoint = 'a:9000'", &[]).contains("http://"));
        assert!(refused(Some("s3://lake"), "", &[("MINIO_SECURE", "maybe")]).contains("maybe"));
        let half = [("MINIO_ENDPOINT", "a"), keys[0]];
        assert!(refused(Some("s3://lake"), "", &half).contains("MINIO_SECRET_KEY"));
    }

    #[test]
    fn the_key_of_buckets_lies_among_the_user_s_settings() {
        let lake = |url| Lake::Buckets(buckets(Some(url), "", &[]));
        let home = |name: &str| (name == "HOME").then(|| "/home/me".to_owned());
        let key = lake("s3://lake/team/a").key_file(&home).expect("a place");
        assert_eq!(key, Path::new("/home/me/.config/smelt/lake-team-a.key"));
        let config = |name: &str| (name == "XDG_CONFIG_HOME").then(|| "/etc/me".to_owned());
        assert_eq!(lake("s3://lake").key_file(&config).expect("a place"), Path::new("/etc/me/smelt/lake.key"));
        assert!(lake("s3://lake").key_file(&|_| None).is_err());
    }
}
