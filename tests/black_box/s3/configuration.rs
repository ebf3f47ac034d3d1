//! A lake in buckets: the same results as in a directory, and what is wrong with the way there said at once.

use std::collections::BTreeMap;
use std::process::Command;

use smelt_s3_server::Server;

use crate::support::Lake;
use crate::support::ended::Ended;

/// `smelt` on a lake in buckets; its manifest and settings lie beside a directory lake.
struct Buckets {
    server: Server,
    beside: Lake,
}

impl Buckets {
    fn new() -> Self {
        let mut beside = Lake::new();
        beside.change_pipeline(&[]);
        Self { server: Server::start().expect("a server"), beside }
    }

    /// Runs `smelt <arguments>` with these variables besides those that name the server.
    fn end(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Ended {
        let mut command = Command::new(env!("CARGO_BIN_EXE_smelt"));
        let template = self.beside.command(&[]);
        command.args(arguments).arg("--pipeline").arg(self.beside.beside("smelt.toml"));
        for (name, value) in template.get_envs() {
            value.map(|value| command.env(name, value));
        }
        command
            .env_remove("SMELT_PII_KEY")
            .env_remove("AWS_PROFILE")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("HOME", self.beside.beside("home"))
            .env("XDG_CONFIG_HOME", self.beside.beside("settings"))
            .env("MINIO_ENDPOINT", self.server.endpoint())
            .env("MINIO_ACCESS_KEY", self.server.access_key())
            .env("MINIO_SECRET_KEY", self.server.secret_key())
            .envs(variables.iter().copied());
        Ended::from(command.output().expect("smelt starts"))
    }

    fn done(&self, arguments: &[&str], variables: &[(&str, &str)]) -> String {
        let Ended { code, stdout, stderr } = self.end(arguments, variables);
        assert_eq!(code, Some(0), "smelt {arguments:?}: {stdout}{stderr}");
        for text in [&stdout, &stderr] {
            assert!(!text.contains(self.server.secret_key()), "smelt {arguments:?} tells the secret: {text}");
        }
        // At -vv the SDK would tell every header.
        assert!(!stderr.to_lowercase().contains("authorization"), "{stderr}");
        stdout
    }

    /// Returns the objects below a prefix of a bucket, by the rest of their keys.
    fn held(&self, bucket: &str, prefix: &str) -> BTreeMap<String, Vec<u8>> {
        let keys = self.server.list(bucket, prefix).expect("a listing");
        let body = |key: &str| self.server.get(bucket, key).expect("a read").expect("it is there");
        keys.iter().map(|key| (key[prefix.len()..].to_owned(), body(key))).collect()
    }
}

/// The newest table of each KPI.
fn newest(gold: &BTreeMap<String, Vec<u8>>) -> BTreeMap<&str, &[u8]> {
    gold.iter().map(|(key, body)| (key.split('/').next().unwrap_or_default(), body.as_slice())).collect()
}

#[test]
fn buckets_come_to_what_a_directory_comes_to() {
    let lake = Lake::new();
    lake.smelt(&["generate", "--ticks", "3", "--seed", "5", "--start", "2025-03-01T00:00:00Z"]);
    lake.smelt(&["run"]);
    let expected = lake.files("gold");

    let buckets = Buckets::new();
    let layers = "[lake]\nbronze = 's3://raw'\nsilver = 's3://clean/a'\ngold = 's3://kpis'\nquarantine = 's3://rejected'\n\
                  catalog = 's3://catalog'\n";
    let manifest = buckets.beside.beside("smelt.toml");
    let whole = std::fs::read_to_string(&manifest).expect("a manifest");
    for (layers, url, bronze, gold) in [
        ("", "s3://lake/team/a", ("lake", "team/a/bronze/"), ("lake", "team/a/gold/")),
        (layers, "", ("raw", ""), ("kpis", "")),
    ] {
        std::fs::write(&manifest, format!("{layers}\n{whole}")).expect("a manifest");
        let url = [("SMELT_LAKE", url)];
        assert!(buckets.done(&["init"], &url).contains("s3://"));
        for (name, body) in lake.files("bronze") {
            buckets.server.put(bronze.0, &format!("{}{name}", bronze.1), &body).expect("a put");
        }
        buckets.done(&["plan", "-vv"], &url);
        let said = buckets.done(&["run", "-vv"], &url);
        assert!(said.contains(&format!("s3://{}/{}", gold.0, gold.1).trim_end_matches('/').to_owned()), "{said}");
        let held = buckets.held(gold.0, gold.1);
        assert_eq!(newest(&held), newest(&expected), "{layers}");
        assert!(buckets.done(&["run", "--json"], &url).contains("\"cleaned\": 0"));
        buckets.done(&["verify"], &url);
        assert!(buckets.done(&["gc", "--grace", "0s"], &url).contains("nothing to delete"));
    }
    assert!(buckets.beside.beside("settings/smelt/lake-team-a.key").exists());
    assert!(buckets.beside.beside("settings/smelt/catalog.key").exists());
}

#[test]
fn a_way_that_leads_nowhere_is_said_at_once() {
    let buckets = Buckets::new();
    buckets.server.create_bucket("lake").expect("a bucket");
    // A free port might be taken by another test meanwhile; this one is for root alone.
    let closed = "http://127.0.0.1:1";
    let none = [("MINIO_ACCESS_KEY", ""), ("MINIO_SECRET_KEY", ""), ("AWS_ACCESS_KEY_ID", "")];
    for (lake, variables, code, said) in [
        ("s3://laek", &[][..], 2, "cannot use `s3://laek`"),
        ("s3://lake", &[("MINIO_SECRET_KEY", "hush-hush")], 2, "the secret key does not belong to the access key"),
        ("s3://lake", &[("MINIO_ACCESS_KEY", "nobody")], 2, "the server does not know the access key"),
        ("s3://lake", &[("MINIO_ENDPOINT", closed)], 1, "cannot be reached"),
        ("s3://lake", &none, 2, "there are no credentials"),
        ("s4://lake", &[], 2, "`s4://lake` is no place for a lake"),
    ] {
        buckets.server.clear();
        let Ended { code: ended, stderr, .. } = buckets.end(&["history", "--lake", lake], variables);
        assert!(stderr.contains(said) && stderr.lines().count() == 1, "{lake} {variables:?}: {stderr}");
        assert!(!stderr.contains("hush-hush") && !stderr.contains(buckets.server.secret_key()), "{stderr}");
        assert_eq!(ended, Some(code), "{stderr}");
        let tries = buckets.server.requests().len();
        assert!(tries <= 3, "{tries} requests until it is said: {stderr}");
    }
}
