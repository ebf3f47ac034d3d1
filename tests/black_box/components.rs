//! Components from a bucket and from a registry, and components that must be signed.

use std::io::{BufRead as _, BufReader, Cursor, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use minisign::KeyPair;
use oci_client::client::{ClientConfig, ClientProtocol, Config, ImageLayer};
use oci_client::errors::OciDistributionError;
use oci_client::manifest::{OciImageManifest, OciManifest};
use oci_client::secrets::RegistryAuth;
use oci_client::{Client, Reference, RegistryOperation};
use smelt::components::SIGNATURE_LAYER;

use crate::support::{BUCKET, Lake, root};

const PLUGINS: [&str; 8] = [
    "clean-customers",
    "clean-orders",
    "clean-clicks",
    "aov",
    "sales-by-day",
    "top-products",
    "revenue-by-channel",
    "revenue-by-country",
];

fn component(plugin: &str) -> Vec<u8> {
    std::fs::read(root().join("target/components").join(plugin).with_extension("wasm")).expect("it was built")
}

/// The lake's pipeline takes its components, but for the source, from there.
fn take_from(lake: &mut Lake, place: &str, more: &str) {
    let components = root().join("target/components");
    let own = format!("plugins = [\"{}\"]", components.display());
    // The source is not published.
    lake.change_pipeline(&[
        (&own, &format!("plugins = [\"{place}\"]\n{more}")),
        ("[source.shop]\nplugin = \"shop-source\"\nseed = 42\n", ""),
    ]);
}

fn bronze() -> Lake {
    let lake = Lake::new();
    lake.smelt(&["generate", "--seed", "4", "--start", "2025-03-01T12:00:00Z", "--ticks", "2"]);
    lake.smelt(&["run"]);
    lake
}

#[test]
fn components_come_from_a_bucket() {
    let wanted = bronze();
    let mut lake = Lake::new().on_s3();
    lake.copy_bronze(&wanted);
    for plugin in PLUGINS {
        lake.server().put(BUCKET, &format!("plugins/prod/{plugin}.wasm"), &component(plugin)).expect("it can be put");
    }
    take_from(&mut lake, &format!("s3://{BUCKET}/plugins/prod"), "");
    lake.smelt(&["plugin", "lock"]);
    lake.smelt(&["run", "--locked"]);
    assert_eq!(lake.gold(), wanted.gold());
    // Another component under the same name is not what was pinned.
    let other = std::fs::read(root().join("target/components/fixtures/next-aov.wasm")).expect("it was built");
    lake.server().put(BUCKET, "plugins/prod/aov.wasm", &other).expect("it can be put");
    let output = lake.try_smelt(&["run"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(2) && said.contains("the lock pins"), "{said}");
    lake.server().delete(BUCKET, "plugins/prod/aov.wasm").expect("it can be deleted");
    let output = lake.try_smelt(&["run"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("no plugin `aov` in s3://") && said.contains("clean-orders"), "{said}");
}

/// The registry of go-containerregistry on a loopback port.
struct Registry(Child, String);

impl Registry {
    fn start_or_skip(what: &str) -> Option<Self> {
        let version = include_str!("../s3-server/registry.version").trim();
        let program = root().join(format!("target/tools/registry-{version}"));
        if !program.is_file() {
            let why = "no registry in target/tools: `cargo xtask registry` builds it where Go is installed";
            // Not by a macro: a test that passes would keep it to itself.
            writeln!(std::io::stderr(), "skipped: {what}: {why}").expect("standard error is open");
            return None;
        }
        let mut child = Command::new(program).args(["-port", "0"]).stderr(Stdio::piped()).spawn().expect("it starts");
        let mut lines = BufReader::new(child.stderr.take().expect("it is piped")).lines();
        let said = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| line.split("serving on port ").nth(1).map(|port| format!("localhost:{}", port.trim())));
        // It goes on talking, which must not stop it.
        std::thread::spawn(move || lines.for_each(drop));
        Some(Self(child, said.expect("it says where it is")))
    }

    fn push(&self, plugin: &str, component: Vec<u8>, signature: Option<String>) {
        let Self(_, host) = self;
        let layer = |bytes: Vec<u8>, kind: &str| ImageLayer::new(bytes, kind.to_owned(), None);
        let mut layers = vec![layer(component, "application/wasm")];
        layers.extend(signature.map(|signature| layer(signature.into_bytes(), SIGNATURE_LAYER)));
        let config = Config::new(b"{}".to_vec(), "application/vnd.wasm.config.v0+json".to_owned(), None);
        let reference: Reference = format!("{host}/acme/plugins/{plugin}:prod").parse().expect("a reference");
        let client = Client::new(ClientConfig {
            protocol: ClientProtocol::HttpsExcept(vec![host.clone()]),
            ..ClientConfig::default()
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let manifest = OciImageManifest::build(&layers, &config, None);
        runtime.block_on(async {
            let auth = RegistryAuth::Anonymous;
            client.auth(&reference, &auth, RegistryOperation::Push).await.expect("anyone may push");
            for blob in layers.iter().map(|layer| &layer.data).chain([&config.data]) {
                let digest = format!("sha256:{}", smelt_common::digest::hex(blob));
                match client.push_blob(&reference, blob.clone(), &digest).await {
                    // It takes the blob, and does not say where it is.
                    Ok(_) | Err(OciDistributionError::RegistryNoLocationError) => {}
                    Err(error) => panic!("{error}"),
                }
            }
            client.push_manifest(&reference, &OciManifest::Image(manifest)).await.expect("it can be pushed");
        });
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn components_come_from_a_registry_signed_or_not() {
    let Some(registry) = Registry::start_or_skip("components from a registry") else { return };
    // The client of the tests wants one, too.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let wanted = bronze();
    let keys = KeyPair::generate_unencrypted_keypair().expect("keys");
    PLUGINS.iter().for_each(|plugin| registry.push(plugin, component(plugin), Some(sign(&keys, &component(plugin)))));
    let mut lake = Lake::new();
    lake.copy_bronze(&wanted);
    let place = format!("oci://{}/acme/plugins:prod", registry.1);
    take_from(&mut lake, &place, &trusting(&keys));
    lake.smelt(&["run"]);
    assert_eq!(lake.gold(), wanted.gold());

    registry.push("aov", component("aov"), None);
    let said = refused(&lake, &["run"]);
    assert!(said.contains("aov") && said.contains("has no signature"), "{said}");
    take_from(&mut lake, &place.replace(":prod", ":other"), "");
    let said = refused(&lake, &["run"]);
    assert!(said.contains("no plugin `aov` in oci://") || said.contains("no plugin `clean"), "{said}");
    take_from(&mut lake, &place, "");
    drop(registry);
    let output = lake.try_smelt(&["run"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("cannot read the component `oci://"), "{said}");
}

fn sign(keys: &KeyPair, bytes: &[u8]) -> String {
    let signed = minisign::sign(Some(&keys.pk), &keys.sk, Cursor::new(bytes), None, None).expect("it can be signed");
    signed.into_string()
}

fn trusting(keys: &KeyPair) -> String {
    format!("trusted_keys = [\"{}\"]", keys.pk.to_base64())
}

fn refused(lake: &Lake, arguments: &[&str]) -> String {
    let output = lake.try_smelt(arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    said
}

#[test]
fn where_keys_are_trusted_nothing_else_runs() {
    let wanted = bronze();
    let mut lake = Lake::new();
    lake.copy_bronze(&wanted);
    let (keys, others) = (KeyPair::generate_unencrypted_keypair(), KeyPair::generate_unencrypted_keypair());
    let (keys, others) = (keys.expect("keys"), others.expect("keys"));
    let directory = lake.path().with_file_name("plugins");
    std::fs::create_dir(&directory).expect("a directory can be made");
    let put = |directory: &Path, plugin: &str, bytes: &[u8], signature: Option<&str>| {
        let path = directory.join(plugin).with_extension("wasm");
        std::fs::write(&path, bytes).expect("it can be written");
        let beside = path.with_extension("wasm.minisig");
        match signature {
            Some(signature) => std::fs::write(beside, signature).expect("it can be written"),
            None => drop(std::fs::remove_file(beside)),
        }
    };
    for plugin in PLUGINS {
        put(&directory, plugin, &component(plugin), Some(&sign(&keys, &component(plugin))));
    }
    take_from(&mut lake, directory.to_str().expect("UTF-8"), &trusting(&keys));
    lake.smelt(&["run"]);
    assert_eq!(lake.gold(), wanted.gold());

    let aov = component("aov");
    put(&directory, "aov", &aov, None);
    assert!(refused(&lake, &["run"]).contains("has no signature"));
    put(&directory, "aov", &aov, Some(&sign(&others, &aov)));
    assert!(refused(&lake, &["run"]).contains("of another key or of other bytes"));
    put(&directory, "aov", &aov, Some(&sign(&keys, b"something else")));
    assert!(refused(&lake, &["run"]).contains("of another key or of other bytes"));
    put(&directory, "aov", &aov, Some("nonsense"));
    assert!(refused(&lake, &["run"]).contains("cannot be read"));
    put(&directory, "aov", &aov, Some(&sign(&keys, &aov)));

    // A promotion, too, and from then on the lake has the signature.
    let next = std::fs::read(root().join("target/components/fixtures/next-aov.wasm")).expect("it was built");
    let elsewhere = lake.path().with_file_name("elsewhere");
    std::fs::create_dir(&elsewhere).expect("a directory can be made");
    let path = elsewhere.join("aov.wasm");
    put(&elsewhere, "aov", &next, None);
    assert!(refused(&lake, &["plugin", "promote", path.to_str().expect("UTF-8")]).contains("has no signature"));
    put(&elsewhere, "aov", &next, Some(&sign(&keys, &next)));
    lake.smelt(&["plugin", "promote", path.to_str().expect("UTF-8")]);
    lake.smelt(&["run"]);
    lake.smelt(&["verify"]);
    let signatures: Vec<_> =
        lake.files("catalog/components").into_keys().filter(|name| name.ends_with(".minisig")).collect();
    assert_eq!(signatures.len(), PLUGINS.len() + 1);
    // Another key is trusted from now on, also for what the lake keeps.
    for plugin in PLUGINS {
        put(&directory, plugin, &component(plugin), Some(&sign(&others, &component(plugin))));
    }
    take_from(&mut lake, directory.to_str().expect("UTF-8"), &trusting(&others));
    assert!(refused(&lake, &["run"]).contains("of another key or of other bytes"));
    put(&elsewhere, "aov", &next, Some(&sign(&others, &next)));
    assert!(lake.smelt(&["plugin", "promote", path.to_str().expect("UTF-8")]).contains("has the new signature"));
    lake.smelt(&["run"]);
    // Whoever can write the lake cannot make it run what is not signed.
    for name in signatures {
        std::fs::remove_file(lake.path().join("catalog/components").join(name)).expect("it can be removed");
    }
    assert!(refused(&lake, &["run"]).contains("has no signature"));
}
