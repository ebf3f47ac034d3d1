//! Tests of finding a lake, from every source of that knowledge.

use std::path::{Path, PathBuf};

use super::place::Buckets;
use super::*;
use smelt_common::error::Result;

fn section(toml: &str) -> LakeSection {
    toml::from_str(toml).expect("a section")
}

fn find(url: Option<&str>, toml: &str, variables: &[(&str, &str)]) -> Result<Lake> {
    let variable = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
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

/// Without the feature there is no client, but a lake in buckets is found all the same.
#[cfg(not(feature = "s3"))]
#[test]
fn a_build_without_s3_refuses_buckets_in_a_sentence() {
    let lake = Lake::Buckets(buckets(Some("s3://lake/team"), "", &[]));
    let refusals = [lake.open().map(drop), lake.expect(), lake.init().map(drop)];
    for refusal in refusals {
        let text = refusal.expect_err("there is no client").to_string();
        assert!(text.contains("s3://lake/team") && text.contains("the feature `s3`"), "{text}");
    }
}
