//! Finds out how to reach the buckets of a lake.

use super::section::LakeSection;
use crate::buckets::{Connection, Credentials};
use smelt_common::Error;
use smelt_common::error::Result;

/// Returns how to reach buckets, from the section and the environment. `variable` looks a variable up.
pub(super) fn connection_of(section: &LakeSection, variable: &dyn Fn(&str) -> Option<String>) -> Result<Connection> {
    let LakeSection { endpoint, region, path_style, .. } = section;
    let connection = connection(endpoint.as_deref(), variable)?;
    Ok(Connection { region: region.clone(), path_style: *path_style, ..connection })
}

/// Returns the endpoint and the credentials. MinIO's variables come first. Values that are missing are later looked up
/// where AWS's own tools look.
fn connection(endpoint: Option<&str>, variable: &dyn Fn(&str) -> Option<String>) -> Result<Connection> {
    let minio = variable("MINIO_ENDPOINT");
    let secure = match variable("MINIO_SECURE").unwrap_or_default().to_ascii_lowercase().as_str() {
        "" | "false" | "0" | "no" => false,
        "true" | "1" | "yes" => true,
        other => return Err(Error::config(format!("MINIO_SECURE is `{other}`; it must be true or false"))),
    };
    let endpoint = match minio {
        Some(url) if url.contains("://") => Some(url),
        Some(host) => Some(format!("http{}://{host}", if secure { "s" } else { "" })),
        None => endpoint.map(ToOwned::to_owned),
    };
    if let Some(url) = endpoint.as_deref().filter(|url| !(url.starts_with("http://") || url.starts_with("https://"))) {
        return Err(Error::config(format!("the endpoint `{url}` must begin with http:// or https://")));
    }
    // MinIO's keys are for a server that someone named, never for AWS.
    let keys = match (endpoint.is_some(), variable("MINIO_ACCESS_KEY"), variable("MINIO_SECRET_KEY")) {
        (true, Some(access), Some(secret)) => Some(Credentials { access_key: access, secret_key: secret }),
        (true, Some(_), None) => return Err(Error::config("MINIO_ACCESS_KEY is set, but MINIO_SECRET_KEY is not")),
        (true, None, Some(_)) => return Err(Error::config("MINIO_SECRET_KEY is set, but MINIO_ACCESS_KEY is not")),
        _ => None,
    };
    Ok(Connection { endpoint, credentials: keys, ..Connection::default() })
}
