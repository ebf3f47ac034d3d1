//! Finds out whether buckets are there, and makes them.

use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};

use super::fault::Fault;
use super::wire::Wire;
use crate::buckets::Places;
use smelt_common::Error;
use smelt_common::error::Result;

/// Fails if a bucket is not there or cannot be listed.
pub(super) fn expect(wire: &Wire, places: &Places) -> Result<()> {
    places
        .buckets()
        .into_iter()
        .try_for_each(|bucket| look_at(wire, bucket).map_err(|fault| refused(wire, bucket, &fault)))
}

/// Makes the buckets that are not there. Returns their names.
pub(super) fn create(wire: &Wire, places: &Places) -> Result<Vec<String>> {
    let mut made = Vec::new();
    for bucket in places.buckets() {
        match look_at(wire, bucket) {
            Err(fault) if fault.is_missing_bucket() => {
                create_bucket(wire, bucket).map_err(|fault| wire.error("make the bucket", bucket, &fault))?;
                made.push(bucket.to_owned());
            }
            looked => looked.map_err(|fault| refused(wire, bucket, &fault))?,
        }
    }
    Ok(made)
}

fn refused(wire: &Wire, bucket: &str, fault: &Fault) -> Error {
    wire.error("use", format_args!("s3://{bucket}"), fault)
}

/// Lists one object. Unlike the answer to HEAD, the answer to this says what is wrong.
fn look_at(wire: &Wire, bucket: &str) -> Result<(), Fault> {
    let request = wire.client().list_objects_v2().bucket(bucket).max_keys(1);
    wire.wait(request.customize().config_override(wire.soon()).send())?;
    Ok(())
}

fn create_bucket(wire: &Wire, bucket: &str) -> Result<(), Fault> {
    let region = wire.region().map(BucketLocationConstraint::from);
    let region = region.map(|region| CreateBucketConfiguration::builder().location_constraint(region).build());
    let request = wire.client().create_bucket().bucket(bucket).set_create_bucket_configuration(region);
    match wire.wait(request.send()).map_err(Fault::from) {
        // Another host has made it at the same moment.
        Err(fault) if fault.is_own_bucket() => Ok(()),
        made => made.map(drop),
    }
}
