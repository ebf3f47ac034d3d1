//! Buckets: how to reach them, and under which name in which bucket an object lies. Needs no client.

mod connection;
mod places;
mod url;

pub use connection::{Connection, Credentials};
pub use places::Places;
#[cfg(feature = "s3")]
pub(crate) use places::{Listing, Object};
pub use url::BucketUrl;
