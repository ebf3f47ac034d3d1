//! Steps of loading that sections of every kind share.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use arrow_schema::Schema;
use smelt_catalog::{Fingerprint, PLAIN, Shape};
use smelt_common::Error;
use smelt_common::error::{Kind, Result};
use smelt_formats::type_text;
use smelt_runtime::Identity;
use smelt_runtime::privacy::Pseudonyms;

/// Returns everything that the plugin's results depend on besides data, without a time.
pub(super) fn fingerprint(
    identity: &Identity,
    parameters: String,
    uses_as_of: bool,
    host: String,
    pseudonyms: &Pseudonyms,
) -> Fingerprint {
    Fingerprint {
        plugin: identity.name.to_string(),
        version: identity.version.clone(),
        component: identity.sha256().to_owned(),
        contract: identity.contract.version().to_owned(),
        parameters,
        host,
        key: identity.pseudonymises.then(|| pseudonyms.key_id().unwrap_or(PLAIN).to_owned()),
        as_of: uses_as_of.then_some(0),
    }
}

/// Returns everything that results of the host depend on besides data.
pub(super) fn of_host(host: String) -> Fingerprint {
    let nothing = String::new;
    let (version, component, contract, parameters) = (nothing(), nothing(), nothing(), nothing());
    Fingerprint { plugin: "smelt".to_owned(), version, component, contract, parameters, host, key: None, as_of: None }
}

/// Returns the columns of a relation, with the indices of those of its key, as the catalog has them.
pub(super) fn shape(columns: &Schema, key: &[usize]) -> Shape {
    let columns = columns.fields().iter().map(|field| (field.name().clone(), type_text(field)));
    Shape { columns: columns.collect(), key: key.to_vec(), own_order: false }
}

/// Adds the section to an error. A plugin's error becomes an error of the configuration: no data is read yet, so only
/// another component or another manifest can avoid it.
pub(super) fn refused(error: Error, section: &str) -> Error {
    match error.kind() {
        Kind::Plugin | Kind::LimitExceeded => Error::config(error.to_string()).context(section),
        _ => error.context(section),
    }
}

/// Returns the parameters as canonical JSON, with keys in order.
pub(super) fn canonical(parameters: &Map<String, Value>) -> Result<String> {
    let sorted: BTreeMap<_, _> = parameters.iter().collect();
    serde_json::to_string(&sorted).map_err(|error| Error::internal(error.to_string()))
}
