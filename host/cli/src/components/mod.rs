//! The places that a pipeline's components come from: directories, buckets and registries, in the order of the manifest.

#[cfg(feature = "oci")]
mod registry;
mod signature;

use std::io::Read as _;
use std::path::{Path, PathBuf};

use self::signature::SIGNATURE_BYTES;
#[cfg(feature = "oci")]
pub use registry::{Registry, SIGNATURE_LAYER};
pub use signature::Keys;

use smelt_common::binary::Binary;
use smelt_common::error::{Kind, Result};
use smelt_common::{Error, files};
use smelt_engine::manifest::Manifest;
use smelt_storage::lake::open_bucket;
use smelt_storage::{BucketUrl, Store};

/// The end of a component's file name, after the plugin's name.
const EXTENSION: &str = ".wasm";
/// The end of a signature's file name, after the component's.
const SIGNATURE: &str = ".minisig";

/// The places that a manifest names, and the keys that it trusts.
pub struct Components {
    places: Vec<Place>,
    keys: Keys,
}

enum Place {
    Directory(PathBuf),
    Bucket {
        url: BucketUrl,
        store: Box<dyn Store>,
    },
    #[cfg(feature = "oci")]
    Registry(Registry),
}

impl Components {
    /// Returns the places and keys of the manifest. `variable` reads the environment. No place is read yet.
    pub fn of(manifest: &Manifest, variable: &dyn Fn(&str) -> Option<String>) -> Result<Self> {
        let place = |text: &String| {
            if let Some(rest) = text.strip_prefix("oci://") {
                return registry(rest, variable);
            }
            if !BucketUrl::is_meant(text) {
                return Ok(Place::Directory(manifest.directory.join(text)));
            }
            let url = BucketUrl::parse(text).map_err(|_| {
                Error::config(format!(
                    "`{text}` is no place for components; a directory, s3://bucket[/prefix] or oci://registry/path[:tag] would \
                     be right"
                ))
            })?;
            let store = open_bucket(url.clone(), &manifest.lake, variable)?;
            Ok(Place::Bucket { url, store })
        };
        let in_section = |error: Error| error.context("[pipeline] plugins");
        let places = manifest.pipeline.plugins.iter().map(place).collect::<Result<_>>().map_err(in_section)?;
        Ok(Self { places, keys: Keys::parse(&manifest.pipeline.trusted_keys)? })
    }

    /// Returns the keys that the manifest trusts.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Returns the plugin's component from the first place that has it. It may have at most `most` bytes.
    pub fn read(&self, plugin: &str, most: u64) -> Result<Binary> {
        for place in &self.places {
            if let Some(binary) = place.read(plugin, most)? {
                return Ok(binary);
            }
        }
        let known = self.names();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        let looked: Vec<_> = self.places.iter().map(Place::describe).collect();
        Err(Error::config(format!("no plugin `{plugin}` in {}; found there: {known}", looked.join(", "))))
    }

    /// Returns the plugins that the places have, sorted. A registry does not list its plugins.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = self.places.iter().flat_map(Place::names).collect();
        names.sort();
        names.dedup();
        names
    }
}

/// Returns the registry that `oci://` is followed by.
#[cfg(feature = "oci")]
fn registry(rest: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<Place> {
    Ok(Place::Registry(Registry::new(rest, variable)?))
}

/// Refuses every registry, since a build without the feature `oci` has no client.
#[cfg(not(feature = "oci"))]
fn registry(rest: &str, _: &dyn Fn(&str) -> Option<String>) -> Result<Place> {
    Err(Error::config(format!(
        "`oci://{rest}` is a registry, and this build of smelt reads none: the feature `oci` adds registries"
    )))
}

/// Returns the file of the plugin's component, if a directory has it that the manifest names before any bucket or registry.
pub fn file_of(manifest: &Manifest, plugin: &str) -> Option<PathBuf> {
    let directories = manifest.pipeline.plugins.iter().take_while(|place| !BucketUrl::is_meant(place));
    let file = |place: &String| manifest.directory.join(place).join(format!("{plugin}{EXTENSION}"));
    directories.map(file).find(|path| path.is_file())
}

/// Reads the component in a file, and the signature beside it if there is one.
pub fn read_file(path: &Path, most: u64) -> Result<Binary> {
    let binary = Binary::read(path, most)?;
    let mut beside = path.as_os_str().to_owned();
    beside.push(SIGNATURE);
    match files::read_text(Path::new(&beside), SIGNATURE_BYTES) {
        Ok(text) => Ok(binary.signed(&text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(binary),
        Err(error) => {
            Err(Error::config(format!("cannot read the signature `{}`: {error}", Path::new(&beside).display())))
        }
    }
}

impl Place {
    fn describe(&self) -> String {
        match self {
            Self::Directory(directory) => directory.display().to_string(),
            Self::Bucket { url, .. } => url.to_string(),
            #[cfg(feature = "oci")]
            Self::Registry(registry) => registry.describe(),
        }
    }

    fn read(&self, plugin: &str, most: u64) -> Result<Option<Binary>> {
        let name = format!("{plugin}{EXTENSION}");
        match self {
            Self::Directory(directory) => {
                let path = directory.join(&name);
                if path.exists() { read_file(&path, most).map(Some) } else { Ok(None) }
            }
            Self::Bucket { url, store } => {
                let object = |name: &str, most: u64| {
                    let (meta, mut bytes) = match store.open(name) {
                        Err(error) if error.kind() == Kind::Damaged => return Ok(None),
                        opened => opened?,
                    };
                    let shown = format!("{url}/{name}");
                    if meta.bytes > most {
                        return Err(Error::config(format!("the component `{shown}` has more than {most} bytes")));
                    }
                    let mut body = Vec::new();
                    bytes.read_to_end(&mut body).map_err(|error| {
                        Error::new(Kind::Unavailable, format!("cannot read the component `{shown}`: {error}"))
                    })?;
                    Ok(Some(Binary::new(&shown, body)))
                };
                let Some(binary) = object(&name, most)? else { return Ok(None) };
                Ok(Some(match object(&format!("{name}{SIGNATURE}"), SIGNATURE_BYTES)? {
                    Some(signature) => binary.signed(&String::from_utf8_lossy(signature.bytes())),
                    None => binary,
                }))
            }
            #[cfg(feature = "oci")]
            Self::Registry(registry) => registry.read(plugin, most),
        }
    }

    fn names(&self) -> Vec<String> {
        let stem = |name: &str| name.strip_suffix(EXTENSION).map(ToOwned::to_owned);
        match self {
            Self::Directory(directory) => {
                let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
                entries.filter_map(|entry| stem(entry.file_name().to_str()?)).collect()
            }
            Self::Bucket { store, .. } => {
                let listed = store.list("", "").unwrap_or_default();
                listed.iter().filter(|meta| !meta.key.contains('/')).filter_map(|meta| stem(&meta.key)).collect()
            }
            #[cfg(feature = "oci")]
            Self::Registry(_) => vec![],
        }
    }
}
