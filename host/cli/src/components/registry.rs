//! Components in an OCI registry. Each plugin is an artifact, and its component a layer of type `application/wasm`.

use std::time::Duration;

use futures_util::TryStreamExt as _;
use oci_client::client::{ClientConfig, ClientProtocol};
use oci_client::errors::{OciDistributionError, OciErrorCode};
use oci_client::manifest::{OciDescriptor, OciImageManifest};
use oci_client::secrets::RegistryAuth;
use oci_client::{Client, Reference};
use tokio::runtime::Runtime;

use super::signature::SIGNATURE_BYTES;
use smelt_common::Error;
use smelt_common::binary::Binary;
use smelt_common::error::{Kind, Result};

/// The type of the layer with the component, which other tools for WebAssembly in registries use too.
const COMPONENT_LAYER: &str = "application/wasm";
/// The type of the layer with the signature.
pub const SIGNATURE_LAYER: &str = "application/vnd.smelt.minisig";
/// The longest time to wait for a registry to connect or to send the next bytes.
const PATIENCE: Duration = Duration::from_secs(30);

/// A path in a registry. Below it, each plugin has an artifact of its name.
pub struct Registry {
    host: String,
    path: String,
    tag: String,
    auth: RegistryAuth,
}

impl Registry {
    /// Parses `registry/path[:tag]`. If `SMELT_REGISTRY_USERNAME` and `SMELT_REGISTRY_PASSWORD` are set, they are sent.
    pub fn new(text: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<Self> {
        let wrong = || {
            Error::config(format!("`oci://{text}` is no place in a registry: oci://registry/path[:tag] would be right"))
        };
        let (host, rest) =
            text.split_once('/').filter(|(host, rest)| !host.is_empty() && !rest.is_empty()).ok_or_else(wrong)?;
        let (path, tag) = rest.split_once(':').unwrap_or((rest, "latest"));
        let auth = match (variable("SMELT_REGISTRY_USERNAME"), variable("SMELT_REGISTRY_PASSWORD")) {
            (Some(name), Some(password)) => RegistryAuth::Basic(name, password),
            _ => RegistryAuth::Anonymous,
        };
        let registry =
            Self { host: host.to_owned(), path: path.trim_end_matches('/').to_owned(), tag: tag.to_owned(), auth };
        registry.reference("x").map_err(|_| wrong())?;
        Ok(registry)
    }

    /// Returns the path as people write it.
    pub fn describe(&self) -> String {
        let Self { host, path, tag, .. } = self;
        format!("oci://{host}/{path}:{tag}")
    }

    fn reference(&self, plugin: &str) -> Result<Reference> {
        let Self { host, path, tag, .. } = self;
        let text = format!("{host}/{path}/{plugin}:{tag}");
        text.parse().map_err(|error| Error::config(format!("`oci://{text}`: {error}")))
    }

    /// Returns the plugin's component, with its signature if there is one; `None` if the registry does not have the plugin. The
    /// component may have at most `most` bytes.
    pub fn read(&self, plugin: &str, most: u64) -> Result<Option<Binary>> {
        let runtime = runtime()?;
        let reference = self.reference(plugin)?;
        let shown = format!("oci://{reference}");
        let out_of_reach = |error: &OciDistributionError| {
            Error::new(Kind::Unavailable, format!("cannot read the component `{shown}`: {error}"))
        };
        let client = self.client();
        let manifest = match runtime.block_on(client.pull_image_manifest(&reference, &self.auth)) {
            Err(error) if is_missing(&error) => return Ok(None),
            pulled => pulled.map_err(|error| out_of_reach(&error))?.0,
        };
        let layer = |kind: &str, most: u64| {
            find(&manifest, kind)
                .map(|layer| {
                    if u64::try_from(layer.size).unwrap_or(u64::MAX) > most {
                        return Err(Error::config(format!("the component `{shown}` has more than {most} bytes")));
                    }
                    runtime.block_on(pull(&client, &reference, layer, most)).map_err(|error| out_of_reach(&error))
                })
                .transpose()
        };
        let component = layer(COMPONENT_LAYER, most)?.ok_or_else(|| {
            Error::config(format!(
                "the artifact `{shown}` has no layer of type `{COMPONENT_LAYER}`, so it is no component"
            ))
        })?;
        let binary = Binary::new(&shown, component);
        Ok(Some(match layer(SIGNATURE_LAYER, SIGNATURE_BYTES)? {
            Some(signature) => binary.signed(&String::from_utf8_lossy(&signature)),
            None => binary,
        }))
    }

    fn client(&self) -> Client {
        let name = self.host.rsplit_once(':').map_or(self.host.as_str(), |(name, _)| name);
        // Like other clients, smelt speaks HTTP without TLS only to this machine.
        let protocol = match name {
            "localhost" | "127.0.0.1" | "[::1]" => ClientProtocol::HttpsExcept(vec![self.host.clone()]),
            _ => ClientProtocol::Https,
        };
        // This fails if another call has installed a provider before.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Client::new(ClientConfig {
            protocol,
            read_timeout: Some(PATIENCE),
            connect_timeout: Some(PATIENCE),
            user_agent: concat!("smelt/", env!("CARGO_PKG_VERSION")),
            ..ClientConfig::default()
        })
    }
}

fn runtime() -> Result<Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::internal(format!("cannot start tokio: {error}")))
}

fn find<'m>(manifest: &'m OciImageManifest, kind: &str) -> Option<&'m OciDescriptor> {
    manifest.layers.iter().find(|layer| layer.media_type == kind)
}

/// Downloads a layer of at most `most` bytes. oci-client compares its digest.
async fn pull(
    client: &Client,
    reference: &Reference,
    layer: &OciDescriptor,
    most: u64,
) -> Result<Vec<u8>, OciDistributionError> {
    let mut stream = client.pull_blob_stream(reference, layer).await?;
    let mut bytes = Vec::new();
    while let Some(chunk) = stream.try_next().await? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() as u64 > most {
            return Err(OciDistributionError::GenericError(Some("it sends more than it said".to_owned())));
        }
    }
    Ok(bytes)
}

fn is_missing(error: &OciDistributionError) -> bool {
    match error {
        OciDistributionError::ImageManifestNotFoundError(_) => true,
        OciDistributionError::ServerError { code, .. } => *code == 404,
        OciDistributionError::RegistryError { envelope, .. } => envelope.errors.iter().any(|error| {
            matches!(error.code, OciErrorCode::ManifestUnknown | OciErrorCode::NameUnknown | OciErrorCode::NotFound)
        }),
        _ => false,
    }
}
