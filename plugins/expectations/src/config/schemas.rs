//! The file of schemas, as the two others refer to it.

use smelt_sdk_schema::{Schema, Schemas};

use super::fields::Place;

pub(crate) const FILE: &str = "data_schemas.json";

/// Returns the schema of a dataset that a file names.
pub(crate) fn schema<'s>(schemas: &'s Schemas, name: &str, place: &Place) -> Result<&'s Schema, String> {
    schemas.get(name).ok_or_else(|| {
        let known: Vec<_> = schemas.0.iter().map(|(name, _)| name.as_str()).collect();
        place.wrong(format!("no dataset `{name}` in {FILE}; known: {}", known.join(", ")))
    })
}
