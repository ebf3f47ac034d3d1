//! The buckets themselves: whether they are there, and making them.

use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};

use super::S3Store;
use super::fault::Fault;
use smelt_common::error::Result;

impl S3Store {
    /// Fails if a bucket is not there or cannot be listed.
    pub fn check(&self) -> Result<()> {
        self.places
            .buckets()
            .into_iter()
            .try_for_each(|bucket| self.look_at(bucket).map_err(|fault| self.refused(bucket, &fault)))
    }

    /// Makes the buckets that are not there; says which those were.
    pub fn create_buckets(&self) -> Result<Vec<String>> {
        let mut made = Vec::new();
        for bucket in self.places.buckets() {
            match self.look_at(bucket) {
                Err(fault) if fault.is_missing_bucket() => {
                    self.create_bucket(bucket).map_err(|fault| self.wire.error("make the bucket", bucket, &fault))?;
                    made.push(bucket.to_owned());
                }
                looked => looked.map_err(|fault| self.refused(bucket, &fault))?,
            }
        }
        Ok(made)
    }

    fn refused(&self, bucket: &str, fault: &Fault) -> smelt_common::Error {
        self.wire.error("use", format_args!("s3://{bucket}"), fault)
    }

    /// Lists one object: unlike that to HEAD, the answer says what is wrong.
    fn look_at(&self, bucket: &str) -> Result<(), Fault> {
        let request = self.wire.client().list_objects_v2().bucket(bucket).max_keys(1);
        self.wire.wait(request.customize().config_override(self.wire.soon()).send())?;
        Ok(())
    }

    fn create_bucket(&self, bucket: &str) -> Result<(), Fault> {
        let place = self.wire.region().map(BucketLocationConstraint::from);
        let place = place.map(|place| CreateBucketConfiguration::builder().location_constraint(place).build());
        let request = self.wire.client().create_bucket().bucket(bucket).set_create_bucket_configuration(place);
        match self.wire.wait(request.send()).map_err(Fault::from) {
            // By another host, at the same moment.
            Err(fault) if fault.is_own_bucket() => Ok(()),
            made => made.map(drop),
        }
    }
}
